"""What an importer hands over: one row a photograph, in the sender's own identifiers."""

from __future__ import annotations

import filecmp
import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from dermai.data.cases import SYMPTOMS
from dermai.errors import InvalidCases

# `label`, `patient`, `lesion` and `case` are the sender's; the rest is named as in the case table.
COLUMNS = (
    "file", "case", "patient", "lesion", "label", "source", "site", "view",
    "age", "sex", "body_site", "skin_type", "device", "acquired_on", "confirmed_by", "split", "fold",
    *SYMPTOMS, "licence",
)  # fmt: skip
SPLIT_NOT_USED = (
    "the column split is not used: who is tested on is drawn here, and a patient who is known keeps their split"
)
SIMULATION_MARKER = "SIMULATED.txt"  # `dermai simulate` writes it; such rows say so in every publisher's layout
PHOTOGRAPH_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".hif", ".avif", ".dcm", ".dicom",
)  # fmt: skip


@dataclass(frozen=True)
class Delivery:
    """A folder's photographs as its sender describes them; all columns are text, "" where nothing is known."""

    source: str
    folder: Path
    rows: pd.DataFrame
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(
        cls,
        source: str,
        folder: Path,
        rows: Iterable[Mapping[str, str]],
        notes: Iterable[str] = (),
        published_split: bool = False,
    ) -> Delivery:
        """From rows that may leave columns out.

        A `split` counts only where a person asked for the `published_split` of a dataset: a sender who chose the test
        patients would choose what a model is judged by.

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
        said = list(notes)
        if not published_split and (stripped["split"] != "").any():
            stripped = stripped.assign(split="", fold="")
            said.append(SPLIT_NOT_USED)
        return cls(source, folder, stripped.assign(file=table["file"]), tuple(said))


Importer = Callable[[Path], Delivery]


def files_below(folder: Path) -> list[str]:
    """Every photograph file below a folder, relative and with forward slashes, in a fixed order."""
    return sorted(
        Path(place, name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(PHOTOGRAPH_SUFFIXES) and not name.startswith(".")
    )


class PhotographFiles:
    """A publisher's photographs below a folder, found by what its table calls them; never one of several by chance."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for file in files_below(folder):
            path = PurePosixPath(file)
            for found, name in ((self._by_name, path.name), (self._by_stem, path.stem)):
                found[_alike(name)].append(file)

    def find(self, name: str, otherwise: str) -> str:
        """The file of this name, else the one whose name begins so before its suffix; `otherwise` where none is.

        Copies of one file are one.

        Raises:
            InvalidCases: two different files could be meant, such as a photograph and its mask.
        """
        stem = PurePosixPath(name).stem if name.lower().endswith(PHOTOGRAPH_SUFFIXES) else name
        for found in (self._by_name.get(_alike(name)), self._by_stem.get(_alike(stem))):
            if found:
                self._refuse_several(name, found)
                return found[0]
        return otherwise

    def _refuse_several(self, name: str, files: list[str]) -> None:
        first = self._folder / files[0]
        for other in files[1:]:
            if not filecmp.cmp(first, self._folder / other, shallow=False):
                raise InvalidCases(
                    f"{name!r} may be {files[0]} or {other} in {self._folder}: "
                    "keep the photograph there, and move masks and previews out of the folder"
                )


class PhotographPaths:
    """A publisher's photographs by their path below a folder, whatever its letter case and Unicode form."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, list[str]] = defaultdict(list)
        for file in files_below(folder):
            self._files[_alike(file)].append(file)

    def find(self, path: str) -> str:
        """The file at this path, else the only one that is spelt alike; the path itself where there is none.

        Raises:
            InvalidCases: two files are spelt alike.
        """
        path = path.strip().replace("\\", "/")
        found = self._files.get(_alike(path), [path])
        if path in found:
            return path
        if len(found) > 1:
            raise InvalidCases(f"{path!r} may be {found[0]} or {found[1]}: rename one of them")
        return found[0]


def _alike(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).casefold()


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
