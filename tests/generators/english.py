"""A reader of kit's English that shares nothing with what writes it: a lexicon of its own, by meaning, and a grammar.

Names are taken out of a text first, so that what is left is a form (`<person> works for <company>.`), read once however often
it comes. A reading is every way to understand a form; none means that it is not English as this reader knows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Literal, NamedTuple

LEXICON = """
born_in: person city
  the: birthplace of S | city where S was born | city of birth of S
  that: S was born in the city of O | S was born and raised in O | S is a native of O | S came into the world in O
  that: S hails from O | it was in O that S was born
  ask: Where was S born?
lives_in: person city
  the: city where S lives | home city of S | city that S calls home
  that: S lives in O | S has a home in O | S is a resident of O | S resides in O | S is at home in O
  that: it is in O that S lives today
  was: S lived in O | it was in O that S lived
  since: S has lived in O | it is in O that S has lived
  over: S no longer lives in O
  had: city where S lived
  ask: Where does S live?
works_for: person company
  the: employer of S | company that employs S | company where S works
  that: S works for O | S is employed by O | S has a job at O | S earns a living at O | S is on the staff of O
  that: it is O that employs S
  was: S worked for O | it was O that employed S
  since: S has worked for O | it is O that has employed S
  over: S no longer works for O
  had: company that employed S
  ask: Who employs S?
mentored_by: person person
  the: mentor of S | person who mentored S | person who trained S
  that: S was mentored by O | S learned the trade from O | S was trained by O | S was a pupil of O | S was taught by O
  that: it was O who mentored S
  ask: Who mentored S?
  back: person mentored by O
  askback: Whom did O mentor?
married_to: person person
  the: spouse of S | person married to S | person to whom S is married
  that: S is married to O | S is the spouse of O | S has O as a spouse | S tied the knot with O | S exchanged vows with O
  that: it is O who is married to S
  ask: Who is S married to?
studied_at: person university
  the: university where S studied | university that educated S | alma mater of S
  that: S studied at O | S is a graduate of O | the alma mater of S is O | S took a degree at O | S was a student at O
  that: S was educated at O | it was at O that S studied
  ask: Where did S study?
profession: person profession
  the: profession of S | trade of S | line of work of S
  is: that of a O
  that: by profession, S is a O | S is a O | S is a O by trade | S has long been a O | a O is what S is by profession
  that: S makes a living as a O | for many years S has worked as a O
  was: S was a O | a O is what S was
  since: S has been a O | a O is what S has been
  over: S is no longer a O
  had: profession that S had
  beside: being a O
  ask: What is the profession of S?
plays: person instrument
  the: instrument that S plays | instrument of S | instrument played by S
  is: the O
  that: S plays the O | S is fond of playing the O | S took lessons on the O | S practises the O every day | S performs on the O
  that: it is the O that S plays
  ask: What instrument does S play?
speaks: person language
  a: language that S speaks | language of S | language spoken by S
  that: S speaks O | S is fluent in O | among the languages of S is O | S can hold a conversation in O | S reads and writes O
  that: S grew up with O | S can be heard speaking O
  ask: Which languages does S speak?
based_in: company city
  the: city where S is based | home city of S | city that hosts S
  that: S is based in O | S has its head office in O | the headquarters of S are in O | S is run from O | S operates out of O
  that: S keeps its main office in O | it is in O that S is based
  may: S was founded in O
  ask: Where is S based?
founded_by: company person
  the: founder of S | person who founded S | person who started S
  that: S was founded by O | S was started by O | S was set up by O | S owes its existence to O | S was established by O
  that: it was O who founded S
  ask: Who founded S?
  back: company founded by O
  askback: Which company did O found?
led_by: company person
  the: chief executive of S | person who leads S | head of S
  that: S is led by O | S is managed by O | S has been run by O for years | S is steered by O | S answers to O
  that: it is O who leads S
  ask: Who leads S?
  back: company led by O
  askback: Which company does O lead?
makes: company product
  the: main product of S | product that S makes | product sold by S
  that: S makes O | S is known for its O | S manufactures O | what S makes is O | S produces O | S sells O
  that: it is O that S makes
  was: S made O | it was O that S made
  since: S has made O | it is O that S has made
  over: S no longer makes O
  had: product that S made
  ask: What does S make?
supplies: company company
  a: customer of S | company that S supplies | firm supplied by S
  that: S supplies O | S delivers goods to O | among the customers of S is O | S has a contract with O
  that: S counts O among its customers | S sells parts to O | one of the firms that S supplies is O
  ask: Which companies does S supply?
governed_by: city person
  the: mayor of S | person who governs S | person in charge of S
  that: S is governed by O | S elected O as mayor | S has chosen O to be its mayor | S has O as its mayor
  that: S is in the hands of its mayor, O | it is O who governs S
  ask: Who is the mayor of S?
  back: city governed by O
  askback: Which city does O govern?
located_in: city country
  the: country of S | country where S lies | country to which S belongs
  that: S is located in O | S is a city in O | S lies in O | S is on the map of O | S can be found in O | it is in O that S lies
  ask: In which country is S?
twinned_with: city city
  the: twin city of S | city twinned with S | partner city of S
  that: S is twinned with O | S is the twin city of O | S keeps a partnership with O | S exchanges visitors with its twin, O
  that: S has O as its twin city | it is O that is twinned with S
  ask: Which city is S twinned with?
campus_in: university city
  the: city where S stands | city that is home to S | host city of S
  that: S has its campus in O | S is a university in O | S was built in O | S stands in O | S teaches its students in O
  that: it is in O that S stands
  may: S was opened in O
  ask: In which city is S?
headed_by: university person
  the: rector of S | person who heads S | person who directs S
  that: S is headed by O | S appointed O as rector | S is directed by O | S has O as its rector
  that: S follows the lead of its rector, O | it is O who heads S
  ask: Who is the rector of S?
  back: university headed by O
  askback: Which university does O head?
