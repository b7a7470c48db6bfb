"""Documents and examples: exposures counted, paraphrases even, sets nested."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from generators.config import GenerateConfig
from generators.generate import generate
from generators.text.documents import IDLE, Dose, Written, documents
from generators.world.relations import RELATIONS
from generators.world.world import PARTS
from kit.core.config import resolve
from tests.conftest import SMALL, Records
from tests.generators.test_world import ROWS, a_world


def test_every_fact_is_stated_once_in_every_exposure(small: Records, small_config: GenerateConfig) -> None:
    counts = Counter(f for d in small.documents if d.corpus == "known" for f in d.facts)
    assert set(counts) == {f.id for f in small.facts if f.part == "known"}
    assert set(counts.values()) == {small_config.documents.exposures}


def test_known_documents_say_what_they_claim_in_eight_ways(small: Records) -> None:
    names = {e.id: e.name for e in small.entities}
    facts = {f.id: f for f in small.facts}
    wordings: dict[str, set[str]] = defaultdict(set)
    for document in small.documents:
        if document.corpus != "known":
            continue
        rest = document.text
        for fact_id in document.facts:
            fact = facts[fact_id]
            said = [
                s.format(s=names[fact.subject], o=names[fact.object])
                for s in RELATIONS[fact.relation].statements
                if s.format(s=names[fact.subject], o=names[fact.object]) in document.text
            ]
            assert len(said) == 1, document.text
            wordings[fact_id].add(said[0])
            rest = rest.replace(said[0], "", 1)
        for idle in IDLE:
            rest = rest.replace(idle, "")
        assert not rest.strip()
    assert {len(w) for w in wordings.values()} == {8}


def test_one_paraphrase_means_one() -> None:
    world = a_world(0)
    made = documents(world, "novel", "novel", 0, Dose(3, ("biography", "digest", "joint biography"), paraphrases=1), Written())
    texts = " ".join(text for table in made for text in table["text"].to_pylist())
    names, facts = world.names.to_pylist(), np.flatnonzero(world.parts[world.subject] == PARTS.index("novel"))
    for fact in facts[::7].tolist():
        statement = ROWS[world.relation[fact]].statements[0]
        assert texts.count(statement.format(s=names[world.subject[fact]], o=names[world.object[fact]])) == 3


def test_known_documents_never_mention_novel_entities(small: Records) -> None:
    novel = [e.name for e in small.entities if e.part == "novel"]
    known = [d.text for d in small.documents if d.corpus in ("known", "reading")]
    assert not any(name in text for name in novel for text in known)


def test_smaller_example_sets_are_prefixes(small: Records) -> None:
    fewer = Records.of(generate(resolve(GenerateConfig, {**SMALL, "seed": 3, "examples": {"count": 20}})))
    # The pools of throwaway worlds grow with the count, so only closed-book rows can be compared text by text.
    kinds = [e.kind for e in small.examples[:20]]
    assert [e.kind for e in fewer.examples] == kinds
    closed = [(a, b) for a, b in zip(fewer.examples, small.examples, strict=False) if a.kind.endswith("closed")]
    assert closed
    assert all(a == b for a, b in closed)


def test_examples_are_distinct_and_mixed(small: Records) -> None:
    assert len({e.id for e in small.examples}) == len(small.examples)
    kinds = Counter(e.kind.split("/")[0] for e in small.examples)
    assert set(kinds) == {"chain-1", "chain-2", "chain-3"}
    assert kinds["chain-2"] > kinds["chain-1"]
