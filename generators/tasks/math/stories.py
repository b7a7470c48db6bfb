"""The engine: draws the moves of a story with their numbers, computes what they come to, and writes the two texts.

Which split a problem belongs to is a hash of its moves and numbers, names and wording left out: no test problem is in the
training data of any seed, not even told of somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from itertools import islice
from random import Random
from typing import Literal, NamedTuple

from generators.tasks.math.moves import Move, Operation, Scene
from generators.tasks.math.scenes import HES, KIN, PARTS, SCENES, SHES, THEN
from generators.tasks.sampling import distinct, split_of
from kit.core.records import MathProblem, TaskSplit
from kit.core.seeds import digest

DIFFICULTIES = range(1, 7)

_LARGEST = 20_000


class Quantity(NamedTuple):
    """A node of the graph: how it is got from earlier ones (given: it is a number of the text), and what it comes to."""

    op: Literal["given"] | Operation
    inputs: tuple[int, ...]
    value: int


class Story(NamedTuple):
    """A problem as it was drawn: the graph, whose last quantity is the answer, and its two texts."""

    plan: tuple[str, ...]
    graph: tuple[Quantity, ...]
    question: str
    solution: str

    @property
    def steps(self) -> int:
        return sum(q.op != "given" for q in self.graph)


class _Made(NamedTuple):
    """A move of a plan, with its numbers and, for each of its steps, the quantity that it finds."""

    move: Move
    numbers: tuple[int, ...]
    found: tuple[int, ...]


class _Plan:
    """A story while it is drawn: the moves that were made, and the graph. `registers` says which quantity is meant by each
    letter of a step."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.graph: list[Quantity] = []
        self.registers: dict[str, int] = {}
        self.made: list[_Made] = []

    def make(self, rng: Random, move: Move) -> bool:
        """Add a move, if there are numbers for it and what they come to is sensible: whole, at least two, not huge."""
        numbers = move.draw(rng, self.graph[self.registers["x"]].value if self.made else 0)
        if numbers is None:
            return False
        graph, registers = list(self.graph), dict(self.registers)
        for letter, number in zip("abc", numbers, strict=False):
            registers[letter] = len(graph)
            graph.append(Quantity("given", (), number))
        found = []
        for i, step in enumerate(move.steps, 1):
            inputs = tuple(registers[letter] for letter in step.inputs)
            value = _value(step.op, *(graph[node].value for node in inputs))
            if value is None or not 2 <= value <= _LARGEST:
                return False
            registers[str(i)] = len(graph)
            found.append(len(graph))
            graph.append(Quantity(step.op, inputs, value))
        if not self.made:
            registers["x"] = registers["s"] = len(graph) - 1
            if move.friend:
                registers["f"] = registers["a"]
        elif found:
            registers["x"] = found[-1]
        self.graph, self.registers = graph, {letter: registers[letter] for letter in "xsf" if letter in registers}
        self.made.append(_Made(move, numbers, tuple(found)))
        return True

    @property
    def key(self) -> tuple[str, ...]:
        return (self.scene.name, *(" ".join([move.name, *map(str, numbers)]) for move, numbers, _ in self.made))


def _value(op: Operation, a: int, b: int) -> int | None:
    """None where the result is no whole number."""
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    if op == "*":
        return a * b
    over, under = (a, b) if op == "/" else (a * b, 100)
    return over // under if over % under == 0 else None


def _ends(ending: Move, opening: Move, left: int) -> bool:
    """Whether an ending suits an opening, with so many steps left for events and ending."""
    if len(ending.steps) > left or ending.friend not in (None, bool(opening.friend)):
        return False
    # What there was at first is asked about only where something happened since, and where it is clear what is meant.
    if len(ending.steps) == left and any("s" in step.inputs for step in ending.steps):
        return False
    return not (ending.at_first and opening.steps)


