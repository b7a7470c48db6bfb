"""What the report says of experiments whose truth is known."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kit.report
from kit.core.config import preset_names, read_preset
from kit.core.errors import KitError
from kit.core.records import Shown
from kit.core.seeds import stream
from kit.report.build import build_report
from kit.report.results import load_results
from kit.report.verdict import ALPHA, Sentence, holm, verdict
from tests.report.planted import Answer, Planted, Stage, at_rates

ORDER = {"says": "The order of stages matters", "kind": "difference", "measure": "two hops", "arms": ["a", "b"], "above": 0.0}


def said(planted: Planted, out: Path) -> list[Sentence]:
    return [line for line in verdict(load_results(planted.write(out))) if line.family != "note"]


def only(planted: Planted, out: Path) -> Sentence:
    (line,) = said(planted, out)
    return line


def two_arms(a: list[Stage], b: list[Stage], claim: dict[str, Any] = ORDER, **more: Any) -> Planted:
    return Planted({"a": a, "b": b}, ["two hops"], [claim], at_rates({"a": 0.6, "b": 0.3}), **more)


def test_arms_that_were_shown_the_same_are_compared(tmp_path: Path) -> None:
    line = only(two_arms([Stage()], [Stage()]), tmp_path)
    assert (line.status, line.family) == ("holds", "secondary")
    value, low, high = map(float, re.findall(r"(-?\d\.\d\d) \[(-?\d\.\d\d), (-?\d\.\d\d)\]", line.text)[0])
    assert 0 < low < value < high
    assert value == pytest.approx(0.3, abs=0.08)
    assert "n=600, 3 replicates" in line.text


def test_recency_alone_is_no_effect_of_order(tmp_path: Path) -> None:
    """Two orders of the same rows: one was shown the novel facts at its end, the other 200 steps before."""
    known, novel = Stage(200, shown={"known": (5, 5, 200, 0.01)}), Stage(200, shown={"novel": (8, 8, 200, 0.01)})
    last, first = [known, novel], [novel, known]
    line = only(two_arms(last, first), tmp_path)
    assert line.status == "cannot say"
    assert "not matched in" in line.text
    assert "novel last step (0 against 200)" in line.text
    # Said once it is named; and matched where both are equally recent.
    named = {**ORDER, "differs": ["novel last step", "known last step"]}
    assert only(two_arms(last, first, named), tmp_path / "named").status == "holds"
    assert only(two_arms(last, last), tmp_path / "alike").status == "holds"


def test_two_stages_that_were_dealt_the_same_documents_are_seen(tmp_path: Path) -> None:
    once = [Stage(shown={"novel": (8, 8, 100, 0.01)}), Stage(shown={"novel": (8, 8, 100, 0.01)})]
    twice = [Stage(shown={"novel": (8, 8, 100, 0.01)}), Stage(shown={"novel": (8, 0, 100, 0.01)})]
    line = only(two_arms(once, twice), tmp_path)
    assert line.status == "cannot say"
    assert "novel documents (16 against 8)" in line.text


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"rows": 1001}, "rows"),
        ({"steps": 101, "shown": {"novel": (8, 8, 101, 0.01)}}, "steps"),
        ({"tokens": 51_100}, "tokens"),
        ({"shown": {"novel": (9, 8, 100, 0.01)}}, "novel exposures"),
        ({"shown": {"novel": (8, 7, 100, 0.01)}}, "novel documents"),
        ({"shown": {"novel": (8, 8, 100, 0.0106)}}, "novel dose"),
        ({"shown": {"novel": (8, 8, 89, 0.01)}}, "novel last step"),
        ({"shown": {}}, "novel exposures"),
    ],
)
def test_each_thing_that_arms_are_matched_in(change: dict[str, Any], what: str, tmp_path: Path) -> None:
    planted = two_arms([Stage()], [replace(Stage(), **change)])
    assert f"{what} (" in only(planted, tmp_path).text
    named = replace(planted, claims=[{**ORDER, "differs": [what, *(["novel"] if what.startswith("novel") else [])]}])
    assert only(named, tmp_path / "named").status == "holds"


@pytest.mark.parametrize("change", [{"tokens": 50_900}, {"shown": {"novel": (8, 8, 91, 0.0104)}}])
def test_what_is_near_enough_matches(change: dict[str, Any], tmp_path: Path) -> None:
    assert only(two_arms([Stage()], [replace(Stage(), **change)]), tmp_path).status == "holds"


def test_format_learned_alone_is_no_reasoning(tmp_path: Path) -> None:
    """The share in format goes from little to all with D; of answers in format a fifth is right, in both arms, as by chance.

    Eight times, since one claim in forty may hold by chance."""
    counts = {"a": [10, 100, 1000], "b": [10, 100, 1000]}
    formed = {10: 0.3, 100: 0.7, 1000: 1.0}

    def answers(rng: np.random.Generator, arm: str, count: int, measure: str, replicate: int) -> list[Answer]:
        rng = stream(int(rng.integers(2**31)), "planted again", *again)
        inside, right = rng.random(200) < formed[count], rng.random(200) < 0.2
        guesses = (rng.random(200) < 0.2).astype(float)
        return [
            Answer(float(f and r), "none" if f and r else "recall" if f else "format", {"popularity_guess": g})
            for f, r, g in zip(inside, right, guesses, strict=True)
        ]

    trend = {"kind": "trend", "measure": "two hops", "arm": "a", "above": 0.0}
    chance = {"kind": "chance", "measure": "two hops", "arm": "a", "above": 0.0}
    claims = [
        {**ORDER, "says": "used"},
        {**trend, "says": "rises in format", "given": "format"},
        {**trend, "says": "rises"},
        {**chance, "says": "beyond chance", "against": 0.2},
        {**chance, "says": "beyond the commonest", "against": "popularity_guess"},
    ]
    again: list[int] = []
    planted = Planted({"a": [Stage()], "b": [Stage()]}, ["two hops"], claims, answers, counts)
    holding: Counter[str] = Counter()
    for i in range(8):
        again[:] = [i]
        holding.update(line.text.split(":")[0] for line in said(planted, tmp_path / str(i)) if line.status == "holds")
    assert holding.pop("rises") == 8, "the score does rise: with the format"
    assert holding.total() <= 3, holding


def test_other_names_of_arms_and_measures_make_the_same_claims(tmp_path: Path) -> None:
    def make(a: str, b: str, measure: str) -> Planted:
        claims = [
            {"says": "one", "kind": "difference", "measure": measure, "arms": [a, b], "above": 0.0, "primary": True},
            {"says": "two", "kind": "chance", "measure": measure, "arm": a, "against": 0.5, "above": 0.0},
            {"says": "three", "kind": "difference", "measure": measure, "arms": [a], "count": [1000, 0], "above": 0.0},
        ]
        return Planted({a: [Stage()], b: [Stage()]}, [measure], claims, at_rates({a: 0.6, b: 0.3}))

    def blank(lines: list[Sentence], *names: str) -> list[str]:
        return [re.sub("|".join(names), "_", f"{line.status} {line.family} {line.text}") for line in lines]

    ours = blank(said(make("inject", "none", "novel2"), tmp_path / "ours"), "inject", "none", "novel2")
    theirs = blank(said(make("Ω arm", "plain", "their measure"), tmp_path / "theirs"), "Ω arm", "plain", "their measure")
    assert ours == theirs


def test_a_claim_made_after_the_run_is_post_hoc(tmp_path: Path) -> None:
    planted = two_arms([Stage()], [Stage()], {**ORDER, "primary": True}, declared=False)
    line = only(planted, tmp_path)
    assert (line.status, line.family) == ("holds", "post hoc")


@pytest.mark.parametrize(
    ("replicates", "said_", "status", "contrary"),
    [(1, "one of the three", "seen here", "not seen here"), (2, "two of the three", "undecided here", "undecided here")],
)
def test_with_fewer_than_three_replicates_it_is_seen_and_no_more(
    replicates: int, said_: str, status: str, contrary: str, tmp_path: Path
) -> None:
    line = only(two_arms([Stage()], [Stage()], {**ORDER, "primary": True}, replicates=replicates), tmp_path)
    assert line.status == status
    assert f"{said_} replicates it needs" in line.text
    law = {"says": "a law", "kind": "law", "measure": "two hops", "arm": "a"}
    curve = two_arms([Stage()], [Stage()], law, replicates=replicates, counts={"a": [10, 30, 100, 300, 1000]})
    assert only(curve, tmp_path / "law").status == "undecided here"
    turned = two_arms([Stage()], [Stage()], {**ORDER, "arms": ["b", "a"]}, replicates=replicates)
    assert only(turned, tmp_path / "turned").status == contrary


@pytest.mark.parametrize(
    ("rates", "status", "replicates"),
    [
        ((0.6, 0.3, 0.2), "holds", 3),
        ((0.6, 0.3, 0.6), "cannot say", 3),  # beyond one of them alone
        ((0.3, 0.1, 0.6), "does not hold", 3),
        ((0.6, 0.3, 0.2), "seen here", 1),
        ((0.3, 0.1, 0.6), "not seen here", 1),
    ],
)
def test_one_arm_beyond_several_is_beyond_each(rates: tuple[float, ...], status: str, replicates: int, tmp_path: Path) -> None:
    claim = {**ORDER, "arms": ["a", "b", "c"], "primary": True}
    arms = {arm: [Stage()] for arm in "abc"}
    answers = at_rates(dict(zip("abc", rates, strict=True)))
    line = only(Planted(arms, ["two hops"], [claim], answers, replicates=replicates), tmp_path)
    assert line.status == status
    assert [f"less “{arm}”: " in line.text for arm in "bc"] == [True, True], line.text


@pytest.mark.full
def test_one_arm_is_said_to_be_beyond_several_no_oftener_than_beyond_one(tmp_path: Path) -> None:
    """At the worst truth, as good as one of them and far beyond the other."""
    arms = {arm: [Stage(shown={})] for arm in "abc"}
    rates = {"a": 0.5, "b": 0.5, "c": 0.2}
    found = Counter[str]()
    for i in range(20):

        def answers(_: np.random.Generator, arm: str, count: int, measure: str, replicate: int, i: int = i) -> list[Answer]:
            return [Answer(float(x)) for x in stream(i, arm, str(replicate)).random(200) < rates[arm]]

        found[only(Planted(arms, ["two hops"], [{**ORDER, "arms": ["a", "b", "c"]}], answers), tmp_path / str(i)).status] += 1
    assert found["holds"] <= 2
    assert found["does not hold"] <= 2


def test_a_false_claim_does_not_hold_and_a_bound_is_kept(tmp_path: Path) -> None:
    for bound, status in (({"below": 0.0}, "does not hold"), ({"above": 0.9}, "does not hold"), ({"below": 0.9}, "holds")):
        claim = {key: value for key, value in ORDER.items() if key != "above"} | bound
        assert only(two_arms([Stage()], [Stage()], claim), tmp_path / str(bound)).status == status


def test_composition_is_compared_on_questions_of_which_every_arm_has_all_hops(tmp_path: Path) -> None:
    """Arm a has the hops of more questions, hard ones; where both have them they answer alike."""

    def answers(rng: np.random.Generator, arm: str, count: int, measure: str, replicate: int) -> list[Answer]:
        found = []
        for i in range(200):
            hard = i % 2 == 1
            has = arm == "a" or not hard
            right = rng.random() < (0.1 if hard else 0.8) * has
            found.append(Answer(float(right), scores={"sub_questions_right": float(has)}))
        return found

    claims = [{**ORDER, "given": "recall"}]
    given = only(Planted({"a": [Stage()], "b": [Stage()]}, ["two hops"], claims, answers), tmp_path)
    assert given.status == "cannot say"
    assert "n=300" in given.text, "half of the questions of three replicates"
    value = float(re.findall(r"(-?\d\.\d\d) \[", given.text)[0])
    assert abs(value) < 0.1


def test_a_share_of_an_oracle_that_knows_little_is_withheld(tmp_path: Path) -> None:
    claim = {"says": "as the oracle", "kind": "share", "measures": ["alone", "told"], "arms": ["a", "b"], "above": 0.5}

    def rated(told: float) -> Planted:
        rates = {"a": {"alone": 0.5, "told": 0.9}, "b": {"alone": 0.02, "told": told}}

        def answers(rng: np.random.Generator, arm: str, count: int, measure: str, replicate: int) -> list[Answer]:
            return [Answer(float(x)) for x in rng.random(200) < rates[arm][measure]]

        return Planted({"a": [Stage()], "b": [Stage()]}, ["alone", "told"], [claim], answers)

    weak = only(rated(0.05), tmp_path / "weak")
    assert weak.status == "cannot say"
    assert "what “told” of “b” has over that of “alone” is itself only 0.0" in weak.text
    strong = only(rated(0.65), tmp_path / "strong")
    assert strong.status == "holds"
    value = float(re.findall(r"(\d\.\d\d) \[", strong.text)[0])
    assert value == pytest.approx(0.48 / 0.63, abs=0.1)
    assert "that is no upper bound" in only(rated(0.38), tmp_path / "above").text


def test_what_lasts_is_told_by_steps_since_it_was_shown(tmp_path: Path) -> None:
    kept = {"after": 0, "after 50": 50, "after 200": 200}
    rates = {arm: 0.7 * 2 ** (-steps / 100) for arm, steps in kept.items()}
    arms = {
        arm: [Stage(), *([Stage(steps, shown={"known": (5, 5, steps, 0.01)})] if steps else [])] for arm, steps in kept.items()
    }
    claim = {"says": "it lasts", "kind": "decay", "arms": list(arms), "measure": "two hops", "above": 500.0}
    line = only(Planted(arms, ["two hops"], [claim], at_rates(rates)), tmp_path)
    assert line.status == "does not hold"
    value = float(re.findall(r"(\d+\.\d\d) \[", line.text)[0])
    assert value == pytest.approx(100, rel=0.3)
    reverse = {**claim, "arms": list(arms)[::-1]}
    assert "do not follow one another" in only(Planted(arms, ["two hops"], [reverse], at_rates(rates)), tmp_path / "r").text


COUNTS = [10, 30, 100, 300, 1000]


@pytest.mark.parametrize(("curve", "status"), [("hill", "does not hold"), ("power", "cannot say")])
def test_laws_are_rejected_or_cannot_be_told_apart(curve: str, status: str, tmp_path: Path) -> None:
    of = {"hill": lambda d: 0.9 * d / (d + 150), "power": lambda d: 0.1 * d**0.25}[curve]

    def answers(rng: np.random.Generator, arm: str, count: int, measure: str, replicate: int) -> list[Answer]:
        return [Answer(float(x)) for x in rng.random(200) < of(count)]

    law = {"says": "a power law", "kind": "law", "measure": "two hops", "arm": "a", "form": "power"}
    line = only(Planted({"a": [Stage()]}, ["two hops"], [law], answers, {"a": COUNTS}), tmp_path)
    assert line.status == status
    assert ("rejected: power (p = " in line.text) == (curve == "hill")
    assert ("the data cannot tell apart: power" in line.text) == (curve == "power")


def test_forms_without_a_spare_count_are_named_as_untested(tmp_path: Path) -> None:
    law = {"says": "a power law", "kind": "law", "measure": "two hops", "arm": "a"}
    answers = at_rates({"a": 0.4})
    three = only(Planted({"a": [Stage()]}, ["two hops"], [law], answers, {"a": [10, 100, 1000]}), tmp_path)
    assert "not tested: saturating power, Hill" in three.text


def test_no_law_holds_while_another_form_is_untested(tmp_path: Path) -> None:
    """Hill's curve at three counts looks like a power law, and log-linear, the only other form that is tested, is rejected."""

    def answers(rng: np.random.Generator, arm: str, count: int, measure: str, replicate: int) -> list[Answer]:
        return [Answer(float(x)) for x in rng.random(400) < 0.9 * count / (count + 3000)]

    law = {"says": "a power law", "kind": "law", "measure": "two hops", "arm": "a"}
    line = only(Planted({"a": [Stage()]}, ["two hops"], [law], answers, {"a": [10, 100, 1000]}), tmp_path)
    assert "rejected: log-linear" in line.text
    assert line.status == "cannot say"


