"""What a judge decided between two answers: by the mark it was asked for, or in its own words."""

from __future__ import annotations

import re

_MARK = re.compile(r"\[\[\s*(?:answer\s+)?(A|B|tie)\s*\]\]", re.IGNORECASE)

_SIDE = r"(?i:(?:answer|assistant|response)\s+)?\b(A|B)\b"
_HOW = "clear clearly slightly much far overall definitely also a bit somewhat significantly marginally the therefore thus"
_BETTER = rf"(?:(?:{'|'.join(_HOW.split())})\s+)*(?:better|best|superior|stronger|preferable|preferred|winner)\b"
_PREFERS = [
    re.compile(form, re.MULTILINE)
    for form in (
        r"^\W*(?i:(?:answer|assistant|response)\s+)?(A|B|(?i:tie))\W*$",
        r"(?i:verdict|choice|decision|winner|preference|judge?ment|(?:better|best) (?:answer|response|one))\W*(?i:is\b|:|=)"
        r"\W*(?i:boxed\W*)?(?i:(?:answer|assistant|response)\s+)?(A|B|(?i:tie))\b",
        rf"{_SIDE}\s+(?i:(?:is|was|seems|looks)\s+{_BETTER}|wins\b)",
        rf"(?i:\b(?:prefer|choose|pick|select|favou?r|go with|vote for)\s+){_SIDE}",
    )
]
"""How a preference is put in words, the letter in capitals."""

_EVEN = re.compile(
    r"\b(?:it(?:'s| is) a (?:tie|draw)|neither (?:(?:answer|response|one) )?is (?:clearly |really )?better"
    r"|(?:both|the two) (?:answers |responses )?are (?:about )?equally|no clear winner)",
    re.IGNORECASE,
)


def verdict_of(said: str) -> str | None:
    """The verdict in what a judge said at last: `a`, `b` or `tie`; None where there is none, or more than one.

    Of several marks the one that its last line names alone; without any, what its last line says in words, or else all of it.

    >>> verdict_of("Answer B adds a reason. [[B]]"), verdict_of("[[A]] or [[B]]?"), verdict_of("Answer A is better.")
    ('b', None, 'a')
    """
    last = said.strip().rpartition("\n")[2]
    for read in (_marks, _words):
        if found := read(said):
            told = found if len(found) == 1 else read(last)
            return told.pop() if len(told) == 1 else None
    return None


def _marks(said: str) -> set[str]:
    return {mark.lower() for mark in _MARK.findall(said)}


def _words(said: str) -> set[str]:
    """Whom a judge prefers in its own words; what it only considers ("if A is better") is none of them."""
    plain = re.sub(r"\b(?:if|whether|had|unless)\b[^,.;\n]*", "", re.sub(r"[*_\"'`\[\]()]", "", said), flags=re.IGNORECASE)
    named = {name.lower() for form in _PREFERS for name in form.findall(plain)}
    return named | ({"tie"} if _EVEN.search(said) else set())