birth_year: person year
  the: birth year of S | year of birth of S | year in which S was born
  that: S was born in the year O | S first saw the light of day in O | S came into the world in the year O
  that: S was a child of the year O | S was entered in the register of births of the year O | it was in the year O that S was born
  may: S came into the world in O
  ask: In which year was S born?
  most: was born earlier, was born first | was born later, was born last
member_of: person team
  the: team of S | team to which S belongs | team that S plays for
  that: S is a member of O | S plays on the side of O | S wears the shirt of O | S is one of the players of O | S turns out for O
  that: it is O that S belongs to
  was: S was a member of O | it was O that S belonged to
  since: S has been a member of O | it is O that S has belonged to
  over: S is no longer a member of O
  had: team to which S belonged
  ask: To which team does S belong?
owned_by: company company
  the: owner of S | company that owns S | parent company of S
  that: S is owned by O | S is a subsidiary of O | S belongs to O | S was bought by O | S is in the possession of O
  that: it is O that owns S
  ask: Which company owns S?
founding_year: company year
  the: founding year of S | year of foundation of S | year in which S was founded
  that: S was founded in the year O | S opened for business in O | S has been in business since O | S was set up in the year O
  that: S goes back to the year O | it was in the year O that S was founded
  may: S was founded in O
  ask: In which year was S founded?
  most: was founded earlier, was founded first | was founded later, was founded last
workforce: company number
  the: workforce of S | headcount of S | number of people who work at S
  that: S has a workforce of O | S counts O people on its payroll | the workforce of S numbers O | S gives work to O people
  that: S employs O people | S pays the wages of O people | as many as O people work for S
  ask: How many people work at S?
  most: has the smaller workforce, has the smallest workforce | has the larger workforce, has the largest workforce
population: city number
  the: population of S | number of inhabitants of S | number of people who live in S
  that: S has a population of O | S is home to O people | S counts O inhabitants | S has O inhabitants | S houses O people
  that: there are O people in S
  ask: How many people live in S?
  most: has fewer inhabitants, has the fewest inhabitants | has more inhabitants, has the most inhabitants
lies_on: city river
  the: river of S | river that runs through S | river on which S lies
  that: S lies on O | S was built along O | S stands on the banks of O | S draws its water from O | S spans O
  that: it is O that runs through S
  ask: On which river does S lie?
flows_into: river river
  the: river that S flows into | river that S feeds | river joined by S
  that: S flows into O | S joins O | the mouth of S is at O | S is a tributary of O | S feeds O | S ends in O
  that: it is O that S flows into
  ask: Into which river does S flow?
opening_year: university year
  the: opening year of S | year of opening of S | year in which S was opened
  that: S was opened in the year O | S has taught since O | S welcomed its first class in O | S was chartered in the year O
  that: S opened its doors in the year O | it was in the year O that S was opened
  may: S was built in O | S was opened in O
  ask: In which year was S opened?
  most: was opened earlier, was opened first | was opened later, was opened last
written_by: book person
  the: author of S | person who wrote S | writer of S
  that: S was written by O | S is the work of O | S came from the pen of O | S is a book by O | S was penned by O
  that: it was O who wrote S
  ask: Who wrote S?
published_by: book company
  the: publisher of S | company that published S | company that brought out S
  that: S was published by O | S was brought out by O | S appeared with O | S is in the catalogue of O
  that: S was printed and sold by O
  that: it was O that published S
  ask: Which company published S?
set_in: book city
  the: setting of S | city in which S takes place | city where S is set
  that: S is set in O | S takes place in O | S tells a story from O | S unfolds in the streets of O | S leads its readers to O
  that: it is in O that S takes place
  ask: In which city is S set?
publication_year: book year
  the: publication year of S | year of publication of S | year in which S was published
  that: S was published in the year O | S reached the shops in O | S has been read since O | S came out in O
  that: S was first printed in O | it was in the year O that S was published
  may: S was published in O
  ask: In which year was S published?
  most: was published earlier, was published first | was published later, was published last
home_of_team: team city
  the: home city of S | city where S plays its home games | city where S trains
  that: S plays its home games in O | S has its stadium in O | S trains in O | S comes from O | S carries the colours of O
  that: it is in O that S plays its home games
  ask: Where does S play its home games?
coached_by: team person
  the: coach of S | person who coaches S | person who trains S
  that: S is coached by O | S is trained by O | S takes its orders from O | S is prepared for its games by O
  that: S has O as its coach | it is O who coaches S
  ask: Who coaches S?
  back: team coached by O
  askback: Which team does O coach?
collects: person product
  the: kind of thing that S collects | favourite collectible of S | kind of goods that S collects
  that: S collects O | S is a collector of O | the hobby of S is collecting O | S owns a fine collection of O
  that: what S collects is O
  that: S spends every penny on O | S travels far to find old O | it is O that S collects
  role: hobby
  ask: What does S collect?
