"""Numbers, days and times as the reader's language writes them; in English as everywhere in the reports."""

from __future__ import annotations

import re
from datetime import date, datetime

from dermai.language.catalogues import catalogue
from dermai.language.current import current

ENGLISH_LONG, ENGLISH_SHORT = "d MMMM y", "d MMM y"  # Babel's patterns; other languages have theirs
NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+")


def locale_name() -> str:
    """Babel's name of the locale that is spoken, such as `pt_PT`."""
    found = catalogue(current().language)
    return found.locale if found else "en"


def language_tag() -> str:
    """What `<html lang>` says, such as `pt-PT`."""
    return locale_name().replace("_", "-")


def localised(english: str) -> str:
    """The numbers in an English text with the decimal and grouping signs of the language.

    >>> localised("86.5 % of 1,250")
    '86.5 % of 1,250'
    """
    locale = locale_name()
    if locale == "en" or not NUMBER.search(english):
        return english
    from babel.numbers import get_decimal_symbol, get_group_symbol

    signs = {".": get_decimal_symbol(locale), ",": get_group_symbol(locale)}
    return NUMBER.sub(lambda found: "".join(signs.get(letter, letter) for letter in found[0]), english)


def whole_number(number: int) -> str:
    """`1,250`."""
    return localised(f"{number:,}")


def in_zone(moment: datetime) -> datetime:
    """A moment in the reader's time zone; one without a zone stays as it is."""
    return moment.astimezone(current().zone) if moment.tzinfo else moment


def long_day(day: date) -> str:
    """`3 November 2026`; of a moment, its day in the reader's time zone."""
    from babel.dates import format_date

    return format_date(_day(day), _pattern(ENGLISH_LONG, "long"), locale=locale_name())


def short_day(day: date) -> str:
    """`3 Nov 2026`."""
    from babel.dates import format_date

    return format_date(_day(day), _pattern(ENGLISH_SHORT, "medium"), locale=locale_name())


def day_and_month(day: date) -> str:
    """`3 Nov`."""
    from babel.dates import format_date, format_skeleton

    if locale_name() == "en":
        return format_date(_day(day), "d MMM", locale="en")
    return format_skeleton("MMMd", _day(day), locale=locale_name())


def clock(moment: datetime) -> str:
    """`14:05 UTC`, in the reader's time zone."""
    here = in_zone(moment)
    return f"{here:%H:%M} {here.tzname() or ''}".rstrip()


def moment_words(moment: datetime) -> str:
    """`3 November 2026, 14:05 UTC`, in the reader's time zone."""
    return f"{long_day(moment)}, {clock(moment)}"


def table_moment(moment: datetime, seconds: bool = False) -> str:
    """`2026-11-03 14:05`, in the reader's time zone: the same in every language, so that columns stand in order."""
    return f"{in_zone(moment):%Y-%m-%d %H:%M}" + (f":{in_zone(moment):%S}" if seconds else "")


def zone_name(moment: datetime) -> str:
    """What the reader's zone is called at a moment: `UTC`, `WEST`."""
    return in_zone(moment).tzname() or "UTC"


def _day(day: date) -> date:
    return in_zone(day).date() if isinstance(day, datetime) else day


def _pattern(english: str, otherwise: str) -> str:
    return english if locale_name() == "en" else otherwise
