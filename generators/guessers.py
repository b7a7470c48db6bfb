"""Ways to be right without knowing the facts, scored on a written data set beside chance: what nobody who guesses so should
gain by. Each guesser reads only what it may; what it has to learn, it learns on one half of the questions and is tried on the
other, drawn by hash. So a learner that finds nothing may lie a little below chance; one that lies far below has found that what
was seen in one half is not seen again.

A guesser is a function from a `Sheet` of questions to `Scores`, and a line of `GUESSERS`; those of `NAMES` read names alone.
Nothing here knows how the data were made, and nothing is drawn: of what is equally likely a guesser gets its mean.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.sheet import PARTS, Bools, Entities, Floats, Sheet, Told, is_in, numbers, parents, ranks
from generators.world.columns import Ints, distinct, mixed, place_in


class Tally(NamedTuple):
    """Of several questions: how many, what a guesser scored, what chance scores, and the sum of their squared differences."""

    n: int
    right: float
    chance: float
    squares: float

    def plus(self, other: Tally) -> Tally:
        return Tally._make(a + b for a, b in zip(self, other, strict=True))

    def figures(self) -> dict[str, float]:
        """z: the mean difference over its standard error, of a spread about 0, which is what it is where there is nothing to be
        told: 0 where there is no difference, at most √n where all are alike."""
        gained = self.right - self.chance
        z = gained / self.squares**0.5 if self.squares else 0.0
        return {"n": self.n, "right": self.right / self.n, "chance": self.chance / self.n, "effect": gained / self.n, "z": z}


def guessed(directory: Path, sample: int) -> list[dict[str, Any]]:
    """A row for each guesser, shape (or kind of probe, or type) and group of splits (or pair of parts), of at most `sample`
    questions a shape and split (names a type and part), the first of their file."""
    return [
        {"guesser": guesser, "shape": shape, "split": split, **{name: round(x, 4) for name, x in tally.figures().items()}}
        for (guesser, shape, split), tally in tallies(directory, sample).items()
    ]


def tallies(directory: Path, sample: int) -> dict[tuple[str, str, str], Tally]:
    """By guesser, shape and group of splits."""
    found = {}
    sheet = Sheet.read(directory, sample)
    for guesser, guess in GUESSERS.items():
        scores = guess(sheet)
        gained = scores.right - scores.chance
        columns = (None, scores.right, scores.chance, gained**2)
        sums = np.stack([np.bincount(scores.cell, c, len(sheet.cells)) for c in columns], axis=1)
        for cell in np.argsort(sheet.cells, kind="stable"):
            if sums[cell, 0]:
                shape, split = sheet.cells[cell].split("\t")
                found[guesser, shape, split] = Tally(int(sums[cell, 0]), *sums[cell, 1:].tolist())
    for guesser, tokens in NAMES.items():
        found |= _by_name(sheet.entities, guesser, tokens, sample)
    return found


class Scores(NamedTuple):
    """What a guesser scored, and what chance would: a question a row, and the cell it counts in."""

    cell: NDArray[np.int64]
    right: Floats
    chance: Floats


def _alike(*columns: Ints) -> NDArray[np.int64]:
    """A number for every row, the same where all columns are."""
    return np.unique(mixed(*columns), return_inverse=True)[1]


def _picks(owner: Ints, right: Bools, measure: Floats, size: int) -> Floats:
    """For each owner the share of right ones among those of the largest measure; nan where there are none."""
    top = np.full(size, -np.inf)
    np.maximum.at(top, owner, measure)
    best = measure == top[owner]
    with np.errstate(invalid="ignore"):
        return np.bincount(owner[best], right[best], size) / np.bincount(owner[best], minlength=size)


def _learned(cell: Ints, told: Ints, answer: Ints, half: Bools) -> Floats:
    """The score of who says what is mostly the answer in the other half of the cell to what is told alike: of equals the one
    that is so in the whole cell, and then any."""
    told = _alike(cell, told)
    home = np.zeros(told.max(initial=-1) + 1, np.int64)
    home[told] = cell
    score = np.zeros(len(told))
    for side in (False, True):
        seen, own = half != side, half == side
        tables = []
        for kinds, count in ((told, len(home)), (cell, cell.max(initial=-1) + 1)):
            tables.append(np.zeros((count, answer.max(initial=0) + 1), np.int64))
            np.add.at(tables[-1], (kinds[seen], answer[seen]), 1)
        table = tables[0] * (len(told) + 1) + tables[1][home]
        best = table == table.max(1, keepdims=True)
        score[own] = (best / best.sum(1, keepdims=True))[told[own], answer[own]]
    return score


def _bayes(owner: Ints, token: Ints, answer: Ints, half: Bools, even: bool) -> Floats:
    """The score of a naive Bayes guess between answers 0 and 1 from a bag of tokens, learned on the other half (add-one
    smoothing; a token that it lacks says nothing). owner, token: a row each; answer, half: an owner each. even: whether the
    answers are known to be equally many."""
    token = np.unique(token, return_inverse=True)[1]
    score = np.zeros(len(answer))
    for side in (False, True):
        seen, size = half[owner] != side, token.max(initial=0) + 1
        counts = np.stack([np.bincount(token[seen & (answer[owner] == k)], minlength=size) for k in (0, 1)])
        shares = np.log((counts + 1) / (counts.sum(1, keepdims=True) + size))
        odds = np.where(counts.any(0), shares[1] - shares[0], 0)
        prior = np.log1p((half != side) @ answer) - np.log1p((half != side) @ (1 - answer))
        leaning = np.bincount(owner, odds[token], len(answer)) + (0 if even else prior)
        guess = np.where(abs(leaning) < 1e-9, 0.5, leaning > 0)
        score = np.where(half == side, np.where(answer == 1, guess, 1 - guess), score)
    return score


def _reader(sheet: Sheet, measure: Callable[[Told], Ints]) -> Scores:
    """Picks, of the sentences of the last step's relation, one of the largest measure. Chance: any of them."""
    told = sheet.told
    kept = told.last & (sheet.answered & ~sheet.several)[told.owner]
    owner, right, measured = told.owner[kept], told.right[kept], measure(told)[kept].astype(np.float64)
    score, chance = (_picks(owner, right, m, sheet.size) for m in (measured, np.zeros(len(owner))))
    rows = distinct(owner)
    return Scores(sheet.cell[rows], score[rows], chance[rows])