"""
"""By relation: subject and object; noun phrases for the object (`the`: there is one, `a`: there may be several) and the subject
(`back`); clauses for what is (`that`), was, has been (`since`) and no longer is (`over`), and such as kit does not use but an
unfinished one `may` become; a noun phrase for what was (`had`), and how an object is named beside it; questions; what is said of
the one with the lesser and the greater object, of two and of many (`most`)."""

PLURALS = {
    "people": "person", "companies": "company", "cities": "city", "universities": "university", "teams": "team",
    "books": "book", "rivers": "river",
}  # fmt: skip
ARTICLE = {"river": "the "}
MONTHS = "January February March April May June July August September October November December".split()

IDLE = (
    "The weather was mild", "There is more to be said about this elsewhere", "The rest of the day passed", "A light rain fell",
    "The roads were busy", "Most people took little notice", "The clock in the hall had stopped", "Coffee was served",
    "The leaves had begun to turn", "Nobody could remember who had opened the window", "The evening papers had other things",
    "It was an ordinary year", "A dog barked", "The train was on time", "The letters had been sorted", "The lamps were lit",
    "Opinions about the food were divided", "A second copy was kept", "The paint on the door", "The meeting ended",
)  # fmt: skip
"""How sentences begin that say nothing about anybody."""


# What is understood.


class Name(NamedTuple):
    """The name at this place in the text."""

    slot: int


class Hop(NamedTuple):
    """What a relation leads to from something, or what leads to it (`back`)."""

    relation: str
    of: Term
    back: bool = False


class Both(NamedTuple):
    """Whatever has both objects."""

    relations: tuple[str, str]
    slots: tuple[int, int]


class Past(NamedTuple):
    """What a relation led to in a year, or right before or after something else (at `slot`)."""

    relation: str
    of: Term
    when: Literal["in", "before", "after"]
    slot: int


class Too(NamedTuple):
    """Of what a term means, what also has the object at `slot`."""

    of: Term
    relation: str
    slot: int


Term = Name | Hop | Both | Past | Too


class Asked(NamedTuple):
    """A question. one: the only one of the term; all: all of it; count: how many; least, most: the one with the least or most
    object of `relation` of all that the terms name; same: whether the terms are the same; is: whether the name at `slots` is it;
    which: of those at `slots` the one that has the object of the term; options: choose one of `slots`; false: whether the
    statement does not hold."""

    what: Literal["one", "all", "count", "least", "most", "same", "is", "which", "options", "false"]
    terms: tuple[Term, ...]
    relation: str = ""
    slots: tuple[int, ...] = ()


class Said(NamedTuple):
    """A statement: the places of its subject and object (-1 where that is left open), and of its years (-1: none). first, last:
    whether nothing came before or after. becomes: that it began (or ended) in that year is the news."""

    relation: str
    subject: int
    object: int
    since: int = -1
    until: int = -1
    first: bool = False
    last: bool = False


class Relation(NamedTuple):
    """A row of the lexicon."""

    name: str
    subject: str
    object: str
    phrases: Mapping[str, tuple[str, ...]]

    def all(self, *kinds: str) -> Iterator[str]:
        for kind in kinds:
            yield from self.phrases.get(kind, ())


def _lexicon() -> dict[str, Relation]:
    found: dict[str, Relation] = {}
    for block in re.split(r"\n(?=\w)", LEXICON.strip()):
        head, *lines = block.splitlines()
        name, subject, object_ = re.split(r":? ", head)
        phrases: dict[str, tuple[str, ...]] = {}
        for line in lines:
            kind, told = line.strip().split(": ", 1)
            phrases[kind] = (*phrases.get(kind, ()), *told.split(" | "))
        found[name] = Relation(name, subject, object_, phrases)
    return found


RELATIONS = _lexicon()


def _mark(kind: str) -> str:
    return f"{ARTICLE.get(kind, '')}<{kind}>"


def _form(phrase: str, relation: Relation) -> tuple[str, bool]:
    """A phrase with marks for names, and whether the subject comes first."""
    places = {word: m.start() for word in "SO" if (m := re.search(rf"\b{word}\b", phrase))}
    text = re.sub(r"\bS\b", _mark(relation.subject), phrase)
    text = re.sub(r"\bO\b", _mark(relation.object), text)
    return text, places.get("S", -1) < places.get("O", 10**6)


class Clause(NamedTuple):
    relation: str
    tense: str
    subject_first: bool


def _clauses() -> dict[str, list[Clause]]:
    """What whole clauses say, by their form (without capital and full stop)."""
    found: dict[str, list[Clause]] = {}
    for r in RELATIONS.values():
        (link,) = r.phrases.get("is", ("O",))
        phrases = [(tense, p) for tense in ("that", "was", "since", "over") for p in r.phrases.get(tense, ())]
        for article in ("the", "a"):
            for noun in r.phrases.get(article, ()):
                phrases += [("that", f"{article} {noun} is {link}"), ("that", f"O is {article} {noun}")]
        for tense, phrase in phrases:
            form, first = _form(phrase, r)
            clause = Clause(r.name, tense, first)
            if clause not in found.setdefault(form, []):
                found[form].append(clause)
    return found


CLAUSES = _clauses()
MIGHT = {_form(text, r)[0]: [Clause(r.name, "may", True)] for r in RELATIONS.values() for text in r.all("may")}


class Noun(NamedTuple):
    before: str
    after: str
    relation: str
    back: bool
    inner: str
    outer: str


def _two_words(text: str, low: int) -> str:
    return text[low : text.find(" ", text.find(" ", low) + 1)]


def _nouns(kinds: Iterable[str]) -> dict[str, list[Noun]]:
    """Noun phrases around a name, by the two words they begin with."""
    found: dict[str, list[Noun]] = {}
    for r in RELATIONS.values():
        for kind in kinds:
            ends = (r.object, r.subject) if kind == "back" else (r.subject, r.object)
            for phrase in r.phrases.get(kind, ()):
                before, after = re.split(r"\b[SO]\b", f"{'a' if kind == 'a' else 'the'} {phrase}")
                found.setdefault(_two_words(before, 0), []).append(Noun(before, after, r.name, kind == "back", *ends))
    return found


NOUNS, PAST_NOUNS = _nouns(("the", "a", "back")), _nouns(("had",))


def _roles() -> dict[tuple[str, str], tuple[str, str]]:
    """By type and role ("person", "employer"): the relation, and how its object is named after "is"."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for r in RELATIONS.values():
        (link,) = r.phrases.get("is", ("O",))
        for phrase in r.all("the"):
            if m := re.fullmatch(r"([\w ]+) of S", phrase):
                found[r.subject, m[1]] = (r.name, _form(link, r)[0])
        for role in r.all("role"):
            found[r.subject, role] = (r.name, _form("collecting O", r)[0])
    return found


