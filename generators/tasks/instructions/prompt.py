"""A topic and its instructions made into a prompt.

The split is a hash of the topic and the ids: no topic is asked about with the same instructions in the training and in the
test data of any seeds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence, Set
from itertools import islice
from random import Random

from generators.tasks.instructions.conflicts import combinations
from generators.tasks.instructions.responses import Draft
from generators.tasks.instructions.sentences import FORMS, TOPICS, Topic
from generators.tasks.instructions.wordings import Kwargs, asked
from generators.tasks.sampling import distinct, split_of
from kit.core.records import Instruction, InstructionPrompt, TaskSplit
from kit.core.seeds import digest

DIFFICULTIES = range(1, 4)

_REPEAT = "combination:repeat_prompt"


def _prompted(rng: Random, topic: Topic, ids: Sequence[str], split: TaskSplit) -> InstructionPrompt:
    draft = Draft(rng, topic, ids)
    order = rng.sample(ids, len(ids))
    task = rng.choice(FORMS).format(a=topic.a)
    if draft.has(_REPEAT):
        # What is repeated has no argument that is read off the response.
        order = [*(id_ for id_ in order if id_ != _REPEAT), _REPEAT]
        request = _joined(rng, task, order[:-1], draft.kwargs)
        response = draft.written(request)
        prompt = f"{request}\n\n{asked(rng, _REPEAT, {})}"
    else:
        response = draft.written("")
        prompt = _joined(rng, task, order, draft.kwargs)
    return InstructionPrompt(
        id=digest("if", prompt), prompt=prompt, response=response, split=split, difficulty=len(ids),
        instructions=tuple(Instruction(id_, json.dumps(draft.kwargs[id_])) for id_ in order),
    )  # fmt: skip


def _joined(rng: Random, task: str, ids: Sequence[str], kwargs: dict[str, Kwargs]) -> str:
    return " ".join([task, *(asked(rng, id_, kwargs[id_]) for id_ in ids)]).replace("\n ", "\n").strip()


def prompts(seed: int, split: TaskSplit, count: int, difficulty: Sequence[int] = DIFFICULTIES) -> Iterator[InstructionPrompt]:
    """`count` different prompts; the first of them are the smaller set. difficulty: how many instructions, 1 to 3.

    Raises KitError where nothing new is to be found any more.

    >>> next(prompts(0, "train", 1, (2,))).difficulty
    2
    """

    def draw(rng: Random, taken: Set[str]) -> tuple[str, InstructionPrompt] | None:
        topic, ids = rng.choice(TOPICS), rng.choice(combinations(rng.choice(difficulty)))
        if split_of("instruction split", (topic.noun, *ids)) != split:
            return None
        prompt = _prompted(rng, topic, ids, split)
        return prompt.id, prompt

    return islice(distinct(seed, "instruction prompt", draw, f"{split} prompts of {list(difficulty)} instructions"), count)
