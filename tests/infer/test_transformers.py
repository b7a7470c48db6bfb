"""Greedy decoding equals transformers' own, row for row, though rows leave the batch as they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, MistralConfig, PreTrainedTokenizerBase, Qwen2Config

from kit.core.errors import KitError
from kit.infer.backend import Decoding, Output, Prompt
from kit.infer.hf import LOOK, TransformersBackend
from kit.models.tiny import build_tokenizer
from kit.models.tokens import Tokens
from kit.train.start import vocabulary_texts

NEW = 24
FAMILIES = {
    "llama, grouped queries": (LlamaConfig, {}),
    "mistral, a window shorter than the prompts": (MistralConfig, {"sliding_window": 8}),
    "qwen2": (Qwen2Config, {}),
}


@pytest.fixture(scope="module")
def tokenizer(small_dir: Path) -> PreTrainedTokenizerBase:
    return build_tokenizer(vocabulary_texts(small_dir))


def network(family: str, vocabulary: int) -> torch.nn.Module:
    kind, more = FAMILIES[family]
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    torch.manual_seed(0)
    # A wide initialisation, so that the untrained model does not repeat one token for ever.
    config = kind(vocab_size=vocabulary, num_key_value_heads=2, initializer_range=0.5, **shape, **more)
    return AutoModelForCausalLM.from_config(config).eval()


def prompts(vocabulary: int) -> list[list[int]]:
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(3, 30, (24,), generator=generator).tolist()
    return [torch.randint(10, vocabulary, (n,), generator=generator).tolist() for n in lengths]


def plain(model: torch.nn.Module, asked: list[list[int]], stops: list[int]) -> list[list[int]]:
    """One prompt at a time through `model.generate`: no batch, no padding."""
    found = []
    for prompt in asked:
        made = model.generate(  # type: ignore[operator]
            torch.tensor([prompt]), max_new_tokens=NEW, do_sample=False, eos_token_id=stops or None, pad_token_id=0
        )[0, len(prompt) :].tolist()
        found.append(made[:-1] if made[-1] in stops else made)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_equal_to_generate(family: str, tokenizer: PreTrainedTokenizerBase) -> None:
    model, asked = network(family, len(tokenizer)), prompts(len(tokenizer))
    endless = plain(model, asked, [])
    stops = [token for token, _ in Counter(t for row in endless for t in set(row)).most_common(2)]
    expected = plain(model, asked, stops)
    assert len({len(row) for row in expected}) > 3, "rows that end at different times"
    backend = TransformersBackend(model, Tokens(tokenizer), batch_tokens=512)  # type: ignore[arg-type]
    backend.stops = stops
    answers = [Output("")] * len(asked)
    sizes = []

    def keep(indices: Sequence[int], outputs: Sequence[Output]) -> None:
        sizes.append(len(indices))
        for i, output in zip(indices, outputs, strict=True):
            answers[i] = output

    backend.generate_ids(asked, Decoding(NEW), keep)
    assert [a.text for a in answers] == tokenizer.batch_decode(expected, skip_special_tokens=True)
    assert [a.finish == "length" for a in answers] == [len(row) == NEW for row in expected]
    assert len(sizes) > 1
    assert max(sizes) > 1


def test_what_does_not_fit_the_window_is_told(tokenizer: PreTrainedTokenizerBase) -> None:
    """Not run past it in silence, nor into an index that is not there: an answer ends with the window, and a longer prompt is not
    asked."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(
        GPT2Config(vocab_size=len(tokenizer), n_positions=64, n_embd=32, n_layer=1, n_head=2)
    )
    backend, told = TransformersBackend(model, Tokens(tokenizer), 64), dict[int, Output]()
    backend.stops = []
    short, long = Prompt("Who?", about="q1"), Prompt("Who? " * 40, about="q2")
    backend.generate([short, long, short], Decoding(200), lambda i, results: told.update(zip(i, results, strict=True)))
    assert [told[i].finish for i in range(3)] == ["length", "too_long", "length"]
    assert told[1].text == ""
    given = len(backend.tokens.asked(short.message))
    assert len(told[0].text.split()) <= 64 - given
    assert told[0] == told[2]
    with pytest.raises(KitError, match="q2 takes"):
        backend.log_likelihood([short, long], [" x", " y"], lambda *_: None)


