"""The checks behind IFEval's instructions: each tells whether a response follows one, given the instruction's arguments.

What sounds stricter than it is stays as the paper's code has it, so that figures compare: a keyword counts inside a longer
word, a postscript or a constrained answer may stand anywhere, more sections than asked for are fine, and `less than` and
`at least` are the only relations. Where that code is random, breaks or depends on a download, see `evals.scoring.instructions`.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kit.core.errors import KitError, nearest
from kit.models.sentences import STARTERS

if TYPE_CHECKING:
    from langdetect import DetectorFactory


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of the instruction `id`. What is missing or of the wrong kind raises a KitError that names both."""

    id: str
    values: dict[str, object]

    def number(self, name: str, least: int = 0) -> int:
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self._mistake(name, f"a whole number from {least} on")
        return value

    def text(self, name: str) -> str:
        """A text with something in it, stripped."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self._mistake(name, "a text that is not blank")
        return value.strip()

    def texts(self, name: str) -> list[str]:
        value = self.values.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) and v for v in value):
            raise self._mistake(name, "a list of texts, none empty")
        return value

    def admit(self, count: int, number: str, relation: str = "relation") -> bool:
        """Whether a count is, as the argument `relation` says, less than or at least the argument `number`."""
        how, bound = self.values.get(relation), self.number(number)
        if how not in ("less than", "at least"):
            raise self._mistake(relation, "'less than' or 'at least'")
        return count < bound if how == "less than" else count >= bound

    def _mistake(self, name: str, wanted: str) -> KitError:
        return KitError(f"instruction {self.id}: {name} must be {wanted}, not {self.values.get(name)!r:.80}")


# Keywords


def keywords(response: str, arguments: Arguments) -> bool:
    """Each stands in the response, be it inside a longer word, in upper or lower case."""
    return all(_occurrences(word, response) for word in arguments.texts("keywords"))


def keyword_frequency(response: str, arguments: Arguments) -> bool:
    """It stands so often in the response, as for `keywords`."""
    return arguments.admit(_occurrences(arguments.text("keyword"), response), "frequency")


def _occurrences(word: str, response: str) -> int:
    return len(re.findall(re.escape(word), response, re.IGNORECASE))


def forbidden_words(response: str, arguments: Arguments) -> bool:
    """None of them stands by itself: "rock" is not in "rocket"."""
    words = arguments.texts("forbidden_words")
    return not any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", response, re.IGNORECASE) for word in words)


def letter_frequency(response: str, arguments: Arguments) -> bool:
    """Whatever the letter is, "#" too; upper and lower case alike."""
    return arguments.admit(response.lower().count(arguments.text("letter").lower()), "let_frequency", "let_relation")


# Language and case


@functools.cache
def _languages() -> DetectorFactory:
    """langdetect's profiles, with a seed of their own: without one its verdicts on short texts vary from call to call."""
    from langdetect import DetectorFactory
    from langdetect.detector_factory import PROFILES_DIRECTORY

    factory = DetectorFactory()
    factory.set_seed(0)
    factory.load_profile(PROFILES_DIRECTORY)
    return factory


def _in_language(response: str, language: str) -> bool:
    """Whether langdetect (ISO 639-1 codes) finds the language, or nothing to tell a language by."""
    from langdetect import LangDetectException

    detector = _languages().create()
    detector.append(response)
    try:
        return detector.detect() == language
    except LangDetectException:
        return True


def response_language(response: str, arguments: Arguments) -> bool:
    """The whole response is in a language."""
    language = arguments.text("language")
    if language not in (known := _languages().get_lang_list()):
        raise KitError(f"instruction {arguments.id}: no language {language!r} is told apart; {nearest(language, known)}")
    return _in_language(response, language)


def english_capital(response: str, arguments: Arguments) -> bool:
    """In English, no letter in lower case."""
    return response.isupper() and _in_language(response, "en")


def english_lowercase(response: str, arguments: Arguments) -> bool:
    """In English, no letter in upper case."""
    return response.islower() and _in_language(response, "en")


_BETWEEN_WORDS = re.compile(r"[\s\[\](){}<>;@#$%&?!*\"`«»“”‘’„\u2012-\u2015]|--|''|\.{2,}|[:,](?!\d)")
_CLITIC = re.compile(r"(?<=[^'\s])('[SsMmDd]|'ll|'LL|'re|'RE|'ve|'VE|n't|N'T)(?=\.?(?:\s|$))")
_TWO_IN_ONE = re.compile(r"\b(can(?=not\b)|gim(?=me\b)|gon(?=na\b)|got(?=ta\b)|lem(?=me\b)|wan(?=na\s))", re.IGNORECASE)