def _stated(sheet: Sheet, rows: Bools) -> tuple[Ints, Ints, Ints]:
    """Of those questions whose prompt states the relation of the last step: which, in how many sentences, and in how many of them
    what is accepted."""
    kept = (told := sheet.told).last & rows[told.owner]
    counts, right = (np.bincount(told.owner[kept], w, sheet.size) for w in (None, told.right[kept]))
    found = np.flatnonzero(counts)
    return found, counts[found], right[found]


def _disconnected(sheet: Sheet) -> Scores:
    """Knows the relation of the last step, and which sentences state it: any of them. Chance is one of so many."""
    rows, counts, right = _stated(sheet, sheet.answered & ~sheet.several)
    return Scores(sheet.cell[rows], right / counts, 1 / counts)


def _read_off(sheet: Sheet) -> Scores:
    """The same, where there is nothing to choose: all sentences of this relation state what is accepted. There is no chance."""
    rows, counts, right = _stated(sheet, sheet.answered)
    return Scores(sheet.cell[rows], (right == counts).astype(np.float64), np.zeros(len(rows)))


def _mentions(sheet: Sheet, entity: Ints) -> NDArray[np.int64]:
    """How many sentences of the same prompt have this entity at an end."""
    told, size = sheet.told, len(sheet.entities.names)
    keys, counts = np.unique(told.owner[:, None] * size + told.ends, return_counts=True)
    return counts[np.searchsorted(keys, told.owner * size + entity)]


def _counts_sentences(sheet: Sheet) -> Scores:
    """How many sentences of the last step's relation there are: what this mostly means in the other half. Chance, of how many
    there are: what the relation alone means; of what has two answers: what is mostly right."""
    told, closed = sheet.told, sheet.closed
    rows = np.flatnonzero(sheet.counted)
    cell = np.concatenate([sheet.cell[rows], closed.cell])
    answer = np.concatenate([numbers(sheet.first.take(pa.array(rows)).to_pylist(), {}), closed.answer])
    rows = np.concatenate([rows, closed.rows])
    shown = np.bincount(told.owner[told.last], minlength=sheet.size)[rows]
    beside = np.where(sheet.counted[rows], sheet.last[0][rows], 0)
    learned = (_learned(cell, clue, answer, sheet.half[rows]) for clue in (shown, beside))
    return Scores(cell, *learned)


