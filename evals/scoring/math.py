"""Is the answer to a word problem right, and if not, why? Numbers compared exactly, formulas by math-verify, and the model's
own equations worked out again.

Two readings of an output, reported apart: `strict_answer` (GSM8K's `#### N`) and `flexible_answer` (the number of "So the answer
is 42.", which is how kit's own models put it, or else the last number).
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from operator import add, mod, mul, sub, truediv
from typing import Literal

from evals.final import GIVEN
from kit.models.prompts import extract_answer
from kit.models.sentences import first_sentence

MathError = Literal["none", "format", "arithmetic", "step", "truncated"]


_CURRENCY = "$€£¥₹"
_PLAIN = r"[0-9]{1,3}(?:,[0-9]{2}){0,6}(?:,[0-9]{3})+(?![0-9])|[0-9]+"
_DECIMAL = rf"(?:(?:{_PLAIN})(?:\.[0-9]+)?|(?<![0-9.])\.[0-9]+)(?:[eE][-+]?[0-9]{{1,3}}(?![0-9]))?"
_NUMBER = re.compile(rf"(?:((?<![\w)\]}}%.])-)?[{_CURRENCY}]?|[{_CURRENCY}](-))({_DECIMAL}(?:/{_DECIMAL})?)")
"""A minus is a sign only where no operand stands before it (`5-3` holds 5 and 3); commas only between groups of digits."""

_VALUE = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_MARKS = str.maketrans({"−": "-", "×": "*", "·": "*", "÷": "/", **dict.fromkeys(_CURRENCY)})


def strict_answer(output: str) -> str | None:
    """The number after the first `#### `, commas dropped (grade-school-math, dataset.py, extract_answer), or None.

    As there, the first of several frames counts, exactly one blank stands between, and only the digits 0 to 9, a minus, commas
    and full stops are read: `#### $5` has no answer, and `#### 1,2` is 12. Three readings differ from the official one: `####
    3/4` is 3/4 and not 3, a full stop that ends the sentence is no part of the number, and what holds no digit is no answer.
    """
    if not (frame := re.search(r"#### (-?[0-9.,]+(?:/[0-9]+)?)", output)):
        return None
    answer = frame[1].replace(",", "").rstrip(".")
    return answer if re.search("[0-9]", answer) else None


def flexible_answer(output: str) -> str | None:
    r"""The last number of an output, commas and currency dropped, or None (lm-evaluation-harness, gsm8k, flexible-extract).

    In what says that it is the answer ("So the answer is 42 apples, 6 more than 36.", or the last `\boxed{42}` or "the answer is
    42") it is the first number, after the last `=`.
    What counts as a number follows the harness (`(-?[$0-9.,]{2,})|(-?[0-9]+)`) but for its mistakes: it reads "42." as `42.`,
    "..." as a number, "5-6" as -6, "(1,2,3)" as 123, "−5" (U+2212) as 5, and "3/4" and `\frac{3}{4}` as 4.
    """
    if strict_answer(output) is None:
        said = _SAID.findall(output)
        for sentence in filter(None, (extract_answer(output), *(first_sentence(text) for pair in said[-1:] for text in pair))):
            if framed := _numbers(sentence.rpartition("=")[2]) or _numbers(sentence):
                return framed[0]
    numbers = _numbers(output)
    return numbers[-1] if numbers else None


_SAID = re.compile(r"\\boxed\{((?:[^{}\n]|\{[^{}\n]*\}){1,200})\}|\banswer is:?([^\n]{1,200})", re.IGNORECASE)


def _numbers(text: str) -> list[str]:
    """All numbers of a text, in order, in plain form: "-1234.5", "3/4", "1.5e3"."""
    found = _NUMBER.findall(_unlatex(text).replace("−", "-"))
    return [("-" if before or after else "") + number.replace(",", "") for before, after, number in found]


_FULL_WIDTH = {ord("０") + digit: str(digit) for digit in range(10)}
_GROUPED = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:(?:['\u00a0\u2007\u2009\u2019\u202f]|\\[, ]|\{ \})[0-9]{3})+(?![0-9])")


def _unlatex(text: str) -> str:
    r"""LaTeX's numbers as plain ones: `\frac{3}{4}` is 3/4, `14{,}916` and `14\,916` are 14,916, `\$5` is $5, `3 \times 4` is
    3 × 4; and groups of digits with thin or unbreakable blanks between them."""
    if not text.isascii():
        text = text.translate(_FULL_WIDTH)
    text = _GROUPED.sub(lambda found: re.sub(r"[^0-9]+", ",", found[0]), text)
    if "\\" in text or "{,}" in text:
        text = text.replace("{,}", ",").replace(",\\!", ",").replace("\\$", "$").replace("\\%", "%")
        text = re.sub(r"\\[dtc]?frac *\{ *(-?[0-9.]+) *\} *\{ *([0-9.]+) *\}", r"\1/\2", text)
        text = re.sub(r"\\[dtc]?frac *([0-9]) *([0-9])(?![0-9])", r"\1/\2", text)
        text = re.sub(r"\\(?:times|cdot)(?![a-zA-Z])", "×", text)
        text = re.sub(r"\\div(?![a-zA-Z])", "÷", text)
    return text


def same_number(a: str, b: str) -> bool:
    """Whether two extracted answers are the same number, exactly: commas, currency, percent signs (50% is 50), zeros that say
    nothing and a final full stop make no difference; 3/4 is 0.75; what is no number equals nothing.

    >>> same_number("$1,150.00", "1150"), same_number("0.3333", "1/3")
    (True, False)
    """
    left, right = _value(a), _value(b)
    return left is not None and left == right


def _value(text: str) -> Fraction | None:
    """The exact value of one number, at most 400 characters long."""
    if len(text) > 400:
        return None
    plain = text.translate(_MARKS).replace(",", "").replace("%", "").strip().rstrip(".")
    top, slash, bottom = (part.strip() for part in plain.partition("/"))
    if not _VALUE.fullmatch(top) or (slash and not _VALUE.fullmatch(bottom)):
        return None
    divisor = Fraction(bottom) if slash else Fraction(1)
    return Fraction(top) / divisor if divisor else None


LONGEST = 20_000
"""Characters of a text that are read for a formula: its last ones."""
SECONDS = 5
"""Wall-clock time after which two formulas count as different."""


def equivalent(gold: str, answer: str, float_rounding: int = 6, allow_set_relation_comp: bool = False) -> bool:
    """Whether an answer means what the gold one does, by math-verify (its final formula or number; not symmetric).

    The keywords are those of `math_verify.verify`: decimals that count where a float is compared, and whether the gold
    interval [1, 2] may be answered by 1 <= x <= 2. Nothing raises: what cannot be parsed, or takes more than `SECONDS` or 4 GiB
    (9**9**9), is not equivalent. May be called from any thread: sympy works in a process of its own.
    """
    if same_number(gold, answer):
        return True
    if re.fullmatch("-?[0-9]+", gold) and re.fullmatch("-?[0-9]+", answer):
        return False  # two whole numbers need no sympy to differ
    question = [gold[-LONGEST:], answer[-LONGEST:], float_rounding, allow_set_relation_comp]
    return _VERIFIER.ask(json.dumps(question))


class _Verifier:
    """The process in which sympy works, started at the first question, and again after one that it did not survive."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    def begin(self) -> None:
        """Start it without waiting for it, for whoever knows that there will be questions."""
        with self._lock:
            if self._process is None:
                self._process, self._ready = self._start(), False

    def ask(self, question: str) -> bool:
        with self._lock:
            # Kept only if it answers: after an interrupt its verdict would be taken for the next question's.
            process, self._process = self._process, None
            if process is None or process.poll() is not None:
                process, self._ready = self._start(), False
            assert process.stdin
            assert process.stdout
            if not self._ready and process.stdout.read(1) != b"!":
                raise RuntimeError("math-verify does not start: pip install math-verify")
            self._ready = True
            process.stdin.write(question.encode() + b"\n")
            process.stdin.flush()
            verdict = process.stdout.read(1)
            if verdict:
                self._process = process
            else:
                process.communicate()
            return verdict == b"1"

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", "from evals.scoring.math import answer_questions; answer_questions()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )


