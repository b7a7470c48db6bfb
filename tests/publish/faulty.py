"""Ways in which a release is not what it says, each with what is told of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


class Fault(NamedTuple):
    """change: what is done to the folder. told: what a line about it holds. hidden: what whoever made the change writes anew, so
    that it is not seen by that: nothing, the checksums, or all that follows from the tables and the checksums."""

    name: str
    change: Callable[[Path], object]
    told: str
    hidden: Literal["nothing", "sums", "all"] = "all"


def first(folder: Path, pattern: str) -> Path:
    return sorted(folder.glob(f"data/{pattern}/*.parquet"))[0]


def rewrite(pattern: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], object]:
    """A table file with other rows."""

    def changed(folder: Path) -> None:
        path = first(folder, pattern)
        pq.write_table(change(pq.read_table(path)), path, compression="zstd")

    return changed


def cell(column: str, value: Any, row: int = 0) -> Callable[[pa.Table], pa.Table]:
    """A table with another value in one place."""

    def changed(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        values[row] = value(values[row]) if callable(value) else value
        field = table.schema.field(column)
        return table.set_column(table.schema.get_field_index(column), field, pa.array(values, field.type))

    return changed


def swap(column: str) -> Callable[[pa.Table], pa.Table]:
    def changed(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        values[0], values[1] = values[1], values[0]
        return table.set_column(table.schema.get_field_index(column), column, pa.array(values, table[column].type))

    return changed


def text(name: str, old: str, new: str) -> Callable[[Path], object]:
    """A text file with something else in it, in the first place."""

    def changed(folder: Path) -> None:
        path = folder / name
        said = path.read_text("utf-8")
        assert re.search(old, said), (name, old)
        path.write_text(re.sub(old, lambda _: new, said, count=1), "utf-8")

    return changed


def data(name: str, change: Callable[[Any], object]) -> Callable[[Path], object]:
    """A JSON file with something else in it."""

    def changed(folder: Path) -> None:
        told = json.loads((folder / name).read_text("utf-8"))
        change(told)
        (folder / name).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")

    return changed


def remove(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def exchange(one: str, other: str) -> Callable[[Path], object]:
    def changed(folder: Path) -> None:
        a, b = first(folder, one), first(folder, other)
        held = a.read_bytes()
        a.write_bytes(b.read_bytes())
        b.write_bytes(held)

    return changed


def _garbage(folder: Path) -> None:
    path = first(folder, "multihop/chain-2/novel")
    path.write_bytes(path.read_bytes()[:100])


SECRET = "hf_" + "Ab1" * 12

FAULTS = (
    Fault("a byte of a table", lambda f: _garbage(f), "is not what SHA256SUMS says", "nothing"),
    Fault("a figure on the card, and no more", text("README.md", r"\d+ facts of", "9,999 facts of"), "README.md is not what", "nothing"),
    Fault("a file that is gone", remove("LICENSE"), "LICENSE is listed in SHA256SUMS and missing", "nothing"),
    Fault("a file too many", write("notes.txt", b"hello"), "notes.txt is not listed", "nothing"),
    Fault("no checksums", remove("SHA256SUMS"), "no readable SHA256SUMS", "nothing"),
    Fault("checksums that are none", write("SHA256SUMS", b"abc README.md\n"), "not a line of a digest and a file", "nothing"),
    Fault("not a release", remove("release.json"), "was not published by kit", "nothing"),
    Fault("a release.json that is none", write("release.json", b"{"), "is damaged", "sums"),
    Fault("a release.json without a kind", data("release.json", lambda d: d.pop("kind")), "is damaged", "sums"),
    Fault("another form", data("release.json", lambda d: d.update(form=99)), "a release of form 99", "sums"),
    Fault("another kind", data("release.json", lambda d: d.update(kind="wrld")), "did you mean world?", "sums"),
    Fault("a licence nobody knows", data("release.json", lambda d: d["settings"].update(license="CC-BY-5.0")), "licence CC-BY-5.0", "sums"),
    Fault("a table that is nowhere", data("release.json", lambda d: d["tables"]["facts"].update(folders=["data/fact"])), "data/fact, where"),
    Fault("a table's figure", text("README.md", r"\| \d+ \| `", "| 7 | `"), "README.md does not follow", "sums"),
    Fault("a score of guessers", text("README.md", r"\| \.\d\d\d \| \.\d\d\d \|", "| .001 | .002 |"), "README.md does not follow", "sums"),
    Fault("a sample's answer", text("README.md", r"\n\*\*[A-Z][\w ]+\*\*,", "\n**Nobody**,"), "README.md does not follow", "sums"),
    Fault("a count of relations", text("README.md", r"born in \d+", "born in 1"), "README.md does not follow", "sums"),
    Fault("the card's licence", text("README.md", "license: cc-by-4.0", "license: mit"), "the licence mit is not that", "sums"),
    Fault("a broken front matter", text("README.md", "pretty_name: ", "pretty_name: [ "), "front matter cannot be read", "sums"),
    Fault("no front matter", text("README.md", "^---\n", ""), "README.md", "sums"),
    Fault("a card without the canary", text("README.md", "kit canary", "a bird"), "README.md lacks the canary", "sums"),
    Fault("a path of a split", text("README.md", "data/probes/recall_novel", "data/probes/recall_known"), "does not follow", "sums"),
    Fault("an author", text("CITATION.cff", "Ann Lee", "Bob Ray"), "CITATION.cff does not follow", "sums"),
    Fault("half a licence", lambda f: (f / "LICENSE").write_text((f / "LICENSE").read_text()[:3000]), "LICENSE does not follow", "sums"),
    Fault("a digest in Croissant", text("croissant.json", '"sha256": "....', '"sha256": "0000'), "croissant.json does not follow", "sums"),
    Fault("a limit in Croissant", text("croissant.json", "English from templates", "Perfect"), "croissant.json does not follow", "sums"),
    Fault("no Croissant", remove("croissant.json"), "croissant.json is missing", "sums"),
    Fault("a task of the benchmark", text("eval.yaml", "split: novel", "split: train"), "eval.yaml does not follow", "sums"),
    Fault("a drawing", text("figures/chain-2.svg", "born_in|works_for|based_in|founded_by|governed_by|mentored_by|speaks|located_in",
                            "hates"), "figures/chain-2.svg does not follow", "sums"),
    Fault("a token in a note", data("manifest.json", lambda d: d["notes"].append(f"token {SECRET}")), "a Hugging Face token"),
    Fault("a place in the settings", data("config.json", lambda d: d["audit"].update(tokenizer="/home/ann/model")), "/home/ann"),
    Fault("a token in a document", rewrite("documents/novel", cell("text", lambda t: f"{t} {SECRET}")), "holds a Hugging Face token"),
    Fault("a password in a question", rewrite("single_hop/novel", cell("question", "At https://ann:secret@example.org?")), "a password"),
    Fault("a row that is gone", rewrite("multihop/chain-2/novel", lambda t: t[1:]), "is missing, or there twice"),
    Fault("a row that is there twice", rewrite("probes/recall_novel", lambda t: pa.concat_tables([t, t[-1:]])), "is there twice"),
    Fault("an id that is there twice", rewrite("entities/novel", lambda t: cell("id", t["id"][1].as_py())(t)), "is there twice"),
    Fault("rows in another order", rewrite("documents/known", swap("row")), "documents"),
    Fault("another answer", rewrite("multihop/chain-2/test_entity", cell("answers", ["Nobody Atall"])), "answer"),
    Fault("another answer for readers alone", rewrite("single_hop/validation", cell("answer", "Nobody")), "the column answer is not"),
    Fault("a fact in other words", rewrite("multihop/chain-2/train", cell("evidence", ["a | b | c"])), "the column evidence"),
    Fault("another end of an edge", rewrite("graph/novel", cell("target_name", "Nowhere")), "the column target_name"),
    Fault("another object", rewrite("facts/known", cell("object_id", "0" * 16)), "facts"),
    Fault("another text", rewrite("documents/known", cell("text", lambda t: t.replace(".", "!", 1), 3)), "documents: row"),
    Fault("another completion", rewrite("examples", cell("completion", "So the answer is: 7.")), "examples: row"),
    Fault("another count of exposures", rewrite("exposures/novel", cell("statements", 99)), "exposures: row"),
    Fault("another certificate", rewrite("multihop/chain-3/novel", cell("certificate", lambda c: {**c, "popularity_guess": True, "type_prior": 0.9})), "questions: row"),
    Fault("a canary in a question alone", rewrite("probes/recall_known", cell("canary", "another bird")), "the column canary"),
    Fault("a canary in a training text", lambda f: rewrite("documents/novel", cell("text", json.loads((f / "release.json").read_text())["canary"]))(f), "documents"),
    Fault("two splits exchanged", exchange("documents/novel", "documents/shuffled"), "documents"),
    Fault("numbers of another type", rewrite("single_hop/novel", lambda t: t.set_column(t.schema.get_field_index("hops"), "hops", pc.cast(t["hops"], pa.int32()))), "type"),
    Fault("a column that is gone", rewrite("documents/novel", lambda t: t.drop_columns(["template"])), "template"),
    Fault("a file that is no table", lambda f: first(f, "documents/novel").write_bytes(b"PAR1"), "documents"),
    Fault("another seed", data("config.json", lambda d: d.update(seed=4)), "the world generated again"),
    Fault("settings that are none", write("config.json", b"[]"), "must hold a table of settings"),
    Fault("a promise in the notes", data("manifest.json", lambda d: d["notes"].append("Certified by the Ministry.")), "its notes are not"),
    Fault("another result in the manifest", data("manifest.json", lambda d: d["results"].update(facts_rows=9.0)), "its results are not"),
    Fault("a table beside the others", lambda f: pq.write_table(pa.table({"a": [1]}), f / "data" / "extra.parquet"), "data/extra.parquet"),
    Fault("a program", write("evil.py", b"print()"), "evil.py is no part of a published world"),
    Fault("a drawing of somebody else's", write("figures/zz.svg", b"<svg><script/></svg>"), "figures/zz.svg is no part"),
    Fault("a table that leads out", data("release.json", lambda d: d["tables"].update({"../../x": d["tables"]["facts"]})), "release.json: tables", "sums"),
    Fault("folders that lead out", data("release.json", lambda d: d["tables"]["facts"].update(folders=["data/../../x"])), "release.json: tables", "sums"),
    Fault("a name that is none", data("release.json", lambda d: d.update(to=5)), "release.json: to", "sums"),
    Fault("tables that are none", data("release.json", lambda d: d.update(tables=[1])), "release.json: tables", "sums"),
    Fault("settings of another type", data("release.json", lambda d: d["settings"].update(title=7)), "release.json: settings: title", "sums"),
    Fault("a need that is none", lambda f: (data("release.json", lambda d: d.update(needs=["a tokenizer"]))(f), data("manifest.json", lambda d: d["notes"].append("x"))(f)), "its notes are not"),
    Fault("a place in a table", rewrite("documents/known", cell("text", "It lies in /home/ann/facts.csv today.")), "a place on somebody's computer"),
    Fault("a token in a nested text", rewrite("multihop/chain-2/novel", cell("sub_questions", lambda v: [{**v[0], "sentence": SECRET}, *v[1:]])), "a Hugging Face token"),
    Fault("another key", data("manifest.json", lambda d: d.update(key="0" * 16)), "the key 0000000000000000 is not that"),
    Fault("no manifest", remove("manifest.json"), "manifest.json"),
    Fault("another figure of the audit", lambda f: _audited(f), "audit.json is not what the world generated again gives"),
)  # fmt: skip


def _audited(folder: Path) -> None:
    """What the card does not say, so that the card still follows."""
    data("audit.json", lambda d: d["matching"]["tests"][0].update(mean_known=123.0))(folder)