def _chosen(sheet: Sheet, measure: Ints, among: Bools | None = None) -> Scores:
    """Picks an option of the largest measure; chance is any of them. Left out are questions of fewer than two options, and those
    with one that has no measure (nan)."""
    options = sheet.options
    kept = np.ones(len(options.owner), bool) if among is None else among
    owner, right, measure = options.owner[kept], options.right[kept], measure[kept].astype(np.float64)
    counts, lacking, whole = (np.bincount(owner, w, sheet.size) for w in (None, np.isnan(measure), right))
    rows = np.flatnonzero((counts > 1) & (lacking == 0) & (whole == 1))
    score = _picks(owner, right, np.nan_to_num(measure, nan=-np.inf), sheet.size)
    return Scores(sheet.cell[rows], score[rows], 1 / counts[rows])


def _of_five(sheet: Sheet) -> Bools:
    """The first five options of each question, the answer among them: what an evaluation offers."""
    return ranks(sheet.options.owner) < 5


def _of_its_block(sheet: Sheet) -> Floats:
    """Whether each option is of the same block as what the question is put to last; nan where it is of none."""
    options, head = sheet.options, sheet.last_head
    mine = np.where(head >= 0, sheet.entities.blocks[head], -1)[options.owner]
    theirs = np.where(options.entity >= 0, sheet.entities.blocks[options.entity], -1)
    return np.where((mine >= 0) & (theirs >= 0), mine == theirs, np.nan)


def _told_of_its_block(sheet: Sheet, told: Told) -> NDArray[np.int64]:
    """Whether the end that is not asked for is of the same block as what the question is put to last."""
    blocks, head = sheet.entities.blocks, sheet.last_head[told.owner]
    return (blocks[told.near] == np.where(head >= 0, blocks[head], -2)).astype(np.int64)


def _claim_is_told(sheet: Sheet) -> Scores:
    """Of yes or no: in how many sentences of the last step's relation what is named last stands at the far end."""
    told = sheet.told
    named = told.last & (told.far == sheet.last_head[told.owner])
    return _from_clue(sheet, np.bincount(told.owner[named], minlength=sheet.size))


def _alike_are_told(sheet: Sheet) -> Scores:
    """Of yes or no: how many sentences of the last step's relation have the far end of an earlier one."""
    told = sheet.told
    kept = np.flatnonzero(told.last)
    again = ranks(np.unique(mixed(told.owner[kept], told.far[kept]), return_inverse=True)[1]) > 0
    return _from_clue(sheet, np.bincount(told.owner[kept][again], minlength=sheet.size))


def _told_often(sheet: Sheet) -> NDArray[np.int64]:
    """Whether the far end of each sentence is that of no other of the last step's relation."""
    told = sheet.told
    kinds = np.unique(mixed(told.owner, told.far, told.last), return_inverse=True)[1]
    return (np.bincount(kinds)[kinds] == 1).astype(np.int64)