def test_holm_is_kept_over_the_primary_claims_alone(tmp_path: Path) -> None:
    assert holm([0.001, 0.5, 0.012, 0.04]) == pytest.approx([ALPHA / 4, ALPHA / 2, ALPHA / 3, ALPHA / 2])
    claims = [{**ORDER, "says": f"claim {i}", "primary": i < 4} for i in range(6)]
    lines = said(Planted({"a": [Stage()], "b": [Stage()]}, ["two hops"], claims, at_rates({"a": 0.8, "b": 0.2})), tmp_path)
    assert [line.family for line in lines] == ["primary"] * 4 + ["secondary"] * 2
    assert all("unadjusted" in line.text for line in lines[4:])
    intervals = [re.findall(r"([\d.]+) % interval", line.text)[0] for line in lines]
    assert intervals == ["98.8", "98.3", "97.5", "95", "95", "95"]


def test_claims_that_are_no_longer_made_still_count_and_are_named(tmp_path: Path) -> None:
    gone = [{**ORDER, "says": f"gone {i}", "primary": True} for i in range(4)]
    planted = two_arms([Stage()], [Stage()], {**ORDER, "primary": True}, gone=gone)
    lines = verdict(load_results(planted.write(tmp_path)))
    assert "99 % interval" in lines[0].text, "one of five, as it was put down"
    assert [line for line in lines if "no longer made: gone 0; gone 1; gone 2; gone 3" in line.text]


