"""Examples without content, and the part that is told in two corpora."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from generators.config import GenerateConfig
from generators.generate import generate_stage
from kit.core.config import resolve
from kit.core.errors import KitError
from kit.core.records import Document, Entity, Example, Fact, Question
from kit.core.store import read_table
from kit.models.tiny import build_tokenizer
from kit.models.tokens import Tokens
from kit.train.data import examples_of, load_sources
from kit.train.recipes import TrainConfig, with_defaults
from kit.train.start import vocabulary_texts
from tests.conftest import SMALL


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    counts = {"person": 24, "company": 8, "city": 8}
    relations = [*SMALL["world"]["relations"], "married_to"]
    world = {**SMALL["world"], "relations": relations, "known": counts, "novel": counts, "crossing": True}
    settings = {**SMALL, "world": world, "examples": {"count": 120, "controls": True, "novel": True}, "seed": 1}
    return generate_stage(resolve(GenerateConfig, settings), tmp_path_factory.mktemp("crossed") / "world")


def test_format_examples_ask_the_same_and_are_answered_wrongly(crossed: Path) -> None:
    task, format_ = (read_table(crossed / f"examples{content}.parquet", Example) for content in ("", "_format"))
    # What is alone of its kind is left out.
    kinds = Counter(e.kind for e in task)
    asked = {e.prompt: e for e in task}
    order = [e.prompt for e in task]
    places = [order.index(e.prompt) for e in format_]
    assert places == sorted(places)
    assert len(format_) >= len(task) - sum(1 for n in kinds.values() if n == 1) - 2
    answers: dict[str, set[str]] = {}
    for e in task:
        answers.setdefault(e.kind, set()).add(e.completion)
    for e in format_:
        right = asked[e.prompt]
        assert e.kind == f"{right.kind}/format"
        assert e.completion != right.completion
        assert e.completion in answers[right.kind]
        assert not e.facts


def test_unrelated_examples_are_of_the_same_kinds_and_name_nobody_of_this_world(crossed: Path) -> None:
    task, unrelated = (read_table(crossed / f"examples{content}.parquet", Example) for content in ("", "_unrelated"))
    assert [e.kind for e in unrelated] == [f"{e.kind}/unrelated" for e in task]
    names = [n for e in read_table(crossed / "entities.parquet", Entity) if " " in e.name for n in (e.name, *e.aliases)]
    assert not [e for e in unrelated if any(n in f"{e.prompt} {e.completion}" for n in names)]


def test_a_control_is_trained_on_by_its_name_and_only_where_there_is_one(crossed: Path, small_dir: Path, tmp_path: Path) -> None:
    kinds = {content: {e.where for e in examples_of(str(crossed), "multihop", 0, content)} for content in ("task", "format")}  # type: ignore[arg-type]
    assert len(kinds["task"]) == 120
    assert 110 < len(kinds["format"]) <= 120
    assert not kinds["task"] & kinds["format"]
    with pytest.raises(KitError, match=r"examples\.controls=true"):
        next(examples_of(str(small_dir), "multihop", 0, "format"))
    (tmp_path / "rows.jsonl").write_text('{"question": "Who?", "answer": "Ann"}\n')
    with pytest.raises(KitError, match="is no directory"):
        next(examples_of(str(tmp_path / "rows.jsonl"), "multihop", 0, "format"))


def test_every_novel_fact_is_told_in_questions_too_and_no_other(crossed: Path) -> None:
    told = read_table(crossed / "examples_novel.parquet", Example)
    facts = {f.id: f for f in read_table(crossed / "facts.parquet", Fact) if f.part == "novel"}
    novel = {fact for e in told for fact in e.facts}
    # Of several objects of one relation none is the answer.
    single = Counter((f.subject, f.relation) for f in facts.values())
    assert novel == {f.id for f in facts.values() if single[f.subject, f.relation] == 1 and f.relation != "speaks"}
    assert Counter(fact for e in told for fact in e.facts) == dict.fromkeys(novel, 4)
    assert Counter(e.kind.split("/")[1] for e in told) == {"cot": 2 * len(novel), "direct": 2 * len(novel)}
    asked = {q.text for q in read_table(crossed / "questions.parquet", Question) if q.hops > 1}
    assert not [e for e in told if any(text in e.prompt for text in asked)]


def test_questions_are_rows_like_any_others(crossed: Path, small_dir: Path) -> None:
    tokens = Tokens(build_tokenizer(vocabulary_texts(crossed)))
    config = resolve(TrainConfig, with_defaults({"recipe": "inject", "rows": {"questions": 2, "known": 1}, "steps": 3}))
    loaded = load_sources(config, str(crossed), tokens)
    told = read_table(crossed / "examples_novel.parquet", Example)
    questions = loaded.sources["questions"]
    assert [questions.facts(i) for i in range(len(questions))] == [e.facts for e in told]
    text = tokens.tokenizer.decode(questions.row(0).input_ids)
    assert told[0].completion.split()[-1].rstrip(".") in text
    with pytest.raises(KitError, match=r"examples\.novel=true"):
        load_sources(config, str(small_dir), tokens)
    with pytest.raises(KitError, match=r"add those to probes\.kinds"):
        resolve(GenerateConfig, {**SMALL, "examples": {"novel": True}, "probes": {"kinds": ["cloze"]}})


def test_a_new_tokenizer_writes_the_controls_too(crossed: Path) -> None:
    tokens = Tokens(build_tokenizer(vocabulary_texts(crossed)))
    unknown = tokens.tokenizer.unk_token_id
    for content in ("format", "unrelated", "novel"):
        for example in read_table(crossed / f"examples_{content}.parquet", Example):
            assert unknown not in tokens.example_row(((example.prompt, example.completion),)).input_ids


def test_what_is_told_where_is_what_the_split_says(crossed: Path) -> None:
    told: dict[str, set[str]] = {}
    documents = read_table(crossed / "documents.parquet", Document)
    for d in documents:
        for fact in d.facts:
            told.setdefault(fact, set()).add(d.corpus)
    facts = {f.id: f for name in ("facts", "shuffled_facts") for f in read_table(crossed / f"{name}.parquet", Fact)}
    questions = read_table(crossed / "questions.parquet", Question)
    married = [f for f in read_table(crossed / "facts.parquet", Fact) if f.relation == "married_to" and f.part == "crossing"]
    bonds = {(f.subject, f.object): told[f.id] - {"false bridge"} for f in married}
    assert len(bonds) > 10
    assert all(corpora == bonds[other, one] for (one, other), corpora in bonds.items()), "both of a pair tell the same"
    corpora = {"known": "known", "novel": "crossing"}
    for first in ("known", "novel"):
        for second in ("known", "novel"):
            own = [q for q in questions if q.split == f"{first}_to_{second}"]
            assert len(own) > 5
            for q in own:
                assert {facts[f].part for f in q.support} == {"crossing"}
                assert [told[f] - {"false bridge"} for f in q.support] == [{corpora[first]}, {corpora[second]}]
                assert not any(set(q.support) <= set(d.facts) for d in documents)
    together = [q for q in questions if q.split == "one_document"]
    assert together
    for q in together:
        for fact in q.support:
            stated = [d for d in documents if fact in d.facts and d.corpus == "crossing"]
            assert stated
            assert all(set(d.facts) == set(q.support) for d in stated)
    entities = {e.id: e for e in read_table(crossed / "entities.parquet", Entity)}
    assert all({entities[f.subject].part, entities[f.object].part} <= {f.part, "shared"} for f in facts.values())


def test_a_false_bridge_leads_elsewhere(crossed: Path) -> None:
    questions = read_table(crossed / "questions.parquet", Question)
    false = [q for q in questions if q.split == "false_bridge"]
    true = {(q.heads, q.steps): q for q in questions if q.split in ("novel_to_novel", "novel_to_known", "one_document")}
    assert len(false) > 5
    shuffled = {f.id for f in read_table(crossed / "shuffled_facts.parquet", Fact)}
    real = {f.id for f in read_table(crossed / "facts.parquet", Fact)}
    for q in false:
        assert q.support[0] in shuffled - real
        assert q.support[1] in real
    both = [(q, true[q.heads, q.steps]) for q in false if (q.heads, q.steps) in true]
    assert both
    assert all(a.text == b.text and a.sub_questions[0].answer != b.sub_questions[0].answer for a, b in both)