_VERIFIER = _Verifier()


def prepare() -> None:
    """Begin to load what `equivalent` needs, a second's work, beside whatever comes before it."""
    _VERIFIER.begin()


def answer_questions() -> None:
    """The other process: a verdict, 1 or 0, for every line of stdin. An alarm that nothing handles ends it, even inside one
    long multiplication, which math-verify's own timeouts do not."""
    verdicts, sys.stdout = sys.stdout, sys.stderr
    from math_verify import parse, verify

    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    verdicts.write("!")
    verdicts.flush()
    for line in sys.stdin:
        gold, answer, rounding, sets = json.loads(line)
        signal.alarm(SECONDS)
        try:
            known, said = (parse(text, parsing_timeout=None) for text in (gold, answer))
            right = verify(known, said, rounding, allow_set_relation_comp=sets, timeout_seconds=None)
        except Exception:  # noqa: BLE001 (sympy raises anything)
            right = False
        signal.alarm(0)
        verdicts.write("1" if right else "0")
        verdicts.flush()


_RUN = re.compile(r"[-0-9.,%^()*/+ =]+")
_TOKEN = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+|[-+*/%^()]")
_OPERATOR = re.compile(r"[0-9)%] *[-+*/^%] *[-(.0-9]")
_HEAD = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)%?(?= *[^ 0-9.])")
_BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 4}
_FREE = re.compile(r"(?:^|[\s\[{\"'“‘`>|~]|(?<![0-9]):)\Z")
_PART_OF_MORE = re.compile(
    r"(?:(?:%|percent|half|third|quarter|fifth|tenth|[0-9])s? of|[0-9] and|\b(?:twice|half|double|triple|times|x|than|plus|minus"
    r"|dozen|over|by)|\b(?:day|week|month|year|step|part|case|group|box)(?:e?s)?)\s+\Z",
    re.IGNORECASE,
)
"""Words that make what follows a part of a longer expression ("5% of 100 + 3 = 8") or a label ("Day 1 - 3 * 4 = 12")."""
_SCALED = re.compile(
    r"[a-z](?![a-z])|:[0-9]|[²³!¢]| *(?:dozen|hundred|thousand|million|billion|percent|cents?|remainder|r ?[0-9]|and +[(0-9])",
    re.IGNORECASE,
)


