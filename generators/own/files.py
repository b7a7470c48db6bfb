"""Files of one's own as rows with the columns that kit knows: delimited text, JSON lines, Parquet, GraphML, N-Triples or Turtle,
each also with .gz behind. What has no single reading is an error with its line; what was taken for what is noted."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import networkx as nx

from kit.core import rows
from kit.core.errors import KitError
from kit.core.rows import Row

Notes = Counter[str]
"""What was taken for what, and in how many rows."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "subject": ("subj", "sub", "head", "headentity", "source", "s", "item", "entity", "subjectname", "headname", "sourcename"),
    "relation": ("predicate", "property", "rel", "relationship", "p", "r", "edge", "relationname", "prop", "wdt"),
    "object": ("obj", "tail", "tailentity", "target", "o", "value", "objectname", "tailname", "targetname"),
    "subject_id": ("headid", "sourceid", "itemid", "entityid", "subjectqid", "headqid", "subjecturi", "subjid", "suburi", "qid"),
    "object_id": ("tailid", "targetid", "valueid", "objectqid", "tailqid", "objecturi", "objid", "objuri"),
    "subject_type": ("headtype", "sourcetype", "itemtype", "entitytype", "subjectclass"),
    "object_type": ("tailtype", "targettype", "valuetype", "objectclass"),
    "valid_from": ("start", "starttime", "startdate", "since", "begin", "startyear"),
    "valid_to": ("end", "endtime", "enddate", "until", "endyear"),
    "aliases": (
        "alias",
        "subjectaliases",
        "subjectalias",
        "subjectaltlabel",
        "altlabel",
        "itemaltlabel",
        "headaliases",
        "saliases",
    ),
    "object_aliases": ("objectalias", "objectaltlabel", "valuealtlabel", "tailaliases", "oaliases"),
    "part": (),
}
"""The columns of a row of facts, and what else they are called (without case, spaces, "_", "-" and "?"). A column X beside one
called XLabel holds ids, and that one the names, as in answers of the Wikidata query service."""

NEEDED = ("subject", "relation", "object")
_OF_EVENTS = {
    name.replace("_", ""): name
    for name in ("text", "date", "title", "questions", "direct_question", "direct_answer", "multihop_question", "multihop_answer")
}
"""The columns of an event, by their plain names."""

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
LOOKED_AT = 50
"""Rows by which a file without a header is told from one with another header."""


class Form(NamedTuple):
    """How a file is to be read where it does not say so itself. columns: ours to theirs. delimiter: what stands between cells.
    header: whether the first line names the columns. wide: the column of subjects, where each other column is a relation.
    language: of names in several."""

    columns: Mapping[str, str] = {}
    delimiter: str | None = None
    header: bool | None = None
    wide: str | None = None
    language: str = "en"


_TABLE, _ROWS = ("columns", "delimiter", "header", "wide"), ("columns", "wide")
_EFFECT: dict[str, tuple[str, ...]] = {
    ".csv": _TABLE, ".tsv": _TABLE, ".txt": _TABLE,
    ".jsonl": _ROWS, ".json": _ROWS, ".ndjson": _ROWS, ".parquet": _ROWS,
    ".ttl": ("language",), ".nt": ("language",), ".graphml": (),
}  # fmt: skip
"""What of a form is heeded in each kind of file."""