def test_a_checkpoint_cannot_change_greedy_decoding(tokenizer: PreTrainedTokenizerBase) -> None:
    """A generation config may ask for sampling or a repetition penalty: neither may touch a score in silence."""
    model, asked = network("qwen2", len(tokenizer)), prompts(len(tokenizer))
    backend = TransformersBackend(model, Tokens(tokenizer))  # type: ignore[arg-type]
    found: list[list[Output]] = []
    for penalty, sample in ((1.0, False), (3.0, True)):
        model.generation_config.repetition_penalty, model.generation_config.do_sample = penalty, sample  # type: ignore[union-attr]
        answers: dict[int, Output] = {}
        backend.generate_ids(asked, Decoding(NEW), lambda i, t, answers=answers: answers.update(zip(i, t, strict=True)))
        found.append([answers[i] for i in range(len(asked))])
    assert found[0] == found[1]
    assert any(output.text for output in found[0])


def test_a_batch_that_does_not_fit_is_asked_in_halves(
    tokenizer: PreTrainedTokenizerBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, asked = network("qwen2", len(tokenizer)), prompts(len(tokenizer))
    backend = TransformersBackend(model, Tokens(tokenizer))  # type: ignore[arg-type]
    room, sizes, forward = 3, list[int](), backend.model.forward

    def narrow(*args: Any, **settings: Any) -> Any:
        sizes.append(len(settings["input_ids"]))
        if sizes[-1] > room:
            raise torch.OutOfMemoryError
        return forward(*args, **settings)

    def told() -> dict[int, Output]:
        found: dict[int, Output] = {}
        backend.generate_ids(asked, Decoding(NEW), lambda i, results: found.update(zip(i, results, strict=True)))
        return found

    expected = told()
    monkeypatch.setattr(backend.model, "forward", narrow)
    assert told() == expected
    assert max(sizes) > room
    room = 0
    with pytest.raises(KitError, match="no memory for a single prompt"):
        told()


def test_a_model_that_ends_nothing_by_itself_stops_where_it_asks_itself_on(tokenizer: PreTrainedTokenizerBase) -> None:
    model, asked = network("qwen2", len(tokenizer)), prompts(len(tokenizer))
    tokens, steps = Tokens(tokenizer), list[int]()
    backend = TransformersBackend(model, tokens)  # type: ignore[arg-type]
    backend.stops = []
    model.register_forward_hook(lambda *_: steps.append(1))  # type: ignore[no-untyped-call]

    def told() -> list[Output]:
        found: dict[int, Output] = {}
        steps.clear()
        backend.generate_ids(asked, Decoding(4 * LOOK), lambda i, results: found.update(zip(i, results, strict=True)))
        return [found[i] for i in range(len(asked))]

    endless = told()
    assert {output.finish for output in endless} == {"length"}
    whole = len(steps)
    words = Counter(word for output in endless for word in set(output.text.split()[: 2 * LOOK]))
    tokens.__dict__["goes_on"] = f" {words.most_common(1)[0][0]}"
    for before, after in zip(endless, told(), strict=True):
        own, went_on, _ = before.text.partition(tokens.goes_on)
        assert after == Output(own, "stop" if went_on else "length")
    if all(tokens.goes_on in " ".join(output.text.split()[: 2 * LOOK]) for output in endless):
        assert len(steps) < whole


def test_the_frame_of_a_base_model_is_looked_for(tokenizer: PreTrainedTokenizerBase) -> None:
    """No row goes on long behind it: at most so many tokens as lie between two looks."""
    model = network("qwen2", len(tokenizer))
    backend = TransformersBackend(model, Tokens(tokenizer))  # type: ignore[arg-type]
    backend.stops = []
    ids = backend.tokens.encode("Who")
    lengths: list[int] = []
    go_on = backend._continue

    def counted(*args: Any) -> Any:
        made = go_on(*args)
        lengths.extend(len(row) for row, _ in made)
        return made

    backend._continue = counted  # type: ignore[method-assign]
    found: list[Output] = []
    backend.generate_ids([ids], Decoding(64), lambda _, results: found.extend(results))
    word = found[0].text.split()[3]
    backend.tokens.__dict__["goes_on"] = word
    backend.generate_ids([ids], Decoding(64), lambda _, results: found.extend(results))
    assert found[1] == Output(found[0].text.partition(word)[0], "stop")
    assert lengths[0] == 64
    assert lengths[1] <= 4 + LOOK
