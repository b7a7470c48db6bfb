"""Weights stay within what the disk may hold, whatever the experiment's shape, and what can never fit is told."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tqdm import tqdm

from kit.core.errors import KitError
from kit.core.store import write_json
from kit.models.tiny import TinyConfig, build_model, build_tokenizer
from kit.sweep.disk import STATES, Disk, as_bytes
from kit.sweep.engine import Engine
from kit.sweep.plan import Node
from kit.train.recipes import LoraSettings
from tests.sweep.test_engine import EVAL, GENERATE, TRAIN

SIZE = 40_000
"""Bytes of a stage's weights here."""


def grid(place: Path, base: Path, rng: random.Random) -> dict[str, Node]:
    """Paths of one to three stages that share their beginnings, each model evaluated or not."""
    nodes: dict[str, Node] = {}

    def add(kind: str, key: str, needs: tuple[str, ...], model: str | None) -> None:
        config = {"generate": GENERATE, "train": TRAIN, "eval": EVAL}[kind]
        nodes[key] = Node(kind, key, place / key, config, None, model, needs, key)  # type: ignore[arg-type]

    add("generate", "world", (), None)
    below = [("", str(base))]
    for depth in range(3):
        made = []
        for above, model in below:
            for number in range(rng.randint(1, 3)):
                key = f"{above}/{number}".strip("/").replace("/", ".")
                add("train", key, ("world", above) if above else ("world",), model)
                made.append((key, str(place / key)))
                if depth == 2 or rng.random() < 0.6:
                    add("eval", f"{key} asked", ("world", key), str(place / key))
        below = rng.sample(made, min(3, len(made)))
    order = list(nodes.items())
    if rng.random() < 0.5:  # as a plan goes through counts before it goes deeper
        order.sort(key=lambda item: item[0].count("."))
    return dict(order)


def pretend(node: Node) -> None:
    """A stage that takes what a real one takes: weights, and on the way what it goes on from."""
    if (node.directory / "manifest.json").exists():
        return
    node.directory.mkdir(parents=True, exist_ok=True)
    if node.kind == "train":
        (node.directory / "states").mkdir()
        (node.directory / "states" / "state").write_bytes(bytes(STATES * SIZE))
        time.sleep(0.02)
        save_file({"x": torch.zeros(100, SIZE // 400)}, node.directory / "model.safetensors")
        time.sleep(0.02)
        shutil.rmtree(node.directory / "states")
    if node.kind == "eval":
        assert node.model
        assert next(Path(node.model).rglob("*.safetensors"), None), "what it loads is there"
        time.sleep(0.02)
    manifest = {"schema": 0, "stage": node.kind, "key": node.key, "config": {}, "inputs": {}, "commit": "", "dirty": False}
    manifest |= {"packages": {}, "hardware": {}, "started": "", "seconds": 0, "cpu_seconds": 0, "peak_memory_bytes": 0}
    outputs = {"model.safetensors": "x"} if node.kind == "train" else {}
    write_json(node.directory / "manifest.json", {**manifest, "outputs": outputs, "results": {}, "notes": []})


@pytest.fixture
def base(tmp_path: Path) -> Path:
    place = tmp_path / "base"
    place.mkdir()
    save_file({"x": torch.zeros(100, SIZE // 400)}, place / "model.safetensors")
    return place


class Watch(threading.Thread):
    """The most that a folder has held."""

    def __init__(self, place: Path) -> None:
        super().__init__(daemon=True)
        self.place, self.most, self.going = place, 0, True

    def run(self) -> None:
        while self.going:
            held = 0
            for path in self.place.rglob("*"):
                try:
                    held += path.stat().st_size if path.name in {"model.safetensors", "state"} else 0
                except OSError:
                    continue
            self.most = max(self.most, held)
            time.sleep(0.003)


def run(nodes: Mapping[str, Node], place: Path, kept: set[str], allowed: int | None) -> int:
    watch = Watch(place)
    watch.start()
    with tqdm(disable=True) as bar:
        Engine(3, (), pretend).run(nodes.values(), bar, kept, allowed)
    watch.going = False
    watch.join()
    assert all((node.directory / "manifest.json").exists() for node in nodes.values())
    return watch.most


@pytest.mark.full
@pytest.mark.parametrize("seed", [0, 1])
def test_weights_stay_within_what_is_allowed(tmp_path: Path, base: Path, seed: int) -> None:
    rng = random.Random(seed)
    nodes = grid(tmp_path / "out", base, rng)
    trained = [key for key, node in nodes.items() if node.kind == "train"]
    kept = set(rng.sample(trained, 1))
    least = Disk(1, nodes, kept).peak()
    assert (STATES + 1) * SIZE <= least < len(trained) * SIZE + (STATES + 1) * SIZE
    head = sum(8 + 200 for _ in trained)  # of the files
    assert run(nodes, tmp_path / "out", kept, least + head) <= least + head
    for key in trained:
        assert (nodes[key].directory / "model.safetensors").exists() == (key in kept)
    with pytest.raises(KitError, match=r"GB is too little: stage after stage takes .* keep_weights"):
        run(grid(tmp_path / "again", base, random.Random(seed)), tmp_path / "again", kept, least // 2)
    assert not (tmp_path / "again").exists()


def test_what_is_finished_costs_nothing_more(tmp_path: Path, base: Path) -> None:
    nodes = grid(tmp_path, base, random.Random(5))
    least = Disk(1, nodes, set()).peak()
    first = next(node for node in nodes.values() if node.kind == "train")
    pretend(first)
    again = Disk(1, nodes, set())
    assert again.size(first.key) == (first.directory / "model.safetensors").stat().st_size
    assert again.peak() <= least + 10 * 208


def test_sizes_are_known_beforehand(tmp_path: Path) -> None:
    """Of a full run and of an adapter, within a tenth."""
    from peft import LoraConfig, get_peft_model

    words = build_tokenizer(["ada was born in rome"] * 3)
    model = build_model(TinyConfig(hidden=64, layers=2, heads=2, intermediate=128), words, 0)
    model.save_pretrained(tmp_path / "base")
    whole = sum(path.stat().st_size for path in (tmp_path / "base").glob("*.safetensors"))
    adapted = get_peft_model(model, LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    adapted.save_pretrained(tmp_path / "adapter")
    small = sum(path.stat().st_size for path in (tmp_path / "adapter").glob("*.safetensors"))
    for lora, size in ((None, whole), (LoraSettings(rank=8), small)):
        config = TRAIN.model_copy(update={"lora": lora})
        node = Node("train", "x", tmp_path / "x", config, None, str(tmp_path / "base"), (), "x")
        assert Disk(1, {"x": node}, ()).size("x") == pytest.approx(size, rel=0.1)


@pytest.mark.parametrize(("text", "size"), [("200GB", 200e9), ("1.5 TB", 1.5e12), ("7m", 7e6), ("123", 123), ("80Gb", 80e9)])
def test_sizes_are_read(text: str, size: float) -> None:
    assert as_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GB", "0", "ten", "-3GB", "3XB", "3 GB free", "1e9"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(KitError, match="is no size: give one like 200GB"):
        as_bytes(text)
