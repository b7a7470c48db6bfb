"""What a data directory says, read as English (`tests.generators.english`) and answered from its facts: documents, questions,
probes and the world itself. Shares nothing with what made it but the files."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from tests.generators import english
from tests.generators.english import Asked, Both, Hop, Name, Past, Said, Statement, Tagged, Tagger, Term, Too

Answer = frozenset[str] | int | bool | None
"""Names, how many, whether; None where the facts do not say."""

ALWAYS = (-9999, 9999)
TRAINED = ("train", "validation", "test_entity", "test_composition", "test_relation_pair", "recall_known")
"""Splits that are asked about the known part as it is, so that edits make their answers stale."""


class Fact(NamedTuple):
    """A fact by names, and the years from and until which it holds."""

    id: str
    subject: str
    relation: str
    object: str
    since: int = ALWAYS[0]
    until: int = ALWAYS[1]


class View:
    """Some facts, by their subjects and by their objects."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.facts = list(facts)
        self.onward: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        self.back: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        for f in self.facts:
            self.onward[f.relation, f.subject].append(f)
            self.back[f.relation, f.object].append(f)

    def at(self, year: int) -> View:
        return View(f for f in self.facts if f.since <= year < f.until)

    def until(self, year: int) -> View:
        return View(f for f in self.facts if f.since <= year)

    def ends(self, relation: str, of: str, back: bool = False) -> frozenset[str]:
        if back:
            return frozenset(f.subject for f in self.back.get((relation, of), ()))
        return frozenset(f.object for f in self.onward.get((relation, of), ()))


def found(term: Term, names: Sequence[str], view: View) -> frozenset[str]:
    """What a term means."""
    if isinstance(term, Name):
        return frozenset([names[term.slot]])
    if isinstance(term, Hop):
        return frozenset().union(*(view.ends(term.relation, e, term.back) for e in found(term.of, names, view)))
    if isinstance(term, Both):
        one, two = (view.ends(r, names[slot], True) for r, slot in zip(term.relations, term.slots, strict=True))
        return one & two
    if isinstance(term, Too):
        return found(term.of, names, view) & view.ends(term.relation, names[term.slot], True)
    return frozenset().union(*(_past(term, e, names[term.slot], view) for e in found(term.of, names, view)))


def _past(term: Past, subject: str, given: str, view: View) -> frozenset[str]:
    facts = view.onward.get((term.relation, subject), [])
    if term.when == "in":
        return frozenset(f.object for f in facts if f.since <= int(given) < f.until)
    edges = {f.since if term.when == "before" else f.until for f in facts if f.object == given}
    return frozenset(f.object for f in facts if (f.until if term.when == "before" else f.since) in edges)


def answer(asked: Asked, names: Sequence[str], view: View) -> Answer:
    """What is right to say, by these facts."""
    sets = [found(term, names, view) for term in asked.terms]
    if asked.what in ("one", "all"):
        return sets[0]
    if asked.what == "count":
        return len(frozenset().union(*sets))
    if asked.what == "same":
        return sets[0] == sets[1] if all(sets) else None
    if asked.what == "is":
        return sets[0] == {names[asked.slots[0]]} if sets[0] else None
    if asked.what in ("which", "options"):
        return sets[0] & {names[slot] for slot in asked.slots}
    if asked.what == "false":
        subject, object_ = (names[slot] for slot in asked.slots)
        return object_ not in view.ends(asked.relation, subject)
    amounts = {e: [_amount(o) for o in view.ends(asked.relation, e)] for e in frozenset().union(*sets)}
    if any(len(each) != 1 for each in amounts.values()):
        return None
    best = (min if asked.what == "least" else max)(amounts.values(), default=[])
    return frozenset(e for e, each in amounts.items() if each == best)


def _amount(name: str) -> int:
    return int(name.replace(",", ""))


class Problem(NamedTuple):
    kind: str
    where: str
    text: str
    why: str = ""