def wrong_equations(output: str) -> list[str]:
    """The model's own equations that do not hold: those of calculator annotations (`<<48/2=24>>`), then plain ones, no blanks.

    Worked out exactly. A right side with decimals may be rounded or cut off at its last digit. Where a chain runs on
    (3 * 4 = 12 + 5 = 17), each step is judged by itself. A plain equation that could be a part of something longer, by a word
    or a sign next to it, is not judged: what is listed is wrong.
    """
    text = re.sub(r"\\[()\[\]]", " ", _unlatex(output)).translate(_MARKS).replace("–", "-")
    text = re.sub(r"(?<=[0-9)]) *[xX] *(?=[(0-9])", "*", text)
    text = re.sub(r"(?<![0-9) ])\*\*|\*\*(?![-(0-9 ])", "", text).replace("**", "^")
    chains = [annotation.split("=") for annotation in re.findall(r"<<([^<>\n]{1,400})>>", text)]
    chains += _plain_chains(re.sub(r"<<[^<>\n]*>>", "", text))
    wrong = [f"{left}={right}" for chain in chains for left, right in pairwise(map(_bare, chain)) if _holds(left, right) is False]
    return list(dict.fromkeys(w.replace(" ", "") for w in wrong))


def _bare(side: str) -> str:
    return re.sub(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))", "", side).strip()


def _plain_chains(text: str) -> list[list[str]]:
    """The sides of what reads a = b = …; empty where a side cannot be told from its surroundings."""
    chains = []
    for run in _RUN.finditer(text):
        if "=" not in run[0]:
            continue
        start, end = run.start() + len(run[0]) - len(run[0].lstrip()), run.start() + len(run[0].rstrip())
        before, after = text[max(0, start - 24) : start], text[end : end + 24]
        pieces = [piece.split("=") for piece in re.split(r"[.,](?= |$)", run[0])]
        opening = pieces[0][0].strip()
        if before.strip(" ")[-1:] in ("", "\n"):
            opening = re.sub(r"^(?:[-*] +)?(?:[0-9]+\) +)?", "", opening)
        elif opening[:1] in set("-+*/^%)"):
            opening = ""
        pieces[0][0] = opening if _FREE.search(before) and not _PART_OF_MORE.search(before) else ""
        last = pieces[-1][-1].rstrip(" (-")
        pieces[-1][-1] = "" if _SCALED.match(after) or last[-1:] in set("+*/^") else last
        chains += pieces
    return chains