def capital_words(text: str) -> int:
    """How many words have no lower-case letter, told apart as in the Penn Treebank: AND/OR and TOP-NOTCH are one, DON'T and
    CANNOT two (DO N'T, CAN NOT).

    >>> capital_words("I DON'T know, NASA: A-B")
    5
    """
    apart = _TWO_IN_ONE.sub(r"\1 ", _CLITIC.sub(r" \1", _BETWEEN_WORDS.sub(" ", text)))
    return sum(word.isupper() for word in apart.split())


def capital_word_frequency(response: str, arguments: Arguments) -> bool:
    """So many words in capitals: see `capital_words`."""
    return arguments.admit(capital_words(response), "capital_frequency", "capital_relation")


# Length

_ABBREVIATIONS = frozenset(
    "mr mrs ms messrs dr prof st jr sr gen maj lt adm col sen rep reps inc corp co cos ltd bros cie vs ft mg ave yr ok "
    "jan feb aug sep sept oct nov dec tues wed fri "
    "ala ariz calif colo conn fla ga ill kan ky mich minn nev okla ore pa tenn va vt wash wis w.va "
    "a.m p.m ph.d m.b.a d.c n.y l.a n.j n.c s.c u.s u.k u.n u.s.a u.s.s.r".split()
)
_INITIALS = frozenset("cdefghklmnprstvw")
"""Letters that stand for a name (T. Smith) whatever follows; of the others, a sentence may end in them (group A. The)."""

_STOP = re.compile(r"(?<!\S)(\S*)([.?!])(?=[)\";}\]*:@'({\[?!‘’“”«»]|\s+(?=\S)([\w-]*))")
_NUMBER = re.compile(r"-?[.,]?\d[\d,.-]*")
_CLOSING = re.compile(r"\A\s*[\"')\]}‘’“”«»]+(?=\s|$)")


def sentences(text: str) -> int:
    """How many sentences a text has, counted much as NLTK's punkt model for English does (Kiss and Strunk 2006): lines that
    end in no full stop run on, "1. Do" is two sentences, and so is "e.g. this".

    Punkt learnt from newspapers which words are abbreviations and which start a sentence even after one. Here both are short
    lists of common words, so that counts differ where it takes more to know that a Fox is a name: they are equal on 99.5% of
    15,077 questions, solutions and paragraphs that the lists were not made with, and differ by one on nearly all others.

    >>> sentences("Dr. Ann met T. Bo at 5 p.m. on Elm St. They spoke... at length! Why?")
    3
    """
    count, rest = 0, 0
    for stop in _STOP.finditer(text):
        if stop[2] != "." or _ends_sentence(stop[1], stop[3] or ""):
            count, rest = count + 1, stop.end()
    return count + bool(_CLOSING.sub("", text[rest:]).strip())


def _ends_sentence(before: str, following: str) -> bool:
    """Whether a full stop ends a sentence, after the characters `before` and before the word `following` (empty: none)."""
    word = re.split(r"[\"`{\[:;&#*@)}\](?!]|--", before)[-1].lower()
    if _NUMBER.fullmatch(word):
        return not following[:1].islower()
    if word in _INITIALS:
        return False
    letter = len(word) == 1 and word.isalpha()
    if letter or word in _ABBREVIATIONS or word.endswith("."):
        return (following[:1].isupper() and following.lower() in STARTERS) or (letter and not following)
    return True


def number_sentences(response: str, arguments: Arguments) -> bool:
    """So many sentences: see `sentences`."""
    return arguments.admit(sentences(response), "num_sentences")


def number_words(response: str, arguments: Arguments) -> bool:
    """So many words: runs of letters, digits and underscores."""
    return arguments.admit(len(re.findall(r"\w+", response)), "num_words")


def number_paragraphs(response: str, arguments: Arguments) -> bool:
    """Exactly so many paragraphs, divided by ***, none of them blank."""
    paragraphs = _divided(response, "***")
    return all(paragraphs) and len(paragraphs) == arguments.number("num_paragraphs")