class Row(NamedTuple):
    """How many questions of a shape and split were asked, understood, wrongly answered, and wrongly said (not) to be stale."""

    asked: int = 0
    understood: int = 0
    wrong: int = 0
    stale: int = 0

    def plus(self, other: Row) -> Row:
        return Row(*(a + b for a, b in zip(self, other, strict=True)))


class Data:
    """A data directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        config = json.loads((directory / "config.json").read_text("utf-8"))["world"]
        times = config["timeline"] or {}
        self.timed = bool(times)
        self.cutoff, self.end = times.get("cutoff", 0), times.get("end", 0)
        self.entities = self.rows("entities", ["id", "type", "name", "part", "aliases"])
        self.names = {e["id"]: e["name"] for e in self.entities}
        self.called = {e["name"]: {e["name"], *e["aliases"]} for e in self.entities}
        self.types = {e["name"]: e["type"] for e in self.entities}
        self.parts = {e["name"]: e["part"] for e in self.entities}
        self.tagger = Tagger(self.types, {alias: e["name"] for e in self.entities for alias in e["aliases"]})
        self.facts, self.false = View(self._facts("facts")), View(self._facts("shuffled_facts"))

    def rows(self, table: str, columns: list[str]) -> list[dict[str, Any]]:
        return pq.read_table(sorted(self.directory.glob(f"{table}*.parquet"))[0], columns=columns).to_pylist()

    def _facts(self, table: str) -> Iterator[Fact]:
        for row in self.rows(table, ["id", "subject", "relation", "object", "valid_from", "valid_to"]):
            since, until = (ALWAYS[k] if row[key] is None else row[key] for k, key in enumerate(("valid_from", "valid_to")))
            yield Fact(row["id"], self.names[row["subject"]], row["relation"], self.names[row["object"]], since, until)

    @cached_property
    def stated(self) -> set[str]:
        """The relations of which there are facts."""
        return {f.relation for f in self.facts.facts}

    @cached_property
    def now(self) -> View:
        return self.facts.at(self.cutoff)

    @cached_property
    def now_false(self) -> View:
        return self.false.at(self.cutoff)

    @cached_property
    def bridged(self) -> View:
        """The facts with false ones about the crossing part in the place of those that were injected and lead to an entity."""
        injected = {row["fact"] for row in self.rows("exposures", ["fact", "corpus"]) if row["corpus"] == "crossing"}
        true = (f for f in self.facts.facts if f.id not in injected or self.parts[f.object] == "shared")
        return View([*true, *(f for f in self.false.facts if self.parts[f.subject] == "crossing")])

    @cached_property
    def now_bridged(self) -> View:
        return self.bridged.at(self.cutoff)

    def of_corpus(self, corpus: str) -> View:
        """The facts that the documents of a corpus tell."""
        if corpus == "shuffled":
            return self.false
        return self.bridged if corpus == "false bridge" else self.facts

    @cached_property
    def told(self) -> View:
        return self.facts.until(self.cutoff)

    @cached_property
    def after(self) -> View:
        return self.facts.at(self.end) if self.timed else self.now

    @cached_property
    def ever(self) -> View:
        return self.facts.until(self.end) if self.timed else self.now

    def views(self, shape: str, split: str) -> tuple[View, View]:
        """What a question is answered by, and by what after all edits."""
        if split in ("shuffled", "recall_shuffled") and shape != "locality":
            return self.now_false, self.now_false
        if split == "false_bridge":
            return self.now_bridged, self.now_bridged
        if split == "edited":
            return self.after, self.after
        return (self.told, self.ever) if shape == "temporal" else (self.now, self.after)


_SLIPS = re.compile(
    r"\b[Aa] (?!uni|one )[AEIOUaeiou]|\b[Aa]n [^AEIOUaeiou]|\b(\w+) \1\b|  | [,.;:?]|[{}]|[.?] [a-z]|^[a-z]|,[,.]|\.\."
)


def slip(text: str) -> str:
    """What no English text should hold: a wrong article, a word twice, a space before a comma, a sentence without a capital."""
    return m[0] if (m := _SLIPS.search(text)) else ""


# Questions and probes.


def readings(data: Data, shape: str, text: str) -> tuple[Tagged, tuple[Asked, ...]]:
    """A text without its names, and every way to understand it as a question, or as the beginning of a statement."""
    tagged = data.tagger.tag(text)
    if shape not in ("cloze", "unseen", "locality"):
        return tagged, english.question(tagged.form)
    # Nobody thinks of what the world has no facts of.
    ways = (s.facts[0] for s in english.unfinished(tagged.form) if s.kind != "may" or s.facts[0].relation in data.stated)
    return tagged, tuple(Asked("one", (_begun(said),)) for said in ways)


def _begun(said: Said) -> Term:
    """The object of a statement that is to be completed; if it names a year, the one since then, or in that."""
    hop = Name(said.subject)
    return Hop(said.relation, hop) if said.since < 0 else Past(said.relation, hop, "in", said.since)


def said_right(data: Data, row: dict[str, Any], right: Answer) -> str:
    """What is wrong with a row's answers; nothing where they are right."""
    given = set(row["answers"])
    if row["answers"][:1] == ["unknown"]:
        return "" if row["shape"] == "unanswerable" and right == frozenset() else f"it has an answer: {right}"
    if isinstance(right, bool):
        return "" if given == {"yes" if right else "no"} else f"right is {right}"
    if isinstance(right, int):
        return "" if given == {str(right)} and right > 0 else f"right is {right}"
    if not right:
        return "nothing is known of it"
    if row["members"]:
        listed = set(row["answers"][0].replace(" and ", ", ").split(", "))
        return "" if right == set(row["members"]) == listed and len(given) == 1 else f"right is {sorted(right)}"
    if len(right) > 1:
        return f"several are right: {sorted(right)}"
    if set(row["candidates"]) & {name for e in right for name in data.called[e]}:
        return "a wrong answer is right"
    return "" if given == data.called[min(right)] else f"right is {min(right)}"