def test_replicates_that_are_changed_after_looking_are_told(tmp_path: Path) -> None:
    changed = verdict(load_results(two_arms([Stage()], [Stage()], first=2).write(tmp_path / "changed")))
    assert [line for line in changed if "at first there were 2" in line.text]
    same = verdict(load_results(two_arms([Stage()], [Stage()]).write(tmp_path / "same")))
    assert not [line for line in same if "at first there were" in line.text]


def test_the_same_run_three_times_is_one(tmp_path: Path) -> None:
    planted = two_arms([Stage()], [Stage()], one_run=True)
    line = only(planted, tmp_path)
    assert line.status == "seen here"
    assert "one of the three" in line.text
    assert "n=200" in line.text
    notes = [each.text for each in verdict(load_results(tmp_path)) if each.family == "note"]
    assert [text for text in notes if "share one world and one model" in text]


def test_a_measure_of_other_questions_is_not_given_the_recall_of_the_first(tmp_path: Path) -> None:
    """Questions that a cell has the hops of are easy in the one measure and mixed in the other: given recall, of each its own."""

    def answers(rng: np.random.Generator, arm: str, count: int, measure: str, replicate: int) -> list[Answer]:
        return [
            Answer(float(rng.random() < 0.5), scores={"sub_questions_right": float(i % 2 or measure == "k")}) for i in range(200)
        ]

    claim = {**ORDER, "measure": ["m", "k"], "arms": ["a"], "given": "recall"}
    line = only(Planted({"a": [Stage()]}, ["m", "k"], [claim], answers), tmp_path)
    assert "n=900" in line.text