def read_rows(path: Path, form: Form, notes: Notes, events: bool = False) -> Iterator[Row]:
    """The rows of a file of facts (or of events), under kit's names for their columns. Raises KitError where it cannot be
    read."""
    kind = (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()
    usual = Form()
    for name, value in form._asdict().items():
        if value != getattr(usual, name) and name not in _EFFECT.get(kind, (name,)):
            raise KitError(f"world.own.{name} says nothing about how {path.name} is read: leave it out")
    if form.wide is not None and form.columns:
        raise KitError("world.own.wide and world.own.columns are of two kinds of tables: leave one out")
    if kind in (".jsonl", ".json", ".parquet", ".ndjson"):
        yield from _named(rows.read_rows(path), path, form, notes, events)
    elif kind in (".csv", ".tsv", ".txt"):
        yield from _named(_delimited(_text(path), path, kind, form, notes, events), path, form, notes, events)
    elif kind == ".graphml":
        yield from _edges(_text(path), path)
    elif kind in (".ttl", ".nt"):
        yield from _statements(_text(path), path, kind, form, notes)
    else:
        raise KitError(f"{path}: write facts as .csv, .tsv, .jsonl, .parquet, .graphml, .ttl or .nt, also with .gz behind")


def _text(path: Path) -> str:
    """The characters of a file."""
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise KitError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise KitError(f"{path} is in UTF-16: save it in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise KitError(f"{path}, line {line}: not in UTF-8 (the byte {data[error.start]:#x}); save it in UTF-8") from None


def _delimited(text: str, path: Path, kind: str, form: Form, notes: Notes, events: bool) -> Iterator[Row]:
    """Rows of cells under the header's names, or under ours where there is none. A first line such as "sep=;", Excel's, says what
    separates cells; in a table of tabs with a header such as "?item" they are terms of SPARQL's."""
    said = re.match(r"sep=(.)\r?\n", text)
    if said and not form.delimiter:
        text, form = text[said.end() :], form._replace(delimiter=said[1])
    delimiter = form.delimiter or _delimiter(text, path, kind, events)
    if delimiter != (usual := "\t" if kind == ".tsv" else ","):
        notes[f"cells are separated by {DELIMITERS.get(delimiter, repr(delimiter))}, not by {DELIMITERS[usual]}"] += 1
    terms = delimiter == "\t" and text.startswith("?")
    lines = _terms(text) if terms else _lines(text, delimiter, path, 2 if said else 1)
    first = next(lines, None)
    if first is None:
        raise KitError(f"{path} is empty")
    start = list(islice(lines, LOOKED_AT))
    names = [cell.strip() for cell in first[1]]
    if _bare(names, start, path, form, events):
        if len(names) != len(NEEDED):
            raise KitError(f"{path} has {len(names)} columns and no header: name them in a first line")
        names, start = list(NEEDED), [first, *start]
        notes["the file has no header: its columns are read as subject, relation and object"] += 1
    elif doubled := [name for name, count in Counter(names).items() if count > 1 and name]:
        raise KitError(f"{path}: two columns are called {doubled[0]}")
    for line, cells in chain(start, lines):
        where = f"{path.name}, line {line}"
        if len(cells) < len(names):
            notes["a row with fewer cells than the header has the last ones empty"] += 1
            cells += [""] * (len(names) - len(cells))
        if len(cells) > len(names):
            told = (
                f"{len(cells)} cells where the header has {len(names)}; a cell with {DELIMITERS.get(delimiter, delimiter)} in it "
            )
            yield Row({}, where, told + "needs quotes")
        else:
            yield Row({name: cell for name, cell in zip(names, cells, strict=True) if name}, where)


def _terms(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of a table of SPARQL results (W3C, 2013): of "Ann"@en or "1"^^<type> the text, addresses as they are."""
    term = re.compile(r'"(.*)"(?:@[\w-]+|\^\^<\S*>)?')
    escaped = {"t": "\t", "n": "\n", "r": "\r"}
    for line, told in enumerate(text.splitlines(), 1):
        cells = [
            re.sub(r"\\(.)", lambda c: escaped.get(c[1], c[1]), m[1]) if (m := term.fullmatch(c)) else c for c in told.split("\t")
        ]
        if any(cells):
            yield line, cells


def _lines(text: str, delimiter: str, path: Path, line: int) -> Iterator[tuple[int, list[str]]]:
    """The records that are not empty, each with the line it begins in. line: that of the first."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    first = line
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + first
    except csv.Error as error:
        raise KitError(f"{path}, line {line}: the quotes do not match ({error})") from None


def _delimiter(text: str, path: Path, kind: str, events: bool) -> str:
    """What separates the cells: that by which the first line names the columns that are needed; else that by which the first
    lines have equally many cells, at least three, if there is one such only. What the file's name says goes first."""
    usual = "\t" if kind == ".tsv" else ","
    order = sorted(DELIMITERS, key=lambda d: d != usual)
    head = {d: list(islice(_first_lines(text, d), LOOKED_AT)) for d in order}
    for delimiter in order:
        if head[delimiter] and _is_header(head[delimiter][0], events):
            return delimiter
    fitting = [d for d in order if head[d] and {len(cells) for cells in head[d]} == {n for n in [len(head[d][0])] if n > 2}]
    if len(fitting) > 1 and usual not in fitting:
        raise KitError(f"{path}: {' or '.join(DELIMITERS[d] for d in fitting)} may separate its cells; set delimiter")
    return usual if usual in fitting or not fitting else fitting[0]


def _first_lines(text: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from (cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if any(cells))
    except csv.Error:
        return


def _is_header(names: Sequence[str], events: bool) -> bool:
    found = {_plain(name) for name in names}
    return bool(found & _OF_EVENTS.keys()) if events else {_role(name.removesuffix("label")) for name in found} >= set(NEEDED)


def _bare(names: Sequence[str], lines: Sequence[tuple[int, list[str]]], path: Path, form: Form, events: bool) -> bool:
    """Whether the first line is a fact and no header. Raises KitError where it may be either."""
    if form.header is not None:
        return not form.header
    if events or form.columns or form.wide or any(_role(_plain(name).removesuffix("label")) for name in names):
        return False
    if len(names) == len(NEEDED) and names[1] in {cells[1].strip() for _, cells in lines if len(cells) == len(names)}:
        return True
    raise KitError(
        f"{path}: the first line ({', '.join(names)[:80]}) names none of subject, relation and object, and does not look like a "
        "fact: say what its columns are (world.own.columns), or that it is no header (world.own.header=false)"
    )


@cache
def _role(name: str) -> str:
    """Which of our columns a plain name stands for; empty: for none."""
    return next((ours for ours, others in COLUMNS.items() if name == ours.replace("_", "") or name in others), "")


def _plain(name: str) -> str:
    return re.sub(r"[\s_?-]", "", name).lower()


def columns_of(names: Sequence[str], given: Mapping[str, str], where: str) -> dict[str, str]:
    """Our columns by theirs: as the user says, and of the others as they are called. Raises KitError where two are the same."""
    found: dict[str, str] = {}
    for ours, theirs in given.items():
        if theirs not in names:
            raise KitError(f"{where}: there is no column {theirs}; there are {', '.join(names)}")
        found[theirs] = ours
    plain = {name: _plain(name) for name in names if name not in found}
    for name, said in plain.items():
        labelled = f"{said}label" in plain.values()
        role = _role(said.removesuffix("label"))
        if not role or role in given:
            continue
        if labelled and role in ("subject", "object"):
            role = f"{role}_id"
        elif labelled:
            continue
        if before := next((theirs for theirs, ours in found.items() if ours == role), None):
            # What is called by its very name is meant, and the other says something else: a "source" beside a subject.
            if role.replace("_", "") in (plain.get(before), said):
                if said == role.replace("_", ""):
                    del found[before]
                    found[name] = role
                continue
            raise KitError(f"{where}: the columns {before} and {name} both mean {role}: say which (world.own.columns)")
        found[name] = role
    return found


def _named(told: Iterable[Row], path: Path, form: Form, notes: Notes, events: bool) -> Iterator[Row]:
    """The same rows under our names. Columns that mean nothing to kit are noted; rows of one shape are named alike."""
    kept: dict[tuple[str, ...], dict[str, str]] = {}
    for row in told:
        if row.broken:
            yield row
            continue
        names = tuple(row.values)
        if events:
            if ignored := [name for name in names if _plain(name) not in _OF_EVENTS]:
                notes[f"columns that are not read: {', '.join(ignored)}"] += 1
            yield Row({_OF_EVENTS.get(_plain(name), name): value for name, value in row.values.items()}, row.where)
            continue
        if form.wide is not None:
            yield from _cells(row, form.wide, names)
            continue
        if names not in kept:
            kept[names] = columns_of(names, form.columns, path.name)
            for theirs, ours in kept[names].items():
                if theirs != ours:
                    notes[f"the column {theirs} is read as {ours}"] = 0
            if ignored := [name for name in names if name not in kept[names]]:
                notes[f"columns that are not read: {', '.join(ignored)}"] = 0
        for theirs, ours in kept[names].items():
            if theirs != ours:
                notes[f"the column {theirs} is read as {ours}"] += 1
        if lacking := [ours for ours in NEEDED if ours not in kept[names].values()]:
            told_ = (
                f"no column for {' and '.join(lacking)}; there are {', '.join(names) or 'none'}. Name them by world.own.columns"
            )
            hint = ", or read each column as a relation by world.own.wide=NAME_OF_THE_SUBJECT_COLUMN"
            yield Row({}, row.where, told_ + hint)
            continue
        yield Row({ours: row.values[theirs] for theirs, ours in kept[names].items()}, row.where)


def _cells(row: Row, wide: str, names: Sequence[str]) -> Iterator[Row]:
    """A row a cell: the subject's column beside each other one, which is a relation. Empty cells say nothing."""
    if wide not in names:
        raise KitError(f"{row.where}: there is no column {wide}; there are {', '.join(names)}")
    for name in names:
        value = row.values[name]
        if name != wide and value is not None and str(value).strip():
            yield Row({"subject": row.values[wide], "relation": name.strip().lower(), "object": value}, row.where)


def _edges(text: str, path: Path) -> Iterator[Row]:
    """The edges of a GraphML graph."""
    try:
        graph = nx.read_graphml(io.BytesIO(text.encode()))
    except (nx.NetworkXError, SyntaxError, KeyError, ValueError) as error:
        raise KitError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
    if not graph.is_directed():
        raise KitError(
            f'{path}: its edges have no direction, so nothing says which end is the subject: set edgedefault="directed"'
        )
    named = {n: data.get("label") or data.get("name") or n for n, data in graph.nodes(data=True)}
    kind = {n: data.get("type", "") for n, data in graph.nodes(data=True)}
    for number, (a, b, data) in enumerate(graph.edges(data=True), 1):
        where = f"{path.name}, edge {number}"
        relation = next((data[key] for key in ("relation", "label", "predicate", "type") if data.get(key)), None)
        if relation is None:
            yield Row({}, where, f"the edge from {named[a]} to {named[b]} has neither relation nor label")
            continue
        more = {ours: value for key, value in data.items() if (ours := _role(_plain(key))) and ours not in NEEDED}
        ends = {"subject": named[a], "object": named[b], "subject_id": a, "object_id": b}
        types = {"subject_type": kind[a], "object_type": kind[b]}
        yield Row({**ends, **types, **more, "relation": relation}, where)


_NAMES = ("http://www.w3.org/2000/01/rdf-schema#label", "http://www.w3.org/2004/02/skos/core#prefLabel",
          "http://schema.org/name", "https://schema.org/name", "http://xmlns.com/foaf/0.1/name")  # fmt: skip
_ALIASES = ("http://www.w3.org/2004/02/skos/core#altLabel", "http://schema.org/alternateName", "https://schema.org/alternateName")
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_ABOUT_WORDS = ("http://www.w3.org/2000/01/rdf-schema#", "http://www.w3.org/2002/07/owl#", "http://www.w3.org/2004/02/skos/core#")
"""What is said of classes and relations, and no fact of the world."""


def _statements(text: str, path: Path, kind: str, form: Form, notes: Notes) -> Iterator[Row]:
    """The statements of an RDF graph in the order of their terms: entities by their labels, or else by the end of their
    address."""
    try:
        import rdflib
    except ImportError:
        raise KitError(f"{path}: to read RDF, install rdflib (pip install 'knowledge-injection-kit[rdf]')") from None
    graph = rdflib.Graph()
    try:
        graph.parse(data=text, format="nt" if kind == ".nt" else "turtle")
    except Exception as error:  # noqa: BLE001 - the parsers raise whatever they meet
        raise KitError(f"cannot read {path}: {' '.join(str(error).split())[:200]}") from None
    told = sorted(graph, key=lambda triple: tuple(term.n3() for term in triple))
    labels: dict[Any, dict[str, list[Any]]] = {}
    kinds: dict[Any, list[Any]] = {}
    for s, p, o in told:
        if str(p) in (*_NAMES, *_ALIASES) and isinstance(o, rdflib.Literal):
            labels.setdefault(s, {}).setdefault("names" if str(p) in _NAMES else "aliases", []).append(o)
        elif str(p) == _TYPE and not str(o).startswith(_ABOUT_WORDS):
            kinds.setdefault(s, []).append(o)

    def named(term: Any) -> tuple[str, list[str]]:
        """A name in the wanted language, in none, or in any; and the others of that language."""
        found = labels.get(term, {})
        for languages in ({form.language}, {None}, {x.language for x in found.get("names", [])}):
            names = [x for x in found.get("names", []) if x.language in languages]
            if names:
                also = [x for x in found.get("aliases", []) if x.language in (languages | {form.language})]
                return str(names[0]), [str(x) for x in (*names[1:], *also)]
        return words_of(str(term)), []

    def kind_of(term: Any) -> str:
        if len(kinds.get(term, ())) > 1:
            notes["of several types the first by its address is taken"] += 1
        return words_of(str(sorted(kinds[term], key=str)[0])) if kinds.get(term) else ""

    addresses: dict[str, str] = {}
    for number, (s, p, o) in enumerate(told, 1):
        where = f"{path.name}, statement {number}"
        if str(p) in (*_NAMES, *_ALIASES, _TYPE) or str(p).startswith(_ABOUT_WORDS):
            continue
        if isinstance(s, rdflib.BNode) or isinstance(o, rdflib.BNode):
            yield Row({}, where, f"{words_of(str(p))} has an end without a name (a blank node)")
            continue
        if isinstance(o, rdflib.Literal) and o.language not in (None, form.language):
            if any(isinstance(x, rdflib.Literal) and x.language in (None, form.language) for x in graph.objects(s, p)):
                notes[f"texts in other languages than {form.language} are left out"] += 1
                continue
            notes[f"texts that are not in {form.language} are taken where there is no other"] += 1
        name, also = named(s)
        # A property of Wikidata's is labelled as the entity that it also is.
        relation, _ = named(p if p in labels else rdflib.URIRef(re.sub(r"/prop/direct/(P\d+)$", r"/entity/\1", str(p))))
        if addresses.setdefault(relation, str(p)) != str(p):
            notes[f"{addresses[relation]} and {p} are read as one relation"] += 1
        row: dict[str, Any] = {"subject": name, "subject_id": str(s), "subject_type": kind_of(s), "relation": relation}
        row |= {"aliases": also} if also else {}
        if isinstance(o, rdflib.Literal):
            yield Row({**row, "object": str(o)}, where)
            continue
        name, also = named(o)
        row |= {"object_aliases": also} if also else {}
        yield Row({**row, "object": name, "object_id": str(o), "object_type": kind_of(o)}, where)


def words_of(address: str) -> str:
    """The words at the end of an address: "http://dbpedia.org/resource/New_York" is "New York"."""
    return unquote(re.split(r"[/#]", address.rstrip("/#"))[-1]).replace("_", " ").strip()
