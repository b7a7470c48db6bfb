"""Packed rows are learned from as rows side by side are, or packing is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
from transformers.loss.loss_utils import ForCausalLMLoss

from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import Shown
from kit.core.store import intact_manifest, read_table
from kit.models.tokens import Row
from kit.train.batches import check_apart, packed, padded
from kit.train.memory import outlook
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.run import train
from tests.models.families import CHATML, FAMILIES, IM, Family, checkpoint_of, config_of, tokenizer_of

ROWS = [*(Row(list(range(3, 3 + n)), ((n // 2, n),)) for n in (2, 5, 9, 30)), Row(list(range(4, 12)), ((0, 8),))]
"""Of which the second half is learned, and of one, as of a document, everything."""

PACKED = ("cohere", "gemma2", "gemma3_text", "gpt2", "gpt_neox", "llama", "mistral", "olmo2", "phi3", "qwen2", "qwen3", "smollm3")
REFUSED = ("bloom", "mamba", "mpt", "rwkv")
OTHERS = ("bamba", "deepseek_v3", "falcon", "glm4", "granitemoe", "jamba", "lfm2", "mixtral", "nemotron", "olmoe", "persimmon",
          "qwen3_moe", "qwen3_next", "stablelm", "starcoder2", "zamba2")  # fmt: skip


def small(architecture: str) -> Any:
    """With weights large enough that what a token sees is seen in its logits."""
    config = config_of(architecture, len(tokenizer_of(Family(CHATML, architecture, special=IM))), sliding_window=4)
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(2)
    return network


def gradients(network: Any, batch: dict[str, torch.Tensor]) -> tuple[float, dict[str, torch.Tensor]]:
    labels = batch.pop("labels")
    network.zero_grad()
    logits = network(**batch, use_cache=False).logits
    loss = ForCausalLMLoss(logits, labels, logits.shape[-1], num_items_in_batch=torch.tensor(23))
    loss.backward()
    return float(loss), {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def assert_equal(network: Any) -> None:
    (a, one), (b, other) = gradients(network, padded(ROWS, 0)), gradients(network, packed(ROWS))
    assert b == pytest.approx(a, rel=1e-5)
    assert one.keys() == other.keys()
    most = max(float(tensor.abs().max()) for tensor in one.values())
    for name, tensor in one.items():
        assert torch.allclose(other[name], tensor, atol=1e-4 * most), name


@pytest.mark.parametrize("architecture", PACKED)
def test_gradients_are_those_of_rows_side_by_side(architecture: str) -> None:
    network = small(architecture)
    check_apart(network)
    assert_equal(network)


@pytest.mark.parametrize("architecture", REFUSED)
def test_rows_that_would_see_one_another_are_refused(architecture: str) -> None:
    with pytest.raises(KitError, match="packing: rows would see one another in"):
        check_apart(small(architecture))


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("architecture", OTHERS)
def test_what_is_not_refused_is_equal(architecture: str) -> None:
    try:
        config = config_of(architecture, 200)
        with torch.device("meta"):
            network = AutoModelForCausalLM.from_config(config)
        if sum(p.numel() for p in network.parameters()) > 3_000_000 or getattr(config, "is_decoder", True) is False:
            pytest.skip("not small by these sizes, or an encoder")
        network = small(architecture)
        gradients(network, padded(ROWS, 0))
    except Exception as error:  # noqa: BLE001  # a configuration that does not go with these sizes fails in any way
        pytest.skip(f"not built by these sizes: {type(error).__name__}")
    try:
        check_apart(network)
    except KitError:
        assert architecture not in PACKED
        return
    assert architecture not in REFUSED
    assert_equal(network)


SETTINGS: dict[str, Any] = {
    "recipe": "inject", "steps": 12, "rows": {"novel": 4, "known": 3}, "micro_batch": 4, "learning_rate": 1e-3,
    "precision": "fp32", "max_length": 400,
}  # fmt: skip


@pytest.mark.slow
def test_a_run_is_the_same_run(small_dir: Path, tmp_path: Path) -> None:
    model = checkpoint_of(FAMILIES["llama-3.2"], tmp_path / "llama")
    runs = []
    for packing in (False, True):
        config = resolve(TrainConfig, with_defaults({**SETTINGS, "packing": packing}))
        runs.append(train(config, str(small_dir), str(model), tmp_path / f"packing {packing}"))
    plain, other = runs
    assert intact_manifest(plain).key == intact_manifest(other).key
    assert read_table(plain / "shown.parquet", Shown) == read_table(other / "shown.parquet", Shown)
    losses = [[entry["loss"] for entry in json.loads((run / "history.json").read_text()) if "loss" in entry] for run in runs]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert losses[1] != losses[0], "and is none that was not packed"
    before, a, b = (load_file(next(place.glob("*.safetensors"))) for place in (model, plain / "model", other / "model"))
    moved = sum(float((a[name] - before[name]).norm() ** 2) for name in a) ** 0.5
    apart = sum(float((a[name] - b[name]).norm() ** 2) for name in a) ** 0.5
    assert apart < 0.02 * moved


def test_a_mixture_that_is_balanced_by_rows_is_refused(small_dir: Path, tmp_path: Path) -> None:
    model = checkpoint_of(FAMILIES["mixtral"], tmp_path / "mixtral", router_aux_loss_coef=0.01)
    config = resolve(TrainConfig, with_defaults({**SETTINGS, "packing": True}))
    with pytest.raises(KitError, match="weighed row by row"):
        train(config, str(small_dir), str(model), tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_the_plan_knows_that_they_are_one_row(small_dir: Path, tmp_path: Path) -> None:
    model = checkpoint_of(FAMILIES["llama-3.2"], tmp_path / "llama")
    plain, other = (
        outlook(resolve(TrainConfig, with_defaults({**SETTINGS, "packing": packing})), str(small_dir), str(model))
        for packing in (False, True)
    )
    assert plain.rows == other.rows == 4
    assert plain.width < other.width <= 4 * plain.width
    assert other.memory.activations > plain.memory.activations, "attention is of all of them at once"
