"""THE table: one row a relation, and a row drives everything (facts, prose, questions, sub-questions, chains).

To add a relation, add a row. `{s}` is the subject, `{o}` the object. Every statement is a whole sentence that names both;
the first one ends with the object, so that its beginning is a cloze. `nouns` are noun phrases for the object that nest
into one another ("the mayor of the city where Ada Byrne was born"); `question` asks for the object by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

ENTITY_TYPES = ("person", "company", "city", "university")
"""Types whose members are coined anew for every world, known and novel apart."""

VALUE_TYPES = ("country", "profession", "instrument", "product", "language")
"""Types whose members are shared by the known and the novel part: what new facts about new entities point to."""


@dataclass(frozen=True, slots=True)
class Relation:
    """functional: a subject has one object. one_to_one: an object also has one subject, so the inverse has one answer."""

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
            "{s} was born in {o}.",
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
            "The home of {s} is in {o}.",
            "{s} is a resident of {o}.",
            "The city where {s} lives is {o}.",
            "{s} resides in {o}.",
            "{s} settled down in {o}.",
            "It is in {o} that {s} lives today.",
        ),
        nouns=("the city where {s} lives", "the home city of {s}", "the city that {s} calls home"),
        question="Where does {s} live?",
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
            "{s} shares a home with {o}, to whom {s} is married.",
            "The person married to {s} is {o}.",
            "{s} tied the knot with {o}.",
            "{s} exchanged vows with {o}.",
            "It is {o} who is married to {s}.",
        ),
        nouns=("the spouse of {s}", "the person married to {s}", "the person to whom {s} is married"),
        question="Who is {s} married to?",
        one_to_one=True,
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
            "The university of {s} was {o}.",
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
            "{s} makes a living as a {o}.",
            "{s} trained to be a {o}.",
            "For many years {s} has worked as a {o}.",
        ),
        nouns=("the profession of {s}", "the trade of {s}", "the line of work of {s}"),
        question="What is the profession of {s}?",
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
            "One hears {s} speak {o}.",
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
            "{s} is headed by {o}.",
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
            "The goods that {s} makes are {o}.",
            "{s} produces {o}.",
            "{s} sells {o}.",
            "It is {o} that {s} makes.",
        ),
        nouns=("the main product of {s}", "the product that {s} makes", "the product sold by {s}"),
        question="What does {s} make?",
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
            "{s} has {o} for a mayor.",
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
            "{s} belongs to {o}.",
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
            "The campus of {s} is in {o}.",
            "{s} was built in {o}.",
            "The city that is home to {s} is {o}.",
            "{s} stands in {o}.",
            "{s} teaches its students in {o}.",
            "It is in {o} that {s} stands.",
        ),
        nouns=("the city of {s}", "the city where {s} stands", "the city that is home to {s}"),
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
            "{s} has {o} for a rector.",
            "{s} follows the lead of its rector, {o}.",
            "It is {o} who heads {s}.",
        ),
        nouns=("the rector of {s}", "the person who heads {s}", "the person who directs {s}"),
        question="Who is the rector of {s}?",
        one_to_one=True,
        inverse_nouns=("the university headed by {s}",),
        inverse_question="Which university does {s} head?",
    ),
)

RELATIONS: dict[str, Relation] = {row.name: row for row in _ROWS}

VALUES: dict[str, tuple[str, ...]] = {
    "country": tuple(
        "Averland Borovia Calidor Drumond Estavia Fenmark Galdoria Hesperia Istria Jutavia Karelund Lusania Morvania "
        "Norwick Ostania Pelagia Quellin Ravonia Sarmatia Tolvania Umbria Valdoria Westmark Xandria Yllaria Zembla "
        "Arcadia Belmora Cassovia Dalmora".split()
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
        "Averish Borovian Calidorian Drumic Estavian Fennish Galdic Hesperian Istrian Jutavian Karelish Lusanian "
        "Morvanian Norwickian Ostanian Pelagic Quellish Ravonian Sarmatic Tolvanian".split()
    ),
}
"""The members of every value type: ordinary words (countries and languages coined), the same in every world."""