def test_nothing_is_said_where_a_replicate_has_nothing_in_format(tmp_path: Path) -> None:
    def answers(rng: np.random.Generator, arm: str, count: int, measure: str, replicate: int) -> list[Answer]:
        nothing = replicate == 1 and count == 10
        return [Answer(0.0, "format") if nothing else Answer(float(rng.random() < count / 2000)) for _ in range(200)]

    trend = {"says": "rises", "kind": "trend", "measure": "two hops", "arm": "a", "above": 0.0, "given": "format"}
    line = only(Planted({"a": [Stage()]}, ["two hops"], [trend], answers, {"a": [10, 100, 1000]}, replicates=5), tmp_path)
    assert line.status == "cannot say"
    assert "in some replicate no question is left, where every answer is in format" in line.text


def test_format_that_selects_is_no_difference(tmp_path: Path) -> None:
    """Both arms know the same questions; one puts into format what it knows and little else."""

    def answers(rng: np.random.Generator, arm: str, count: int, measure: str, replicate: int) -> list[Answer]:
        found = []
        for i in range(200):
            known = i % 5 < 2
            formed = arm == "b" or known or rng.random() < 0.2
            found.append(Answer(float(known and formed), "none" if known else "recall" if formed else "format"))
        return found

    line = only(Planted({"a": [Stage()], "b": [Stage()]}, ["two hops"], [{**ORDER, "given": "format"}], answers), tmp_path)
    assert line.status == "cannot say"
    assert "0.00 [" in line.text