def questioned(data: Data, table: str) -> tuple[dict[tuple[str, str], Row], list[Problem]]:
    """Every row of questions or probes, answered from its text alone."""
    columns = ["shape", "split", "text", "answers", "members", "candidates", "stale", "outdated"]
    rows, problems = dict[tuple[str, str], Row](), list[Problem]()
    for row in data.rows(table, columns):
        shape, split = row["shape"], row["split"]
        tagged, ways = readings(data, shape, row["text"])
        view, later = data.views(shape, split)
        answers = {answer(way, tagged.names, view) for way in ways}
        where = f"{shape}, {split}"
        wrong = stale = False
        if said := slip(row["text"]):
            problems.append(Problem("slip", where, row["text"], said))
        if not ways:
            problems.append(Problem("not understood", where, row["text"], tagged.form))
        elif len(answers) > 1:
            problems.append(Problem("ambiguous", where, row["text"], str(ways)))
        else:
            (right,) = answers
            if why := said_right(data, row, right) or counted(data, shape, ways):
                wrong = True
                problems.append(Problem("wrong", where, row["text"], f"says {row['answers']}; {why}"))
            changed = split in TRAINED and {answer(way, tagged.names, later) for way in ways} != answers
            if row["stale"] is not changed:
                stale = True
                problems.append(Problem("stale", where, row["text"], f"says {row['stale']}"))
            before = {answer(way, tagged.names, data.now) for way in ways} if split == "edited" else {frozenset[str]()}
            (old,) = before if len(before) == 1 else (None,)
            if isinstance(old, frozenset) and set(row["outdated"]) != (old if len(old) == 1 else set()):
                problems.append(Problem("outdated", where, row["text"], f"says {row['outdated']}, was {sorted(old)}"))
        understood = len(ways) > 0 and len(answers) == 1
        rows[shape, split] = rows.get((shape, split), Row()).plus(Row(1, understood, wrong, stale))
    return rows, problems


