"""Rejected photographs: a copy of each as it was delivered, and a table that says why and how to fix it."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from dermai.data.tables import as_written, read_text_table, spreadsheet_safe
from dermai.files import write_bytes
from dermai.ingest.file_names import locate
from dermai.ingest.limits import MOST_BYTES
from dermai.ingest.unusable import UnusablePhotograph

REASONS = "reasons.csv"


@dataclass(frozen=True, order=True)
class Rejection:
    """One row of a delivery that was not taken."""

    file: str
    case: str
    reason: str
    fix: str


def quarantine(folder: Path, source: Path, rejections: Sequence[Rejection], delivered: Collection[str]) -> None:
    """Bring a batch's quarantine folder up to date, touching only what changes.

    What an earlier delivery of the batch left there stays; a delivered file that is rejected no more is taken out.
    """
    kept = [rejection for rejection in read_rejections(folder) if rejection.file not in delivered]
    rejected = {rejection.file for rejection in rejections}
    for file in sorted(rejected):
        copy = _copy_path(folder, file)
        if copy is None:
            continue
        try:
            path = locate(source, file)
            content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
        except (UnusablePhotograph, OSError):
            continue  # missing, unreadable, a link or outside the folder: there is nothing that may be copied
        if content is not None:
            _write(copy, content)
    for file in sorted(set(delivered) - rejected):
        copy = _copy_path(folder, file)
        if copy is not None and copy.is_file():
            copy.unlink()
    table = sorted({*kept, *rejections})
    if table:
        _write(folder / REASONS, _as_csv(table))
    elif folder.is_dir():
        (folder / REASONS).unlink(missing_ok=True)
    if folder.is_dir():
        _drop_empty(folder)


def read_rejections(folder: Path) -> list[Rejection]:
    """The rejections that a batch's quarantine folder names."""
    path = folder / REASONS
    if not path.is_file():
        return []
    columns = [column.name for column in fields(Rejection)]
    table = read_text_table(path, columns, ",").map(as_written)
    return [Rejection(*row) for row in table[columns].itertuples(index=False, name=None)]


def _copy_path(folder: Path, file: str) -> Path | None:
    """Where a file's copy lies; None for names that lead elsewhere or stand for the table itself."""
    if not file or "\0" in file or Path(file).is_absolute() or ".." in Path(file).parts or file == REASONS:
        return None
    return folder / file


def _as_csv(rejections: Sequence[Rejection]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.name for column in fields(Rejection)])
    writer.writerows(map(spreadsheet_safe, astuple(rejection)) for rejection in rejections)
    return buffer.getvalue().encode("utf-8", errors="backslashreplace")


def _write(path: Path, content: bytes) -> None:
    if not (path.is_file() and path.read_bytes() == content):
        write_bytes(path, content)


def _drop_empty(folder: Path) -> None:
    for place in sorted(folder.rglob("*"), reverse=True):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()
    if not any(folder.iterdir()):
        folder.rmdir()
