"""Exact match and F1 as the official scripts of SQuAD, HotpotQA, MuSiQue and 2WikiMultihopQA count them, as tables."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from evals.scoring.qa import Overlap, exact_match, f1, hotpot_f1, hotpot_overlap, normalise

E_ACUTE = "\u00e9"  # é composed (NFC)
E_PLUS_ACUTE = "e\u0301"  # é decomposed (NFD)

# What is the same for every script: (answer, gold, exact match, F1).
SHARED = [
    # Plain
    ("Port Ann", "Port Ann", True, 1.0),
    ("  Port \t Ann\n", "Port Ann", True, 1.0),
    ("Port Ann\r\n", "Port Ann", True, 1.0),
    ("PORT ANN", "port ann", True, 1.0),
    ("Ann Port", "Port Ann", False, 1.0),
    ("Port", "Port Ann", False, 2 / 3),
    ("Port Ann in Kent", "Port Ann", False, 2 / 3),
    ("Bee", "Port Ann", False, 0.0),
    ("not Port Ann", "Port Ann", False, 0.8),
    ("Port Ann or Port Bee", "Port Ann", False, 4 / 7),
    # Articles go, as whole words only
    ("the Port Ann", "A Port Ann", True, 1.0),
    ("The the Port Ann", "Port Ann", True, 1.0),
    ("Theodore", "odore", False, 0.0),
    ("Another", "other", False, 0.0),
    ("the-Port", "Port", False, 0.0),  # the hyphen goes first: "theport"
    ("A. N. Other", "N Other", True, 1.0),  # the full stop goes first: the initial is taken for an article
    ("Vitamin A", "Vitamin", True, 1.0),  # likewise the letter
    ("Der Spiegel", "Spiegel", False, 2 / 3),  # English articles only
    # Punctuation goes without a blank in its place
    ("Port-Ann", "PortAnn", True, 1.0),
    ("Port-Ann", "Port Ann", False, 0.0),
    ("Port Ann!", "Port Ann", True, 1.0),
    ("(Port) [Ann]", "Port Ann", True, 1.0),
    ("O'Hara", "OHara", True, 1.0),
    ("J.B. Hall, Inc.", "JB Hall Inc", True, 1.0),
    ("AC/DC", "ACDC", True, 1.0),
    ("C++", "C", True, 1.0),
    ("C#", "C++", True, 1.0),
    ("A&B", "A & B", False, 0.0),  # "ab" and "b": the lone A is an article
    # ASCII punctuation only
    ("Port Ann’s", "Port Ann's", False, 0.5),
    ("“Port Ann”", "Port Ann", False, 0.0),
    ("1990–1995", "1990-1995", False, 0.0),
    ("Port\u2011Ann", "Port-Ann", False, 0.0),
    ("¿Port Ann?", "Port Ann", False, 0.5),
    # Numbers are words
    ("1,080", "1080", True, 1.0),
    ("1080.0", "1080", False, 0.0),
    ("1.5", "15", True, 1.0),  # officially right
    ("-5", "5", True, 1.0),  # officially right
    ("$5", "5%", True, 1.0),  # officially right
    ("−5", "5", False, 0.0),  # U+2212 is no ASCII punctuation
    ("3", "three", False, 0.0),
    ("٣", "3", False, 0.0),
    ("5 km", "5km", False, 0.0),
    ("12 May 2001", "May 12, 2001", False, 1.0),
    ("42nd", "42", False, 0.0),
    # Repeated tokens count as often as both hold them
    ("Port Port Ann", "Port Ann", False, 0.8),
    ("Port Port", "Port Ann", False, 0.5),
    ("New York New York", "New York New York", True, 1.0),
    ("New York", "New York New York", False, 2 / 3),
    # Unicode: compared as it stands, after str.lower
    (f"Caf{E_ACUTE}", f"Caf{E_ACUTE}", True, 1.0),
    (f"Caf{E_ACUTE}", f"Caf{E_PLUS_ACUTE}", False, 0.0),  # NFC and NFD differ
    (f"CAF{E_ACUTE.upper()}", f"caf{E_ACUTE}", True, 1.0),
    ("Cafe", f"Caf{E_ACUTE}", False, 0.0),
    ("İzmir", "i\u0307zmir", True, 1.0),  # İ lowers to i and a dot above
    ("İzmir", "Izmir", False, 0.0),
    ("STRASSE", "Straße", False, 0.0),  # lower, not casefold
    ("ΟΔΟΣ", "οδος", True, 1.0),  # a last Σ lowers to ς
    ("Port\u00a0Ann", "Port Ann", True, 1.0),  # a no-break space is white space
    ("Port\u200bAnn", "Port Ann", False, 0.0),  # a zero-width one is not
    ("Port\u2028Ann", "Port Ann", True, 1.0),
    ("東京", "東京", True, 1.0),
    ("東京都", "東京", False, 0.0),  # no blanks, so one token
    ("🙂", "🙂", True, 1.0),
    ("\ud800", "\ud800", True, 1.0),
    ("\ud800", "Port Ann", False, 0.0),
    ("x" * 10_000, "Port Ann", False, 0.0),
    ("Port Ann " * 1_000, "Port Ann", False, 4 / 2002),
    # yes and no, where both sides say the same or neither says it alone
    ("yes", "yes", True, 1.0),
    ("Yes.", "yes", True, 1.0),
    ("noanswer", "noanswer", True, 1.0),
    ("yes", "no", False, 0.0),
    ("no", "noanswer", False, 0.0),
    ("not yes", "yes yes", False, 0.5),
    ("no answer", "No Answer", True, 1.0),
]

# Where the scripts differ: (answer, gold, exact match, F1 of SQuAD v2 and MuSiQue, F1 of HotpotQA and 2Wiki).
DIFFERENT = [
    ("yes (1984)", "yes", False, 2 / 3, 0.0),
    ("yes", "yes (1984)", False, 2 / 3, 0.0),
    ("The answer is no.", "no", False, 0.5, 0.0),
    ("no", "no one", False, 2 / 3, 0.0),
    ("noanswer given", "noanswer", False, 2 / 3, 0.0),
    ("the yes", "yes yes", False, 2 / 3, 0.0),
    ("", "", True, 1.0, 0.0),
    ("the", "", True, 1.0, 0.0),
    ("...", "!", True, 1.0, 0.0),
    ("A", "The", True, 1.0, 0.0),
    ("-", "+", True, 1.0, 0.0),
]


@pytest.mark.parametrize(("answer", "gold", "right", "squad"), SHARED)
def test_em_and_f1(answer: str, gold: str, right: bool, squad: float) -> None:
    assert exact_match(answer, [gold]) is right
    assert f1(answer, [gold]) == pytest.approx(squad)
    assert f1(gold, [answer]) == pytest.approx(squad)
    assert hotpot_f1(answer, [gold]) == pytest.approx(squad)


@pytest.mark.parametrize(("answer", "gold", "right", "squad", "hotpot"), DIFFERENT)
def test_where_hotpot_differs_from_squad(answer: str, gold: str, right: bool, squad: float, hotpot: float) -> None:
    assert exact_match(answer, [gold]) is right
    assert f1(answer, [gold]) == pytest.approx(squad)
    assert hotpot_f1(answer, [gold]) == hotpot
    assert hotpot_f1(gold, [answer]) == hotpot


@pytest.mark.parametrize(
    ("answer", "golds", "right", "squad", "hotpot"),
    [
        ("", ["Port Ann"], False, 0.0, 0.0),
        ("Port Ann", [""], False, 0.0, 0.0),
        (None, [""], False, 0.0, 0.0),
        (None, ["None"], False, 0.0, 0.0),
        ("None", ["None"], True, 1.0, 1.0),
        ("Port Ann", [], False, 0.0, 0.0),
        (None, [], False, 0.0, 0.0),
        ("Ann", ["Port Ann", "Ann"], True, 1.0, 1.0),
        ("Ann", ["Ann", "Port Ann"], True, 1.0, 1.0),
        ("yes sir", ["yes", "yes sir"], True, 1.0, 1.0),
        ("yes sir", ["yes", "sir"], False, 2 / 3, 2 / 3),
    ],
)
def test_several_golds_and_none(answer: str | None, golds: list[str], right: bool, squad: float, hotpot: float) -> None:
    assert exact_match(answer, golds) is right
    assert f1(answer, golds) == pytest.approx(squad)
    assert hotpot_f1(answer, golds) == pytest.approx(hotpot)


def test_precision_and_recall_are_the_best_of_any_gold_each() -> None:
    assert hotpot_overlap("Port Ann", ["Ann"]) == pytest.approx(Overlap(2 / 3, 0.5, 1.0))
    assert hotpot_overlap("Port Ann", ["Ann", "Port Ann in Kent"]) == pytest.approx(Overlap(2 / 3, 1.0, 1.0))


def test_the_largest_answers_take_no_time() -> None:
    assert f1("Port Ann " * 100_000, ["Port Ann"]) == pytest.approx(4 / 200_002)
    assert normalise("the " * 250_000) == ""


REAL = Path(os.environ.get("KIT_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.skipif(not (REAL / "qa_em_f1.jsonl").exists(), reason="real rows are not shipped: set KIT_REAL_DATA to their folder")
def test_em_and_f1_agree_with_the_official_scripts() -> None:
    rows = [json.loads(line) for line in (REAL / "qa_em_f1.jsonl").read_bytes().split(b"\n") if line]
    assert len(rows) == 650
    for row in rows:
        answer, golds = row["prediction"], row["golds"]
        assert normalise(answer) == row["normalized_prediction"]
        assert [normalise(g) for g in golds] == row["normalized_golds"]
        for script in ("squad", "musique"):
            assert (exact_match(answer, golds), f1(answer, golds)) == pytest.approx((row[script]["em"], row[script]["f1"])), row
        for one, expected in [*zip([[g] for g in golds], row["hotpot_per_gold"], strict=True), (golds, row["twowiki"])]:
            assert {"em": exact_match(answer, one), **hotpot_overlap(answer, one)._asdict()} == pytest.approx(expected), row