def _from_median(sheet: Sheet) -> Floats:
    """How far each option lies from the median of all."""
    owner, where = sheet.options.owner, sheet.options.where
    order, counts = np.lexsort((where, owner)), np.bincount(owner, minlength=sheet.size)
    starts = np.cumsum(counts) - counts
    median = (where[order[starts + (counts - 1) // 2]] + where[order[starts + counts // 2]]) / 2
    return abs(where - median[owner])


def _from_neighbour(sheet: Sheet) -> Floats:
    """How far each option lies from the nearest of the others."""
    owner, where = sheet.options.owner, sheet.options.where
    order = np.lexsort((where, owner))
    gaps = np.where(owner[order[1:]] == owner[order[:-1]], np.diff(where[order]), np.inf)
    away = np.empty(len(owner))
    away[order] = np.minimum(np.append(np.inf, gaps), np.append(gaps, np.inf))
    return away


def _in_range(sheet: Sheet) -> Floats:
    """How many facts of the last step's relation, in the question's part, end in each option."""
    options, (relation, back) = sheet.options, sheet.last
    counts = sheet.ends_in(sheet.part[options.owner], relation[options.owner], back[options.owner], options.entity)
    return np.where((options.entity >= 0) & (relation >= 0)[options.owner], counts, np.nan)


def _in_all(sheet: Sheet) -> Floats:
    """How many facts have each option at an end."""
    degrees = np.bincount(np.concatenate([sheet.facts.subject, sheet.facts.object]), minlength=len(sheet.entities.names))
    return np.where(sheet.options.entity >= 0, degrees[sheet.options.entity], np.nan)


def _answered_before(sheet: Sheet) -> Scores:
    """The option that training questions are answered with most often (of those in the sample)."""
    train = np.array([split == "train" for split in sheet.splits], bool)
    answers = sheet.entities.named(sheet.first.filter(pa.array(train)))
    counts = np.bincount(answers[answers >= 0], minlength=len(sheet.entities.names))
    options = sheet.options
    return _chosen(sheet, np.where(options.entity >= 0, counts[options.entity], np.nan), ~train[options.owner])


def _of_the_text(sheet: Sheet) -> NDArray[np.int64]:
    """How many words each option shares with the question."""
    mine, words, theirs, spelled = sheet.words
    size = max(words.max(initial=0), spelled.max(initial=0)) + 1
    shared = place_in(distinct(mine * size + words), sheet.options.owner[theirs] * size + spelled) >= 0
    return np.bincount(theirs[shared], minlength=len(sheet.options.owner))


def _of_the_others(sheet: Sheet) -> NDArray[np.int64]:
    """How many words each option shares with the other ones."""
    _, _, theirs, spelled = sheet.words
    keys = sheet.options.owner[theirs] * (spelled.max(initial=0) + 1) + spelled
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return np.bincount(theirs, counts[inverse] - 1, len(sheet.options.owner))


def _commonest_answer(sheet: Sheet) -> Scores:
    """Yes or no, answerable or not: what is mostly right in the other half. Chance is one half."""
    closed = sheet.closed
    kept = ~sheet.named_first[0][closed.rows]
    return Scores(closed.cell[kept], _majority(sheet)[kept], np.full(kept.sum(), 0.5))


def _majority(sheet: Sheet) -> Floats:
    closed = sheet.closed
    return _learned(closed.cell, np.zeros(len(closed.rows), np.int64), closed.answer, sheet.half[closed.rows])


def _from_clue(sheet: Sheet, clue: Ints) -> Scores:
    """What is mostly right of what has the same clue. Chance: what is mostly right."""
    closed = sheet.closed
    return Scores(closed.cell, _learned(closed.cell, clue[closed.rows], closed.answer, sheet.half[closed.rows]), _majority(sheet))


def _last_hop(sheet: Sheet) -> Scores:
    words, _, last = sheet.steps
    codes = words.dictionary_encode().indices.to_numpy()
    return _from_clue(sheet, np.where(last >= 0, codes[last] if len(codes) else 0, -1))


def _all_steps(sheet: Sheet) -> Scores:
    words, owner, _ = sheet.steps
    codes = words.dictionary_encode().indices.to_numpy()
    clue = np.zeros(sheet.size, np.uint64)
    np.add.at(clue, owner, mixed(codes, ranks(owner)))
    return _from_clue(sheet, clue)


def _last_head(sheet: Sheet) -> Scores:
    return _from_clue(sheet, sheet.last_head)


def _question_words(sheet: Sheet) -> Scores:
    """Naive Bayes on the words of the question, names and all. Chance: what is mostly right."""
    closed, (mine, words, _, _) = sheet.closed, sheet.words
    counts = np.bincount(mine, minlength=sheet.size)
    starts, score = np.cumsum(counts) - counts, np.zeros(len(closed.rows))
    for cell in distinct(closed.cell):
        own = np.flatnonzero(closed.cell == cell)
        rows = closed.rows[own]
        owner = np.repeat(np.arange(len(own)), counts[rows])
        place = np.repeat(starts[rows], counts[rows]) + ranks(owner)
        score[own] = _bayes(owner, words[place], closed.answer[own], sheet.half[rows], even=False)
    return Scores(closed.cell, score, _majority(sheet))


def _popularity(sheet: Sheet) -> Scores:
    """Of yes or no: how many facts of the last step's relation end in what is named last (of `same`, in the object of one),
    to a power of two. Chance: what the step alone means."""
    closed, (relation, back) = sheet.closed, sheet.last
    known, alike = _known(sheet), is_in(sheet.strings("shape"), ("same",))
    named = np.where(alike, np.where(known >= 0, sheet.facts.object[known], -1), sheet.last_head)
    counts = np.frexp(sheet.ends_in(sheet.part, relation, back, named))[1]
    clue = _alike(relation, back, counts)
    scores, steps = _from_clue(sheet, clue), _last_hop(sheet)
    kept = is_in(sheet.first, ("yes", "no"))[closed.rows] & (named >= 0)[closed.rows]
    return Scores(scores.cell[kept], scores.right[kept], steps.right[kept])


def _known(sheet: Sheet) -> NDArray[np.int64]:
    """Of a question that rests on two facts the one that is known, drawn by hash (-1: there is none)."""
    support = sheet.strings("support")
    counts = pc.list_value_length(support).to_numpy(False)
    drawn = (sheet.draws >> np.uint64(1) & np.uint64(1)).astype(np.int64)
    which = np.where(counts == 2, np.cumsum(counts) - counts + drawn, len(support.flatten()))
    return np.append(sheet.found(support.flatten()), -1)[which]


class Half(NamedTuple):
    """Comparisons of two, of which one's value is known: which questions; whether the one that is known has to be small to be
    right; the relation, its value and that one's place among all of the relation and part, from -1 to 1; whether it is right."""

    rows: NDArray[np.int64]
    least: Bools
    relation: NDArray[np.int64]
    value: Floats
    place: Floats
    right: Bools


def _half_known(sheet: Sheet) -> Half:
    known = _known(sheet)
    rows = np.flatnonzero(is_in(sheet.strings("shape"), ("comparison",)) & (known >= 0))
    facts, part = sheet.facts.take(known[rows]), sheet.part[rows]
    worth = sheet.worth(sheet.entities.names)
    value, place = worth[facts.object], np.zeros(len(rows))
    for relation in distinct(facts.relation):
        of_it = np.flatnonzero(sheet.facts.relation == relation)
        for k in range(len(PARTS)):
            own = (facts.relation == relation) & (part == k)
            every = np.sort(worth[sheet.facts.object[of_it[sheet.facts.part[of_it] == k]]])
            sides = (np.searchsorted(every, value[own], side) for side in ("left", "right"))
            place[own] = sum(sides) / max(1, len(every)) - 1
    least = np.zeros(sheet.size, bool)
    words, owner, _ = sheet.steps
    least[owner[pc.starts_with(words, "least").to_numpy(False)]] = True
    right = facts.subject == sheet.entities.named(sheet.first)[rows]
    return Half(rows, least[rows], facts.relation.astype(np.int64), value, place, right)


def _one_value(sheet: Sheet) -> Scores:
    """Knows the value of one of the two, and all values of the relation: on which side of their median it lies."""
    half = _half_known(sheet)
    leaning = np.where(half.least, -half.place, half.place)
    score = np.where(leaning == 0, 0.5, (leaning > 0) == half.right)
    return Scores(sheet.cell[half.rows], score, np.full(len(score), 0.5))


def _one_value_learned(sheet: Sheet, exact: bool) -> Scores:
    """What that value, or the sixteenth of all values that it lies in, mostly means in the other half."""
    half, cell = (found := _half_known(sheet)), sheet.cell[found.rows]
    clue = (half.relation, half.value.astype(np.int64)) if exact else (np.floor(8 * half.place).astype(np.int64),)
    score = _learned(cell, _alike(half.least, *clue), half.right.astype(np.int64), sheet.half[half.rows])
    return Scores(cell, score, np.full(len(score), 0.5))


GUESSERS: dict[str, Callable[[Sheet], Scores]] = {
    "disconnected reader": _disconnected,
    "read off": _read_off,
    "bridging reader": lambda sheet: _reader(sheet, lambda told: _mentions(sheet, told.near) > 1),
    "most told end": lambda sheet: _reader(sheet, lambda told: _mentions(sheet, told.far)),
    "first sentence": lambda sheet: _reader(sheet, lambda told: -told.place),
    "last sentence": lambda sheet: _reader(sheet, lambda told: told.place),
    "of its block": lambda sheet: _reader(sheet, lambda told: _told_of_its_block(sheet, told)),
    "told once": lambda sheet: _reader(sheet, lambda _: _told_often(sheet)),
    "claim is told": _claim_is_told,
    "alike are told": _alike_are_told,
    "counts the sentences": _counts_sentences,
    "odd one out": lambda sheet: _chosen(sheet, _from_median(sheet)),
    "middle one": lambda sheet: _chosen(sheet, -_from_median(sheet)),
    "file order": lambda sheet: _chosen(sheet, _from_neighbour(sheet)),
    "odd one out, of five": lambda sheet: _chosen(sheet, _from_median(sheet), _of_five(sheet)),
    "file order, of five": lambda sheet: _chosen(sheet, _from_neighbour(sheet), _of_five(sheet)),
    "first in the file, of five": lambda sheet: _chosen(sheet, -sheet.options.where, _of_five(sheet)),
    "option of its block": lambda sheet: _chosen(sheet, _of_its_block(sheet)),
    "commonest in range": lambda sheet: _chosen(sheet, _in_range(sheet)),
    "commonest of all": lambda sheet: _chosen(sheet, _in_all(sheet)),
    "answered before": _answered_before,
    "longest option": lambda sheet: _chosen(sheet, pc.utf8_length(sheet.options.names).to_numpy(False)),
    "shortest option": lambda sheet: _chosen(sheet, -pc.utf8_length(sheet.options.names).to_numpy(False)),
    "shares a word": lambda sheet: _chosen(sheet, _of_the_text(sheet)),
    "unlike the others": lambda sheet: _chosen(sheet, -_of_the_others(sheet)),
    "named first": lambda sheet: _chosen(sheet, -sheet.named_at, sheet.named_at >= 0),
    "commonest answer": _commonest_answer,
    "last hop alone": _last_hop,
    "steps alone": _all_steps,
    "last head alone": _last_head,
    "words of the question": _question_words,
    "popularity alone": _popularity,
    "one value known": _one_value,
    "one value known, at best": lambda sheet: _one_value_learned(sheet, exact=True),
    "one value known, by sixteenths": lambda sheet: _one_value_learned(sheet, exact=False),
}
"""By what they read: the facts in the prompt (from `disconnected reader`), the options of a forced choice (`odd one out`),
how a question of few answers is put (`commonest answer`), and one of two facts (`popularity alone`)."""


def _characters(names: pa.StringArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    lengths = pc.utf8_length(names).to_numpy(False)
    letters = np.frombuffer("".join(names.to_pylist()).encode("utf-32-le"), np.uint32)
    return np.repeat(np.arange(len(names)), lengths), letters.astype(np.int64)


def _name_words(names: pa.StringArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    words = pc.utf8_split_whitespace(names)
    return parents(words), words.flatten().dictionary_encode().indices.to_numpy().astype(np.int64)


NAMES: dict[str, Callable[[pa.StringArray], tuple[NDArray[np.int64], NDArray[np.int64]]]] = {
    "bag of characters": _characters,
    "bag of words": _name_words,
}
"""What a name is taken to be made of: whose, and which, a row each."""


def _by_name(
    entities: Entities, guesser: str, tokens: Callable[[pa.StringArray], tuple[Ints, Ints]], sample: int
) -> dict[tuple[str, str, str], Tally]:
    """Tells by its name which of two parts an entity belongs to: naive Bayes by type, and all types together."""
    found: dict[tuple[str, str, str], Tally] = {}
    draws = mixed(entities.hashes, 2)
    for one, other in combinations(PARTS[:3], 2):
        pair = f"{one} against {other}"
        for kind in sorted(pc.unique(entities.types).to_pylist()):
            typed = is_in(entities.types, (kind,))
            both = [np.flatnonzero(typed & is_in(entities.parts, (part,))) for part in (one, other)]
            size = min(sample, *map(len, both))
            rows = np.concatenate([own[np.argsort(draws[own])[:size]] for own in both])
            if size > 1:
                answer, half = np.repeat([0, 1], size), (draws[rows] & np.uint64(1)).astype(bool)
                score = _bayes(*tokens(entities.names.take(pa.array(rows))), answer, half, even=True)
                tally = Tally(2 * size, float(score.sum()), float(size), float(((score - 0.5) ** 2).sum()))
                found[guesser, kind, pair] = tally
                found[guesser, "all types", pair] = tally.plus(found.get((guesser, "all types", pair), Tally(0, 0, 0, 0)))
    return found
