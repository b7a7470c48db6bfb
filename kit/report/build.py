"""Builds report.html (self-contained, pictures as SVG), report.md, report.png (the same pictures) and report.json (every
number)."""

from __future__ import annotations

from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

from kit.core.errors import KitError
from kit.core.store import atomic_path, write_json
from kit.pages import STYLE
from kit.report import figures
from kit.report.claims import Law
from kit.report.curves import curve_name, curves
from kit.report.markdown import FAMILIES, markdown
from kit.report.results import Results, load_results
from kit.report.tables import (
    arm_tables,
    claims_table,
    cost_table,
    errors_table,
    format_table,
    laws_table,
    matching_table,
    percent_table,
    replicates_table,
    top_table,
)
from kit.report.verdict import verdict
from kit.stats.goodness import Laws


def build_report(directory: Path) -> dict[str, Any]:
    """Write the four files into a finished sweep's directory; returns what report.json holds.

    Raises KitError when the sweep is unfinished or the `report` extra is not installed.
    """
    try:
        import vl_convert
    except ImportError:
        raise KitError("figures need the report extra: pip install 'knowledge-injection-kit[report]'") from None
    import jinja2

    results = load_results(directory)
    found = curves(results)
    fitted = _laws(results)
    lines = verdict(results)
    tables = [
        top_table(results),
        *arm_tables(results),
        replicates_table(results),
        matching_table(results),
        laws_table(results, fitted),
        percent_table(results, fitted),
        format_table(found),
        errors_table(found),
        claims_table(results, results.claims),
        cost_table(results),
    ]
    charts = {
        **{f"measure {name}": figures.measure(results, name) for name in results.measures},
        **{f"lasting {name}": figures.lasting(results, name) for name in results.measures},
        "top": figures.top(results),
        **{f"laws {c.name}": figures.laws(c, fitted[c.name]) for c in found if c.name in fitted},
        **{f"format {c.name}": figures.in_format(c) for c in found},
        **{f"errors {c.name}": figures.errors(c) for c in found},
    }
    drawn = {name: chart for name, chart in charts.items() if chart is not None}
    page = jinja2.Environment(autoescape=True).from_string(resources.files("kit.report").joinpath("page.html").read_text("utf-8"))
    svgs = {name: vl_convert.vegalite_to_svg(chart.to_json(validate=False)) for name, chart in drawn.items()}
    shown = [table for table in tables if table["rows"]]
    declared = sorted({str(told["date"]) for told in results.declared.values()})
    text = page.render(results=results, families=FAMILIES, lines=lines, tables=shown, svgs=svgs, declared=declared, style=STYLE)
    with atomic_path(directory / "report.html") as temporary:
        temporary.write_text(text, "utf-8")
    with atomic_path(directory / "report.md") as temporary:
        temporary.write_text(markdown(results.config["name"], lines, shown), "utf-8")
    with atomic_path(directory / "report.png") as temporary:
        temporary.write_bytes(vl_convert.vegalite_to_png(_grid(_foremost(results, drawn)).to_json(validate=False), scale=1.5))
    report = {
        "name": results.config["name"],
        "replicates": results.replicates,
        "arms": results.arms,
        "measures": results.measures,
        "verdict": [asdict(line) for line in lines],
        "tables": tables,
        "curves": [asdict(each) for each in found],
        "laws": {name: asdict(each) for name, each in fitted.items()},
        "gates": results.gates,
        "points": _points(results),
        "seconds": results.seconds,
    }
    write_json(directory / "report.json", report)
    return report


def _foremost(results: Results, drawn: dict[str, Any]) -> list[Any]:
    """For the one picture: the measures of the primary claims (of all, where none is), what lasts, and every measure by arm."""
    claims = [c for c in results.claims if c.primary] or results.claims
    names = dict.fromkeys(f"measure {measure}" for c in claims for measure in c.named_measures())
    chosen = [drawn[name] for name in names if name in drawn] or [c for name, c in drawn.items() if name.startswith("measure ")]
    lasting = [chart for name, chart in drawn.items() if name.startswith("lasting ")]
    return [*chosen, *lasting, *([drawn["top"]] if "top" in drawn else [])]


def _grid(charts: list[Any]) -> Any:
    """Two figures a row on white."""
    import altair as alt

    rows = [alt.hconcat(*charts[i : i + 2]).resolve_scale(color="independent") for i in range(0, len(charts), 2)]
    return alt.vconcat(*rows).resolve_scale(color="independent").configure(background="white")


def _laws(results: Results) -> dict[str, Laws]:
    """Every form fitted to each curve that a law is claimed of."""
    found = {}
    for claim in results.claims:
        if isinstance(claim, Law) and (laws := claim.laws(results, results.counts)):
            found[curve_name(results, claim.arm, claim.measure)] = laws
    return found


def _points(results: Results) -> list[dict[str, Any]]:
    """Every estimate and every replicate's own value: arm x count x measure."""
    points = []
    for arm in results.arms:
        for count in results.counts[arm]:
            for measure in results.measures:
                found = results.estimate(arm, count, measure)
                if found:
                    own = {
                        results.replicates[c.replicate]: float(results.values(c, measure).mean())
                        for c in results.at(arm, count, measure)
                    }
                    points.append({"arm": arm, "D": count, "measure": measure, **found._asdict(), "replicates": own})
    return points
