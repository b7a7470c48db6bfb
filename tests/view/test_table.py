"""What is filtered, searched and found is what pyarrow finds; what a page packs is what was there."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.config import EvalConfig
from evals.run import evaluate
from kit.core import store
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.view.open import sections
from kit.view.page import pack
from kit.view.table import Part, Table, plain


@pytest.fixture
def questions(small_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """In row groups of a few rows."""
    table = pq.read_table(small_dir / "questions.parquet")
    monkeypatch.setattr(store, "ROW_GROUP", 37)
    store.write_arrow(tmp_path / "questions.parquet", table.schema, [table])
    facets = {"split": "split", "shape": "shape", "hops": "hops"}
    return Table("questions", [Part(tmp_path / "questions.parquet")], facets, ("text", "answers"))


def test_facets_and_counts_are_what_pyarrow_counts(questions: Table, small_dir: Path) -> None:
    table = pq.read_table(small_dir / "questions.parquet")
    for facet in questions.facets:
        counted = {str(row["values"]): row["counts"] for row in pc.value_counts(table[facet]).to_pylist()}
        assert questions.counts(facet) == counted
    chosen = table.filter(pc.and_(pc.equal(table["split"], "novel"), pc.equal(table["hops"], 2)))
    found = questions.select({"split": "novel", "hops": "2"}, limit=10)
    assert found.total == len(chosen)
    assert [row["id"] for row in found.rows] == chosen["id"].to_pylist()[:10]
    further = questions.select({"split": "novel", "hops": "2"}, start=10, limit=10)
    assert [row["id"] for row in further.rows] == chosen["id"].to_pylist()[10:20]
    assert questions.select({"split": "nowhere"}).total == 0
    with pytest.raises(KitError, match="no facet splt"):
        questions.select({"splt": "novel"})


@pytest.mark.parametrize("words", ["works", "WHO", "e", "no such text", "(", "\\"])
def test_a_search_finds_what_holds_the_words(questions: Table, small_dir: Path, words: str) -> None:
    rows = pq.read_table(small_dir / "questions.parquet").to_pylist()
    held = [row["id"] for row in rows if any(words.lower() in text.lower() for text in (row["text"], *row["answers"]))]
    found, start, pages = [], 0, 0
    while True:
        page = questions.select(search=words, start=start, limit=20)
        found += [row["id"] for row in page.rows]
        pages += 1
        if page.then is None:
            break
        assert len(page.rows) == 20
        start = page.then
    assert found == held
    assert pages == max(1, -(-len(held) // 20))
    whole = questions.select(search=words, limit=10_000)
    assert whole.total == len(held)


def test_rows_are_found_by_a_value_and_by_one_of_a_list(questions: Table, small_dir: Path) -> None:
    rows = pq.read_table(small_dir / "questions.parquet").to_pylist()
    fact = rows[100]["support"][0]
    assert [row["id"] for row in questions.find("support", [fact])] == [row["id"] for row in rows if fact in row["support"]]
    (one,) = questions.find("id", [rows[41]["id"]])
    assert {key: value for key, value in one.items() if key != "_row"} == plain(pa.Table.from_pylist([rows[41]]))[0]
    assert questions.find("_row", ["41"]) == [one]
    assert questions.find("_row", ["1000000"]) == []


def test_many_read_at_once(questions: Table) -> None:
    """As the threads of a server do: of two that read one open file neither comes back."""
    alone = (questions.counts("shape"), questions.select(search="who", limit=50), questions.select({"hops": "2"}, start=100))
    for _ in range(20):
        fresh = Table(questions.name, questions.parts, questions.facets, questions.searched)
        with ThreadPoolExecutor(6) as pool:
            asked = [
                (
                    pool.submit(fresh.counts, "shape"),
                    pool.submit(fresh.select, None, "who", 0, 50),
                    pool.submit(fresh.select, {"hops": "2"}, "", 100),
                )
                for _ in range(2)
            ]
            assert all(tuple(each.result(60) for each in three) == alone for three in asked)


def test_rows_with_the_first_values_of_a_facet_come_first(questions: Table) -> None:
    shown = [row["shape"] for row in questions.select(first="shape", limit=10_000).rows]
    assert shown == sorted(shown)


def test_a_table_of_several_files_tells_them_apart(small_dir: Path) -> None:
    path = small_dir / "questions.parquet"
    table = Table("both", [Part(path, {"run": "a"}), Part(path, {"run": "b"})], {"run": "run"}, ("text",))
    half = len(pq.read_table(path))
    assert table.counts("run") == {"a": half, "b": half}
    first, second = table.find("id", [pq.read_table(path)["id"][5].as_py()])
    assert (first["run"], second["run"], second["_row"] - first["_row"]) == ("a", "b", half)


def unpack(packed: dict[str, Any], row: int) -> Any:
    """As `packed.js` reads it."""
    if "among" in packed:
        number = packed["numbers"][row]
        return None if number is None else packed["among"][number]
    if "of" in packed:
        return packed["of"][row]
    if row in packed.get("none", ()):
        return None
    if "structs" in packed:
        return {name: unpack(column, row) for name, column in packed["structs"].items()}
    lengths = packed.get("lists", packed.get("maps"))
    start = sum(lengths[:row])
    values = [unpack(packed["items"], start + i) for i in range(lengths[row])]
    return values if "lists" in packed else {each["key"]: each["value"] for each in values}


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.one_of(st.none(), st.sampled_from(["a", "b"]), st.text(max_size=5)),
            "list": st.one_of(st.none(), st.lists(st.text(max_size=3), max_size=3)),
            "map": st.dictionaries(st.text(max_size=2), st.floats(allow_nan=False), max_size=2),
            "struct": st.one_of(
                st.none(), st.fixed_dictionaries({"x": st.integers(0, 9), "y": st.lists(st.booleans(), max_size=2)})
            ),
        }
    ),
    min_size=1,
    max_size=8,
)


@given(ROWS)
def test_what_is_packed_can_be_read_again(rows: list[dict[str, Any]]) -> None:
    struct = pa.struct([("x", pa.int64()), ("y", pa.list_(pa.bool_()))])
    schema = pa.schema(
        {"text": pa.string(), "list": pa.list_(pa.string()), "map": pa.map_(pa.string(), pa.float64()), "struct": struct}
    )
    table = pa.Table.from_pylist([{**row, "map": list(row["map"].items())} for row in rows], schema)
    packed = {name: pack(table[name].combine_chunks()) for name in schema.names}
    packed = json.loads(json.dumps(packed))
    assert [{name: unpack(packed[name], i) for name in schema.names} for i in range(len(rows))] == rows


def test_answers_to_one_question_belong_together(evaluated: list[Path]) -> None:
    (section,) = sections(evaluated[:2], ["right", "third"])
    table = section.tables["answers"]
    assert set(table.counts("run").values()) == {len(table) // 2}
    third = table.counts("verdict")["wrong"]
    assert table.counts("agree") == {"differ": 2 * third, "the same": len(table) - 2 * third}
    row = table.select({"agree": "differ", "run": "third"}, limit=1).rows[0]
    assert {each["run"]: each["verdict"] for each in table.find("group", [row["group"]])} == {"right": "right", "third": "wrong"}


def test_differences_come_first(evaluated: list[Path], small_dir: Path, tmp_path: Path) -> None:
    """Before what only one was asked, and before what all answer alike."""
    recorded = str(evaluated[1].with_suffix(".jsonl"))
    slices = [{"split": "novel", "hops": 2, "style": "cot", "limit": 9}]
    config = resolve(EvalConfig, {"task": "multihop", "backend": "recorded", "recorded": recorded, "slices": slices})
    few = evaluate(config, str(small_dir), None, tmp_path / "few")
    (section,) = sections([evaluated[0], few], ["right", "few"])
    shown = [row["agree"] for row in section.tables["answers"].select(first="agree", limit=10_000).rows]
    assert list(dict.fromkeys(shown)) == ["differ", "only one", "the same"]


def test_directories_of_no_kind_are_refused(tmp_path: Path) -> None:
    for place, message in ((tmp_path / "nowhere", "does not exist"), (tmp_path, "no manifest.json")):
        with pytest.raises(KitError, match=message):
            sections([place], ["x"])
