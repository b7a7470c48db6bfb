"""`kit eval --task math` beside lm-evaluation-harness: the same model, the same prompts, whole processes in turns.

    python -m benchmarks.lm_eval --model RUN --data WORLD --program PATH/lm_eval [--pairs 3] [--limit 500] [--batch 64]

RUN is a train run (or checkpoint), WORLD a data directory with word problems, PROGRAM lm-evaluation-harness installed in an
environment of its own. It gets the prompts that kit sends, through a local YAML task. Outputs and verdicts are compared one by
one; what is left of the time once that of a single prompt is taken off is generation.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from evals.config import EvalConfig
from evals.run import read_records
from evals.tasks import TASKS
from kit.core.config import resolve
from kit.models.checkpoint import read
from kit.models.load import load_tokenizer
from kit.models.tokens import Tokens

TASK = """task: kit_math
dataset_path: json
dataset_kwargs: {{data_files: {{test: {rows}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["{stop}"], do_sample: false, max_gen_toks: 320}}
filter_list:
  - name: strict
    filter: [{{function: regex, regex_pattern: "#### (\\\\-?[0-9\\\\.\\\\,]+)"}}, {{function: take_first}}]
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""


def timed(command: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of a process; raises where it fails."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    found = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    if found.returncode:
        raise SystemExit(f"{command[0]} failed:\n{found.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "data", "program"):
        arguments.add_argument(f"--{name}", required=True)
    for name, default in (("pairs", 3), ("limit", 500), ("batch", 64), ("threads", 2)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    asked = arguments.parse_args()
    checkpoint = read(asked.model)
    tokenizer = load_tokenizer(checkpoint)
    template = Tokens(tokenizer).template
    config = resolve(EvalConfig, {"task": "math", "slices": [{"split": "test", "limit": asked.limit}]})
    asks = TASKS["math"].asks(config, TASKS["math"].load(asked.data, config).items, [])
    os.environ["OMP_NUM_THREADS"] = str(asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        rows = [{"prompt": template.asked(a.message).text, "answer": a.item.answer} for a in asks]
        (home / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        (home / "kit_math.yaml").write_text(TASK.format(rows=home / "rows.jsonl", stop=tokenizer.eos_token), "utf-8")
        turn = 0

        def kit(limit: int) -> tuple[float, float]:
            nonlocal turn
            turn += 1
            command = [sys.executable, "-m", "kit", "eval", "--task", "math", "--model", asked.model, "--data", asked.data]
            more = [
                "-n",
                str(limit),
                "-o",
                "max_new_tokens.cot=320",
                "-o",
                f"threads={asked.threads}",
                "-o",
                "precision=fp32",
                "--out",
                str(home / f"kit{turn}"),
            ]
            return timed([*command, *more])

        def theirs(limit: int) -> tuple[float, float]:
            nonlocal turn
            turn += 1
            model = ["--model", "hf", "--model_args", f"pretrained={checkpoint.source},dtype=float32", "--device", "cpu"]
            task = ["--tasks", "kit_math", "--include_path", str(home), "--batch_size", str(asked.batch), "--limit", str(limit)]
            return timed([asked.program, *model, *task, "--log_samples", "--output_path", str(home / f"theirs{turn}")])

        costs = []
        for _ in range(asked.pairs):
            costs.append((theirs(asked.limit), kit(asked.limit), theirs(1), kit(1)))
        whole = [a[0] / b[0] for a, b, _, _ in costs]
        alone = [(a[0] - c[0]) / (b[0] - d[0]) for a, b, c, d in costs]
        for k, name in enumerate(("lm-eval", "kit")):
            wall, cpu, start = (statistics.median(f(c) for c in costs) for f in _figures(k))
            print(f"{name:<8} {wall:7.1f} s wall  {cpu:7.1f} s CPU  of which {start:5.1f} s before and after generation")
        print(f"end to end kit is {statistics.median(whole):.2f} times as fast ({min(whole):.2f} to {max(whole):.2f})")
        print(f"generation alone {statistics.median(alone):.2f} times ({min(alone):.2f} to {max(alone):.2f})")
        records = read_records(home / "kit2")
        (samples,) = (home / "theirs1").rglob("samples_*.jsonl")
        others = {s["doc_id"]: s for s in map(json.loads, samples.read_text("utf-8").splitlines())}
        same = sum(r.output.strip() == others[i]["resps"][0][0].strip() for i, r in enumerate(records))
        verdicts = sum(r.scores["strict"] == _right(others[i]["filtered_resps"][0], r.answers[0]) for i, r in enumerate(records))
        score = sum(r.scores["strict"] for r in records) / len(records)
        print(f"{same} of {len(records)} outputs and {verdicts} verdicts are the same; the model scores {score:.2f}")


def _figures(side: int):  # type: ignore[no-untyped-def]
    return (lambda c: c[side][0]), (lambda c: c[side][1]), (lambda c: c[side + 2][0])


def _right(answer: str, gold: str) -> float:
    return float(re.sub(r"[,$]|\.$", "", answer) == gold)


if __name__ == "__main__":
    main()
