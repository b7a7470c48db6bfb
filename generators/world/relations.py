"""THE table: one row a relation, and a row drives everything (facts, prose, questions, sub-questions, chains).

To add a relation, add a row. `{s}` is the subject, `{o}` the object. Every statement is a whole sentence that names both;
the first one ends with the object, so that its beginning is a cloze. `nouns` are noun phrases for the object that nest
into one another ("the mayor of the city where Ada Byrne was born"); `question` asks for the object by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

ENTITY_TYPES = ("person", "company", "city", "university", "team", "book", "river")
"""Types whose members are coined anew for every world, known and novel apart."""

VALUE_TYPES = ("country", "profession", "instrument", "product", "language", "year", "number")
"""Types whose members are shared by the known and the novel part: what new facts about new entities point to."""

COMMON_NOUNS = ("profession", "instrument", "product")
"""Value types whose members are ordinary words, which need an article in a sentence."""

TYPES = (*ENTITY_TYPES, *VALUE_TYPES)

PLURALS = {
    "person": "people", "company": "companies", "city": "cities", "university": "universities", "team": "teams",
    "book": "books", "river": "rivers",
}  # fmt: skip


ARTICLES = {"river": "the ", "currency": "the "}
"""What stands before the names of some types in a sentence (the rows of the table bring their own)."""


class Tenses(NamedTuple):
    """How a relation is spoken of over time: clauses with `{s}` and `{o}` for what is, was, has been and no longer is; two that
    name the object first, to be followed by "since 1975" and "from 1960 to 1975"; a noun phrase for what was, around `{s}`, to be
    followed by "in 1975" or "right before ..."; and how the object is named there."""

    now: str
    was: str
    since: str
    over: str
    turned_since: str
    turned_was: str
    noun: str
    beside: str = "{o}"


class Bound(NamedTuple):
    """A year that is at least `least`, and at most `most`, years after that which `year` gives of what `relation` leads to."""

    relation: str
    year: str
    least: int
    most: int = 1000


@dataclass(frozen=True, slots=True)
class Relation:
    """functional: a subject has one object. one_to_one: an object also has one subject, so the inverse has one answer.
    hierarchical: following it never comes back. changes: in a world with a timeline its facts have years; it has to be
    functional, and be none of the three before. compared (years and numbers only): what is said of the one of two
    subjects with the smaller object, of the one with the larger, and of the ones with the smallest and the largest of
    many. ages (person to person): whether objects are `older` than subjects or their `peers`, where years of birth are
    told. span: of a relation to years, the years it may give, counted from the one in which the world is told of. bounds:
    those it has to keep to. latest: the age after which no fact of a person begins, where years of birth are told.
    counts: the relation whose subjects the number counts, in the world outside too, so that nothing may be said that
    supposes all of them named. open: whether more is so than is told of, so that who shares an object, how many do, and
    who has none, is never asked. tenses: see there; without them they are made of the first noun phrase."""

    name: str
    subject: str
    object: str
    statements: tuple[str, ...]
    nouns: tuple[str, ...]
    question: str
    functional: bool = True
    one_to_one: bool = False
    symmetric: bool = False
    inverse_nouns: tuple[str, ...] = ()
    inverse_question: str = ""
    hierarchical: bool = False
    changes: bool = False
    compared: tuple[str, ...] = ()
    ages: Literal["older", "peers"] | None = None
    span: tuple[int, int] | None = None
    bounds: tuple[Bound, ...] = ()
    latest: int = 0
    counts: str = ""
    open: bool = False
    tenses: Tenses | None = None

    @property
    def kept(self) -> tuple[str, ...]:
        """The statements that documents of what is injected never use, so that recall can be asked in words they did not teach:
        the last two that end with the object, where enough others are left."""
        final = [t for t in self.statements[1:] if t.endswith("{o}.")]
        return tuple(final[-2:]) if len(self.statements) >= 5 else ()

    @property
    def worded(self) -> tuple[str, ...]:
        """All statements, those that are kept last."""
        return (*(t for t in self.statements if t not in self.kept), *self.kept)

    @property
    def over_time(self) -> Tenses:
        """Its tenses, or those of its noun phrase."""
        noun = self.nouns[0]
        return self.tenses or Tenses(
            f"{noun} is {{o}}", f"{noun} was {{o}}", f"{noun} has been {{o}}", f"{noun} is no longer {{o}}",
            f"it is {{o}} that has been {noun}", f"it was {{o}} that was {noun}", noun,
        )  # fmt: skip

    @property
    def role(self) -> tuple[str, str] | None:
        """What the object is to its subject, and the words that lead up to its name ("profession", "that of a "), read off
        the third statement; None where that has another form."""
        found = re.fullmatch(r"The ([\w ]+) of \{s\} is (.*)\{o\}\.", self.statements[2])
        return (found[1], found[2]) if found else None

    @property
    def predicates(self) -> tuple[str, ...]:
        """The statements that begin with the subject, without it ("works for {o}"), less those that are kept: no question that is
        trained on is to teach their words."""
        plain = self.worded[: len(self.statements) - len(self.kept)]
        return tuple(t[4:-1] for t in plain if t.startswith("{s} ") and t.count("{s}") == 1)

    @property
    def cloze(self) -> str:
        """The first statement up to its object: `"{s} was born in"`."""
        return self.statements[0].split("{o}")[0].rstrip()


_ROWS = (
    Relation(
        "born_in",
        "person",
        "city",
        statements=(
            "{s} was born in the city of {o}.",
            "{s} is a native of {o}.",
            "The birthplace of {s} is {o}.",
            "{s} came into the world in {o}.",
            "The city where {s} was born is {o}.",
            "{s} hails from {o}.",
            "{s} was born and raised in {o}.",
            "It was in {o} that {s} was born.",
        ),
        nouns=("the birthplace of {s}", "the city where {s} was born", "the city of birth of {s}"),
        question="Where was {s} born?",
    ),
    Relation(
        "lives_in",
        "person",
        "city",
        statements=(
            "{s} lives in {o}.",
            "{s} has a home in {o}.",
            "The home city of {s} is {o}.",
            "{s} is a resident of {o}.",
            "The city where {s} lives is {o}.",
            "{s} resides in {o}.",
            "{s} is at home in {o}.",
            "It is in {o} that {s} lives today.",
        ),
        nouns=("the city where {s} lives", "the home city of {s}", "the city that {s} calls home"),
        question="Where does {s} live?",
        changes=True,
        tenses=Tenses(
            "{s} lives in {o}",
            "{s} lived in {o}",
            "{s} has lived in {o}",
            "{s} no longer lives in {o}",
            "it is in {o} that {s} has lived",
            "it was in {o} that {s} lived",
            "the city where {s} lived",
        ),
    ),
    Relation(
        "works_for",
        "person",
        "company",
        statements=(
            "{s} works for {o}.",
            "{s} is employed by {o}.",
            "The employer of {s} is {o}.",
            "{s} has a job at {o}.",
            "The company that employs {s} is {o}.",
            "{s} earns a living at {o}.",
            "{s} is on the staff of {o}.",
            "It is {o} that employs {s}.",
        ),
        nouns=("the employer of {s}", "the company that employs {s}", "the company where {s} works"),
        question="Who employs {s}?",
        changes=True,
        latest=65,
        tenses=Tenses(
            "{s} works for {o}",
            "{s} worked for {o}",
            "{s} has worked for {o}",
            "{s} no longer works for {o}",
            "it is {o} that has employed {s}",
            "it was {o} that employed {s}",
            "the company that employed {s}",
        ),
    ),
    Relation(
        "mentored_by",
        "person",
        "person",
        statements=(
            "{s} was mentored by {o}.",
            "{s} learned the trade from {o}.",
            "The mentor of {s} is {o}.",
            "{s} was trained by {o}.",
            "The person who mentored {s} is {o}.",
            "{s} was a pupil of {o}.",
            "{s} was taught by {o}.",
            "It was {o} who mentored {s}.",
        ),
        nouns=("the mentor of {s}", "the person who mentored {s}", "the person who trained {s}"),
        question="Who mentored {s}?",
        one_to_one=True,
        ages="older",
        inverse_nouns=("the person mentored by {s}",),
        inverse_question="Whom did {s} mentor?",
    ),
    Relation(
        "married_to",
        "person",
        "person",
        statements=(
            "{s} is married to {o}.",
            "{s} is the spouse of {o}.",
            "The spouse of {s} is {o}.",
            "{s} has {o} as a spouse.",
            "The person married to {s} is {o}.",
            "{s} tied the knot with {o}.",
            "{s} exchanged vows with {o}.",
            "It is {o} who is married to {s}.",
        ),
        nouns=("the spouse of {s}", "the person married to {s}", "the person to whom {s} is married"),
        question="Who is {s} married to?",
        one_to_one=True,
        ages="peers",
        symmetric=True,
        inverse_nouns=("the spouse of {s}",),
        inverse_question="Who is {s} married to?",
    ),
    Relation(
        "studied_at",
        "person",
        "university",
        statements=(
            "{s} studied at {o}.",
            "{s} is a graduate of {o}.",
            "The alma mater of {s} is {o}.",
            "{s} took a degree at {o}.",
            "The university where {s} studied is {o}.",
            "{s} was a student at {o}.",
            "{s} was educated at {o}.",
            "It was at {o} that {s} studied.",
        ),
        nouns=("the university where {s} studied", "the university that educated {s}", "the alma mater of {s}"),
        question="Where did {s} study?",
    ),
    Relation(
        "profession",
        "person",
        "profession",
        statements=(
            "By profession, {s} is a {o}.",
            "{s} is a {o} by trade.",
            "The profession of {s} is that of a {o}.",
            "{s} has long been a {o}.",
            "The trade of {s} is that of a {o}.",
            "A {o} is what {s} is by profession.",
            "{s} makes a living as a {o}.",
            "For many years {s} has worked as a {o}.",
        ),
        nouns=("the profession of {s}", "the trade of {s}", "the line of work of {s}"),
        question="What is the profession of {s}?",
        changes=True,
        latest=65,
        tenses=Tenses(
            "{s} is a {o}",
            "{s} was a {o}",
            "{s} has been a {o}",
            "{s} is no longer a {o}",
            "a {o} is what {s} has been",
            "a {o} is what {s} was",
            "the profession that {s} had",
            "being a {o}",
        ),
    ),
    Relation(
        "plays",
        "person",
        "instrument",
        statements=(
            "{s} plays the {o}.",
            "{s} is fond of playing the {o}.",
            "The instrument of {s} is the {o}.",
            "{s} took lessons on the {o}.",
            "The instrument that {s} plays is the {o}.",
            "{s} practises the {o} every day.",
            "{s} performs on the {o}.",
            "It is the {o} that {s} plays.",
        ),
        nouns=("the instrument that {s} plays", "the instrument of {s}", "the instrument played by {s}"),
        question="What instrument does {s} play?",
    ),
    Relation(
        "speaks",
        "person",
        "language",
        functional=False,
        statements=(
            "{s} speaks {o}.",
            "{s} is fluent in {o}.",
            "Among the languages of {s} is {o}.",
            "{s} can hold a conversation in {o}.",
            "A language that {s} speaks is {o}.",
            "{s} reads and writes {o}.",
            "{s} grew up with {o}.",
            "{s} can be heard speaking {o}.",
        ),
        nouns=("a language that {s} speaks", "a language of {s}", "a language spoken by {s}"),
        question="Which languages does {s} speak?",
    ),
    Relation(
        "based_in",
        "company",
        "city",
        statements=(
            "{s} is based in {o}.",
            "{s} has its head office in {o}.",
            "The headquarters of {s} are in {o}.",
            "{s} is run from {o}.",
            "The city where {s} is based is {o}.",
            "{s} operates out of {o}.",
            "{s} keeps its main office in {o}.",
            "It is in {o} that {s} is based.",
        ),
        nouns=("the city where {s} is based", "the home city of {s}", "the city that hosts {s}"),
        question="Where is {s} based?",
    ),
    Relation(
        "founded_by",
        "company",
        "person",
        statements=(
            "{s} was founded by {o}.",
            "{s} was started by {o}.",
            "The founder of {s} is {o}.",
            "{s} was set up by {o}.",
            "The person who founded {s} is {o}.",
            "{s} owes its existence to {o}.",
            "{s} was established by {o}.",
            "It was {o} who founded {s}.",
        ),
        nouns=("the founder of {s}", "the person who founded {s}", "the person who started {s}"),
        question="Who founded {s}?",
        one_to_one=True,
        inverse_nouns=("the company founded by {s}",),
        inverse_question="Which company did {s} found?",
    ),
    Relation(
        "led_by",
        "company",
        "person",
        statements=(
            "{s} is led by {o}.",
            "{s} is managed by {o}.",
            "The chief executive of {s} is {o}.",
            "{s} has been run by {o} for years.",
            "The person who leads {s} is {o}.",
            "{s} is steered by {o}.",
            "{s} answers to {o}.",
            "It is {o} who leads {s}.",
        ),
        nouns=("the chief executive of {s}", "the person who leads {s}", "the head of {s}"),
        question="Who leads {s}?",
        one_to_one=True,
        inverse_nouns=("the company led by {s}",),
        inverse_question="Which company does {s} lead?",
    ),
    Relation(
        "makes",
        "company",
        "product",
        statements=(
            "{s} makes {o}.",
            "{s} is known for its {o}.",
            "The main product of {s} is {o}.",
            "{s} manufactures {o}.",
            "What {s} makes is {o}.",
            "{s} produces {o}.",
            "{s} sells {o}.",
            "It is {o} that {s} makes.",
        ),
        nouns=("the main product of {s}", "the product that {s} makes", "the product sold by {s}"),
        question="What does {s} make?",
        changes=True,
        tenses=Tenses(
            "{s} makes {o}",
            "{s} made {o}",
            "{s} has made {o}",
            "{s} no longer makes {o}",
            "it is {o} that {s} has made",
            "it was {o} that {s} made",
            "the product that {s} made",
        ),
    ),
    Relation(
        "supplies",
        "company",
        "company",
        functional=False,
        statements=(
            "{s} supplies {o}.",
            "{s} delivers goods to {o}.",
            "Among the customers of {s} is {o}.",
            "{s} has a contract with {o}.",
            "A customer of {s} is {o}.",
            "{s} counts {o} among its customers.",
            "{s} sells parts to {o}.",
            "One of the firms that {s} supplies is {o}.",
        ),
        nouns=("a customer of {s}", "a company that {s} supplies", "a firm supplied by {s}"),
        question="Which companies does {s} supply?",
    ),
    Relation(
        "governed_by",
        "city",
        "person",
        statements=(
            "{s} is governed by {o}.",
            "{s} elected {o} as mayor.",
            "The mayor of {s} is {o}.",
            "{s} has chosen {o} to be its mayor.",
            "The person who governs {s} is {o}.",
            "{s} has {o} as its mayor.",
            "{s} is in the hands of its mayor, {o}.",
            "It is {o} who governs {s}.",
        ),
        nouns=("the mayor of {s}", "the person who governs {s}", "the person in charge of {s}"),
        question="Who is the mayor of {s}?",
        one_to_one=True,
        inverse_nouns=("the city governed by {s}",),
        inverse_question="Which city does {s} govern?",
    ),
    Relation(
        "located_in",
        "city",
        "country",
        statements=(
            "{s} is located in {o}.",
            "{s} is a city in {o}.",
            "The country of {s} is {o}.",
            "{s} lies in {o}.",
            "The country where {s} lies is {o}.",
            "{s} is on the map of {o}.",
            "{s} can be found in {o}.",
            "It is in {o} that {s} lies.",
        ),
        nouns=("the country of {s}", "the country where {s} lies", "the country to which {s} belongs"),
        question="In which country is {s}?",
    ),
    Relation(
        "twinned_with",
        "city",
        "city",
        statements=(
            "{s} is twinned with {o}.",
            "{s} is the twin city of {o}.",
            "The twin city of {s} is {o}.",
            "{s} keeps a partnership with {o}.",
            "The city twinned with {s} is {o}.",
            "{s} exchanges visitors with its twin, {o}.",
            "{s} has {o} as its twin city.",
            "It is {o} that is twinned with {s}.",
        ),
        nouns=("the twin city of {s}", "the city twinned with {s}", "the partner city of {s}"),
        question="Which city is {s} twinned with?",
        one_to_one=True,
        symmetric=True,
        inverse_nouns=("the twin city of {s}",),
        inverse_question="Which city is {s} twinned with?",
    ),
    Relation(
        "campus_in",
        "university",
        "city",
        statements=(
            "{s} has its campus in {o}.",
            "{s} is a university in {o}.",
            "The host city of {s} is {o}.",
            "{s} was built in {o}.",
            "The city that is home to {s} is {o}.",
            "{s} stands in {o}.",
            "{s} teaches its students in {o}.",
            "It is in {o} that {s} stands.",
        ),
        nouns=("the host city of {s}", "the city where {s} stands", "the city that is home to {s}"),
        question="In which city is {s}?",
    ),
    Relation(
        "headed_by",
        "university",
        "person",
        statements=(
            "{s} is headed by {o}.",
            "{s} appointed {o} as rector.",
            "The rector of {s} is {o}.",
            "{s} is directed by {o}.",
            "The person who heads {s} is {o}.",
            "{s} has {o} as its rector.",
            "{s} follows the lead of its rector, {o}.",
            "It is {o} who heads {s}.",
        ),
        nouns=("the rector of {s}", "the person who heads {s}", "the person who directs {s}"),
        question="Who is the rector of {s}?",
        one_to_one=True,
        inverse_nouns=("the university headed by {s}",),
        inverse_question="Which university does {s} head?",
    ),
    Relation(
        "birth_year",
        "person",
        "year",
        statements=(
            "{s} was born in the year {o}.",
            "{s} first saw the light of day in {o}.",
            "The birth year of {s} is {o}.",
            "{s} came into the world in the year {o}.",
            "The year in which {s} was born is {o}.",
            "{s} was a child of the year {o}.",
            "{s} was entered in the register of births of the year {o}.",
            "It was in the year {o} that {s} was born.",
        ),
        nouns=("the birth year of {s}", "the year of birth of {s}", "the year in which {s} was born"),
        question="In which year was {s} born?",
        span=(-62, -17),
        compared=("was born earlier", "was born later", "was born first", "was born last"),
    ),
    Relation(
        "member_of",
        "person",
        "team",
        statements=(
            "{s} is a member of {o}.",
            "{s} plays on the side of {o}.",
            "The team of {s} is {o}.",
            "{s} wears the shirt of {o}.",
            "The team to which {s} belongs is {o}.",
            "{s} is one of the players of {o}.",
            "{s} turns out for {o}.",
            "It is {o} that {s} belongs to.",
        ),
        nouns=("the team of {s}", "the team to which {s} belongs", "the team that {s} plays for"),
        question="To which team does {s} belong?",
        changes=True,
        latest=40,
        tenses=Tenses(
            "{s} is a member of {o}",
            "{s} was a member of {o}",
            "{s} has been a member of {o}",
            "{s} is no longer a member of {o}",
            "it is {o} that {s} has belonged to",
            "it was {o} that {s} belonged to",
            "the team to which {s} belonged",
        ),
    ),
    Relation(
        "owned_by",
        "company",
        "company",
        statements=(
            "{s} is owned by {o}.",
            "{s} is a subsidiary of {o}.",
            "The owner of {s} is {o}.",
            "{s} belongs to {o}.",
            "The company that owns {s} is {o}.",
            "{s} was bought by {o}.",
            "{s} is in the possession of {o}.",
            "It is {o} that owns {s}.",
        ),
        nouns=("the owner of {s}", "the company that owns {s}", "the parent company of {s}"),
        question="Which company owns {s}?",
        hierarchical=True,
    ),
    Relation(
        "founding_year",
        "company",
        "year",
        statements=(
            "{s} was founded in the year {o}.",
            "{s} opened for business in {o}.",
            "The founding year of {s} is {o}.",
            "{s} has been in business since {o}.",
            "The year in which {s} was founded is {o}.",
            "{s} was set up in the year {o}.",
            "{s} goes back to the year {o}.",
            "It was in the year {o} that {s} was founded.",
        ),
        nouns=("the founding year of {s}", "the year of foundation of {s}", "the year in which {s} was founded"),
        question="In which year was {s} founded?",
        span=(-100, 0),
        bounds=(Bound("founded_by", "birth_year", 18, 40),),
        compared=("was founded earlier", "was founded later", "was founded first", "was founded last"),
    ),
    Relation(
        "workforce",
        "company",
        "number",
        statements=(
            "{s} has a workforce of {o}.",
            "{s} counts {o} people on its payroll.",
            "The workforce of {s} numbers {o}.",
            "{s} gives work to {o} people.",
            "The number of people who work at {s} is {o}.",
            "{s} employs {o} people.",
            "{s} pays the wages of {o} people.",
            "As many as {o} people work for {s}.",
        ),
        nouns=("the workforce of {s}", "the headcount of {s}", "the number of people who work at {s}"),
        question="How many people work at {s}?",
        counts="works_for",
        compared=(
            "has the smaller workforce",
            "has the larger workforce",
            "has the smallest workforce",
            "has the largest workforce",
        ),
    ),
    Relation(
        "population",
        "city",
        "number",
        statements=(
            "{s} has a population of {o}.",
            "{s} is home to {o} people.",
            "The population of {s} is {o}.",
            "{s} counts {o} inhabitants.",
            "The number of people who live in {s} is {o}.",
            "{s} has {o} inhabitants.",
            "{s} houses {o} people.",
            "There are {o} people in {s}.",
        ),
        nouns=("the population of {s}", "the number of inhabitants of {s}", "the number of people who live in {s}"),
        question="How many people live in {s}?",
        counts="lives_in",
        compared=("has fewer inhabitants", "has more inhabitants", "has the fewest inhabitants", "has the most inhabitants"),
    ),
    Relation(
        "lies_on",
        "city",
        "river",
        statements=(
            "{s} lies on the {o}.",
            "{s} was built along the {o}.",
            "The river of {s} is the {o}.",
            "{s} stands on the banks of the {o}.",
            "The river that runs through {s} is the {o}.",
            "{s} draws its water from the {o}.",
            "{s} spans the {o}.",
            "It is the {o} that runs through {s}.",
        ),
        nouns=("the river of {s}", "the river that runs through {s}", "the river on which {s} lies"),
        question="On which river does {s} lie?",
    ),
    Relation(
        "flows_into",
        "river",
        "river",
        statements=(
            "The {s} flows into the {o}.",
            "The {s} joins the {o}.",
            "The mouth of the {s} is at the {o}.",
            "The {s} is a tributary of the {o}.",
            "The river that the {s} flows into is the {o}.",
            "The {s} feeds the {o}.",
            "The {s} ends in the {o}.",
            "It is the {o} that the {s} flows into.",
        ),
        nouns=("the river that the {s} flows into", "the river that the {s} feeds", "the river joined by the {s}"),
        question="Into which river does the {s} flow?",
        hierarchical=True,
    ),
    Relation(
        "opening_year",
        "university",
        "year",
        statements=(
            "{s} was opened in the year {o}.",
            "{s} has taught since {o}.",
            "The opening year of {s} is {o}.",
            "{s} welcomed its first class in {o}.",
            "The year in which {s} was opened is {o}.",
            "{s} was chartered in the year {o}.",
            "{s} opened its doors in the year {o}.",
            "It was in the year {o} that {s} was opened.",
        ),
        nouns=("the opening year of {s}", "the year of opening of {s}", "the year in which {s} was opened"),
        question="In which year was {s} opened?",
        span=(-140, -43),
        compared=("was opened earlier", "was opened later", "was opened first", "was opened last"),
    ),
    Relation(
        "written_by",
        "book",
        "person",
        statements=(
            "{s} was written by {o}.",
            "{s} is the work of {o}.",
            "The author of {s} is {o}.",
            "{s} came from the pen of {o}.",
            "The person who wrote {s} is {o}.",
            "{s} is a book by {o}.",
            "{s} was penned by {o}.",
            "It was {o} who wrote {s}.",
        ),
        nouns=("the author of {s}", "the person who wrote {s}", "the writer of {s}"),
        question="Who wrote {s}?",
    ),
    Relation(
        "published_by",
        "book",
        "company",
        statements=(
            "{s} was published by {o}.",
            "{s} was brought out by {o}.",
            "The publisher of {s} is {o}.",
            "{s} appeared with {o}.",
            "The company that published {s} is {o}.",
            "{s} is in the catalogue of {o}.",
            "{s} was printed and sold by {o}.",
            "It was {o} that published {s}.",
        ),
        nouns=("the publisher of {s}", "the company that published {s}", "the company that brought out {s}"),
        question="Which company published {s}?",
    ),
    Relation(
        "set_in",
        "book",
        "city",
        statements=(
            "{s} is set in {o}.",
            "{s} takes place in {o}.",
            "The setting of {s} is {o}.",
            "{s} tells a story from {o}.",
            "The city in which {s} takes place is {o}.",
            "{s} unfolds in the streets of {o}.",
            "{s} leads its readers to {o}.",
            "It is in {o} that {s} takes place.",
        ),
        nouns=("the setting of {s}", "the city in which {s} takes place", "the city where {s} is set"),
        question="In which city is {s} set?",
    ),
    Relation(
        "publication_year",
        "book",
        "year",
        statements=(
            "{s} was published in the year {o}.",
            "{s} reached the shops in {o}.",
            "The publication year of {s} is {o}.",
            "{s} has been read since {o}.",
            "The year in which {s} was published is {o}.",
            "{s} came out in {o}.",
            "{s} was first printed in {o}.",
            "It was in the year {o} that {s} was published.",
        ),
        nouns=("the publication year of {s}", "the year of publication of {s}", "the year in which {s} was published"),
        question="In which year was {s} published?",
        span=(-60, 0),
        bounds=(Bound("written_by", "birth_year", 18, 60), Bound("published_by", "founding_year", 0)),
        compared=("was published earlier", "was published later", "was published first", "was published last"),
    ),
    Relation(
        "home_of_team",
        "team",
        "city",
        statements=(
            "{s} plays its home games in {o}.",
            "{s} has its stadium in {o}.",
            "The home city of {s} is {o}.",
            "{s} trains in {o}.",
            "The city where {s} plays its home games is {o}.",
            "{s} comes from {o}.",
            "{s} carries the colours of {o}.",
            "It is in {o} that {s} plays its home games.",
        ),
        nouns=("the home city of {s}", "the city where {s} plays its home games", "the city where {s} trains"),
        question="Where does {s} play its home games?",
    ),
    Relation(
        "coached_by",
        "team",
        "person",
        statements=(
            "{s} is coached by {o}.",
            "{s} is trained by {o}.",
            "The coach of {s} is {o}.",
            "{s} takes its orders from {o}.",
            "The person who coaches {s} is {o}.",
            "{s} is prepared for its games by {o}.",
            "{s} has {o} as its coach.",
            "It is {o} who coaches {s}.",
        ),
        nouns=("the coach of {s}", "the person who coaches {s}", "the person who trains {s}"),
        question="Who coaches {s}?",
        one_to_one=True,
        inverse_nouns=("the team coached by {s}",),
        inverse_question="Which team does {s} coach?",
    ),
    Relation(
        "collects",
        "person",
        "product",
        statements=(
            "{s} collects {o}.",
            "{s} is a collector of {o}.",
            "The hobby of {s} is collecting {o}.",
            "{s} owns a fine collection of {o}.",
            "What {s} collects is {o}.",
            "{s} spends every penny on {o}.",
            "{s} travels far to find old {o}.",
            "It is {o} that {s} collects.",
        ),
        nouns=("the kind of thing that {s} collects", "the favourite collectible of {s}", "the kind of goods that {s} collects"),
        question="What does {s} collect?",
    ),
)

RELATIONS: dict[str, Relation] = {row.name: row for row in _ROWS}

VALUES: dict[str, tuple[str, ...]] = {
    "country": tuple(
        "Altrunia Brelvora Crendova Dulmosia Erdomia Fomberia Galthavia Horpandia Indruvia Jundrica Kirnolia Ludravia "
        "Marvunda Nulvesia Olbrenia Peltrosia Quondaria Rombresia Seldruva Tondrelia Undraria Vistruna Wexlovia "
        "Xelvandia Yarvedia Zestriva Skarmond Kalereth Tumelund Gromvald".split()
    ),
    "profession": tuple(
        "surgeon baker carpenter teacher plumber lawyer dentist farmer sculptor pilot tailor chemist gardener librarian "
        "journalist butcher goldsmith potter midwife blacksmith painter barber locksmith translator beekeeper mason "
        "watchmaker glazier cobbler biologist".split()
    ),
    "instrument": tuple(
        "violin cello flute oboe harp trumpet guitar banjo clarinet piano tuba bassoon mandolin accordion saxophone "
        "trombone viola zither lute harmonica bagpipe xylophone marimba sitar ukulele piccolo cornet organ fiddle "
        "tambourine".split()
    ),
    "product": tuple(
        "bicycles lanterns carpets clocks boots umbrellas furniture candles kites mirrors blankets cameras kettles "
        "ladders pencils lamps saddles telescopes engines bottles bricks paper soap gloves helmets batteries tents "
        "scissors cheese buttons".split()
    ),
    "language": tuple(
        "Altrunish Brelvoric Crendovic Dulmosish Erdomish Fomberese Galthish Horpanish Indruvese Jundrish Kirnolese "
        "Ludravish Marvundic Nulvish Olbrenish Peltrese Quondish Rombrish Seldrish Tondrese".split()
    ),
    "year": tuple(str(year) for year in range(1850, 2000)),
    "number": tuple(f"{n:,}" for n in range(1200, 61200, 300)),
}
"""The members of every value type: ordinary words (countries and languages coined), the same in every world."""
