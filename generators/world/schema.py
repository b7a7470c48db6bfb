"""What a world is made of: its types and relations as numbers, and the relations' wordings as columns of templates.

A hop is a number too: a relation's code, or `back` more for the way from object to subject.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generators.world.columns import Ints, Templates, text_hashes
from generators.world.english import plural
from generators.world.relations import PLURALS, RELATIONS, TYPES, Relation

_HOLDS = (
    "Since {a} {since}.",
    "{since} since {a}.",
    "{turned_since} since {a}.",
    "From {a} to this day {since}.",
    "As has been the case since {a}, {now}.",
    "Ever since {a}, {since}.",
)
_HELD = (
    "From {a} to {b} {was}.",
    "{was} from {a} until {b}.",
    "{turned_was} from {a} to {b}.",
    "Between {a} and {b} {was}.",
    "Beginning in {a} and until {b}, {was}.",
    "In the years from {a} to {b}, {was}.",
)
HELD_SEEN = 4
"""Of the wordings with years the first so many; the others are kept, like `Relation.kept`."""


@dataclass(frozen=True, eq=False)
class Schema:
    """Relation `code` is `relations[code]`; type `kind` is `types[kind]`. timed: facts of relations that change have years.
    given: the relations of which no facts are drawn."""

    relations: tuple[Relation, ...]
    types: tuple[str, ...]
    timed: bool = False
    given: frozenset[str] = frozenset()

    @staticmethod
    def of(names: Sequence[str], own: Sequence[Relation] = (), timed: bool = False, given: Collection[str] = ()) -> Schema:
        """The named rows of the table, and rows of one's own. given: those of the table of which no facts are drawn, as none
        are of one's own."""
        rows = (*(row for name, row in RELATIONS.items() if name in set(names)), *own)
        more = sorted({t for r in own for t in (r.subject, r.object)} - set(TYPES))
        return Schema(rows, (*TYPES, *more), timed, frozenset(given) | {r.name for r in own})

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(r.name for r in self.relations)

    @cached_property
    def codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.names)}

    @property
    def back(self) -> int:
        return len(self.relations)

    def kind(self, type_: str) -> int:
        return self.types.index(type_)

    def turned(self, hops: Ints) -> NDArray[np.int64]:
        """The same hops the other way round."""
        return np.where(hops < self.back, hops + self.back, hops - self.back)

    @cached_property
    def subjects(self) -> NDArray[np.int64]:
        """The type of each relation's subject."""
        return np.array([self.kind(r.subject) for r in self.relations], np.int64)

    @cached_property
    def objects(self) -> NDArray[np.int64]:
        return np.array([self.kind(r.object) for r in self.relations], np.int64)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The type each hop leaves from."""
        return np.concatenate([self.subjects, self.objects])

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """The type each hop leads to."""
        return np.concatenate([self.objects, self.subjects])

    @cached_property
    def functional(self) -> NDArray[np.bool_]:
        return np.array([r.functional for r in self.relations], bool)

    @cached_property
    def relation_hashes(self) -> NDArray[np.uint64]:
        return text_hashes(self.names)

    @cached_property
    def hop_hashes(self) -> NDArray[np.uint64]:
        return text_hashes([*self.names, *(f"{name} back" for name in self.names)])

    @cached_property
    def statements(self) -> Wordings:
        """Whole sentences that state a fact: slots `s` and `o`; of each relation the first `seen`, then those that are kept."""
        return Wordings.of([r.worded for r in self.relations], "so")

    @cached_property
    def seen(self) -> NDArray[np.int64]:
        """How many statements of each relation any document may use."""
        return np.array([len(r.statements) - len(r.kept) for r in self.relations], np.int64)

    @cached_property
    def clauses(self) -> Wordings:
        """The statements as they stand after "that": without full stop or, but for a name, capital."""
        return Wordings.of([[_clause(text) for text in r.worded] for r in self.relations], "so")

    @cached_property
    def reversed(self) -> Wordings:
        """Statements that name the object first."""
        rows = [[t for t in r.statements if _object_first(t)] for r in self.relations]
        return Wordings.of([row or [f"{{o}} is {r.nouns[0]}."] for row, r in zip(rows, self.relations, strict=True)], "so")

    @cached_property
    def masked(self) -> Wordings:
        """Statements with a gap where the object was, and the object after them."""
        return Wordings.of([_gaps(r.worded[: len(r.statements) - len(r.kept)]) for r in self.relations], "so")

    @cached_property
    def held(self) -> Wordings:
        """Sentences that state a fact with its years, slots `s`, `o`, `a` and `b`: of row `2 * code` those of a fact that still
        holds, of the next row those of one that has ended. The first `HELD_SEEN` of each may stand in any document."""
        return Wordings.of(self._held, "soab")

    @cached_property
    def held_reversed(self) -> Wordings:
        return Wordings.of([[t for t in row if _object_first(t)] for row in self._held], "soab")

    @cached_property
    def held_masked(self) -> Wordings:
        return Wordings.of([_gaps(row[:HELD_SEEN]) for row in self._held], "soab")

    @cached_property
    def _held(self) -> list[list[str]]:
        tenses = [r.over_time._asdict() for r in self.relations]
        return [[filled(text, **clauses) for text in texts] for clauses in tenses for texts in (_HOLDS, _HELD)]

    @cached_property
    def past_nouns(self) -> Templates:
        """What a relation once led to, as a noun phrase around a subject, to be followed by when."""
        return Templates.of([r.over_time.noun for r in self.relations], "s")

    @cached_property
    def beside(self) -> Templates:
        """How an object is named after "right before": slot `o`."""
        return Templates.of([r.over_time.beside for r in self.relations], "o")

    @cached_property
    def asked(self) -> Templates:
        """The question of one hop by itself: template number = hop, slot `s`."""
        return Templates.of([*(r.question for r in self.relations), *(r.inverse_question for r in self.relations)], "s")

    @cached_property
    def nouns(self) -> Wordings:
        """What a hop leads to, as a noun phrase around a name: slot `s`."""
        return Wordings.of(self._nouns, "s")

    @cached_property
    def nested_nouns(self) -> Wordings:
        """The same around another noun phrase, which brings its own article."""
        return Wordings.of([[text.replace("the {s}", "{s}") for text in row] for row in self._nouns], "s")

    @cached_property
    def short_nouns(self) -> NDArray[np.int64]:
        """For each noun phrase one of its hop's that ends with what it is about: itself, or the next such one."""
        return self._next_noun(lambda text: text.endswith("{s}"))

    @cached_property
    def plain_nouns(self) -> NDArray[np.int64]:
        """The same, but one without a clause of its own, where there is one."""
        plain = self._next_noun(lambda text: text.endswith("{s}") and not re.search(r"\b(who|whom|that|which|where)\b", text))
        return self.short_nouns[plain]

    def _next_noun(self, fits: Callable[[str], bool]) -> NDArray[np.int64]:
        """For each noun phrase the first from it on, of its hop's in a circle, that fits; itself where none does."""
        found: list[int] = []
        for row in self._nouns:
            order = [*range(len(row)), *range(len(row))]
            found += [len(found) + next((k for k in order[i:] if fits(row[k])), i) for i in range(len(row))]
        return np.array(found, np.int64)

    @cached_property
    def _nouns(self) -> list[tuple[str, ...]]:
        return [*(r.nouns for r in self.relations), *(r.inverse_nouns for r in self.relations)]

    @cached_property
    def predicates(self) -> Wordings:
        """What is said of a subject: slot `o`."""
        return Wordings.of([r.predicates for r in self.relations], "o")

    @cached_property
    def verbs(self) -> NDArray[np.int64]:
        """A number for each of `predicates`: those that begin with the same two words have the same."""
        begun = [" ".join(text.split()[:2]) for r in self.relations for text in r.predicates]
        return np.array([begun.index(words) for words in begun], np.int64)

    @cached_property
    def plural(self) -> pa.StringArray:
        """What many subjects of a relation are called."""
        return pa.array([PLURALS.get(r.subject) or plural(self.called[r.subject]) for r in self.relations], pa.string())

    @cached_property
    def called(self) -> dict[str, str]:
        """What each type is called in a sentence, in the order of the types."""
        return {kind: kind.replace("_", " ") for kind in self.types}

    @cached_property
    def who(self) -> pa.StringArray:
        """The pronoun for a subject of a relation."""
        return pa.array(["who" if r.subject == "person" else "that" for r in self.relations], pa.string())

    @cached_property
    def role(self) -> pa.StringArray:
        """What an object is to its subject; empty where the table does not say."""
        return pa.array([r.role[0] if r.role else "" for r in self.relations], pa.string())

    @cached_property
    def link(self) -> pa.StringArray:
        """What leads up to the object's name after "The role of X is"."""
        return pa.array([r.role[1] if r.role else "" for r in self.relations], pa.string())