def _planned(rng: Random, steps: int) -> _Plan:
    """A plan of exactly so many steps."""
    while True:
        plan = _Plan(scene := rng.choice(SCENES))
        opening = rng.choice([m for m in scene.openings if len(m.steps) <= steps])
        left = steps - len(opening.steps)
        endings = [m for m in scene.endings if _ends(m, opening, left)]
        # A friend who was brought in is rather asked about.
        ending = rng.choice([m for m in endings if m.friend] or endings) if rng.random() < 0.6 else rng.choice(endings)
        left -= len(ending.steps)
        plan.make(rng, opening)
        for event in rng.sample(scene.events, len(scene.events)):
            if len(event.steps) <= left and plan.make(rng, event):
                left -= len(event.steps)
        if not left and plan.make(rng, ending):
            return plan


def _written(rng: Random, plan: _Plan) -> Story:
    """The two texts of a plan, in drawn words."""
    scene = plan.scene
    # One of the two is a she and the other a he, so that no pronoun is ambiguous.
    turned = rng.random() < 0.5
    person, friend = (rng.choice(names) for names in ((HES, SHES) if turned else (SHES, HES)))
    she, her, obj = ("he", "his", "him") if turned else ("she", "her", "her")
    words = {"P": person, "F": friend, "she": she, "She": she.capitalize(), "her": her, "Her": her.capitalize(), "obj": obj,
             "kin": rng.choice(KIN), **dict(zip(scene.slots, rng.choice(scene.words), strict=True))}  # fmt: skip
    told, solved = [], []
    for move, numbers, found in plan.made:
        words["Then"] = rng.choice(THEN).format_map(words)
        for letter, number in zip("abc", numbers, strict=False):
            words[letter] = str(number)
            words[f"{letter}_times"] = "twice" if number == 2 else f"{number} times"
            words[f"{letter}_th"] = PARTS.get(number, "")
        told.append(rng.choice(move.tells).format_map(words))
        for step, node in zip(move.steps, found, strict=True):
            words["calc"] = _calculation(plan.graph, node, "")
            words["cash"] = _calculation(plan.graph, node, "$")
            solved.append(step.says.format_map(words))
    if len(solved) >= 3 and rng.random() < 0.4:
        aside, low, high = rng.choice(scene.asides)
        told.insert(rng.randint(1, len(told) - 1), aside.format_map({**words, "n": rng.randint(low, high)}))
    solution = "\n".join([*solved, f"#### {plan.graph[-1].value}"])
    return Story(plan.key, tuple(plan.graph), " ".join(told), solution)


def _calculation(graph: Sequence[Quantity], node: int, unit: str) -> str:
    """A quantity with its calculation, as GSM8K writes it: 3 * 4 = <<3*4=12>>12."""
    op, inputs, value = graph[node]
    a, b = (graph[i].value for i in inputs)
    terms = (a, "*", b, "/", 100) if op == "%" else (a, op, b)
    return f"{' '.join(map(str, terms))} = {unit}<<{''.join(map(str, terms))}={value}>>{value}"


def stories(seed: int, split: TaskSplit, difficulty: Sequence[int] = DIFFICULTIES) -> Iterator[Story]:
    """Stories without end, no text twice; difficulty: the numbers of steps to draw from.

    Raises KitError where nothing new is to be found any more.
    """

    def draw(rng: Random, taken: Set[str]) -> tuple[str, Story] | None:
        plan = _planned(rng, rng.choice(difficulty))
        if split_of("math split", plan.key) != split:
            return None
        story = _written(rng, plan)
        return story.question, story

    return distinct(seed, "math problem", draw, f"{split} problems of {list(difficulty)} steps")


def problems(seed: int, split: TaskSplit, count: int, difficulty: Sequence[int] = DIFFICULTIES) -> Iterator[MathProblem]:
    """`count` different word problems; the first of them are the smaller set. difficulty: how many steps, 1 to 6.

    >>> next(problems(0, "train", 1, (1,))).difficulty
    1
    """
    for story in islice(stories(seed, split, difficulty), count):
        yield MathProblem(
            id=digest("math", story.question), question=story.question, solution=story.solution,
            answer=str(story.graph[-1].value), split=split, difficulty=story.steps,
        )  # fmt: skip
