"""Finetuning examples: questions turned into prompt and completion, in an order whose every prefix is a smaller set."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from kit.core.errors import KitError
from kit.core.records import Context, Example, Question, Style, from_row, schema_of, to_rows
from kit.core.seeds import digest, stream
from kit.models.prompts import assistant_message, user_message


def make_example(question: Question, style: Style, context: Context) -> Example:
    """`question` as a training row: closed book, or with its facts in the prompt."""
    prompt = user_message(question.text, style, question.context if context == "facts" else ())
    completion = assistant_message(question.answers[0], style, question.sub_questions)
    kind = f"{question.shape}/{style}/{context}"
    return Example(digest(kind, prompt), prompt, completion, question.support, kind)


SWAPS = 50
"""Others tried for one that was dealt what is right."""


def without_content(examples: Sequence[Example], seed: int) -> list[Example]:
    """The same prompts in the same order, each answered as another of its kind was: what a model learns of the format, and of
    nothing else. They carry no fact. One for whom no wrong answer is found is left out."""
    by_kind: dict[str, list[int]] = {}
    for i, example in enumerate(examples):
        by_kind.setdefault(example.kind, []).append(i)
    answers: dict[int, str] = {}
    for kind, rows in by_kind.items():
        rng = stream(seed, "format", kind)
        right = [examples[i].completion for i in rows]
        dealt = [right[k] for k in rng.permutation(len(rows)).tolist()]
        for k in range(len(rows)):
            for other in rng.integers(len(rows), size=SWAPS).tolist() if dealt[k] == right[k] else ():
                if dealt[other] != right[k] and dealt[k] != right[other]:
                    dealt[k], dealt[other] = dealt[other], dealt[k]
                    break
        answers |= {i: dealt[k] for k, i in enumerate(rows) if dealt[k] != right[k]}
    return [_instead(examples[i], "format", answers[i]) for i in sorted(answers)]


def _instead(example: Example, content: str, completion: str) -> Example:
    """An example of no fact of this world."""
    kind = f"{example.kind}/{content}"
    return Example(digest(kind, example.prompt), example.prompt, completion, (), kind)


def unrelated(examples: Sequence[Example]) -> list[Example]:
    """Examples about another world."""
    return [_instead(example, "unrelated", example.completion) for example in examples]


def telling(probes: Sequence[Question], shapes: Collection[str]) -> list[Example]:
    """Every novel fact asked for by itself, in the words of each of some probes, with a chain of thought and without."""
    asked = [probe for probe in probes if probe.split == "recall_novel" and probe.shape in shapes]
    styles: tuple[Style, ...] = ("cot", "direct")
    return [make_example(probe, style, "closed") for probe in asked for style in styles]


def mix_examples(
    closed: Mapping[str, pa.Table],
    scratch: Mapping[str, pa.Table],
    seed: int,
    *,
    count: int,
    weights: Mapping[str, float],
    direct_share: float,
    facts_share: float,
) -> pa.Table:
    """`count` different examples; the first D of them are the set of size D (nested, one stream for all sizes).

    closed, scratch: tables of questions by shape, asked closed book and with facts in the prompt. weights: how often each
    shape is drawn. Raises KitError when a pool holds fewer questions than the mixture asks of it.
    """
    rng = stream(seed, "examples")
    shapes = sorted(shape for shape, weight in weights.items() if weight)
    shares = [weights[shape] / sum(weights.values()) for shape in shapes]
    # Throwaway worlds know no time: what only those over time can be asked is asked closed book.
    read = [shape for shape in shapes if len(scratch[shape])] or shapes
    pools: dict[tuple[Context, str], pa.Table] = {("closed", shape): closed[shape] for shape in shapes}
    pools |= {("facts", shape): scratch[shape] for shape in shapes}
    drawn: list[tuple[Context, str, Style, int]] = []
    used = dict.fromkeys(pools, 0)
    while len(drawn) < count:
        shape = shapes[rng.choice(len(shapes), p=shares)]
        context: Context = "facts" if rng.random() < facts_share and shape in read else "closed"
        style: Style = "direct" if rng.random() < direct_share else "cot"
        if used[context, shape] == len(pools[context, shape]):
            raise KitError(
                f"the training split has too few {shape} questions ({context}) for {count} examples: "
                "ask for fewer examples, other weights or a larger world"
            )
        drawn.append((context, shape, style, used[context, shape]))
        used[context, shape] += 1
    asked = {pool: [from_row(Question, row) for row in pools[pool][:n].to_pylist()] for pool, n in used.items()}
    examples = [make_example(asked[context, shape][i], style, context) for context, shape, style, i in drawn]
    return pa.Table.from_pylist(to_rows(examples), schema=schema_of(Example))
