"""Saying English sentences in the language that is spoken: messages of templates, and finished sentences.

A finished sentence, whether it was made just now or read from a log, is recognised by the message it was made from.
What no catalogue knows stays English; pages mark it as such.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from dermai.language.catalogues import Catalogue, catalogue
from dermai.language.current import current
from dermai.language.formats import localised, whole_number
from dermai.language.messages import message

PLACE = re.compile(r"%\((\w+)\)s")
NUMBER = r"[<>+−\d][\d.,:<>+−–%\s]*"
NUMERIC = frozenset({"number", "count", "total", "share", "interval", "low", "high"})  # places that hold nothing else
LEAST_LITERAL = 5  # characters: a message with fewer of its own would be seen everywhere
SEPARATORS = ("; ", message(" or "), message(" and "), ", ")  # of what a sentence lists
SENTENCE_END = re.compile(r"(?<=[.!?]) ")


def gettext(english: str) -> str:
    """A message in the language that is spoken."""
    found = catalogue(current().language)
    return found.translations.gettext(english) if found else english


def ngettext(one: str, several: str, number: int) -> str:
    """A message in the form that fits a number."""
    found = catalogue(current().language)
    return found.translations.ngettext(one, several, number) if found else (one if number == 1 else several)


def counted(one: str, several: str, number: int, **values: object) -> str:
    """`plural_message` in the language that is spoken, for templates: `counted("%(number)s case", ..., n)`."""
    return ngettext(one, several, number) % {"number": whole_number(number), **values}


def translated(english: str) -> str | None:
    """A finished English sentence in the language that is spoken; None where its catalogue does not know it.

    What is spoken may be English: then it is the sentence itself.
    """
    found = catalogue(current().language)
    return english if found is None else _translated(found, english)


def in_language(english: str) -> str:
    """As `translated`, and English where the catalogue does not know it."""
    found = translated(english)
    return english if found is None else found


@dataclass(frozen=True)
class _Template:
    """A message with places for values, as finished sentences are compared with it."""

    pattern: re.Pattern[str]
    literal: int  # characters that are its own: the more, the surer a sentence was made from it
    say: Callable[[dict[str, str]], str]


@lru_cache(maxsize=16384)
def _translated(found: Catalogue, english: str) -> str | None:
    if (english,) in found.identifiers:
        return found.translations.gettext(english)
    for template in _templates(found):
        match = template.pattern.fullmatch(english)
        if match:
            return template.say({name: _value(found, text) for name, text in match.groupdict().items()})
    return _listed(found, english)


def _value(found: Catalogue, text: str) -> str:
    """A value within a sentence: itself a sentence, or a list of them, or a number, or something of no language."""
    said = _translated(found, text) if len(text) > 1 else None
    return localised(text) if said is None else said


def _listed(found: Catalogue, english: str) -> str | None:
    """Sentences behind one another, where each of them is known."""
    ways = [(" ", SENTENCE_END.split(english)), *((between, english.split(between)) for between in SEPARATORS)]
    for separator, parts in ways:
        said = [_translated(found, part) for part in parts] if len(parts) > 1 else []
        if said and None not in said:
            return found.translations.gettext(separator).join(part for part in said if part is not None)
    return None


@cache
def _templates(found: Catalogue) -> tuple[_Template, ...]:
    made = [template for forms in found.finished for template in _of_message(found, forms)]
    return tuple(sorted(made, key=lambda template: -template.literal))


def _of_message(found: Catalogue, forms: tuple[str, ...]) -> Iterable[_Template]:
    def say(values: dict[str, str]) -> str:
        if len(forms) == 1:
            return found.translations.gettext(forms[0]) % values
        number = values.get("number", "0")
        known = int(re.sub(r"\D", "", number) or 0)
        return found.translations.ngettext(forms[0], forms[1], known) % values

    for form in forms:
        if not PLACE.search(form):
            continue
        pieces = PLACE.split(form)
        own = sum(len(piece.strip()) for piece in pieces[::2])
        if own >= LEAST_LITERAL or set(pieces[1::2]) <= NUMERIC:
            yield _Template(re.compile(_pattern(pieces), re.DOTALL), own, say)


def _pattern(pieces: list[str]) -> str:
    """Of a message that is split at its places: the names stand at the odd positions."""
    known: set[str] = set()
    found = []
    for position, piece in enumerate(pieces):
        if position % 2 == 0:
            found.append(re.escape(piece.replace("%%", "%")))
        elif piece in known:
            found.append(f"(?P={piece})")
        else:
            known.add(piece)
            found.append(f"(?P<{piece}>{NUMBER if piece in NUMERIC else '.*?'})")
    return "".join(found)
