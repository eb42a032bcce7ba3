"""What an importer hands over: one row a photograph, in the sender's own identifiers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from dermai.data.cases import SYMPTOMS
from dermai.errors import InvalidCases

# `label`, `patient`, `lesion` and `case` are the sender's; the rest is named as in the case table.
COLUMNS = (
    "file", "case", "patient", "lesion", "label", "source", "site", "view",
    "age", "sex", "body_site", "skin_type", "device", "acquired_on", "confirmed_by", "split",
    *SYMPTOMS,
)  # fmt: skip
SIMULATION_MARKER = "SIMULATED.txt"  # `dermai simulate` writes it; such rows say so in every publisher's layout
PHOTOGRAPH_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")


@dataclass(frozen=True)
class Delivery:
    """A folder's photographs as its sender describes them; all columns are text, "" where nothing is known."""

    source: str
    folder: Path
    rows: pd.DataFrame
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, source: str, folder: Path, rows: Iterable[Mapping[str, str]], notes: Iterable[str] = ()) -> Delivery:
        """From rows that may leave columns out.

        Raises:
            InvalidCases: there is no row.
        """
        table = pd.DataFrame([dict(row) for row in rows])
        if table.empty:
            raise InvalidCases(f"{folder} holds no photographs to import")
        table = table.reindex(columns=list(COLUMNS)).fillna("").astype(str)
        table["source"] = table["source"].where(table["source"] != "", source)
        stripped = table.apply(lambda column: column.str.strip())
        if (folder / SIMULATION_MARKER).is_file():
            real_site = ~stripped["site"].str.startswith("simulated")
            site = stripped["site"].where(~real_site, "simulated " + stripped["site"])
            stripped = stripped.assign(site=site, confirmed_by="simulated")
        return cls(source, folder, stripped.assign(file=table["file"]), tuple(notes))


Importer = Callable[[Path], Delivery]


def files_below(folder: Path) -> list[str]:
    """Every photograph file below a folder, relative and with forward slashes, in a fixed order."""
    return sorted(
        Path(place, name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(PHOTOGRAPH_SUFFIXES) and not name.startswith(".")
    )


def files_by_stem(folder: Path) -> dict[str, str]:
    """Photograph files below a folder by their name without folder and suffix."""
    return {PurePosixPath(file).stem: file for file in files_below(folder)}


def number(text: str) -> str:
    """A whole number that a publisher wrote as a decimal, `3.0`, as `3`; anything else as it is.

    >>> number("3.0"), number("2.5"), number("")
    ('3', '2.5', '')
    """
    return text.removesuffix(".0")


def metadata_file(folder: Path, name: str) -> Path:
    """A publisher's table, wherever below the folder its archive puts it.

    Raises:
        InvalidCases: it is not there.
    """
    if not folder.is_dir():
        raise InvalidCases(f"{folder} is not a folder")
    found = sorted(folder.rglob(name))
    if not found:
        raise InvalidCases(f"{folder} holds no {name}: give the folder the publisher's archive unpacks to")
    return found[0]
