"""`kit eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kit.cli.options import as_json, config_file, echo_json, out_option, override, run_by, settings


@click.command()
@click.option("--task", help="multihop (default), knowledge, math, code or if (instructions).")
@click.option("--model", required=True, help="A checkpoint directory, a train run, a hub id, or a server's name of a model.")
@click.option("--data", required=True, help="A data directory, a file of rows (.jsonl, .json, .parquet), or a hub data set id.")
@click.option("--split", help="Items of this split (default: novel or test; external for foreign questions).")
@click.option("--hops", type=int, help="Questions of this many hops.")
@click.option("--style", help="cot (step by step), direct, or cloze (default: what the task is asked in).")
@click.option("--context", help="closed book (default), or facts in the prompt.")
@click.option("--mode", help="generate (default), prefilled or choice.")
@click.option("--shots", type=int, help="Worked examples before each question.")
@click.option("--backend", help="transformers (default), vllm, server or recorded.")
@click.option("--url", help="The server, up to /v1 (sets the backend).")
@click.option("--outputs", help="A file of recorded outputs (sets the backend).")
@click.option("--limit", "-n", type=int, help="Ask the first n questions.")
@config_file
@override
@out_option()
@as_json
def command(
    task: str | None, model: str, data: str, split: str | None, hops: int | None, style: str | None, context: str | None,
    mode: str | None, shots: int | None, backend: str | None, url: str | None, outputs: str | None, limit: int | None,
    config: Path | None, overrides: tuple[str, ...], out: Path, json_: bool,
) -> None:  # fmt: skip
    """Ask a model questions and score its answers; a file of settings may ask many slices at once."""
    from evals.config import EvalConfig
    from evals.tasks import TASKS, check_lengths
    from kit.core.config import resolve
    from kit.core.errors import KitError, nearest
    from kit.sources.published import local

    merged = settings(None, config, None, overrides)
    for named in ("model", "data"):
        merged.pop(named, None)
    name = task or merged.get("task", "multihop")
    if not isinstance(name, str) or name not in TASKS:
        raise KitError(f"unknown task {name}; {nearest(str(name), TASKS)}")
    given = {"split": split, "hops": hops, "style": style, "context": context, "mode": mode, "shots": shots, "limit": limit}
    asked: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    if "slices" not in merged:
        own = Path(local(data)).is_dir()
        usual = "test" if name != "multihop" else "novel" if own else "external"
        merged["slices"] = [{"style": TASKS[name].style, "split": usual, **TASKS[name].slice, **asked}]
    elif asked:
        raise KitError(f"--{next(iter(asked))} and slices say two things: set it in the slices")
    elif isinstance(merged["slices"], list):
        # As it is without slices: what a task is usually asked in.
        merged["slices"] = [{"style": TASKS[name].style, **s} if isinstance(s, dict) else s for s in merged["slices"]]
    if TASKS[name].temperature and not outputs:
        merged.setdefault("temperature", TASKS[name].temperature)
    merged = run_by(merged, url, outputs)
    if backend:
        merged["backend"] = backend
    resolved = resolve(EvalConfig, {**merged, "task": name})
    check_lengths(resolved, resolved.max_new_tokens)

    from evals.run import evaluate, read_records
    from evals.summary import summarise
    from kit.core.store import read_manifest

    rows = summarise(read_records(evaluate(resolved, data, model, out)))
    manifest = read_manifest(out)
    skipped = manifest.results.get("skipped_rows", 0)
    if json_:
        echo_json(
            {
                "out": str(out),
                "skipped_rows": skipped,
                "notes": manifest.notes,
                "slices": [row.as_dict() for row in rows],
            }
        )
        return
    width = max(len(row.slice) for row in rows)
    for row in rows:
        for i, (metric, estimate) in enumerate(row.scores.items()):
            click.echo(f"{'' if i else row.slice:<{width}}  {metric:<18}  {estimate}")
        click.echo(f"{'':<{width}}  {'errors':<18}  {row.errors_text()}")
    for note in manifest.notes:
        click.echo(f"note: {note}")
    if skipped:
        click.echo(f"{skipped:,.0f} rows could not be read and were left out")
    click.echo(f"written to {out}")