def _holds(left: str, right: str) -> bool | None:
    """Whether left = right, or goes on with what left comes to; None where that cannot be told."""
    value = _evaluate(left) if _OPERATOR.search(left) and not _ambiguous(left) else None
    head = _HEAD.match(right)
    said = [(v, text) for text in (right, head[0] if head else "") if (v := _evaluate(text)) is not None]
    if value is None or not said:
        return None
    scales = (1, 100, Fraction(1, 100)) if "%" in left + right else (1,)
    return any(_may_be_written(value * scale, v, text) for v, text in said for scale in scales)


def _may_be_written(value: Fraction, said: Fraction, text: str) -> bool:
    """Whether a value is what was said, or with decimals or a percent sign: rounded to them, cut off, or a float's error away."""
    decimals = max(len(d) for d in re.findall(r"\.([0-9]+)|$", text)) + 2 * ("%" in text)
    if not decimals:
        return value == said
    rounded = max(Fraction(1, 2 * 10**decimals), abs(value) / 10**12)
    cut_off = value * said >= 0 and 0 <= abs(value) - abs(said) < Fraction(1, 10**decimals)
    return abs(value - said) <= rounded or cut_off


def _ambiguous(side: str) -> bool:
    """60 / 2/3 may mean 60 / (2/3), and 20 + 10% may mean 22."""
    percents, numbers = side.count("%"), len(re.findall("[0-9.]+", side))
    return bool(re.search(r"/[^-+*(]*/", side) or (0 < percents < numbers and re.search("[-+]", side)))


def _evaluate(expression: str) -> Fraction | None:
    """The exact value of + - * / ^ ( ) and %, which is the remainder before an operand and else a hundredth; None if it has
    none, or is longer than 200 characters, or a power of more than 4096 bits."""
    tokens = _TOKEN.findall(expression)
    if len(expression) > 200 or "".join(tokens) != expression.replace(" ", ""):
        return None
    tokens = ["", *reversed(tokens)]
    try:
        value = _climb(tokens, 1)
    except (ValueError, ZeroDivisionError):
        return None
    return value if tokens == [""] else None


def _climb(tokens: list[str], least: int) -> Fraction:
    """Takes an expression whose operators bind at least so tightly off the reversed tokens (precedence climbing)."""
    token = tokens.pop()
    if token in ("-", "+"):
        value = _climb(tokens, 3) * (-1 if token == "-" else 1)
    elif token == "(":
        value = _climb(tokens, 1)
        if tokens.pop() != ")":
            raise ValueError("unbalanced")
    else:
        value = Fraction(token)
    while (operator := tokens[-1]) in _BINDING:
        if operator == "%" and not re.match(r"[0-9.(]", tokens[-2]):
            tokens.pop()
            value /= 100
        elif _BINDING[operator] < least:
            break
        else:
            tokens.pop()
            value = _apply(operator, value, _climb(tokens, _BINDING[operator] + (operator != "^")))
    return value


def _apply(operator: str, a: Fraction, b: Fraction) -> Fraction:
    if operator == "^":
        if b.denominator != 1 or abs(b) * max(a.numerator.bit_length(), a.denominator.bit_length()) > 4096:
            raise ValueError("not exact, or too large")
        return Fraction(a ** int(b))
    arithmetic: dict[str, Callable[[Fraction, Fraction], Fraction]] = {"+": add, "-": sub, "*": mul, "/": truediv, "%": mod}
    return arithmetic[operator](a, b)


def math_error(output: str, right: bool, cut: bool = False) -> MathError:
    """Why an answer is wrong: format (no number at all), truncated (cut off before an answer was given, or within it), arithmetic
    (an own equation does not hold), else step: one is missing or wrong though all that is worked out holds. The equation at
    which an output was cut off may have gone on, and is not judged."""
    if right:
        return "none"
    given = list(GIVEN.finditer(output))
    number = re.search("[0-9]", output[given[-1].end() - 1 :]) if given else None
    if cut and (not number or not re.search(r"\n|[^0-9.,\s]", output[given[-1].end() - 1 + number.start() :])):
        return "truncated"
    if flexible_answer(output) is None:
        return "format"
    whole = re.sub(r"[-0-9.,%^()*/+ =<>$xX×÷·−]+\Z", "", output) if cut else output
    return "arithmetic" if wrong_equations(whole) else "step"
