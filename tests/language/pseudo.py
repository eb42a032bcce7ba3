"""A language that nobody speaks: every message stands between brackets, so that a page's other words can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po

from dermai.language import catalogues
from dermai.taxonomy import load_taxonomy

LANGUAGE = "pt"  # whose place it takes
OPENED, CLOSED = "⟦", "⟧"
SAID = ("alt", "aria-label", "placeholder", "title")  # attributes that a person reads or hears
OF_SCRIPTS = ("data-place", "data-layer-alt", "data-no-layer", "data-takes", "data-none", "data-chosen", "data-choose",
              "data-kept", "data-not-kept", "data-no-connection", "data-question", "data-label")  # fmt: skip
NO_WORDS = {"code", "kbd", "pre", "script", "style", "textarea", "time"}  # elements that hold data
EMPTY = {"area", "br", "hr", "img", "input", "link", "meta", "source"}
OURS = ("dermai", "UTC", "Evidently", "Data Docs", "MLflow", "ZenML")  # names are the same in every language


@contextmanager
def spoken(folder: Path) -> Iterator[None]:
    """The catalogue of `LANGUAGE` is one in which every message stands between brackets."""
    with (catalogues.FOLDER / f"{LANGUAGE}.po").open("rb") as stream:
        catalogue = read_po(stream)
    for message in catalogue:
        if message.id and message.id not in (" or ", " and "):
            each = [message.id] if isinstance(message.id, str) else message.id
            wrapped = [f"{OPENED}{text}{CLOSED}" for text in each]
            message.string = wrapped[0] if isinstance(message.id, str) else tuple(wrapped)
    with (folder / f"{LANGUAGE}.po").open("wb") as stream:
        write_po(stream, catalogue)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(catalogues, "FOLDER", folder)
        yield


class _Words(HTMLParser):
    """What a page says outside the brackets."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self._open: list[tuple[str, bool]] = []  # elements, and whether they hold data
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        data = given.get("translate") == "no" or tag in NO_WORDS or any(held for _, held in self._open)
        if tag not in EMPTY:
            self._open.append((tag, data))
        for name in (*SAID, *OF_SCRIPTS):
            if not data and given.get(name):
                self.outside += _outside(given[name] or "")
        if tag == "input" and given.get("type") in ("button", "submit"):
            self.outside += _outside(given.get("value") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element of a drawing."""

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if any(held for _, held in self._open):
            return
        said = ""
        for letter in data:
            self._depth += (letter == OPENED) - (letter == CLOSED)
            said += letter if self._depth == 0 else OPENED
        self.outside += _outside(said)


def outside(page: str) -> list[str]:
    """The words of a page that no catalogue knows, and that are no data."""
    found = _Words()
    found.feed(page)
    return found.outside


def _outside(text: str) -> list[str]:
    depth, said = 0, ""
    for letter in text:
        depth += (letter == OPENED) - (letter == CLOSED)
        said += letter if depth == 0 and letter != CLOSED else "|"
    taxonomy = load_taxonomy()
    names = sorted((*taxonomy.names[LANGUAGE].values(), *taxonomy.codes, *OURS), key=len, reverse=True)
    for name in names:
        said = said.replace(name, "|")
    return [part.strip() for part in said.split("|") if any(letter.isalpha() for letter in part)]