ROLES = _roles()


def _predicates() -> dict[tuple[str, str], list[str]]:
    """By type and what is said of it ("person", "works for <company>"): the relations that it may mean."""
    found: dict[tuple[str, str], list[str]] = {}
    for r in RELATIONS.values():
        for phrase in r.all("that"):
            if phrase.startswith("S ") and (form := _form(phrase[2:], r)[0]):
                found.setdefault((r.subject, form), []).append(r.name)
    return found


PREDICATES = _predicates()


def _asked() -> dict[str, list[tuple[str, bool]]]:
    found: dict[str, list[tuple[str, bool]]] = {}
    for r in RELATIONS.values():
        for kind in ("ask", "askback"):
            for phrase in r.phrases.get(kind, ()):
                found.setdefault(_form(phrase, r)[0], []).append((r.name, kind == "askback"))
    return found


ASKED = _asked()


def _compared(place: int) -> dict[str, tuple[str, Literal["least", "most"]]]:
    """What is said of one of two (place 0), or of many (1): the relation, and which end of it is meant."""
    ends: tuple[Literal["least", "most"], ...] = ("least", "most")
    return {
        phrase.split(", ")[place]: (r.name, end)
        for r in RELATIONS.values()
        for end, phrase in zip(ends, r.phrases.get("most", ()), strict=False)
    }


OF_TWO, OF_MANY = _compared(0), _compared(1)

OPENERS = [
    ("Who is ", "?", "person"), ("What is ", "?", "thing"), ("Tell me ", ".", "thing"), ("Could you tell me ", "?", "thing"),
    ("Please tell me ", ".", "thing"), ("Do you know ", "?", "thing"), ("Can you tell me ", "?", "thing"),
    ("I am looking for ", ".", "thing"), ("I would like to know ", ".", "thing"), ("Name ", ".", ""), ("Please name ", ".", ""),
    ("Can you name ", "?", ""), ("Give the name of ", ".", "person"), ("Tell me the name of ", ".", ""),
    ("What is the name of ", "?", ""), ("What was ", "?", "was"), ("Could you give me the name of ", "?", "person"),
    ("I would like to know the name of ", ".", "person"),
]  # fmt: skip
"""How one thing is asked for: by openers for persons, for other things, or for either."""


# Taking names out.


class Tagged(NamedTuple):
    """A text with marks of their types where names were, and the names, each by its first one."""

    form: str
    names: tuple[str, ...]


class Tagger:
    """Knows the names of a world, and whom they are of."""

    def __init__(self, types: Mapping[str, str], aliases: Mapping[str, str]) -> None:
        """types: by name. aliases: the first name by the second."""
        self.types, self.aliases = types, aliases
        called = {**types, **{alias: types[name] for alias, name in aliases.items()}}
        coined = [name for name in called if re.fullmatch(r"[A-Z]\w+ [A-Z]\w+", name)]
        self._words: tuple[dict[str, set[str]], ...] = ({}, {})
        for name in coined:
            for words, word in zip(self._words, name.split(), strict=True):
                words.setdefault(word, set()).add(called[name])
        ordinary = "|".join(sorted((re.escape(v) for v in called if v[0].islower()), key=len, reverse=True)) or "(?!)"
        self._pattern = re.compile(rf"\b(?:[A-Z]\w*(?: [A-Z]\w*)*|\d+,\d{{3}}|\d{{4}}|(?:{ordinary})\b)")

    def type(self, name: str) -> str | None:
        """Of a name, and of one of throwaway worlds, made of the words of others."""
        if found := self.types.get(self.aliases.get(name, name)):
            return found
        if name[0].isdigit():
            return "number" if "," in name else "year"
        first, *second = name.split()
        either = self._words[0].get(first, set()) & self._words[1].get(" ".join(second), set())
        return min(either) if len(either) == 1 else None

    def tag(self, text: str) -> Tagged:
        names: list[str] = []

        def mark(match: re.Match[str]) -> str:
            parts, told, at = match[0].split(" "), list[str](), 0
            while at < len(parts):
                # A name of two words, one of one, or no name.
                for size in (2, 1):
                    name = " ".join(parts[at : at + size])
                    kind = self.type(name) if at + size <= len(parts) else None
                    if kind:
                        names.append(self.aliases.get(name, name))
                        break
                told.append(f"<{kind}>" if kind else parts[at])
                at += size
            return " ".join(told)

        return Tagged(self._pattern.sub(mark, text), tuple(names))


# Noun phrases.


_DESCRIBED = re.compile(r"the (\w+) (who|that) ")
_AND = re.compile(" and ")
_WHEN = re.compile(r".* (in|right before|right after) (\S.*)")