def test_what_was_never_there_does_not_decay(tmp_path: Path) -> None:
    arms = {"now": [Stage()], "later": [Stage(), Stage(50, shown={"known": (5, 5, 50, 0.01)})]}
    claim = {"says": "it lasts", "kind": "decay", "arms": list(arms), "measure": "two hops", "above": 500.0}
    for name, rates in {"nothing": {"now": 0.0, "later": 0.0}, "little": {"now": 0.05, "later": 0.4}}.items():
        line = only(Planted(arms, ["two hops"], [claim], at_rates(rates)), tmp_path / name)
        assert line.status == "cannot say"
        assert "what may decay, “now”, is itself only 0.0" in line.text
    grown = only(Planted(arms, ["two hops"], [claim], at_rates({"now": 0.5, "later": 0.7})), tmp_path / "grown")
    assert "∞" in grown.text
    build_report(tmp_path / "grown")
    assert "What lasts: two hops" in (tmp_path / "grown" / "report.html").read_text("utf-8")


def test_the_line_says_in_what_arms_were_let_differ(tmp_path: Path) -> None:
    claim = {**ORDER, "differs": ["tokens", "novel"]}
    other = Stage(tokens=60_000, shown={"novel": (9, 8, 100, 0.01)})
    line = only(two_arms([Stage()], [other], claim), tmp_path)
    assert line.text.endswith("; the arms differ, as named, in tokens, novel exposures, novel least exposures.")