def reasoned(data: Data, table: str, every: int = 1) -> tuple[dict[tuple[str, str], Row], list[Problem]]:
    """The sentences of each prompt (of one question in so many), and the sub-questions with their answers and sentences, each of
    which has to be right by itself: one that asks for one of "them" after the one that says who they are."""
    rows, problems = dict[tuple[str, str], Row](), list[Problem]()
    for row in data.rows(table, ["shape", "split", "text", "context", "context_facts", "sub_questions"])[::every]:
        shape, split = row["shape"], row["split"]
        view, cutoff = data.views(shape, split)[0], data.end if split == "edited" else data.cutoff
        wrong = [f"{text}: not that fact" for text, id_ in zip(row["context"], row["context_facts"], strict=True)
                 if None in (told := stated_fact(data, text, view, cutoff)) or id_ not in told]  # fmt: skip
        them = frozenset[str]()
        for sub in row["sub_questions"]:
            right, them = _asked_of(data, sub["text"], them, view)
            given = frozenset(sub["answer"].replace(" and ", ", ").split(", "))
            if right != (frozenset() if sub["answer"] == "unknown" else given):
                wrong.append(f"{sub['text']} {sub['answer']}: right is {right}")
            if not _concluded(data, sub, view, cutoff):
                wrong.append(f"{sub['text']} {sub['sentence']}")
        problems += [Problem("reasoning", f"{shape}, {split}", row["text"], why) for why in wrong]
        n = len(row["context"]) + len(row["sub_questions"])
        rows[shape, split] = rows.get((shape, split), Row()).plus(Row(n, n, len(wrong)))
    return rows, problems


def stated_fact(data: Data, text: str, view: View, cutoff: int) -> set[str | None]:
    """The ids of the facts that a sentence tells (of a bond of two, either); None where there is none such by one reading."""
    tagged = data.tagger.tag(text)
    return {matching(way, tagged.names, view, cutoff) for way in english.statement(tagged.form)} or {None}


def _asked_of(data: Data, text: str, them: frozenset[str], view: View) -> tuple[Answer, frozenset[str]]:
    """The answer of a sub-question, and who "they" are after it."""
    listed = text.replace("Which of them ", f"Which of {', '.join(sorted(them)[:-1])} and {max(them, default='')} ")
    tagged = data.tagger.tag(listed)
    answers = {answer(way, tagged.names, view) for way in english.question(tagged.form)}
    right = next(iter(answers)) if len(answers) == 1 else None
    return right, right if isinstance(right, frozenset) else frozenset()


def _concluded(data: Data, sub: dict[str, Any], view: View, cutoff: int) -> bool:
    """Whether the sentence that answers a sub-question is true: facts, a list, or that nothing is known."""
    tagged = data.tagger.tag(sub["sentence"])
    if m := re.fullmatch(r"Nothing is known of (.+)\.", tagged.form):
        ways = english.question(f"Who is {m[1]}?") or english.question(f"What is {m[1]}?")
        return bool(ways) and all(answer(way, tagged.names, view) == frozenset() for way in ways)
    if m := re.fullmatch(r"The (.+?>) are (.+)\.", tagged.form):
        count = m[1].count("<")
        ways = english.question(f"List the {m[1]}.")
        return bool(ways) and all(answer(way, tagged.names, view) == frozenset(tagged.names[count:]) for way in ways)
    sentences = re.split(r"(?<=\.) ", sub["sentence"])
    ids = [stated_fact(data, sentence, view, cutoff) for sentence in sentences]
    return all(None not in each and each for each in ids) and (not sub["fact"] or any(sub["fact"] in each for each in ids))


COUNTED = {"works_for": "workforce", "lives_in": "population"}


def counted(data: Data, shape: str, ways: Sequence[Asked]) -> str:
    """Why a group may not be supposed to be named whole: how many there are of it is stated, and is another number."""
    stated = data.stated
    for asked in ways if shape in ("counting", "either", "superlative", "set", "intersection", "tree") else ():
        for term in asked.terms:
            inner: Term = term.of if isinstance(term, Hop) and shape == "tree" else term
            groups = {inner.relation} if isinstance(inner, Hop) and inner.back else set()
            if isinstance(inner, Both):
                # That one fits both may be known from either group, if all of it is.
                groups = set(inner.relations) if {COUNTED.get(r) in stated for r in inner.relations} == {True} else set()
            if number := next((COUNTED[r] for r in groups if COUNTED.get(r) in stated), None):
                return f"{number} says how many there are"
    return ""


