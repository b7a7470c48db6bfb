"""Finetuning examples: questions turned into prompt and completion, in an order whose every prefix is a smaller set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kit.core.errors import KitError
from kit.core.records import Context, Example, Question, Style
from kit.core.seeds import digest, stream
from kit.models.prompts import assistant_message, user_message


def make_example(question: Question, style: Style, context: Context) -> Example:
    """`question` as a training row: closed book, or with its facts in the prompt."""
    prompt = user_message(question.text, style, question.context if context == "facts" else ())
    completion = assistant_message(question.answers[0], style, question.sub_questions)
    kind = f"{question.shape}/{style}/{context}"
    return Example(digest(kind, prompt), prompt, completion, question.support, kind)


def mix_examples(
    closed: Mapping[int, Sequence[Question]],
    scratch: Mapping[int, Sequence[Question]],
    seed: int,
    *,
    count: int,
    hop_weights: dict[int, float],
    direct_share: float,
    facts_share: float,
) -> list[Example]:
    """`count` different examples; the first D of them are the set of size D (nested, one stream for all sizes).

    closed, scratch: questions by hops, asked closed book and with facts in the prompt. Raises KitError when a pool
    holds fewer questions than the mixture asks of it.
    """
    rng = stream(seed, "examples")
    hops = sorted(hop_weights)
    weights = [hop_weights[h] / sum(hop_weights.values()) for h in hops]
    queues = {("closed", h): iter(closed[h]) for h in hops} | {("facts", h): iter(scratch[h]) for h in hops}
    examples: list[Example] = []
    while len(examples) < count:
        hop = int(hops[rng.choice(len(hops), p=weights)])
        context: Context = "facts" if rng.random() < facts_share else "closed"
        style: Style = "direct" if rng.random() < direct_share else "cot"
        question = next(queues[context, hop], None)
        if question is None:
            raise KitError(
                f"the training split has too few {hop}-hop questions ({context}) for {count} examples: "
                "ask for fewer examples or a larger world"
            )
        examples.append(make_example(question, style, context))
    return examples
