"""Whose language is spoken while a page is made: of this context alone, so that two requests never mix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Language = Literal["en", "pt"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
ENGLISH: Language = "en"


@dataclass(frozen=True)
class Locale:
    """A reader's language and time zone."""

    language: Language = ENGLISH
    time_zone: str = "UTC"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)


_current: ContextVar[Locale] = ContextVar("locale", default=Locale())  # noqa: B039  it is frozen


def current() -> Locale:
    """The locale that is spoken now: English and UTC where nobody said otherwise, as in records."""
    return _current.get()


@contextmanager
def speaking(locale: Locale) -> Iterator[None]:
    """Speak a locale within the `with` block."""
    before = _current.set(locale)
    try:
        yield
    finally:
        _current.reset(before)


def known_language(text: str) -> Language | None:
    """A language of ours by its code, such as `pt` or `pt-PT`; None for any other.

    >>> known_language("pt-PT"), known_language("PT"), known_language("fr"), known_language("")
    ('pt', 'pt', None, None)
    """
    code = text.strip().partition("-")[0].partition("_")[0].casefold()
    return next((language for language in LANGUAGES if language == code), None)


def accepted_language(header: str) -> Language | None:
    """The language of ours that the header Accept-Language wants most; None where it wants none of them.

    >>> accepted_language("fr;q=0.9, pt-PT;q=0.8, en;q=0.5"), accepted_language("en, pt;q=0"), accepted_language("*")
    ('pt', 'en', None)
    """
    wanted: list[tuple[float, Language]] = []
    for part in header.split(",")[:30]:
        name, _, rest = part.partition(";")
        language, weight = known_language(name), rest.strip().removeprefix("q=") or "1"
        try:
            quality = float(weight)
        except ValueError:
            continue
        if language is not None and quality > 0:
            wanted.append((quality, language))
    return max(wanted, key=lambda pair: pair[0], default=(0.0, None))[1]