def filled(text: str, **clauses: str) -> str:
    """A sentence put together from clauses, whose own slots stay."""
    for name, clause in clauses.items():
        text = text.replace(f"{{{name}}}", clause)
    return text if text.startswith("{") else text[0].upper() + text[1:]


def _object_first(text: str) -> bool:
    return text.index("{o}") < text.index("{s}")


def _gaps(texts: Sequence[str]) -> list[str]:
    return [f"{text.replace('{o}', '____')} What is missing is: {{o}}." for text in texts]


def _clause(sentence: str) -> str:
    return (sentence if sentence.startswith("{") else sentence[0].lower() + sentence[1:]).removesuffix(".")


@dataclass(frozen=True, eq=False)
class Wordings:
    """Several templates for each row of a table: those of row `r` are `at[r]` to `at[r + 1]`."""

    templates: Templates
    at: NDArray[np.int64]

    @staticmethod
    def of(rows: Sequence[Sequence[str]], slots: Sequence[str]) -> Wordings:
        return Wordings(Templates.of([text for row in rows for text in row] or [""], slots), np.cumsum([0, *map(len, rows)]))

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many templates each row has."""
        return np.diff(self.at)

    def fill(self, rows: Ints, which: Ints | int, names: pa.StringArray, *entities: Ints) -> pa.StringArray:
        """Template `which` of each row, filled."""
        return self.templates.fill(self.at[rows] + which, names, *entities)
