"""Wrong versions of a function: its body with one thing changed."""

from __future__ import annotations

import re

_WRONG: dict[str, tuple[str, ...]] = {
    " > ": (" < ", " >= "), " < ": (" > ", " <= "), " >= ": (" < ", " > "), " <= ": (" > ", " < "),
    " == ": (" != ",), " != ": (" == ",), " + ": (" - ",), " - ": (" + ",), " * ": (" + ",), " // ": (" * ",), " % ": (" // ",),
    " += ": (" -= ", " = "), " -= ": (" += ",), " *= ": (" += ",), " //= ": (" -= ",), " and ": (" or ",), " or ": (" and ",),
    " not in ": (" in ",), "max(": ("min(",), "min(": ("max(",), "sorted(": ("list(",), "upper(": ("lower(",),
    "abs(": ("(",), "isalpha(": ("isalnum(",), "lower(": ("upper(",), "if not (": ("if (",), "[::-1]": ("[::1]",),
    ".split()": (".split('e')",), "break": ("continue",), "continue": ("break",),
    "elif ": ("if ",), "reverse=True": ("reverse=False",),
}  # fmt: skip
_SITE = re.compile("|".join(map(re.escape, sorted(_WRONG, key=len, reverse=True))) + r"|(?<![\w'])\d+(?![\w'])")


def wrong_versions(body: str) -> list[str]:
    """Every body that differs from this one in one place: a comparison, an operator, a bound, a starting value."""
    found = []
    for site in _SITE.finditer(body):
        token = site.group()
        others = _WRONG.get(token) or tuple(str(n) for n in (int(token) + 1, int(token) - 1) if n >= 0)
        found += [body[: site.start()] + other + body[site.end() :] for other in others]
    return found
