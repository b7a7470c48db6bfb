"""Builds report.html (self-contained, pictures as SVG), report.png (the same pictures) and report.json (every number)."""

from __future__ import annotations

from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

from kit.core.errors import KitError
from kit.core.store import atomic_path, write_json
from kit.report import figures
from kit.report.curves import curves, first_arm
from kit.report.results import MEASURES, Results, load_results
from kit.report.tables import (
    CURVE,
    FOUR,
    arms_table,
    cost_table,
    curve_table,
    difference_table,
    errors_table,
    integration_table,
    laws_table,
    matching_table,
    retention_table,
    tasks_table,
)
from kit.report.verdict import verdict


def build_report(directory: Path) -> dict[str, Any]:
    """Write the three files into a finished sweep's directory; returns what report.json holds.

    Raises KitError when the sweep is unfinished or the `report` extra is not installed.
    """
    try:
        import vl_convert
    except ImportError:
        raise KitError("figures need the report extra: pip install 'knowledge-injection-kit[report]'") from None
    import jinja2

    results = load_results(directory)
    found = curves(results)
    arm, top = first_arm(results), max(results.config["counts"])
    tables = [
        curve_table(results, arm),
        arms_table(results, top),
        integration_table(results, top),
        difference_table(results),
        tasks_table(results),
        errors_table(found),
        laws_table(found),
        retention_table(results, top),
        matching_table(results, top),
        cost_table(results),
    ]
    lines = verdict(results, found)
    charts = {
        "curve": figures.curve(results, arm, CURVE, "The known world by D (post-trained, held-out persons)"),
        "arms": figures.arms(results, "novel 2-hop", "Novel 2-hop questions by D and arm (chain of thought)"),
        "measures": figures.measures(results, top, FOUR, f"Integration, measured four ways (D = {top})"),
        "retention": figures.arms(results, "known 2-hop", "Retention: known 2-hop by D and arm"),
        "tasks": figures.tasks([c for c in found if c.measure not in MEASURES]),
        **{f"errors {i}": figures.errors(c) for i, c in enumerate(found)},
        **{f"laws {i}": figures.laws(c) for i, c in enumerate(found)},
    }
    drawn = {name: chart for name, chart in charts.items() if chart is not None}
    page = jinja2.Environment(autoescape=True).from_string(resources.files("kit.report").joinpath("page.html").read_text("utf-8"))
    svgs = {name: vl_convert.vegalite_to_svg(chart.to_json()) for name, chart in drawn.items()}
    text = page.render(results=results, lines=lines, tables=[t for t in tables if t["rows"]], svgs=svgs, top=top)
    with atomic_path(directory / "report.html") as temporary:
        temporary.write_text(text, "utf-8")
    with atomic_path(directory / "report.png") as temporary:
        temporary.write_bytes(vl_convert.vegalite_to_png(_grid(list(drawn.values())).to_json(), scale=1.5))
    report = {
        "verdict": [asdict(line) for line in lines],
        "tables": tables,
        "curves": [asdict(curve) for curve in found],
        "gates": results.gates,
        "points": _points(results),
        "seconds": results.seconds,
    }
    write_json(directory / "report.json", report)
    return report


def _grid(charts: list[Any]) -> Any:
    """Two figures a row on white."""
    import altair as alt

    rows = [alt.hconcat(*charts[i : i + 2]).resolve_scale(color="independent") for i in range(0, len(charts), 2)]
    return alt.vconcat(*rows).resolve_scale(color="independent").configure(background="white")


def _points(results: Results) -> list[dict[str, Any]]:
    """Every estimate and every seed's own value: arm x count x measure."""
    points = []
    for arm in results.arms:
        for count in results.counts(arm):
            for measure in results.measures:
                found = results.estimate(arm, count, measure)
                if found:
                    by_seed = {str(c.seed): float(c.score(measure).mean()) for c in results.at(arm, count, measure)}
                    points.append({"arm": arm, "D": count, "measure": measure, **found._asdict(), "seeds": by_seed})
    return points
