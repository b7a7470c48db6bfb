"""Where a sentence ends: at a full stop that is not that of an abbreviation, an initial or a number in a date."""

from __future__ import annotations

import re

STARTERS = frozenset(
    "the this these he it they i her your there here in into under despite without within among between through but so yet nor "
    "if when while although though since unless whether however instead most many some both such meanwhile moreover "
    "nevertheless nonetheless thus therefore hence finally similarly which were does please even still indeed given using a an "
    "that those she we you his its their our my on at by for from with as to of during about against until and or after before "
    "because where once all each every several few another other then also later who what why how is are was do did can could "
    "will would should may let one two three no not now only just perhaps first second next last more less any has have".split()
)
"""Words that, with a capital, start a sentence even after an abbreviation."""

_TITLES = frozenset(
    "mr mrs ms mx messrs mmes dr drs prof rev fr hon pres gov sen rep amb gen maj col lt capt cpt cmdr adm sgt cpl pvt ens brig "
    "st mt ft".split()
)
"""What stands, with a capital, before a name."""

_GO_ON = frozenset("vs cf approx ca e.g i.e".split())
"""What never ends a sentence."""

_REFERENCES = frozenset("no nos vol vols art fig figs ch sect pt op bk ed eds p pp".split())
"""What stands before a number, and is a word besides."""

_SHORTENED = frozenset(
    "jr sr co cos bros dept univ assn est ave blvd rd ln hwy apt bldg sts al a.m p.m ph.d m.d b.a m.a d.c u.s u.k u.n "
    "u.s.a".split()
)
"""What may end a sentence, or may not: that hangs on the next word."""

_MONTHS = frozenset(
    "jan feb mar apr jun jul aug sep sept oct nov dec january february march april may june july august september october "
    "november december".split()
)

_STOP = re.compile(r"(?<!\S)(?P<word>\S+)\.(?P<closing>[\"'”’)\]*_]*)(?=\s|\Z)(?:[^\S\n]+(?P<next>\S+))?")


def first_sentence(text: str) -> str:
    """A text up to the end of its first sentence or line, without the full stop.

    >>> first_sentence("Warner Bros. Pictures. It was founded in 1923.")
    'Warner Bros. Pictures'
    >>> first_sentence("12. It was the last."), first_sentence("Mrs. St. John"), first_sentence("no. The first is older.")
    ('12', 'Mrs. St. John', 'no')
    """
    line = text.partition("\n")[0]
    start = 0
    while stop := _STOP.search(line, start):
        if _ends(stop["word"], stop["next"] or ""):
            return line[: stop.end("word")] + stop["closing"]
        start = stop.end("closing")
    return line


def _ends(before: str, after: str) -> bool:
    """Whether the full stop behind a word ends a sentence, by that word and the next one (nothing: the line ends)."""
    if not after:
        return True
    word = before.strip("\"'“”‘’([*_").lower()
    following = after.strip("\"'“”‘’([*_.,;:!?)]")
    starts = following[:1].isupper() and following.lower() in STARTERS
    if word.isdecimal() and len(word) < 3:  # the 12th of a month, the first of a division
        return following[:1].isupper() and following.lower() not in _MONTHS and (starts or not following.isupper())
    if word in _GO_ON or (word in _TITLES and before.strip("\"'“”‘’([*_")[:1].isupper()):
        return False
    if word in _MONTHS or word in _REFERENCES:
        return not following[:1].isdecimal() and not (word in _REFERENCES and re.fullmatch("[IVXLC]+", following))
    if word in _SHORTENED or re.fullmatch(r"[^\W\d_]|[^\W\d_](?:\.[^\W\d_])+", word):
        return starts
    return True
