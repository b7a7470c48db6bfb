"""Dates as files have them: years, months and days in ISO 8601 and in Wikidata's form, and with the month in words. What may be
read in two ways ("05/01/1996", "96") is not read at all."""

from __future__ import annotations

import datetime
import re
from typing import NamedTuple

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
_ISO = re.compile(r"([+-]?\d{3,6})(?:-(\d\d)(?:-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)?)?(?:\.0)?")
_UNSURE = re.compile(r"\d{1,2}([/.-])\d{1,2}\1\d{4}|\d{4}([/.])\d{1,2}\2\d{1,2}|\d{1,2}/\d{1,2}/\d{2}")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)? ([A-Z][a-z]+)\.?,? (\d{3,4})")
_MONTH_FIRST = re.compile(r"([A-Z][a-z]+)\.?(?: (\d{1,2})(?:st|nd|rd|th)?,)? (\d{3,4})")


class Date(NamedTuple):
    """A year, and its month and day or 0 where they are not told. Compared as they are written: a year begins its months."""

    year: int
    month: int = 0
    day: int = 0


def read_date(text: str) -> Date | None:
    """A date, None for what is none. Months and days of 00, as Wikidata writes what is not known, are not told."""
    if found := _ISO.fullmatch(text):
        date = Date(int(found[1]), int(found[2] or 0), int(found[3] or 0))
    elif found := _DAY_FIRST.fullmatch(text):
        date = Date(int(found[3]), _month(found[2]), int(found[1]))
    elif found := _MONTH_FIRST.fullmatch(text):
        date = Date(int(found[3]), _month(found[1]), int(found[2] or 0))
    else:
        return None
    return date if _exists(date) else None


def _month(word: str) -> int:
    return next((n for n, name in enumerate(MONTHS, 1) if word in (name, name[:3]) or (word, name) == ("Sept", "September")), 13)


def _exists(date: Date) -> bool:
    if not date.month:
        return not date.day
    if not date.day:
        return date.month <= 12
    try:
        # A year of the same calendar, since datetime knows none before 1.
        datetime.date(2000 + date.year % 400, date.month, date.day)
    except ValueError:
        return False
    return True


def no_date(text: str) -> bool:
    """Whether something has the form of a date and is none, or one that may be read in two ways."""
    return bool(_UNSURE.fullmatch(text) or ((found := _ISO.fullmatch(text)) and found[2] and not read_date(text)))


def spelled(date: Date) -> str:
    """ "1 May 1996", "May 1996" or "1996"."""
    year = str(date.year) if date.year > 0 else f"{-date.year} BC"
    return " ".join([*([str(date.day)] if date.day else []), *([MONTHS[date.month - 1]] if date.month else []), year])