def test_sets_of_rows_without_facts_are_told_apart(tmp_path: Path) -> None:
    """Rows of others carry no facts: their set stands for them."""
    words = {"says": "same", "kind": "difference", "measure": "two hops", "arms": ["a", "b"], "above": 0.0}

    class Set(Stage):
        def __init__(self, name: str, dose: float = 1.0) -> None:
            super().__init__()
            self.name, self.dose = name, dose

        def table(self) -> list[Shown]:
            return [Shown(self.name, "examples", 100, 50, 100, self.dose)]

    assert only(two_arms([Set("rows 1")], [Set("rows 1")], words), tmp_path / "same").status == "holds"
    for i, other in enumerate((Set("rows 2"), Set("rows 1", 4.0))):
        assert "not matched in examples" in only(two_arms([Set("rows 1")], [other], words), tmp_path / str(i)).text


def test_the_whole_page_of_a_foreign_experiment(tmp_path: Path) -> None:
    counts = {"left": COUNTS, "right": [10, 1000]}
    claims = [
        {"says": "A law", "kind": "law", "measure": "their score", "arm": "left"},
        {
            "says": "More",
            "kind": "difference",
            "measure": "their score",
            "arms": ["left", "right"],
            "above": 0.0,
            "primary": True,
        },
    ]

    def answers(rng: np.random.Generator, arm: str, count: int, measure: str, replicate: int) -> list[Answer]:
        right = rng.random(60) < 0.1 * count**0.2
        return [Answer(float(r), "none" if r else "format" if i % 5 == 0 else "recall") for i, r in enumerate(right)]

    measures = ["their score", "<b>other</b>"]
    out = Planted({"left": [Stage()], "right": [Stage()]}, measures, claims, answers, counts).write(tmp_path)
    report = build_report(out)
    page = (out / "report.html").read_text("utf-8")
    assert "<b>other</b>" not in page
    assert "their score, left" in page
    point = next(p for p in report["points"] if (p["arm"], p["D"], p["measure"]) == ("left", 1000, "their score"))
    assert point["value"] == pytest.approx(np.mean(list(point["replicates"].values())))
    titles = [table["title"] for table in report["tables"] if table["rows"]]
    assert {"Laws, side by side", "What the arms were shown", "Format, and what is right within it, by D"} <= set(titles)
    (law,) = next(table for table in report["tables"] if table["title"] == "Power laws in percent")["rows"]
    fit = next(f for f in report["laws"]["their score, left"]["fits"] if f["form"] == "power")
    percent = [float(x) for x in re.findall(r"[\d.]+", law[1])]
    assert percent == pytest.approx([100 * fit["coefficients"]["a"], *(100 * x for x in fit["scale"])], rel=0.01)
    turned = [float(x) for x in re.findall(r"[\d.]+", law[2])]
    assert turned == pytest.approx([1 / fit["coefficients"]["s"], *(1 / x for x in reversed(fit["interval"]))], rel=0.01)


def test_the_report_knows_no_experiment_by_name() -> None:
    """Neither arms nor measures of the presets, by name or by label."""
    names: set[str] = set()
    for data in (read_preset(preset) for preset in preset_names()):
        if "base" not in data:  # a small one, its arms named by plain words
            continue
        for kind in ("arms", "measures"):
            names |= {*data[kind], *(table["label"] for table in data[kind].values() if "label" in table)}
    # A kind of error, a source of rows, and words for everyone.
    names -= {"none", "shuffled", "code", "instructions", "functions", "maths", "math"}
    assert len(names) > 25
    folder = Path(kit.report.__file__).parent
    for path in (p for p in folder.rglob("*") if p.suffix in (".py", ".html")):
        text = path.read_text("utf-8")
        assert not [name for name in names if re.search(rf"[\"'“>]{re.escape(name)}[\"'”<,]", text)], path


def test_an_unfinished_or_damaged_sweep_is_told(tmp_path: Path) -> None:
    out = two_arms([Stage()], [Stage()]).write(tmp_path)
    data = json.loads((out / "experiment.json").read_text())
    (out / "experiment.json").write_text(json.dumps({**data, "finished": False}))
    with pytest.raises(KitError, match="holds no finished sweep"):
        load_results(out)
    (out / "experiment.json").write_text(json.dumps({**data, "config": {**data["config"], "claims": [{"kind": "nothing"}]}}))
    with pytest.raises(KitError, match="is damaged or of another kit"):
        load_results(out)