# Documents.


class Stated(NamedTuple):
    """What a sentence of a document states, with the names from its first on."""

    relation: str
    subject: str
    object: str
    names: Sequence[str]
    ways: tuple[Statement, ...]


def matching(statement: Statement, names: Sequence[str], view: View, cutoff: int) -> str | None:
    """The id of the fact that a statement tells; None where there is none such."""
    told = [_matched(said, names, view, statement.kind, cutoff) for said in statement.facts]
    return told[0] if all(told) else None


def _matched(said: Said, names: Sequence[str], view: View, kind: str, cutoff: int) -> str | None:
    subject, object_ = names[said.subject], names[said.object]
    since = int(names[said.since]) if said.since >= 0 else ALWAYS[0]
    until = int(names[said.until]) if said.until >= 0 else ALWAYS[1]
    facts = view.onward.get((said.relation, subject), [])
    for f in facts:
        if f.object != object_:
            continue
        if kind in ("plain", "holds", "held"):
            if (f.since, ALWAYS[1] if f.until > cutoff else f.until) == (since, until):
                return f.id
        elif f.since == since or f.until == until:
            # News: of what there was before or after.
            earlier, later = any(g.since < f.since for g in facts), any(g.since > f.since for g in facts)
            if not (said.first and earlier) and not (said.last and later):
                return f.id
    return None


Forms = dict[str, set[tuple[str, str]]]
"""The relations and forms of sentences that known documents use, and others."""


def documented(data: Data) -> tuple[dict[tuple[str, str], Row], list[Problem]]:
    """Every sentence of every document: rows by style and corpus, of sentences asked, understood and wrong. Then the wordings
    that are kept from what is injected."""
    used: Forms = defaultdict(set)
    rows, problems, seen = dict[tuple[str, str], Row](), list[Problem](), Counter[str]()
    for row in data.rows("documents", ["text", "template", "corpus", "facts", "forms", "context_chars"]):
        text, corpus = row["text"], row["corpus"]
        seen[text] += 1
        tagged = data.tagger.tag(text)
        told = english.document(tagged.form)
        where = f"{row['template']}, {corpus}"
        before = len(problems)
        problems += [Problem("not understood", where, text, left) for left in told.left]
        if said := slip(text):
            problems.append(Problem("slip", where, text, said))
        if corpus == "reading":
            problems += [Problem("wrong", where, text, why) for why in _read_twice(row, tagged, told)]
        else:
            problems += [Problem("wrong", where, text, why) for why in _told_right(data, row, tagged, told)]
        if corpus != "reading":
            own = used["known" if corpus == "known" else "injected"]
            own.update((way.facts[0].relation, s.form) for s in told.sentences for way in s.ways)
        n, wrong = len(told.sentences), min(len(problems) - before, len(told.sentences))
        rows[row["template"], corpus] = rows.get((row["template"], corpus), Row()).plus(Row(n, n - len(told.left), wrong))
    problems += [Problem("twice", "documents", text) for text, count in seen.items() if count > 1]
    return rows, problems + kept_apart(data, used)


def _read_twice(row: dict[str, Any], tagged: Tagged, told: english.Told) -> Iterator[str]:
    """A reading exercise states the same facts again."""
    triples = []
    for sentence in told.sentences:
        names = tagged.names[sentence.low :]
        triples.append({(f.relation, names[f.subject], names[f.object]) for way in sentence.ways for f in way.facts})
    half = len(triples) // 2
    first, second = triples[:half], triples[half:]
    if len(first) != len(second) or not all(any(a & b for b in second) for a in first) or half != len(row["facts"]):
        yield "not the same facts twice"