class Phrases:
    """The noun phrases of one form, read once each."""

    def __init__(self, form: str) -> None:
        self.form, self._read = form, dict[tuple[int, int], list[tuple[Term, str]]]()

    def slot(self, place: int) -> int:
        """The number of the name at a place."""
        return self.form.count("<", 0, place)

    def name(self, low: int, high: int) -> tuple[int, str] | None:
        """The number and type of a name with its article, where nothing else stands there."""
        m = re.fullmatch(r"(the )?<(\w+)>", self.form[low:high])
        return (self.slot(low), m[2]) if m and (m[1] or "") == ARTICLE.get(m[2], "") else None

    def terms(self, low: int, high: int) -> list[tuple[Term, str]]:
        """Every way to understand a stretch as a noun phrase: what is meant, and its type."""
        if (low, high) not in self._read:
            self._read[low, high] = [*self._terms(low, high)]
        return self._read[low, high]

    def _terms(self, low: int, high: int) -> Iterator[tuple[Term, str]]:
        if named := self.name(low, high):
            yield Name(named[0]), named[1]
        for noun, of in self._around(NOUNS, low, high):
            yield Hop(noun.relation, of, noun.back), noun.outer
        if (m := _DESCRIBED.match(self.form, low, high)) and (m[1] == "person") is (m[2] == "who"):
            for both in self.both(m[1], m.end(), high):
                yield both, m[1]
            yield from ((too, m[1]) for too in self._too(m[0], m[1], low, high))
        if m := _WHEN.fullmatch(self.form, low, high):
            for noun, of in self._around(PAST_NOUNS, low, m.start(1) - 1):
                r = RELATIONS[noun.relation]
                (beside,) = r.phrases.get("beside", ("O",))
                wanted = "<year>" if m[1] == "in" else _form(beside, r)[0]
                if m[2] == wanted:
                    when: Literal["in", "before", "after"] = "in" if m[1] == "in" else "before" if "before" in m[1] else "after"
                    yield Past(noun.relation, of, when, self.slot(m.start(2))), noun.outer

    def _too(self, opens: str, kind: str, low: int, high: int) -> Iterator[Too]:
        """ "the person who mentored the person who hails from <city> and works for <company>", where the former does."""
        for m in _AND.finditer(self.form, low, high):
            for noun in NOUNS.get(_two_words(self.form, low), ()):
                at = low + len(noun.before)
                inner = _DESCRIBED.match(self.form, at, m.start())
                if noun.after or not inner or not (noun.before.startswith(opens) and self.form.startswith(noun.before, low)):
                    continue
                sides = ((noun.inner, inner.end(), m.start()), (kind, m.end(), high))
                told = [PREDICATES.get((type_, self.form[a:b]), []) for type_, a, b in sides]
                for one, two in product(*told) if inner[1] == noun.inner else ():
                    whom = Hop(one, Name(self.slot(at)), True)
                    yield Too(Hop(noun.relation, whom, noun.back), two, self.slot(m.end()))

    def _around(self, nouns: Mapping[str, list[Noun]], low: int, high: int) -> Iterator[tuple[Noun, Term]]:
        for noun in nouns.get(_two_words(self.form, low), ()):
            inner, end = low + len(noun.before), high - len(noun.after)
            if inner < end and self.form.startswith(noun.before, low) and self.form.endswith(noun.after, low, high):
                for of, kind in self.terms(inner, end):
                    if kind == noun.inner:
                        yield noun, of

    def both(self, kind: str, low: int, high: int) -> Iterator[Both]:
        """ "works for <company> and plays the <instrument>", said of a type."""
        for m in _AND.finditer(self.form, low, high):
            sides = [PREDICATES.get((kind, self.form[a:b]), []) for a, b in ((low, m.start()), (m.end(), high))]
            for one, two in product(*sides):
                yield Both((one, two), (self.slot(low), self.slot(m.end())))

    def group(self, low: int, high: int) -> Iterator[tuple[Hop, str]]:
        """ "people whose employer is <company>"."""
        if m := re.compile(r"(\w+) whose ([\w ]+?) is (.*)").fullmatch(self.form, low, high):
            kind = PLURALS.get(m[1], "")
            relation, link = ROLES.get((kind, m[2]), ("", ""))
            if link == m[3]:
                yield Hop(relation, Name(self.slot(m.start(3))), True), kind


# Questions.


@cache
def question(form: str) -> tuple[Asked, ...]:
    """Every way to understand a question."""
    return tuple(dict.fromkeys(_question(form)))


def _question(form: str) -> Iterator[Asked]:
    phrases = Phrases(form)
    for before, after, kind in OPENERS:
        if form.startswith(before) and form.endswith(after):
            for term, type_ in phrases.terms(len(before), len(form) - len(after)):
                fits = {"person": type_ == "person", "thing": type_ != "person", "was": isinstance(term, Past), "": True}[kind]
                if fits and not isinstance(term, Name):
                    yield Asked("one", (term,))
    for relation, back in ASKED.get(form, ()):
        yield Asked("all" if "a" in RELATIONS[relation].phrases else "one", (Hop(relation, Name(0), back),))
    for rule in (_intersection, _comparison, _same, _counting, _superlative, _set, _verify, _choice, _reversal, _negation):
        yield from rule(form, phrases)


def _spans(pattern: str, form: str) -> Iterator[re.Match[str]]:
    if m := re.fullmatch(pattern, form):
        yield m


def _intersection(form: str, phrases: Phrases) -> Iterator[Asked]:
    for m in _spans(r"Which (\w+) (.+)\?", form):
        for both in phrases.both(m[1], *m.span(2)):
            yield Asked("one", (both,))


def _comparison(form: str, phrases: Phrases) -> Iterator[Asked]:
    name = r"((?:the )?<\w+>)"
    for pattern, said, one, two in (
        (rf"Which one (.+), {name} or {name}\?", 1, 2, 3),
        (rf"(?:Of|Between) {name} and {name}, which one (.+)\?", 3, 1, 2),
        (rf"Tell me which one (.+), {name} or {name}\.", 1, 2, 3),
        (rf"Can you tell me which of {name} and {name} (.+)\?", 3, 1, 2),
        (rf"I would like to know which of {name} and {name} (.+)\.", 3, 1, 2),
    ):
        for m in _spans(pattern, form):
            names = [phrases.name(*m.span(group)) for group in (one, two)]
            relation, end = OF_TWO.get(m[said], ("", "least"))
            if relation and all(n and n[1] == RELATIONS[relation].subject for n in names):
                yield Asked(end, tuple(Name(n[0]) for n in names if n), relation)


