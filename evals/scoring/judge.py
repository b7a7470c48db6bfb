"""What a judge decided between two answers: by the mark it was asked for, or in its own words."""

from __future__ import annotations

import re

_MARK = re.compile(r"(?<!not )\[\[\s{0,9}(?:answer )?(A|B|tie)(?:>{1,2}[AB])?\s{0,9}\]\]", re.IGNORECASE)
"""What it was asked for; and how Arena-Hard has it, A>>B."""

_SIDE = r"(?:(?i:(?:answer|assistant|response) )\(?(A|B|a|b)\b\)?|\b(A|B)\b)"
_HOW = "clear clearly slightly much far overall definitely also a bit somewhat significantly marginally the therefore thus"
_BETTER = rf"(?:(?:{'|'.join(_HOW.split())}) )*(?:better|best|superior|stronger|preferable|preferred|winner)\b"
_LABEL = "verdict|choice|decision|winner|preference|judge?ment|(?:better|best) (?:answer|response|one)"
_PREFERS = [
    re.compile(form)
    for form in (
        rf"(?i:\b(?:{_LABEL})\b) ?(?i:is|:|=)? ?{_SIDE}(?: (?:because|since|as)\b|$)",
        rf"{_SIDE} (?i:(?:is|was) {_BETTER}|wins\b)",
        rf"(?i:\b(?:prefer|choose|pick|select|favou?r|go with|vote for)) {_SIDE}(?!\w)",
    )
]
"""How a clause puts a preference in words, a letter alone in capitals."""

_ALONE = re.compile(rf"{_SIDE}|(?i:(tie))")
"""A line that is nothing else."""

_EVEN = re.compile(
    r"\ba tie\b|\bit is a draw|\bneither\b.{0,40}\bis (?:clearly |really |the )?(?:better|best)|\bno clear winner"
    rf"|(?:\bboth|\bthe two|\bA and B)(?: answers| responses)?(?: are)?(?: about)? equally|\b(?:{_LABEL})\b ?(?:is|:|=)? ?tie\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:not|never|neither|nor|cannot|without|although|though|while|seems?|seemed|some|may|might|could|if|whether|unless|had)\b",
    re.IGNORECASE,
)
"""Words of a clause that leave its preference open, or deny it."""

_SUPPOSED = re.compile(r"\b(?:if|whether|unless|not a tie)\b", re.IGNORECASE)
"""The same of a tie."""

_CLAUSE = 300
"""Characters of the longest clause that is read."""


def verdict_of(said: str, words: bool = True) -> str | None:
    """The verdict in what a judge said at last: `a`, `b` or `tie`; None where there is none, or more than one.

    Of several marks the one that its last line names alone; without any, what its last line says in words, or else all of it.
    words: whether to read them, which would have gone on where a judge was cut off.

    >>> verdict_of("Answer B adds a reason. [[B]]"), verdict_of("[[A]] or [[B]]?"), verdict_of("Answer A is better.")
    ('b', None, 'a')
    """
    last = said.strip().rpartition("\n")[2]
    for read in (_marks, _words) if words else (_marks,):
        if found := read(said):
            told = found if len(found) == 1 else read(last)
            return told.pop() if len(told) == 1 else None
    return None


def _marks(said: str) -> set[str]:
    return {mark.lower() for mark in _MARK.findall(said)}


def _words(said: str) -> set[str]:
    """Whom a judge prefers in its own words; what it only considers ("if A is better"), concedes or denies is none of them."""
    plain = re.sub(r"\\boxed|[*_\"'`\[\](){}$#>]", "", said.replace("n't", " not").replace("'s", " is"))
    clauses = [" ".join(clause.split()) for clause in re.split(r"[,;!?\n]|\.(?=\s|$)", plain)]
    alone = (_ALONE.fullmatch(line.strip(" .,;!")) for line in plain.split("\n"))
    found = {next(filter(None, line.groups())).lower() for line in alone if line}
    for clause in (clause for clause in clauses if 0 < len(clause) <= _CLAUSE):
        if _EVEN.search(clause) and not _SUPPOSED.search(clause):
            found.add("tie")
        elif not _OPEN.search(clause):
            found |= {name.lower() for form in _PREFERS for names in form.findall(clause) for name in names if name}
    return found
