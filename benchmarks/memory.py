"""What a plan tells of memory beside what a run then takes: Llamas of several sizes with the tokenizer of a checkpoint, trained
whole and by an adapter.

    python -m benchmarks.memory --model CHECKPOINT --data DATA [--sizes 110 240] [--micro-batch 8]

DATA is made by kit generate, and has novel documents; nothing is taken from CHECKPOINT but how it writes. Measured is the peak
of a process's resident memory above what it was after imports (`VmHWM`), on a CPU in fp32, over three steps of 8 rows.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from functools import partial
from pathlib import Path

from kit.core.processes import Child, ended, preload
from kit.train.ranks import PRELOADED
from kit.train.recipes import LoraSettings, TrainConfig

SHAPES = {16: (256, 4), 57: (512, 10), 110: (640, 16), 240: (832, 24), 500: (1088, 32)}
"""Width and layers, by millions of parameters where the vocabulary is of some fifty thousand."""


def made(parameters: int, tokenizer: str, place: Path) -> Path:
    """A Llama of about so many million parameters, drawn at random."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    own = AutoTokenizer.from_pretrained(tokenizer)
    hidden, layers = SHAPES[parameters]
    config = LlamaConfig(
        vocab_size=len(own), hidden_size=hidden, intermediate_size=hidden * 8 // 3 // 64 * 64, num_hidden_layers=layers,
        num_attention_heads=hidden // 64, num_key_value_heads=hidden // 64, max_position_embeddings=2048,
        tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(place)
    own.save_pretrained(place)
    return place


def resident(name: str) -> int:
    """Bytes, as the kernel counts them."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def run(config: TrainConfig, data: str, model: str, folder: Path) -> None:
    """One run; its peak is left beside it."""
    from kit.train.run import train

    before = resident("VmRSS")
    train(config, data, model, folder / "run")
    (folder / "peak.json").write_text(json.dumps(resident("VmHWM") - before))


def told(config: TrainConfig, data: str, model: str, folder: Path) -> None:
    """What the plan of a run says."""
    from kit.train.memory import outlook

    found = outlook(config, data, model)
    (folder / "told.json").write_text(json.dumps([found.parameters, found.memory.total]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[16, 57, 110, 240], choices=[*SHAPES])
    parser.add_argument("--micro-batch", type=int, default=8)
    given = parser.parse_args()
    preload(PRELOADED)
    for size in given.sizes:
        for lora in (None, LoraSettings()):
            config = TrainConfig(
                recipe="inject", steps=3, rows={"novel": 8}, micro_batch=given.micro_batch, precision="fp32", lora=lora, threads=2
            )
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                model = str(made(size, given.model, folder / "model"))
                for work in (told, run):
                    child = Child(partial(work, config, given.data, model, folder), work.__name__)
                    ended([child])
                    if child.failed or child.fell:
                        raise SystemExit(f"{size} M: {work.__name__} {child.said or child.fell}")
                parameters, planned = json.loads((folder / "told.json").read_text())
                peak = json.loads((folder / "peak.json").read_text())
            how = f"LoRA, rank {lora.rank}" if lora else "whole"
            print(
                f"{parameters / 1e6:,.0f} M parameters, {how}: told {planned / 1e6:,.0f} MB, taken {peak / 1e6:,.0f} MB "
                f"({100 * (planned / peak - 1):+.1f} %, {(planned - peak) / 1e6:+,.0f} MB)",
                flush=True,
            )


if __name__ == "__main__":
    main()
