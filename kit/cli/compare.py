"""`kit compare`."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli.options import as_json, echo_json


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@as_json
def command(a: Path, b: Path, json_: bool) -> None:
    """Paired difference A - B of two evaluations, on the questions both were asked, slice by slice."""
    from evals.run import read_records
    from kit.core.errors import KitError
    from kit.stats.paired import mcnemar, paired_difference

    sides = [{(r.tags["slice"], r.question_id): r for r in read_records(d) if r.tags["part"] == "question"} for d in (a, b)]
    shared = [key for key in sides[0] if key in sides[1]]
    if not shared:
        raise KitError(f"{a} and {b} have no question in common: evaluate both on the same data and slices")
    rows = []
    for name in dict.fromkeys(slice_ for slice_, _ in shared):
        pairs = [(sides[0][k], sides[1][k]) for k in shared if k[0] == name]
        x, y = ([p[i].scores["exact_match"] for p in pairs] for i in (0, 1))
        difference = paired_difference(x, y, [p[0].cluster for p in pairs])
        rows.append({"slice": name, "a": sum(x) / len(x), "b": sum(y) / len(y), "difference": difference, "p": mcnemar(x, y)})
    if json_:
        echo_json([{**row, "difference": row["difference"]._asdict()} for row in rows])  # type: ignore[attr-defined]
        return
    width = max(len(str(row["slice"])) for row in rows)
    click.echo(f"{'slice':<{width}}  {'A':>5}  {'B':>5}  {'A - B':<28}  McNemar p")
    for row in rows:
        click.echo(f"{row['slice']:<{width}}  {row['a']:>5.2f}  {row['b']:>5.2f}  {row['difference']!s:<28}  {row['p']:.3g}")