def _divided(response: str, divider: str) -> list[str]:
    """The stripped parts between dividers; a divider before the first or after the last one divides nothing."""
    parts = [part.strip() for part in response.split(divider)]
    return [part for i, part in enumerate(parts) if part or 0 < i < len(parts) - 1]


def nth_paragraph_first_word(response: str, arguments: Arguments) -> bool:
    """Exactly so many paragraphs, divided by empty lines, one of which begins with a word. Blank ones are not counted among
    the paragraphs, and yet they are when it comes to finding the nth."""
    nth, wanted = arguments.number("nth_paragraph", least=1), arguments.text("first_word").lower()
    paragraphs = [part.strip() for part in response.split("\n\n")]
    if sum(map(bool, paragraphs)) != arguments.number("num_paragraphs") or nth > len(paragraphs) or not paragraphs[nth - 1]:
        return False
    first = paragraphs[nth - 1].split()[0].lstrip("'").lstrip('"')
    return re.split(r"[.,?!'\"]", first)[0].lower() == wanted


# Content and format


def number_placeholders(response: str, arguments: Arguments) -> bool:
    """At least so many [placeholders]."""
    return len(re.findall(r"\[[^\]\n]*\]", response)) >= arguments.number("num_placeholders")


_POSTSCRIPTS = {"P.S.": r"p\.\s?s\.", "P.P.S": r"p\.\s?p\.\s?s"}


def postscript(response: str, arguments: Arguments) -> bool:
    """A postscript, anywhere. P.S. and P.P.S may have a blank inside."""
    marker = arguments.text("postscript_marker")
    return re.search(_POSTSCRIPTS.get(marker, re.escape(marker.lower())), response.lower()) is not None


def number_bullet_lists(response: str, arguments: Arguments) -> bool:
    """Exactly so many lines that begin with * (not **) or -."""
    stars = re.findall(r"^[^\S\n]*\*[^*].*$", response, re.MULTILINE)
    dashes = re.findall(r"^[^\S\n]*-", response, re.MULTILINE)
    return len(stars) + len(dashes) == arguments.number("num_bullets")


def constrained_response(response: str, arguments: Arguments) -> bool:
    """One of the three answers stands in the response."""
    return any(f"My answer is {answer}." in response for answer in ("yes", "no", "maybe"))


def number_highlighted_sections(response: str, arguments: Arguments) -> bool:
    """At least so many *highlights* or **highlights** with something in them."""
    single = re.findall(r"\*([^\n*]*)\*", response)
    double = re.findall(r"\*\*([^\n*]*)\*\*", response)
    return sum(bool(text.strip()) for text in single + double) >= arguments.number("num_highlights")


def multiple_sections(response: str, arguments: Arguments) -> bool:
    """At least so many headings like "Section 1"."""
    heading = re.escape(arguments.text("section_spliter")) + r"\s?\d+"
    return len(re.findall(heading, response)) >= arguments.number("num_sections")


def json_format(response: str, arguments: Arguments) -> bool:
    """JSON and nothing else, in a code fence or without."""
    body = response.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        body = body.removeprefix(fence)
    try:
        json.loads(body.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def title(response: str, arguments: Arguments) -> bool:
    """A line holds <<a title>>."""
    for line in response.split("\n"):
        start, end = line.find("<<"), line.rfind(">>")
        if 0 <= start < end - 2 and line[start:end].lstrip("<").rstrip(">").strip():
            return True
    return False


# The whole response


def two_responses(response: str, arguments: Arguments) -> bool:
    """Two different responses, divided by ******."""
    responses = _divided(response, "******")
    return all(responses) and len(responses) == 2 and responses[0] != responses[1]


def repeat_prompt(response: str, arguments: Arguments) -> bool:
    """The response begins with the request, in upper or lower case."""
    return response.strip().lower().startswith(arguments.text("prompt_to_repeat").lower())


def end_checker(response: str, arguments: Arguments) -> bool:
    """The response ends in a phrase, in upper or lower case, before closing quotation marks."""
    return response.strip().strip('"').lower().endswith(arguments.text("end_phrase").lower())


def quotation(response: str, arguments: Arguments) -> bool:
    """The whole response is in double quotation marks."""
    return re.fullmatch(r'".*"', response.strip(), re.DOTALL) is not None


def no_comma(response: str, arguments: Arguments) -> bool:
    """No comma."""
    return "," not in response