def _told_right(data: Data, row: dict[str, Any], tagged: Tagged, told: english.Told) -> Iterator[str]:
    view = data.of_corpus(row["corpus"])
    if len(told.sentences) != len(row["facts"]) or len(row["forms"]) != len(row["facts"]):
        yield f"{len(told.sentences)} sentences for {len(row['facts'])} facts"
        return
    facts = []
    for sentence, id_, form in zip(told.sentences, row["facts"], row["forms"], strict=True):
        names = tagged.names[sentence.low :]
        ids = {matching(way, names, view, data.cutoff) for way in sentence.ways}
        if None in ids:
            yield f"not a fact, or not by every reading: {sentence.form}"
        elif id_ not in ids:
            yield f"another fact than is listed: {sentence.form}"
        said = sentence.ways[0].facts[0] if sentence.ways else Said("", 0, 1)
        if (form == "m") is not sentence.masked or (form == "r" and said.subject < said.object and len(sentence.ways) == 1):
            yield f"not of form {form}: {sentence.form}"
        facts.append(Stated(said.relation, names[said.subject], names[said.object], names, sentence.ways))
    subjects = {f.subject for f in facts}
    for a, b in told.called:
        if a < 0 or tagged.names[a] != tagged.names[b] or tagged.names[a] not in subjects:
            yield "wrongly also known as"
    if len({tagged.names[a] for a, _ in told.called}) < len(told.called):
        yield "also known as, twice"
    if told.title and (subjects != {tagged.names[told.title[0]]} or told.title[1] != data.types[min(subjects)]):
        yield "another title"
    if told.about and {tagged.names[i] for i in told.about if i >= 0} != subjects:
        yield "about others than it says"
    if told.shared and (len({f.object for f in facts}) != 1 or {f.relation for f in facts} != {told.shared}):
        yield "they do not have that in common"
    if told.linked and [tagged.names[i] for i in told.linked] != [*facts[0][1:3]]:
        yield "links others than it says"
    for (low, ways), (relation, subject, *_) in zip(told.questions, facts, strict=False):
        terms = [w.terms[0] for w in ways if w.what in ("one", "all")]
        if not any(isinstance(t, Hop | Past) and t.relation == relation and tagged.names[low] == subject for t in terms):
            yield f"the answer to another question: {relation}"
    if told.questions and len(told.questions) != len(facts):
        yield "not a question for each answer"
    if told.date >= 0:
        yield from _news_in_time(data, view, int(tagged.names[told.date]), facts)


def _news_in_time(data: Data, view: View, year: int, facts: Sequence[Stated]) -> Iterator[str]:
    """News is of no year before those it is about were there, nor before one it names; of what ended, it is of that year, and of
    what holds still, of a later one than that in which it began, or says that it is new."""
    for _, subject, object_, names, ways in facts:
        for name in (subject, object_):
            if year < came(view, name, year):
                yield f"news of {year} about {name}, of {came(view, name, year)}"
        if data.types[object_] == "year" and year < int(object_):
            yield f"news of {year} about {object_}"
        for kind, said in ((way.kind, said) for way in ways for said in way.facts[:1] if way.kind != "plain"):
            when = int(names[said.until if said.until >= 0 else said.since])
            if not (when <= year <= data.cutoff if kind == "holds" else when == year):
                yield f"news of {year} about what was in {when}"


# Wordings that are kept from what is injected.


ENOUGH = 50
"""Facts of a relation that use every wording."""


def kept_apart(data: Data, used: Forms) -> list[Problem]:
    """What the probe `unseen` asks in words that documents of what is injected use too, or that known documents do not use."""
    problems, begun = list[Problem](), set[tuple[str, str]]()
    stated = Counter(f.relation for f in data.told.facts if data.parts[f.subject] == "known")
    for row in data.rows("probes", ["shape", "text"]):
        if row["shape"] == "unseen":
            form = data.tagger.tag(row["text"]).form
            begun |= {(way.facts[0].relation, form) for way in english.unfinished(form) if way.kind != "may"}
    for relation, form in sorted(begun):
        for corpus, there in (("injected", False), ("known", True)):
            if there and stated[relation] < ENOUGH:
                continue
            if any(r == relation and text.startswith(form) for r, text in used[corpus]) is not there:
                problems.append(Problem("kept", relation, form, f"{'not ' * there}in {corpus} documents"))
    told_of, asked = ({relation for relation, _ in forms} for forms in (used["injected"], begun))
    problems += [Problem("kept", r, "", "not asked in words that are kept") for r in sorted(told_of - asked) if _single(r)]
    return problems


