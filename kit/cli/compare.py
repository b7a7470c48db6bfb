"""`kit compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kit.cli.options import as_json, echo_json


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@as_json
def command(a: Path, b: Path, json_: bool) -> None:
    """Paired difference A - B of two evaluations, on the questions both were asked, slice by slice. p: two-sided; questions that
    share an entity count together."""
    import numpy as np

    from evals.run import read_records
    from evals.tasks import TASKS
    from kit.core.errors import KitError
    from kit.stats.contrasts import Cells, signed_sum
    from kit.stats.intervals import weighted

    sides: list[dict[tuple[str, str, str], list[Any]]] = [{}, {}]
    for directory, side in zip((a, b), sides, strict=True):
        for record in read_records(directory):
            if record.tags["part"] == "question":
                side.setdefault((record.tags["slice"], record.question_id, record.prompt), []).append(record)
    shared = [key for key in sides[0] if key in sides[1]]
    if not shared:
        raise KitError(f"{a} and {b} have no question in common: evaluate both on the same data and slices")
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys(slice_ for slice_, *_ in shared):
        keys = [key for key in shared if key[0] == name]
        first = sides[0][keys[0]][0]
        for metric in (m for m in TASKS[first.task].metrics if all(m in s[k][0].scores for s in sides for k in keys)):
            # Of several samples of a question the mean counts.
            x, y = ([sum(r.scores[metric] for r in s[k]) / len(s[k]) for k in keys] for s in sides)
            counts = TASKS[first.task].counts(metric, [sides[0][k][0] for k in keys])
            sides_ = np.stack([weighted(side, counts) for side in (x, y)])
            found = signed_sum([Cells(sides_, tuple(sides[0][k][0].cluster for k in keys))], (1.0, -1.0))
            told = {"slice": name, "metric": metric, "a": float(sides_[0].mean()), "b": float(sides_[1].mean())}
            told |= {"difference": found.estimate()._replace(n=sum(counts)), "p": found.p_value()}
            rows.append(told)
    if json_:
        echo_json([{**row, "difference": row["difference"]._asdict()} for row in rows])
        return
    width = max(len(row["slice"]) for row in rows)
    click.echo(f"{'slice':<{width}}  {'metric':<18}  {'A':>5}  {'B':>5}  {'A - B':<28}  p")
    for row in rows:
        a_, b_, p = f"{row['a']:>5.2f}", f"{row['b']:>5.2f}", f"{row['p']:.3g}"
        click.echo(f"{row['slice']:<{width}}  {row['metric']:<18}  {a_}  {b_}  {row['difference']!s:<28}  {p}")
