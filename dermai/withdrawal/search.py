"""The search of every file for what is left of a patient: names, photographs by content, pictures made of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from dermai.files import sha256_bytes
from dermai.withdrawal.contents import SQLITE, inner_contents, jpegs_within, rows_of_database
from dermai.withdrawal.traces import PSEUDONYM, Traces

NOT_LOOKED_AT = {".git", ".venv", "__pycache__", "node_modules"}  # code; git holds hashes of the data alone


@dataclass(frozen=True)
class Find:
    """What a file still holds; `inside` says where in it, "" for the file itself."""

    file: Path
    what: str
    inside: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.what}{f' ({self.inside})' if self.inside else ''}"


def files_below(folder: Path) -> Iterator[Path]:
    """Every file, those behind links too; code is passed over."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NOT_LOOKED_AT)
        for name in sorted(names):
            path = Path(root, name)
            if path.is_file():
                yield path


def find_traces(file: Path, traces: Traces, passed_over: Collection[str] = ()) -> list[Find]:
    """What a file holds of the patient, each kind once; of a database the tables `passed_over` do not count."""
    found: dict[tuple[str, str], Find] = {}

    def note(what: str, inside: str) -> None:
        found.setdefault((what, inside.partition(",")[0]), Find(file, what, inside))

    for what in _named(str(file).encode(errors="surrogateescape"), traces):
        note(what, "its name")
    try:
        content = file.read_bytes()
    except FileNotFoundError:  # it went meanwhile
        return []
    if passed_over and not content.startswith(SQLITE):  # what a database has beside it holds pages of all its tables
        return []
    if content.startswith(SQLITE):
        rows = (row for row in rows_of_database(file) if row[0] not in {f"table {name}" for name in passed_over})
        for inside, row in rows:
            for what in _shown(row, traces):
                note(what, inside)
        if passed_over:  # what is kept there stands in the bytes too
            return list(found.values())
    for what in _shown(content, traces):
        note(what, "")
    for inside, inner in inner_contents(content):
        for what in _shown(inner, traces):
            note(what, inside)
    return list(found.values())


def _shown(content: bytes, traces: Traces) -> Iterator[str]:
    yield from _named(content, traces)
    digest = sha256_bytes(content)
    if digest in traces.digests:
        yield f"the photograph or picture {digest[:12]}"
    for jpeg in jpegs_within(content):
        digest = sha256_bytes(jpeg)
        if digest in traces.digests:
            yield f"the photograph or picture {digest[:12]}"


def _named(content: bytes, traces: Traces) -> Iterator[str]:
    for word in traces.words:
        if word in content or (b"\0\0\0" in content and word.decode().encode("utf-32-le") in content):
            text = word.decode()
            yield f"the pseudonym {text}" if PSEUDONYM.fullmatch(text) else f"the name of photograph {text}"
