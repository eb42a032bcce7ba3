"""The test labels that attempts were judged on: each table under its hash, which the attempt's signed record names.

The tables lie outside the log, since a withdrawn patient's rows must be erased from them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd

from dermai.audit import AuditLog
from dermai.data.tables import as_written, csv_text, read_text_table
from dermai.data.test_labels import COLUMNS, ROW, LabelChange, LabelTable, label_changes
from dermai.errors import InvalidCases
from dermai.files import write_text
from dermai.records.log import records_of
from dermai.records.update_record import UpdateRecord
from dermai.workspace import Workspace


def keep_test_labels(workspace: Workspace, cases: pd.DataFrame) -> str:
    """Store the labels of today's test photographs; returns the hash by which a record names them.

    From the tables of before the rows of photographs are erased that are not in the dataset any more.
    """
    table = LabelTable.of(cases)
    file = _file(workspace, table.sha256)
    if not file.is_file():
        _write(file, table)
    here = set(cases["image"])
    _erase(workspace, lambda image: image not in here)
    return table.sha256


def changes_of_test_labels(workspace: Workspace, audit: AuditLog, cases: pd.DataFrame) -> tuple[LabelChange, ...]:
    """What changed in the test labels since the newest attempt that recorded them; nothing before the first."""
    recorded = [record.body.dataset.test_labels for record in records_of(audit, UpdateRecord)]
    newest = next((sha256 for sha256 in reversed(recorded) if sha256), None)
    if newest is None:
        return ()
    try:
        before = _read(_file(workspace, newest))
    except (InvalidCases, ValueError):
        before = None
    if before is None or before.sha256 != newest:
        return (LabelChange(kind="unknown"),)
    return label_changes(before, cases)


def erase_test_labels(workspace: Workspace, images: Collection[str]) -> int:
    """Erase photographs from every stored table: consent was withdrawn. Returns how many rows were erased.

    The tables stay what their records name, since these cover the hash of each row. One that is not what its name says
    is removed: nothing can be compared with it.
    """
    chosen = set(images)
    return _erase(workspace, lambda image: image in chosen)


def _erase(workspace: Workspace, gone: Callable[[str], bool]) -> int:
    erased = 0
    for file in sorted(_folder(workspace).glob("*.csv")):
        try:
            table = _read(file)
        except InvalidCases:
            file.unlink()
            continue
        left = table.without([image for image in table.rows["image"] if gone(image)])
        if len(left.rows) < len(table.rows):
            erased += len(table.rows) - len(left.rows)
            _write(file, left)
    return erased


def _folder(workspace: Workspace) -> Path:
    return workspace.state / "test_labels"


def _file(workspace: Workspace, sha256: str) -> Path:
    return _folder(workspace) / f"{sha256}.csv"


def _read(file: Path) -> LabelTable:
    try:
        return LabelTable.read(read_text_table(file, (ROW, *COLUMNS), ",").map(as_written))
    except ValueError as problem:
        raise InvalidCases(f"{file}: {problem}; put it back from a backup, or remove it") from None


def _write(file: Path, table: LabelTable) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, csv_text(table.stored()))