def _same(form: str, phrases: Phrases) -> Iterator[Asked]:
    name, role = r"((?:the )?<\w+>)", r"([\w ]+?)"
    for pattern, one, two, what in (
        (rf"Do {name} and {name} have the same {role}\?", 1, 2, 3),
        (rf"(?:Is it true|Would it be right to say) that {name} and {name} have the same {role}\?", 1, 2, 3),
        (rf"Is the {role} of {name} also the \1 of {name}\?", 2, 3, 1),
        (rf"(?:Tell me|I would like to know) whether {name} and {name} have the same {role}\.", 1, 2, 3),
    ):
        for m in _spans(pattern, form):
            names = [phrases.name(*m.span(group)) for group in (one, two)]
            kinds = {n[1] if n else "" for n in names}
            relation, _ = ROLES.get((min(kinds), m[what]), ("", ""))
            if relation and len(kinds) == 1:
                yield Asked("same", tuple(Hop(relation, Name(n[0])) for n in names if n))


def _counting(form: str, phrases: Phrases) -> Iterator[Asked]:
    ways = r"^(?:How many (\w+) are there|(?:Tell me|I would like to know) how many (\w+) there are) whose (.*)[.?]$"
    whole = re.sub(ways, r"Count the \1\2 whose \3.", form)
    for m in _spans(r"(?:Count the|(?:What is|Could you tell me) the number of) (.+)[.?]", whole):
        inner = Phrases(whole)
        for group, _ in inner.group(*m.span(1)):
            yield Asked("count", (group,))
    asks = (
        r"(?:How many|Count the|What is the number of|Tell me how many|Could you tell me how many|I would like to know how many)"
    )
    for m in _spans(rf"{asks} (\w+)( who| that)? have (.+) or (.+) as their ([\w ]+)[.?]", form):
        kind = PLURALS.get(m[1], "")
        names = [phrases.name(*m.span(group)) for group in (3, 4)]
        relation, _ = ROLES.get((kind, m[5]), ("", ""))
        said = {None: True, " who": kind == "person", " that": kind != "person"}[m[2]]
        if relation and said and all(n and n[1] == RELATIONS[relation].object for n in names):
            yield Asked("count", tuple(Hop(relation, Name(n[0]), True) for n in names if n))


def _superlative(form: str, phrases: Phrases) -> Iterator[Asked]:
    for pattern in (
        r"(?:Of|Among) the (.+), which one (.+)\?",
        r"Which of the (.+?>) (.+)\?",
        r"(?:Tell me|I would like to know) which of the (.+?>) (.+)\.",
        r"Can you tell me which of the (.+?>) (.+)\?",
    ):
        for m in _spans(pattern, form):
            relation, end = OF_MANY.get(m[2], ("", "least"))
            for group, kind in phrases.group(*m.span(1)):
                if relation and RELATIONS[relation].subject == kind:
                    yield Asked(end, (group,), relation)


def _set(form: str, phrases: Phrases) -> Iterator[Asked]:
    for m in _spans(
        r"(?:Name all|List the|Tell me the names of all|I would like to know all the|Can you list all) (.+)[.?]", form
    ):
        for group, _ in phrases.group(*m.span(1)):
            yield Asked("all", (group,))
    for m in _spans(r"(Who|Which) are the (.+)\?", form):
        for group, kind in phrases.group(*m.span(2)):
            if (m[1] == "Who") is (kind == "person"):
                yield Asked("all", (group,))
    more = r" (?:Name them all|List every one|Give all of them|I would like to know them all|Please name each)\."
    for m in _spans(rf"(.+\?){more}", form):
        yield from (asked for asked in question(m[1]) if asked.what == "all")


def _verify(form: str, phrases: Phrases) -> Iterator[Asked]:
    end = r"((?:the )?<\w+>)"
    for pattern, said, phrase in (
        (rf"Is {end} (.+)\?", 1, 2),
        (rf"(?:Is it true|Is it correct|Would it be right to say) that (.+) is {end}\?", 2, 1),
        (rf"Tell me whether (.+) is {end}\.", 2, 1),
        (rf"Can you tell me whether {end} is (.+)\?", 1, 2),
    ):
        for m in _spans(pattern, form):
            named = phrases.name(*m.span(said))
            for term, kind in phrases.terms(*m.span(phrase)) if named else ():
                if named and named[1] == kind and not isinstance(term, Name):
                    yield Asked("is", (term,), slots=(named[0],))


def _options(phrases: Phrases, low: int, high: int, last: str) -> tuple[tuple[int, ...], set[str]]:
    """The names of "A, B, C or D", and their types."""
    places = list(re.finditer(r"(?:the )?<\w+>", phrases.form[low:high]))
    if not places or f"{', '.join(p[0] for p in places[:-1])} {last} {places[-1][0]}" != phrases.form[low:high]:
        return (), set()
    named = [phrases.name(low + p.start(), low + p.end()) for p in places]
    return tuple(n[0] for n in named if n), {n[1] if n else "" for n in named}


def _choice(form: str, phrases: Phrases) -> Iterator[Asked]:
    for m in _spans(r"(.+): (.+)\?", form):
        slots, kinds = _options(phrases, *m.span(2), "or")
        for asked in question(f"{m[1]}?"):
            if asked.what == "one" and isinstance(hop := asked.terms[0], Hop):
                r = RELATIONS[hop.relation]
                if kinds == {r.subject if hop.back else r.object}:
                    yield Asked("options", asked.terms, slots=slots)


def _reversal(form: str, phrases: Phrases) -> Iterator[Asked]:
    for m in _spans(r"Which of ((?:(?:the )?<\w+>(?:, | and )?)+) (.+)\?", form):
        slots, kinds = _options(phrases, *m.span(1), "and")
        for relation in PREDICATES.get((min(kinds, default=""), m[2]), []) if len(kinds) == 1 else ():
            yield Asked("which", (Hop(relation, Name(form.count("<") - 1), True),), slots=slots)


def _negation(form: str, phrases: Phrases) -> Iterator[Asked]:
    for m in _spans(r"Is it false that (.+)\?", form):
        for clause in CLAUSES.get(m[1], ()):
            if clause.tense == "that":
                yield Asked("false", (), clause.relation, (0, 1) if clause.subject_first else (1, 0))


