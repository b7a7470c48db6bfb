"""Files as people have them: each is read in its one right way, or refused in a line that says what to mend. Those that imitate a
published form say which."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generators.own.files import Form, read_rows
from generators.own.triples import read_triples
from kit.core.errors import KitError

Facts = list[tuple[str, ...]]
PAIR: Facts = [("Ann", "likes", "Bob"), ("Bob", "likes", "Cy")]


@dataclass(frozen=True)
class Odd:
    """A file and how it is to be read: as facts (subject, relation, object and, if told, since and until), with other names, and
    with a note; or not at all."""

    name: str
    file: str
    data: str | bytes
    facts: Facts | None = None
    error: str = ""
    note: str = ""
    aliases: dict[str, tuple[str, ...]] | None = None
    form: dict[str, Any] = field(default_factory=dict)
    skip: bool = False
    skipped: int = 0


W, R = "http://www.wikidata.org/", "http://www.w3.org/2000/01/rdf-schema#"
H = "subject,relation,object\n"
T = "subject,relation,object,valid_from,valid_to\n"
TABLE = [
    # Bytes and lines.
    Odd("plain", "a.csv", H + "Ann,likes,Bob\nBob,likes,Cy\n", PAIR),
    Odd("byte order mark", "a.csv", "\ufeff" + H + "Ann,likes,Bob\nBob,likes,Cy\n", PAIR),
    Odd("byte order mark in a table of tabs", "a.tsv", "\ufeffsubject\trelation\tobject\nAnn\tlikes\tBob\nBob\tlikes\tCy\n", PAIR),
    Odd("Windows lines", "a.csv", H.replace("\n", "\r\n") + "Ann,likes,Bob\r\nBob,likes,Cy\r\n", PAIR),
    Odd("old Mac lines", "a.csv", H.replace("\n", "\r") + "Ann,likes,Bob\rBob,likes,Cy\r", PAIR),
    Odd("no last line break", "a.csv", H + "Ann,likes,Bob\nBob,likes,Cy", PAIR),
    Odd("empty lines", "a.csv", "\n" + H + "\nAnn,likes,Bob\n,,\n\nBob,likes,Cy\n", PAIR),
    Odd("compressed", "a.csv.gz", gzip.compress((H + "Ann,likes,Bob\nBob,likes,Cy\n").encode()), PAIR),
    Odd("compressed lines", "a.jsonl.gz", gzip.compress(b'{"subject": "Ann", "relation": "likes", "object": "Bob"}\n'), PAIR[:1]),
    Odd("not compressed", "a.csv.gz", H + "Ann,likes,Bob\n", error="cannot read"),
    Odd("UTF-16", "a.csv", (H + "Ann,likes,Bob\n").encode("utf-16"), error="UTF-16: save it in UTF-8"),
    Odd("Latin-1", "a.csv", (H + "Ann,likes,José\n").encode("latin-1"), error="line 2: not in UTF-8"),
    Odd("empty", "a.csv", "", error="is empty"),
    Odd("another kind", "a.xlsx", "PK", error="write facts as"),
    # Cells.
    Odd("semicolons", "a.csv", "subject;relation;object\nAnn;likes;Bob\nBob;likes;Cy\n", PAIR, note="a semicolon"),
    Odd("tabs in a .csv", "a.csv", "subject\trelation\tobject\nAnn\tlikes\tBob\nBob\tlikes\tCy\n", PAIR, note="a tab"),
    Odd("bars", "a.txt", "subject|relation|object\nAnn|likes|Bob\nBob|likes|Cy\n", PAIR, note="a bar"),
    Odd("semicolons with commas in names", "a.csv", "subject;relation;object\nBean, Ann;likes;Bob\n", [("Bean, Ann", "likes", "Bob")]),
    Odd("another separator, said", "a.csv", "subject~relation~object\nAnn~likes~Bob\n", PAIR[:1], form={"delimiter": "~"}),
    Odd("a comma in quotes", "a.csv", H + '"Bean, Ann",likes,Bob\n', [("Bean, Ann", "likes", "Bob")]),
    Odd("a comma without quotes", "a.csv", H + "Bean, Ann,likes,Bob\n", error="line 2: 4 cells where the header has 3"),
    Odd("too few cells", "a.csv", H + "Ann,likes\n", error="line 2 has no object"),
    Odd("no last cells", "a.csv", T + "Ann,likes,Bob\n", PAIR[:1], note="fewer cells"),
    Odd("doubled quotes", "a.csv", H + '"Ann ""Zip"" Bean",likes,Bob\n', [('Ann "Zip" Bean', "likes", "Bob")]),
    Odd("a quote within a cell", "a.csv", H + 'Ann 6" Bean,likes,Bob\n', [('Ann 6" Bean', "likes", "Bob")]),
    Odd("a quote that never ends", "a.csv", H + '"Ann,likes,Bob\nBob,likes,Cy\n', error="line 2: the quotes do not match"),
    Odd("a quote that ends too early", "a.csv", H + '"Ann" Bean,likes,Bob\n', error="line 2: the quotes do not match"),
    Odd("a line break in a cell", "a.csv", H + '"Ann\nBean",likes,Bob\nBob,likes,Cy\n', [("Ann Bean", "likes", "Bob"), PAIR[1]],
        note="line break"),
    Odd("U+2028 in a cell", "a.csv", H + "Ann\u2028Bean,likes,Bob\n", [("Ann Bean", "likes", "Bob")], note="line break"),
    Odd("U+2028 in a line of JSON", "a.jsonl", '{"subject": "Ann\u2028Bean", "relation": "likes", "object": "Bob"}\n',
        [("Ann Bean", "likes", "Bob")]),
    Odd("spaces around", "a.csv", "subject , relation , object\n Ann , likes ,  Bob \n", PAIR[:1]),
    Odd("a null byte", "a.csv", H + "Ann\x07,likes,Bob\n", error="control character"),
    # Headers.
    Odd("other case", "a.csv", "Subject,Predicate,Object\nAnn,likes,Bob\n", PAIR[:1], note="Predicate is read as relation"),
    Odd("head and tail", "a.csv", "head,relation,tail\nAnn,likes,Bob\n", PAIR[:1], note="head is read as subject"),
    Odd("source and target (Gephi's edge table)", "a.csv", "Source,Target,Type,Label\nAnn,Bob,Directed,likes\n",
        error="no column for relation", ),
    Odd("the same, said", "a.csv", "Source,Target,Type,Label\nAnn,Bob,Directed,likes\n", PAIR[:1], form={"columns": {"relation": "Label"}},
        note="columns that are not read: Type"),
    Odd("another order", "a.csv", "object,subject,relation\nBob,Ann,likes\n", PAIR[:1]),
    Odd("columns of no meaning", "a.csv", "id,subject,relation,object,score\n7,Ann,likes,Bob,.5\n", PAIR[:1], note="not read: id, score"),
    Odd("a column twice", "a.csv", "subject,subject,relation,object\nAnn,Bob,likes,Cy\n", error="two columns are called subject"),
    Odd("two columns of one meaning", "a.csv", "head,source,relation,object\nAnn,Bob,likes,Cy\n", error="both mean subject"),
    Odd("a source beside a subject", "a.csv", "source,subject,relation,object,value\nWeb,Ann,likes,Bob,7\n", PAIR[:1],
        note="not read: source, value"),
    Odd("the same, said", "a.csv", "subject,head,relation,object\nAnn,Bob,likes,Cy\n", [("Bob", "likes", "Cy")],
        form={"columns": {"subject": "head"}}),
    Odd("a column that is not there", "a.csv", H + "Ann,likes,Bob\n", error="no column Who", form={"columns": {"subject": "Who"}}),
    Odd("no header", "a.csv", "Ann,likes,Bob\nBob,likes,Cy\n", PAIR, note="no header"),
    Odd("no header, tabs (FB15k, WN18RR)", "train.txt", "Ann\tlikes\tBob\nBob\tlikes\tCy\n", PAIR, note="no header"),
    Odd("a header of other words", "a.csv", "who,what,whom\nAnn,likes,Bob\nBob,likes,Cy\n", error="names none of subject"),
    Odd("the same, said to be facts", "a.csv", "who,what,whom\n", [("who", "what", "whom")], form={"header": False}),
    Odd("four columns without a header", "a.csv", "Ann,likes,Bob,1\nBob,likes,Cy,2\n", error="names none of subject"),
    Odd("a wide table (Kaggle's countries)", "a.csv", "Country,Capital,Currency\nAltrunia,Port Dee,dinar\nBrelvora,,peso\n",
        error="names none of subject"),
    Odd("the same, said", "a.csv", "Country,Capital,Currency\nAltrunia,Port Dee,dinar\nBrelvora,,peso\n",
        [("Altrunia", "capital", "Port Dee"), ("Altrunia", "currency", "dinar"), ("Brelvora", "currency", "peso")],
        form={"wide": "Country"}),
    Odd("a setting that says nothing", "a.jsonl", '{"subject": "Ann", "relation": "likes", "object": "Bob"}\n',
        form={"delimiter": ";"}, error="world.own.delimiter says nothing about how a.jsonl is read"),
    Odd("two kinds of tables at once", "a.csv", H + "Ann,likes,Bob\n", form={"wide": "subject", "columns": {"subject": "subject"}},
        error="leave one out"),
    # Values.
    Odd("a list of objects", "a.jsonl", '{"subject": "Ann", "relation": "job", "object": ["novelist", "poet"]}\n',
        [("Ann", "job", "novelist"), ("Ann", "job", "poet")], note="list of objects"),
    Odd("a list of subjects", "a.jsonl", '{"subject": ["Ann"], "relation": "job", "object": "poet"}\n', error="subject must be text"),
    Odd("true", "a.jsonl", '{"subject": "Ann", "relation": "alive", "object": true}\n', error="object must be text, not true or false"),
    Odd("an object", "a.jsonl", '{"subject": "Ann", "relation": "job", "object": {"id": 1}}\n', error="must be text, not an object"),
    Odd("a number", "a.jsonl", '{"subject": "Ann", "relation": "pages", "object": 420}\n', [("Ann", "pages", "420")]),
    Odd("null", "a.jsonl", '{"subject": "Ann", "relation": "job", "object": null}\n', error="has no object"),
    Odd("not JSON", "a.jsonl", "{'subject': 'Ann'}\n", error="line 1: not a JSON row"),
    Odd("half a character", "a.jsonl", '{"subject": "A\\ud800", "relation": "r", "object": "b"}\n', error="lone surrogate"),
    Odd("a part of no meaning", "a.csv", "subject,relation,object,part\nAnn,likes,Bob,new\n", error="part is new"),
    Odd("a part that contradicts itself", "a.csv", "subject,relation,object,part\nAnn,likes,Bob,known\nAnn,job,poet,novel\n",
        error="line 3: Ann is novel here but known in a.csv, line 2"),
    Odd("a fact twice", "a.csv", H + "Ann,likes,Bob\nAnn,likes,Bob\n", PAIR[:1], note="told again is read once"),
    Odd("a fact with two ends", "a.csv", T + "Ann,job,poet,1990,1995\nAnn,job,poet,1990,1996\n", error="with another end"),
    Odd("an object twice in its list", "a.jsonl", '{"subject": "Ann", "relation": "likes", "object": ["Bob", "Bob"]}\n', PAIR[:1],
        note="told again is read once"),
    Odd("a list in a cell", "a.csv", H + 'Ann,likes,"[""Bob"", ""Cy""]"\n', [PAIR[0], ("Ann", "likes", "Cy")]),
    Odd("a list as Python writes it", "a.csv", H + "Ann,likes,\"['Bob', 'Cy']\"\n", error="a list as Python writes it"),
    Odd("None, as Python writes it", "a.csv", H + "Ann,likes,None\n", error="object is None"),
    Odd("an error of a spreadsheet", "a.csv", H + "Ann,likes,#REF!\n", error="object is #REF!"),
    Odd("too large a number", "a.jsonl", '{"subject": "Ann", "relation": "weighs", "object": 1e400}\n', error="not finite"),
    Odd("a bad row, left out", "a.csv", H + "Ann,likes,Bob\n,likes,Cy\nBob,likes,Cy\n", PAIR, skip=True, skipped=1),
    Odd("a bad line, left out", "a.csv", H + "Ann,likes,Bob\nBean, Ann,likes,Cy\nBob,likes,Cy\n", PAIR, skip=True, skipped=1),
    Odd("no value, as pandas writes it", "a.csv", H + "Ann,likes,Bob\nBob,likes,nan\n", error="line 3: object is nan, which stands for no"),
    Odd("one of a database", "a.csv", H + "NULL,likes,Bob\n", error="subject is NULL"),
    Odd("NA, which is Namibia too", "a.csv", H + "Namibia,code,NA\n", [("Namibia", "code", "NA")]),
    Odd("accents composed and not", "a.csv", H + "Jose\u0301,likes,Bob\nBob,likes,Jos\u00e9\n", [("José", "likes", "Bob"), ("Bob", "likes", "José")]),
    Odd("what cannot be seen", "a.csv", H + "A\u200bnn,likes,Bob\u00a0\n\u200eBob,likes,Cy\n", PAIR, note="cannot be seen"),
    Odd("other capitals", "a.csv", H + "Ann,likes,bob\nBob,likes,Cy\n", [("Ann", "likes", "bob"), PAIR[1]], note="only in capital"),
    Odd("footnotes of a page", "a.csv", H + "Ann[1],likes,Bob\n", [("Ann[1]", "likes", "Bob")], note="footnote"),
    Odd("HTML", "a.csv", H + "Ann,works_at,AT&amp;T\n", note="as HTML writes it", facts=[("Ann", "works_at", "AT&amp;T")]),
    # Relations.
    Odd("words in a relation", "a.csv", H + "Ann,Place of birth,Port Dee\n", [("Ann", "place_of_birth", "Port Dee")], note="lower case"),
    Odd("a humped relation", "a.csv", H + "Ann,placeOfBirth,Port Dee\n", [("Ann", "place_of_birth", "Port Dee")]),
    Odd("a relation of signs", "a.csv", H + "Ann,=>,Bob\n", error="no name for a relation"),
    Odd("a relation by its number (Wikidata5m)", "a.csv", H + "Ann,P19,Bob\n", error="number of Wikidata's"),
    # Dates.
    Odd("years", "a.csv", T + "Ann,job,poet,1990,1995\n", [("Ann", "job", "poet", "1990", "1995")]),
    Odd("days", "a.csv", T + "Ann,job,poet,1990-05-01,1995-06-30\n", [("Ann", "job", "poet", "1990", "1995")]),
    Odd("a time of day", "a.csv", T + "Ann,job,poet,1990-05-01T00:00:00Z,\n", [("Ann", "job", "poet", "1990", "-")]),
    Odd("Wikidata's form", "a.csv", T + "Ann,job,poet,+1990-00-00T00:00:00Z,\n", [("Ann", "job", "poet", "1990", "-")]),
    Odd("before our era", "a.csv", T + "Ann,job,poet,-0044-03-15T00:00:00Z,\n", [("Ann", "job", "poet", "-44", "-")]),
    Odd("within a year", "a.csv", T + "Ann,job,poet,1990-03-01,1990-11-01\n", [("Ann", "job", "poet", "1990", "1991")]),
    Odd("a year as pandas leaves it", "a.csv", T + "Ann,job,poet,1990.0,\n", [("Ann", "job", "poet", "1990", "-")]),
    Odd("a month in words", "a.csv", T + '"Ann",job,poet,"May 1, 1990",1 June 1995\n', [("Ann", "job", "poet", "1990", "1995")]),
    Odd("a date of either order", "a.csv", T + "Ann,job,poet,05/01/1990,\n", error="valid_from is '05/01/1990', not a year"),
    Odd("no date", "a.csv", T + "Ann,job,poet,soon,\n", error="valid_from is 'soon'"),
    Odd("a day that is none", "a.csv", T + "Ann,job,poet,1990-02-30,\n", error="valid_from is '1990-02-30'"),
    Odd("two digits", "a.csv", T + "Ann,job,poet,96,\n", error="valid_from is '96'"),
    Odd("an end before its begin", "a.csv", T + "Ann,job,poet,1990,1980\n", error="must not be earlier"),
    Odd("a date as an object", "a.csv", H + "Ann,born_on,1990-05-01\n", [("Ann", "born_on", "1 May 1990")],
        aliases={"1 May 1990": ("1990-05-01",)}),
    Odd("a year as Wikidata has it, as an object", "a.csv", H + "Ann,born,+1990-00-00T00:00:00Z\n", [("Ann", "born", "1990")]),
    Odd("a month", "a.csv", H + "Ann,born,1990-05\n", [("Ann", "born", "May 1990")]),
    Odd("an object of either order", "a.csv", H + "Ann,born,05/01/1990\n", error="may be read as two"),
    Odd("an object that is no day", "a.csv", H + "Ann,born,1990-02-30\n", error="'1990-02-30' is no date"),
    Odd("what only looks like a date, said", "a.csv", "subject,relation,object,object_type\nAnn,code,05/01/1990,code\n",
        [("Ann", "code", "05/01/1990")]),
    # Entities.
    Odd("ids beside names", "a.csv", "subject_id,subject,relation,object,object_id\nQ1,Ann,likes,Bob,Q2\nQ2,Bob,likes,Cy,Q3\n", PAIR),
    Odd("two of one name", "a.csv", "subject_id,subject,relation,object\nQ1,Springfield,in,Ohio\nQ2,Springfield,in,Iowa\n",
        error="Q1 and Q2 are both called Springfield"),
    Odd("one of two names", "a.csv", "subject_id,subject,relation,object\nQ1,Ann,likes,Bob\nQ1,Annie,job,poet\n",
        [("Ann", "likes", "Bob"), ("Ann", "job", "poet")], aliases={"Ann": ("Annie",)}),
    Odd("a name of two", "a.csv", "subject,relation,object,aliases\nAnn,likes,Bob,Bean|Nan\nCy,likes,Bob,Bean\n",
        [PAIR[0], ("Cy", "likes", "Bob")], aliases={"Ann": ("Nan",)}, note="name of something else"),
    Odd("all other names", "a.csv", "subject,relation,object,aliases\nAnn,likes,Bob,Annie|A. Bean | Nan\n", PAIR[:1],
        aliases={"Ann": ("Annie", "A. Bean", "Nan")}),
    Odd("another name that somebody has", "a.csv", "subject,relation,object,aliases\nAnn,likes,Bob,Bob|Nan\n", PAIR[:1],
        aliases={"Ann": ("Nan",)}, note="name of something else"),
    Odd("answers of Wikidata's query service", "query.csv", "item,itemLabel,property,propertyLabel,value,valueLabel\n"
        "http://www.wikidata.org/entity/Q1,Ann,http://www.wikidata.org/prop/P19,place of birth,http://www.wikidata.org/entity/Q2,Port Dee\n",
        [("Ann", "place_of_birth", "Port Dee")], note="propertyLabel is read as relation"),
    Odd("the same, labels alone", "query.csv", "itemLabel,propertyLabel,valueLabel\nAnn,place of birth,Port Dee\n",
        [("Ann", "place_of_birth", "Port Dee")]),
    Odd("the same as a table of SPARQL's (TSV, verbose)", "query.tsv", "?item\t?itemLabel\t?propertyLabel\t?value\t?valueLabel\n"
        "<http://www.wikidata.org/entity/Q1>\t\"Ann\"@en\t\"place of birth\"@en\t<http://www.wikidata.org/entity/Q2>\t"
        '"Port \\"D\\" Dee"@en\n', [("Ann", "place_of_birth", 'Port "D" Dee')], note="?value is read as object_id"),
    Odd("an unknown value of Wikidata's", "query.csv", "itemLabel,propertyLabel,valueLabel\n"
        "Ann,place of birth,http://www.wikidata.org/.well-known/genid/4d3a\n", error="stands for what is not known"),
    Odd("statements of Wikidata (truthy dump)", "truthy.nt", f"<{W}entity/Q42> <{W}prop/direct/P19> <{W}entity/Q350> .\n"
        f'<{W}entity/Q42> <{R}label> "Ann"@en .\n<{W}entity/Q350> <{R}label> "Port Dee"@en .\n', error="P19 is a number of Wikidata's"),
    Odd("the same, with labels of properties", "truthy.nt", f"<{W}entity/Q42> <{W}prop/direct/P19> <{W}entity/Q350> .\n"
        f'<{W}entity/Q42> <{R}label> "Ann"@en .\n<{W}entity/Q350> <{R}label> "Port Dee"@en .\n'
        f'<{W}entity/P19> <{R}label> "place of birth"@en .\n', [("Ann", "place_of_birth", "Port Dee")]),
    Odd("DBpedia with dates", "dbpedia.ttl", "@prefix dbr: <http://dbpedia.org/resource/> . @prefix dbo: <http://dbpedia.org/ontology/> . "
        f"@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix rdfs: <{R}> .\ndbr:Ann_Bean rdfs:label \"Ann Bean\"@en, "
        '"アン"@ja ; dbo:birthDate "1952-03-11"^^xsd:date ; dbo:birthPlace dbr:Port_Dee .\n',
        [("Ann Bean", "birth_date", "11 March 1952"), ("Ann Bean", "birth_place", "Port Dee")]),
    Odd("schema.org", "a.ttl", "@prefix schema: <http://schema.org/> .\n<https://en.wikipedia.org/wiki/Ann_(poet)> schema:name "
        '"Ann Bean" ; schema:birthPlace <https://en.wikipedia.org/wiki/Port_Dee> .\n', [("Ann Bean", "birth_place", "Port Dee")]),
    Odd("PopQA", "popqa.tsv", "id\tsubj\tprop\tobj\tsubj_id\tprop_id\tobj_id\ts_aliases\to_aliases\n"
        '1\tAnn Bean\toccupation\tpoet\t10\t22\t29\t["Annie B."]\t["poetess","bard"]\n', [("Ann Bean", "occupation", "poet")],
        aliases={"Ann Bean": ("Annie B.",), "poet": ("poetess", "bard")}, note="not read: id, prop_id"),
    Odd("LAMA", "P19.jsonl", '{"uuid": "1", "sub_uri": "Q1", "sub_label": "Ann", "obj_uri": "Q2", "obj_label": "Dee", "predicate_id": "P19"}\n',
        error="no column for relation; there are uuid"),
    Odd("the same, said", "P19.jsonl", '{"sub_uri": "Q1", "sub_label": "Ann", "obj_uri": "Q2", "obj_label": "Dee", "predicate_id": "P19"}\n',
        error="P19 is a number of Wikidata's", form={"columns": {"relation": "predicate_id"}}),
    Odd("CounterFact", "cf.json", '[{"case_id": 0, "requested_rewrite": {"prompt": "The mother tongue of {} is", "subject": "Ann"}}]',
        error="no column for subject and relation and object; there are case_id"),
    Odd("ATOMIC", "train.tsv", "head\trelation\ttail\nPersonX eats\toReact\tfull\nPersonX eats\toReact\thappy\n",
        [("PersonX eats", "o_react", "full"), ("PersonX eats", "o_react", "happy")]),
    Odd("ConceptNet", "assertions.csv", "/a/[/r/AtLocation/,/c/en/cup/,/c/en/shelf/]\t/r/AtLocation\t/c/en/cup\t/c/en/shelf\t{}\n",
        error="names none of subject"),
    Odd("YAGO 3", "facts.tsv", "<id_1>\t<Ann_Bean>\t<wasBornIn>\t<Port_Dee>\t\n", error="names none of subject"),
    Odd("OpenKE", "train2id.txt", "2\n0 1 0\n1 2 0\n", error="names none of subject"),
    Odd("CoDEx", "train.txt", "Q108946\tP161\tQ39792\nQ200299\tP161\tQ3\n", error="P161 is a number of Wikidata's"),
    Odd("edges of Neo4j", "rels.csv", ":START_ID,:TYPE,:END_ID\nAnn,LIKES,Bob\n", error="names none of subject"),
    Odd("row numbers (pandas, R)", "a.csv", ",subject,relation,object\n0,Ann,likes,Bob\n", PAIR[:1]),
    Odd("Excel's first line", "a.csv", "sep=;\r\nsubject;relation;object\r\nAnn;likes;Bob\r\n", PAIR[:1], note="a semicolon"),
    Odd("the same, with a fault", "a.csv", "sep=;\nsubject;relation;object\nAnn;likes;Bob\nBob;likes\n", error="line 4 has no object"),
    Odd("laureates (Kaggle's Nobel prizes)", "a.csv", "Full Name,Birth Date,Birth City\nAnn Bean,1952-03-11,Dee\nCy Dorn,11/03/1960,Dee\n",
        error="line 3: '11/03/1960' is no date, or may be read as two", form={"wide": "Full Name"}),
    Odd("world cities (Kaggle)", "a.csv", '"city","lat","country"\n"Tōkyō","35.6897","Japan"\n',
        [("Tōkyō", "lat", "35.6897"), ("Tōkyō", "country", "Japan")], form={"wide": "city"}),
    Odd("ids alone", "a.csv", H + "http://www.wikidata.org/entity/Q1,likes,http://www.wikidata.org/entity/Q2\n", error="Q1 is an id, not a name"),
    Odd("addresses of DBpedia", "a.csv", H + "http://dbpedia.org/resource/Port_Dee,http://dbpedia.org/ontology/isPartOf,"
        "http://dbpedia.org/resource/Altrunia\n", [("Port Dee", "is_part_of", "Altrunia")], note="address"),
    # Graphs.
    Odd("N-Triples", "a.nt", "<http://dbpedia.org/resource/Port_Dee> <http://dbpedia.org/ontology/country> "
        "<http://dbpedia.org/resource/Altrunia> .\n", [("Port Dee", "country", "Altrunia")]),
    Odd("broken N-Triples", "a.nt", "<http://x/a> <http://x/b> .\n", error="cannot read"),
    Odd("Turtle with labels", "a.ttl", '@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix e: <http://e.org/> .\n'
        'e:1 rdfs:label "Ann"@en, "Anne"@fr ; e:likes e:2 . e:2 rdfs:label "Bob"@en .\n', PAIR[:1]),
    Odd("Turtle in another language", "a.ttl", '@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix e: <http://e.org/> .\n'
        'e:1 rdfs:label "Ann"@en, "Anne"@fr ; e:likes e:2 . e:2 rdfs:label "Bob"@en .\n', [("Anne", "likes", "Bob")],
        form={"language": "fr"}),
    Odd("a blank node", "a.ttl", "@prefix e: <http://e.org/> . e:Ann e:address [ e:street e:Elm ] .\n", error="blank node"),
    Odd("literals in many languages", "a.ttl", '@prefix e: <http://e.org/> . e:Ann e:job "poet"@en, "Dichterin"@de .\n',
        [("Ann", "job", "poet")]),
    Odd("GraphML", "a.graphml", '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="r" for="edge" attr.name="relation" '
        'attr.type="string"/><graph edgedefault="directed"><node id="Ann"/><node id="Bob"/><edge source="Ann" target="Bob">'
        '<data key="r">likes</data></edge></graph></graphml>', PAIR[:1]),
    Odd("GraphML with labels", "a.graphml", '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="l" for="all" attr.name="label" '
        'attr.type="string"/><graph edgedefault="directed"><node id="n0"><data key="l">Ann</data></node><node id="n1"><data key="l">Bob'
        '</data></node><edge source="n0" target="n1"><data key="l">likes</data></edge></graph></graphml>', PAIR[:1]),
    Odd("GraphML without direction", "a.graphml", '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">'
        '<node id="Ann"/><node id="Bob"/><edge source="Ann" target="Bob"/></graph></graphml>', error="no direction"),
    Odd("GraphML without labels", "a.graphml", '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="directed">'
        '<node id="Ann"/><node id="Bob"/><edge source="Ann" target="Bob"/></graph></graphml>', error="neither relation nor label"),
]  # fmt: skip


@pytest.mark.parametrize("odd", TABLE, ids=lambda odd: odd.name)
def test_an_odd_file_has_its_one_right_reading_or_a_line_that_refuses_it(odd: Odd, tmp_path: Path) -> None:
    path = tmp_path / odd.file
    path.write_bytes(odd.data if isinstance(odd.data, bytes) else odd.data.encode())
    notes: Counter[str] = Counter()

    def read() -> Any:
        return read_triples(read_rows(path, Form(**odd.form), notes), odd.skip, notes)

    if odd.error:
        with pytest.raises(KitError) as told:
            read()
        assert odd.error in str(told.value)
        assert "\n" not in str(told.value)
        return
    found = read()
    assert odd.facts is not None
    rows = [(t.subject, t.relation, t.object, str(t.since), "-" if t.until > 9999 else str(t.until)) for t in found.facts]
    assert [row[: len(fact)] for row, fact in zip(rows, odd.facts, strict=True)] == odd.facts
    if odd.aliases is not None:
        assert found.aliases == odd.aliases
    assert len(found.skipped) == odd.skipped
    assert not odd.note or any(odd.note in note for note in notes), notes


def test_the_table_is_large() -> None:
    assert len(TABLE) >= 60
    assert len({odd.name for odd in TABLE if not odd.name.startswith("the same")}) >= 60


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = [{"subject": "Ann", "relation": "job", "object": ["poet", "cook"], "valid_from": 1990.0}]
    pq.write_table(pa.Table.from_pylist(rows), path)
    notes: Counter[str] = Counter()
    found = read_triples(read_rows(path, Form(), notes), False, notes)
    assert [(t.object, t.since) for t in found.facts] == [("poet", 1990), ("cook", 1990)]
    assert json.dumps(sorted(notes)) == '["a list of objects is read as a fact each"]'
