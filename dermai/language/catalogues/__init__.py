"""The catalogues: one gettext file a language, `pt.po`, which people edit; it is read as it is, once a process."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.support import NullTranslations

FOLDER = Path(__file__).parent


@dataclass(frozen=True, eq=False)  # one object a file: compared as such
class Catalogue:
    """A language's translations.

    `locale` is Babel's name of it, as the header `Language` of the file says, such as `pt_PT`. `identifiers` are the
    messages, (message,) or (singular, plural); `finished` those of Python's, of which finished sentences are made.
    """

    locale: str
    translations: NullTranslations
    identifiers: frozenset[tuple[str, ...]]
    finished: tuple[tuple[str, ...], ...]


def catalogue(language: str) -> Catalogue | None:
    """The catalogue of a language; None for English, in which the messages are written."""
    path = FOLDER / f"{language}.po"
    return _read(path) if path.is_file() else None


@cache
def _read(path: Path) -> Catalogue:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    with path.open("rb") as stream:
        found = read_po(stream)
    compiled = io.BytesIO()
    write_mo(compiled, found)
    compiled.seek(0)
    messages = {(one.id,) if isinstance(one.id, str) else tuple(one.id): one for one in found if one.id}
    finished = tuple(id for id, one in messages.items() if any(file.endswith(".py") for file, _ in one.locations))
    return Catalogue(str(found.locale or path.stem), Translations(compiled), frozenset(messages), finished)