# Statements.

_SENTENCES = [
    # A fact that holds since a year.
    (r"(?:ever )?since Y,? {A}", {"A": "since"}, "holds"),
    (r"{A} since Y", {"A": "since"}, "holds"),
    (r"from Y to this day {A}", {"A": "since"}, "holds"),
    (r"as has been the case since Y, {A}", {"A": "that"}, "holds"),
    (r"as of Y, {A}", {"A": "since"}, "holds"),
    (r"as of Y, {A}", {"A": "that"}, "holds"),
    # One that held for some years.
    (r"(?:from Y to|between Y and|beginning in Y and until|in the years from Y to) Y,? {A}", {"A": "was"}, "held"),
    (r"{A} from Y (?:until|to) Y", {"A": "was"}, "held"),
    # One (A) that came in the place of another (B).
    (r"since Y {A}; until then {B}", {"A": "since", "B": "was"}, "changed"),
    (r"as of Y, {B}: {A}", {"A": "that", "B": "over"}, "changed"),
    (r"until Y {B}\. Since then {A}", {"A": "since", "B": "was"}, "changed"),
    (r"{B} until Y, and {A} since", {"A": "since", "B": "was"}, "changed"),
    # One that began when there was none.
    (r"since Y {A}; nothing is known of the time before", {"A": "since"}, "begun"),
    (r"as of Y, {A}, and that for the first time", {"A": "that"}, "begun"),
    (r"until Y nothing is known; since then {A}", {"A": "since"}, "begun"),
    (r"{A} since Y, and nothing is known of the time before", {"A": "since"}, "begun"),
    # One that ended, and nothing came after it.
    (r"until Y {A}; nothing is known of the time since", {"A": "was"}, "ended"),
    (r"as of Y, {A}, and nothing has come in its place", {"A": "over"}, "ended"),
    (r"{A} until Y, and nothing is known of what came after", {"A": "was"}, "ended"),
    (r"{A} until some day in Y, and nothing is known of the time since", {"A": "was"}, "ended"),
]
"""Sentences with years: the tense of each clause, and what they tell."""

_WITH_YEARS = [
    (re.compile(re.sub(r"\{(\w)\}", r"(?P<\1>.+)", text).replace("Y", "<year>")), tenses, kind)
    for text, tenses, kind in _SENTENCES
]


class Statement(NamedTuple):
    """kind: plain, or what a sentence with years tells (may: what a beginning might become). facts: the one stated and, of one
    that changed, what it was before."""

    kind: str
    facts: tuple[Said, ...]


@cache
def statement(form: str) -> tuple[Statement, ...]:
    """Every way to understand a whole sentence that states a fact."""
    return tuple(dict.fromkeys(_statement(form)))


def _statement(form: str) -> Iterator[Statement]:
    if not form.endswith(".") or form[0].islower():
        return
    text = form[0].lower() + form[1:-1]
    for clause in CLAUSES.get(text, ()):
        if clause.tense == "that":
            yield Statement("plain", (_said(clause, 0),))
    if "<year>" not in text:
        return
    for pattern, tenses, kind in _WITH_YEARS:
        if m := pattern.fullmatch(text):
            years = [i for i, mark in enumerate(re.finditer("<[^>]+>", text)) if not any(_within(m, g, mark) for g in tenses)]
            sides = [[c for c in CLAUSES.get(m[g], ()) if c.tense == tense] for g, tense in tenses.items()]
            for found in product(*sides):
                if len({c.relation for c in found}) == 1:
                    told = [_said(c, text.count("<", 0, m.start(g))) for c, g in zip(found, tenses, strict=True)]
                    yield Statement(kind, tuple(_timed(kind, told, years)))


def _within(m: re.Match[str], group: str, mark: re.Match[str]) -> bool:
    return m.start(group) <= mark.start() < m.end(group)


def _said(clause: Clause, low: int) -> Said:
    return Said(clause.relation, low, low + 1) if clause.subject_first else Said(clause.relation, low + 1, low)


def _timed(kind: str, told: list[Said], years: list[int]) -> Iterator[Said]:
    now = told[0]
    if kind == "holds":
        yield now._replace(since=years[0])
    elif kind == "held":
        yield now._replace(since=years[0], until=years[1])
    elif kind == "ended":
        yield now._replace(until=years[0], last=True)
    elif kind == "begun":
        yield now._replace(since=years[0], first=True)
    else:
        yield now._replace(since=years[0])
        yield told[1]._replace(until=years[0])


@cache
def unfinished(form: str) -> tuple[Statement, ...]:
    """Every way to understand the beginning of a statement whose object is to come."""
    last, objects = form.count("<"), sorted({r.object for r in RELATIONS.values()})
    ways = [s for kind in objects for s in statement(f"{form} <{kind}>.")]
    # An undated one might become something else.
    ways += [Statement("may", (_said(c, 0),)) for kind in objects for c in MIGHT.get(f"{form} <{kind}>", ())]
    return tuple(s for s in dict.fromkeys(ways) if s.facts[0].object == last)


# Documents.


class Sentence(NamedTuple):
    """A sentence of a document that says something: its form, the number of its first name, how it is put (plain, or masked),
    and every way to understand it (none: not understood)."""

    form: str
    low: int
    masked: bool
    ways: tuple[Statement, ...]


class Told(NamedTuple):
    """What a document says: its sentences; who is also called so (places of two names); what stands around them, and what was
    not understood. date: the place of the year of news."""

    sentences: tuple[Sentence, ...]
    called: tuple[tuple[int, int], ...] = ()
    date: int = -1
    title: tuple[int, str] | None = None
    about: tuple[int, ...] = ()
    linked: tuple[int, int] | None = None
    shared: str = ""
    questions: tuple[tuple[int, tuple[Asked, ...]], ...] = ()
    left: tuple[str, ...] = ()