def _single(relation: str) -> bool:
    return "a" not in english.RELATIONS[relation].phrases


# The world.


CAME = {"person": "birth_year", "company": "founding_year", "university": "opening_year", "book": "publication_year"}


def came(view: View, name: str, default: int) -> int:
    """The year in which something came to be, as far as a fact tells."""
    years = [int(o) for relation in CAME.values() for o in view.ends(relation, name)]
    return min(years, default=default)


OLDER = {
    "founded_by": (18, 80),
    "written_by": (18, 80),
    "published_by": (0, 999),
    "mentored_by": (5, 80),
    "studied_at": (-25, 999),
}
"""How many years older an object is than its subject, at least and at most."""


BEGUN_BY = {"member_of": 40, "works_for": 65, "profession": 65}
"""The age after which nothing of these begins."""


def impossible(data: Data, band: int = 15) -> list[Problem]:
    """What cannot be in a world that makes sense. band: most years between spouses."""
    problems, view = list[Problem](), data.facts
    years: dict[str, int] = {}
    for f in view.facts:
        if f.relation in CAME.values():
            years[f.subject] = int(f.object)
    for f in view.facts:
        if {f.subject, f.object} <= {*years}:
            older = years[f.subject] - years[f.object]
            least, most = (-band, band) if f.relation == "married_to" else OLDER.get(f.relation, (-999, 999))
            if not least <= older <= most:
                problems.append(_odd(f, years, "spouses far apart" if f.relation == "married_to" else "an impossible age"))
        if f.since > ALWAYS[0] and max(years.get(f.subject, f.since), years.get(f.object, f.since)) > f.since:
            problems.append(_odd(f, years, "begins before both were there"))
        if f.since > ALWAYS[0] and f.since - years.get(f.subject, f.since) > BEGUN_BY.get(f.relation, 999):
            problems.append(_odd(f, years, "begins too late in life"))
    problems += [_odd(f, years, "about itself") for f in view.facts if f.subject == f.object]
    return problems + _tangled(view, bool(years))


def _tangled(view: View, aged: bool) -> list[Problem]:
    """Facts that do not go together: two at one time, a bond of one side, what is above itself, what belongs to several."""
    problems = list[Problem]()
    for (relation, subject), facts in view.onward.items():
        spans = sorted((f.since, f.until) for f in facts)
        if _single(relation) and any(a[1] > b[0] for a, b in pairwise(spans)):
            problems.append(Problem("world", relation, subject, f"two at one time: {[f.object for f in facts]}"))
    for relation in ("married_to", "twinned_with"):
        pairs = {(f.subject, f.object) for f in view.facts if f.relation == relation}
        problems += [Problem("world", relation, f"{a}, {b}", "not both ways") for a, b in pairs if (b, a) not in pairs]
    for relation in ("owned_by", "flows_into", "mentored_by"):
        above = {f.subject: f.object for f in view.facts if f.relation == relation}
        if relation != "mentored_by" or aged:
            problems += [Problem("world", relation, name, "above itself") for name in above if _circular(above, name)]
    for relation in (r for r, row in english.RELATIONS.items() if "back" in row.phrases):
        for name in {f.object for f in view.facts if f.relation == relation}:
            if len(view.ends(relation, name, True)) > 1:
                problems.append(Problem("world", relation, name, "the object of several"))
    return problems


def _odd(fact: Fact, years: dict[str, int], why: str) -> Problem:
    told = [f"{name} ({years.get(name, '?')})" for name in (fact.subject, fact.object)]
    return Problem("world", fact.relation, " > ".join(told), f"{why}, {fact.since}")


def _circular(above: dict[str, str], name: str) -> bool:
    here = above.get(name)
    for _ in above:
        if here is None or here == name:
            break
        here = above.get(here)
    return here == name
