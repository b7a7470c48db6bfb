"""`kit eval` beside lm-evaluation-harness on a real checkpoint and real rows: are outputs and verdicts the same, and if not, why?

    python -m benchmarks.agreement --model CHECKPOINT --task math|if --data ROWS --program PATH/lm_eval --out DIR [--limit 100]

ROWS is GSM8K's or IFEval's, CHECKPOINT has a chat template, PROGRAM is lm-evaluation-harness in an environment of its own (for
IFEval with NLTK's punkt_tab). It is given what kit asks as the user's turn, renders it with `--apply_chat_template`, and scores
by its own filters and checks. Where two outputs differ, the model is run once more on what they share, alone and in fp32: what it
gives its two likeliest tokens there says whether the difference is one of rounding.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from evals.config import EvalConfig
from evals.run import read_records
from evals.tasks import TASKS
from kit.core.config import resolve
from kit.core.records import EvalRecord
from kit.models.checkpoint import read
from kit.models.load import load, load_tokenizer
from kit.models.tokens import Tokens

HEAD = """task: kit_{task}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {rows}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{message}}}}"
generation_kwargs: {{until: [], do_sample: false, max_gen_toks: {tokens}}}
"""
GSM8K = """doc_to_target: "{{answer}}"
filter_list:
  - name: strict-match
    filter: [{function: regex, regex_pattern: "#### (\\\\-?[0-9\\\\.\\\\,]+)"}, {function: take_first}]
  - name: flexible-extract
    filter:
      - {function: regex, group_select: -1, regex_pattern: "(-?[$0-9.,]{2,})|(-?[0-9]+)"}
      - {function: take_first}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true, ignore_punctuation: false,
     regexes_to_ignore: [",", "\\\\$", "(?s).*#### ", "\\\\.$"]}
"""
IFEVAL = """doc_to_target: 0
process_results: !function ifeval.results
metric_list:
  - {metric: prompt_level_strict_acc, aggregation: mean, higher_is_better: true}
  - {metric: prompt_level_loose_acc, aggregation: mean, higher_is_better: true}
"""
RESULTS = """import json


def results(doc, results):
    from lm_eval.tasks.ifeval.utils import process_results

    found = process_results(json.loads(doc["row"]), results)
    return {name: value for name, value in found.items() if name.startswith("prompt")}