_DATE = rf"\d{{1,2}} (?:{'|'.join(MONTHS)}) <year>"
_NEWS = re.compile(
    rf"(?:(?:News of|As announced on|Reported on) {_DATE}: |{_DATE}\. From our correspondent: |{_DATE}, by wire: "
    rf"|On {_DATE} it was announced: )"
)
_TITLE = re.compile(r"<(\w+)> \((\w+)\)\n\n")
_LETTER = re.compile(
    r"(?:Dear (?:friend|neighbour|colleague)|My dear cousin|To whom it may concern),\n\n"
    r"(?:You asked me about|You wanted to hear of|Here is what I was told about|I have found out more about) ((?:the )?<\w+>)\. "
)
_N = r"(?:[Tt]he )?<(\w+)>"
_ALIKE = re.compile(
    rf"{_N} and {_N} have something in common: the same (?P<a>[\w ]+)\. |What links {_N} and {_N} is the same (?P<b>[\w ]+)\. |"
    rf"{_N} and {_N} share their (?P<c>[\w ]+)\. |Compare {_N} and {_N}, who have the same (?P<d>[\w ]+)\. "
)
_BESIDE = re.compile(rf"On {_N} and {_N}: ")
_NAMED = r"(?:the trade of <profession>|the <instrument>|the <river>|the year <year>|the number <number>|<\w+>)"
_CONNECTS = re.compile(rf"What connects ((?:the )?<\w+>) with ({_NAMED})\? ")
_CALLED = re.compile(r"((?:The )?)<(\w+)> is also known as ((?:the )?)<(\w+)>\.")
_IDLE = re.compile(rf"(?:{'|'.join(IDLE)})\b[a-z ]*\.")


def document(form: str) -> Told:
    """What a document says, whatever its style."""
    at, told = 0, Told(())
    if m := _NEWS.match(form):
        at, told = m.end(), told._replace(date=0)
    elif m := _TITLE.match(form):
        at, told = m.end(), told._replace(title=(0, m[2] if m[1] == m[2] else ""))
    elif m := _LETTER.match(form):
        at, told = m.end(), told._replace(about=(0,) if Phrases(form).name(*m.span(1)) else (-1,))
    elif (m := _ALIKE.match(form)) and _rightly_linked(m):
        role = next(g for g in m.groupdict().values() if g)
        relation, _ = ROLES.get((re.findall(r"<(\w+)>", m[0])[0], role), ("", ""))
        at, told = m.end(), told._replace(about=(0, 1), shared=relation or "?")
    elif m := _BESIDE.match(form):
        at, told = m.end(), told._replace(about=(0, 1))
    elif (m := _CONNECTS.match(form)) and Phrases(form).name(*m.span(1)):
        at, told = m.end(), told._replace(linked=(0, 1))
    sentences, called, questions, left = list[Sentence](), list[tuple[int, int]](), list[tuple[int, tuple[Asked, ...]]](), []
    for low, text in _split(form, at):
        if m := re.match(r"A: (.+)\nB: ", text):
            ways = question(m[1])
            questions.append((low, ways))
            if not ways:
                left.append(text)
            low, text = low + m[0].count("<"), text[m.end() :]
        if _IDLE.fullmatch(re.sub("<product>", "lamps", text)):
            continue
        if m := _CALLED.fullmatch(text):
            article = ARTICLE.get(m[2], "")
            right = m[2] == m[4] and m[1].lower() == article and m[3] == article
            called.append((low, low + 1) if right else (-1, -1))
            continue
        masked = re.fullmatch(r"(.*)____(.*) What is missing is: (<\w+>)\.", text)
        if masked:
            sentences.append(Sentence(masked[1], low, True, _filled(masked[1], masked[2], masked[3])))
        else:
            sentences.append(Sentence(text, low, False, statement(text)))
        if not sentences[-1].ways:
            left.append(text)
    return told._replace(sentences=tuple(sentences), called=tuple(called), questions=tuple(questions), left=tuple(left))


def _rightly_linked(m: re.Match[str]) -> bool:
    """Two of one type, each with its article, which begins with a capital where the sentence does."""
    kinds = re.findall(r"(\b[Tt]he )?<(\w+)>", m[0])
    opens = [m.start("a") > 0 or m.start("c") > 0, False]
    articles = [
        (ARTICLE.get(k, "").capitalize() if first else ARTICLE.get(k, "")) for (_, k), first in zip(kinds, opens, strict=True)
    ]
    return len({k for _, k in kinds}) == 1 and [a for a, _ in kinds] == articles


def _split(form: str, at: int) -> Iterator[tuple[int, str]]:
    """The sentences from a place on, those together that make sense together only, each with the number of its first name."""
    pieces: list[str] = []
    for piece in re.split(r"(?<=\.) (?!$)|(?<=\.)\n(?=A: )", form[at:]):
        if pieces and piece.startswith(("What is missing is: ", "Since then ")):
            pieces[-1] += f" {piece}"
        else:
            pieces.append(piece)
    low = form.count("<", 0, at)
    for piece in pieces:
        yield low, piece
        low += piece.count("<")


def _filled(before: str, after: str, name: str) -> tuple[Statement, ...]:
    """A statement with a gap, filled by the name after it: the places of names move."""
    gap, last = before.count("<"), before.count("<") + after.count("<")

    def moved(slot: int) -> int:
        return last if slot == gap else slot - (slot > gap)

    def filled(f: Said) -> Said:
        subject, object_, since, until = (slot if slot < 0 else moved(slot) for slot in f[1:5])
        return f._replace(subject=subject, object=object_, since=since, until=until)

    ways = (s for s in statement(before + name + after) if s.facts[0].object == gap)
    return tuple(Statement(s.kind, tuple(map(filled, s.facts))) for s in ways)
