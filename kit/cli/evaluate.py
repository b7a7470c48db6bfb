"""`kit eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kit.cli.options import as_json, config_file, echo_json, out_option, override, settings


@click.command()
@click.option("--task", default="multihop", show_default=True, help="What to ask.")
@click.option("--model", required=True, help="A checkpoint directory, a train run or a hub id.")
@click.option("--data", required=True, help="A data directory, a MuSiQue .jsonl/.parquet file, or a hub data set id.")
@click.option("--split", help="Questions of this split (default: novel; external for foreign data).")
@click.option("--hops", type=int, help="Questions of this many hops.")
@click.option("--style", default="cot", show_default=True, help="cot (step by step), direct, or cloze.")
@click.option("--context", default="closed", show_default=True, help="closed book, or facts in the prompt.")
@click.option("--mode", default="generate", show_default=True, help="generate, prefilled or choice.")
@click.option("--limit", "-n", type=int, help="Ask the first n questions.")
@config_file
@override
@out_option()
@as_json
def command(
    task: str, model: str, data: str, split: str | None, hops: int | None, style: str, context: str, mode: str,
    limit: int | None, config: Path | None, overrides: tuple[str, ...], out: Path, json_: bool,
) -> None:  # fmt: skip
    """Ask a model questions and score its answers; a file of settings may ask many slices at once."""
    from evals.config import EvalConfig
    from evals.tasks import TASKS
    from kit.core.config import resolve
    from kit.core.errors import KitError, nearest

    if task not in TASKS:
        raise KitError(f"unknown task {task}; {nearest(task, TASKS)}")
    merged = settings(None, config, None, overrides)
    merged.pop("model", None)
    if "slices" not in merged:
        asked: dict[str, Any] = {"style": style, "context": context, "mode": mode, "hops": hops, "limit": limit}
        asked["split"] = split or ("novel" if Path(data).is_dir() else "external")
        merged["slices"] = [{k: v for k, v in asked.items() if v is not None}]
    resolved = resolve(EvalConfig, {**merged, "task": task})

    from evals.run import evaluate, read_records
    from evals.summary import summarise

    rows = summarise(read_records(evaluate(resolved, data, model, out)))
    if json_:
        echo_json({"out": str(out), "slices": [row.as_dict() for row in rows]})
        return
    width = max(len(row.slice) for row in rows)
    click.echo(f"{'slice':<{width}}  {'exact match':<26}  {'F1':>5}  errors")
    for row in rows:
        click.echo(f"{row.slice:<{width}}  {row.exact_match!s:<26}  {row.f1:>5.2f}  {row.errors_text()}")
    click.echo(f"written to {out}")