"""
METRICS = {
    "math": (("strict", "strict-match", "exact_match"), ("flexible", "flexible-extract", "exact_match")),
    "if": (("prompt_strict", "none", "prompt_level_strict_acc"), ("prompt_loose", "none", "prompt_level_loose_acc")),
}
"""By task: kit's score, and the harness' filter and metric."""


class Theirs(NamedTuple):
    """What the harness made of one row. verdicts: by filter and metric."""

    prompt: str
    output: str
    verdicts: dict[tuple[str, str], float]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "task", "data", "program", "out"):
        arguments.add_argument(f"--{name}", required=True)
    for name, default in (("limit", 100), ("batch", 16), ("tokens", 1024), ("threads", 2)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    arguments.add_argument("--device", default="cpu")
    asked = arguments.parse_args()
    out = Path(asked.out)
    out.mkdir(parents=True, exist_ok=True)
    style = TASKS[asked.task].style
    part = {"split": "test", "style": style, "limit": asked.limit}
    config = resolve(EvalConfig, {"task": asked.task, "slices": [part]})
    asks = TASKS[asked.task].asks(config, TASKS[asked.task].load(asked.data, config).items, [])
    given = [json.loads(line) for line in Path(asked.data).read_text("utf-8").split("\n") if line.strip()][: len(asks)]
    rows = [
        {"message": a.message, "answer": str(row.get("answer", "")), "row": json.dumps(row)}
        for a, row in zip(asks, given, strict=True)
    ]
    (out / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    head = HEAD.format(task=asked.task, rows=(out / "rows.jsonl").absolute(), tokens=asked.tokens)
    (out / "task.yaml").write_text(head + (GSM8K if asked.task == "math" else IFEVAL), "utf-8")
    (out / "ifeval.py").write_text(RESULTS, "utf-8")

    settings = ["-o", f"max_new_tokens.{style}={asked.tokens}", "-o", f"threads={asked.threads}", "-o", "precision=fp32"]
    command = [sys.executable, "-m", "kit", "eval", "--task", asked.task, "--model", asked.model, "--data", asked.data]
    subprocess.run([*command, "--style", style, "-n", str(asked.limit), *settings, "--out", str(out / "kit")], check=True)
    if not (out / "theirs").exists():
        model = [
            "--model",
            "hf",
            "--model_args",
            f"pretrained={read(asked.model).source},dtype=float32",
            "--device",
            asked.device,
        ]
        task = ["--tasks", f"kit_{asked.task}", "--include_path", str(out), "--batch_size", str(asked.batch)]
        more = ["--apply_chat_template", "--log_samples", "--output_path", str(out / "theirs")]
        subprocess.run([*asked.program.split(), *model, *task, *more], check=True)
    compare(asked.model, asked.task, read_records(out / "kit"), theirs(out / "theirs"), asked.device)


def theirs(folder: Path) -> list[Theirs]:
    """What the harness logged, row by row."""
    (path,) = folder.rglob("samples_*.jsonl")
    found: dict[int, Theirs] = {}
    for sample in map(json.loads, path.read_text("utf-8").splitlines()):
        told = found.setdefault(sample["doc_id"], Theirs(sample["arguments"]["gen_args_0"]["arg_0"], sample["resps"][0][0], {}))
        told.verdicts.update({(sample["filter"], name): float(sample[name]) for name in sample["metrics"]})
    return [found[i] for i in sorted(found)]


def compare(model: str, task: str, records: list[EvalRecord], others: list[Theirs], device: str) -> None:
    """Print in how many rows both agree, and what each disagreement is."""
    checkpoint = read(model)
    tokens = Tokens(load_tokenizer(checkpoint), None, checkpoint.stops)
    prompts = [tokens.template.asked(r.prompt).text for r in records]
    alike = sum(p == o.prompt for p, o in zip(prompts, others, strict=True))
    different = [i for i, (r, o) in enumerate(zip(records, others, strict=True)) if r.output != o.output]
    print(f"{alike} of {len(records)} prompts and {len(records) - len(different)} of {len(records)} outputs are the same")
    if different:
        import torch

        network: Any = load(checkpoint, torch.float32).to(device)  # type: ignore[arg-type]
        for i in different:
            print(f"  row {i}: {_parting(network, tokens, prompts[i], records[i].output, others[i].output)}")
    for score, name, metric in METRICS[task]:
        ours = sum(r.scores[score] for r in records) / len(records)
        mean = sum(o.verdicts[name, metric] for o in others) / len(others)
        print(f"{score}: kit {ours:.3f}, the harness {mean:.3f}")
        for i, (record, other) in enumerate(zip(records, others, strict=True)):
            if i not in different and record.scores[score] != other.verdicts[name, metric]:
                end = record.output[-100:].replace("\n", " ")
                why = f"gold {record.answers}, read {str(record.extracted)[-40:]!r}"
                print(f"  row {i}: kit {record.scores[score]:.0f}, {why}: …{end}")


def _parting(network: Any, tokens: Tokens, prompt: str, ours: str, other: str) -> str:
    """Where two outputs part, and the logits of the two likeliest tokens there."""
    import torch

    a, b = (tokens.encode(prompt + text) for text in (ours, other))
    place = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    with torch.inference_mode():
        logits = network(input_ids=torch.tensor([a[:place]], device=network.device)).logits[0, -1].float()
    best = logits.topk(2).values.tolist()
    return f"parts at token {place - len(tokens.encode(prompt))}, where the two likeliest are {best[0] - best[1]:.6f} apart"


if __name__ == "__main__":
    main()
