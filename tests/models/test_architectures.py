"""Every architecture that transformers builds small, with ChatML: trained until it knows, asked, served, saved and loaded
again."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from kit.core.errors import KitError
from kit.models.checkpoint import read
from kit.models.load import load
from tests.models.families import CHATML, IM, QUESTIONS, Family, checkpoint_of, config_of, questions, tokenizer_of
from tests.models.served import serving
from tests.models.test_families import answered, asked, taught

pytestmark = [pytest.mark.slow, pytest.mark.full]
MOST, MOST_SECONDS = 3_000_000, 0.25
"""Parameters, and seconds of a step of 160 tokens, of what counts as small."""

SOME = sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)[:: 1 if os.environ.get("KIT_TEST_ARCHITECTURES") == "all" else 3]
"""Every third; all of them take a quarter of an hour."""

UNLEARNED = ("inkling_text",)


def small(architecture: str) -> Family:
    """A family of the architecture. Skips where transformers builds none of it by these sizes, or where it cannot be told apart
    from one that looks ahead."""
    import torch
    from transformers import AutoModelForCausalLM

    if architecture in UNLEARNED:
        pytest.skip("it learns nothing by these sizes, by whatever loop")
    family = Family(CHATML, architecture, special=IM)
    try:
        config = config_of(architecture, len(tokenizer_of(family)))
        if getattr(config, "is_decoder", True) is False:
            pytest.skip("an encoder, which is refused")
        with torch.device("meta"):
            network = AutoModelForCausalLM.from_config(config)
        if sum(p.numel() for p in network.parameters()) > MOST:
            pytest.skip("not small by these sizes")
        ids = torch.tensor([[5, 6, 7], [5, 6, 8]])
        torch.manual_seed(0)
        made = AutoModelForCausalLM.from_config(config).eval()
        logits = made(ids).logits.detach()
        began = perf_counter()
        made(torch.full((4, 40), 5)).logits.sum().backward()
        took = perf_counter() - began
    except Exception as error:  # noqa: BLE001  # a configuration that does not go with these sizes fails in any way
        pytest.skip(f"not built by these sizes: {type(error).__name__}")
    if took > MOST_SECONDS:
        pytest.skip(f"a step takes {took:.1f} seconds")
    if not torch.allclose(logits[0, :2], logits[1, :2], atol=1e-5):
        pytest.skip("it looks ahead")
    return family


@pytest.mark.parametrize("architecture", SOME)
def test_trained_asked_served_and_loaded_again(architecture: str, tmp_path: Path) -> None:
    family = small(architecture)
    checkpoint, rows = checkpoint_of(family, tmp_path / "checkpoint"), questions(tmp_path / "rows.jsonl")
    run = taught(family, checkpoint, rows, tmp_path / "run", lora=False)
    outputs = asked(rows, str(run), tmp_path / "eval")
    with serving(run / "model", "2024-07-26") as server:
        settings: dict[str, Any] = {"backend": "server", "server": {"url": server.url, "concurrency": 1}}
        assert asked(rows, "somebody", tmp_path / "served", **settings) == outputs
        assert all(server.ended)
    adapted = taught(family, run / "model", questions(tmp_path / "turned.jsonl", 3), tmp_path / "adapter", lora=True, steps=4)
    assert read(str(adapted)).adapter
    # Four steps teach little: that it is loaded, asked, and answers is what is tried.
    assert len(answered(rows, str(adapted), tmp_path / "asked")) == len(QUESTIONS)


@pytest.mark.parametrize("architecture", ["bert", "roberta", "electra"])
def test_an_encoder_is_refused(architecture: str, tmp_path: Path) -> None:
    family = Family(CHATML, architecture, special=IM)
    checkpoint = checkpoint_of(family, tmp_path / "checkpoint")
    with pytest.raises(KitError, match=f"no causal language model, but of the kind {architecture}"):
        load(read(str(checkpoint)))
