"""What is offered beside an answer tells nothing by itself."""

from __future__ import annotations

import numpy as np
import pytest

from generators.questions import alternatives
from generators.questions.alternatives import Circle
from generators.world.columns import mixed
from generators.world.draw import build_world
from generators.world.schema import Schema

WEIGHTS = (9, 7, 5, 4, 3, 2, 2, 1, 1, 1)


@pytest.mark.parametrize("few", [4_000, 10])
def test_of_what_is_offered_each_is_the_answer_equally_often_whatever_its_frequency(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers drawn as often as they are ends: neither the commonest of a set nor the rarest is the answer more often than any.
    few: ends of which there are several orders, or one."""
    monkeypatch.setattr(alternatives, "FEW", few)
    world = build_world(0, Schema.of(["works_for"]), {"known": {"person": 60, "company": len(WEIGHTS)}})
    ends = np.repeat(world.members("company", "known"), WEIGHTS)
    weight = dict(zip(world.members("company", "known").tolist(), WEIGHTS, strict=True))
    rng = np.random.default_rng(1)
    answers, draws = ends[rng.integers(len(ends), size=30_000)], mixed(rng.integers(2**62, size=30_000), 3)
    offered = Circle.of(world, ends).drawn(world, answers, draws, 3)
    for pick in (max, min):
        gained = []
        for answer, others in zip(answers.tolist(), offered.tolist(), strict=True):
            options = {answer, *others}
            assert len(options) == sum(WEIGHTS) // max(WEIGHTS), "no more than leave nothing longer than a step"
            best = [e for e in options if weight[e] == pick(weight[e] for e in options)]
            gained.append((answer in best) / len(best) - 1 / len(options))
        assert abs(np.sum(gained)) < 4 * np.linalg.norm(gained), (pick.__name__, np.mean(gained))
