"""Photographs as they were sent, with the sender's own numbers: deliveries in the workspace, and the quarantine."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from dermai.data.pseudonyms import Pseudonyms
from dermai.data.tables import csv_text, read_text_table
from dermai.errors import InvalidCases
from dermai.files import sha256_file, write_text
from dermai.ingest.quarantine import REASONS, Rejection, read_rejections
from dermai.withdrawal.removals import Removal, delete
from dermai.withdrawal.search import files_below
from dermai.withdrawal.traces import Traces
from dermai.workspace import Workspace

TABLE = "cases.csv"
NUMBERS = ("case_id", "patient_id")  # in the sender's own spelling


def delivered(workspace: Workspace, pseudonyms: Pseudonyms, traces: Traces) -> Iterator[Removal]:
    """The patient's rows and photographs of every folder of the workspace with a `cases.csv` of a sender."""
    for table_file in delivery_tables(workspace):
        table = _read(table_file)
        mine = _rows_of(table, pseudonyms, traces) if table is not None else None
        if table is None or mine is None or not mine.any():
            continue
        for name in table.loc[mine, "image"] if "image" in table else ():
            photograph = table_file.parent / str(name)
            if photograph.is_file() and photograph.resolve().is_relative_to(table_file.parent.resolve()):
                yield Removal(str(photograph), "a photograph as it was sent", partial(delete, photograph))
        left = csv_text(table[~mine])
        yield Removal(str(table_file), f"{int(mine.sum())} rows of a delivery", partial(write_text, table_file, left))


def quarantined(workspace: Workspace, pseudonyms: Pseudonyms, traces: Traces) -> Iterator[Removal]:
    """Rejected photographs of the patient's cases, and the lines that say why."""
    for reasons in sorted(workspace.quarantine.rglob(REASONS)):
        rejections = read_rejections(reasons.parent)
        mine = [
            rejection
            for rejection in rejections
            if _is_mine("case", rejection.case, pseudonyms, traces)
            or _shows(_copy(reasons, rejection), traces)  # of a case that was never taken in
        ]
        for rejection in mine:
            if copy := _copy(reasons, rejection):
                yield Removal(str(copy), "a rejected photograph", partial(delete, copy))
        if mine:
            table = pd.DataFrame([vars(rejection) for rejection in rejections if rejection not in mine])
            remove = partial(delete, reasons) if table.empty else partial(write_text, reasons, csv_text(table))
            yield Removal(str(reasons), f"{len(mine)} lines of the quarantine", remove)


def was_sent(workspace: Workspace, source: str, patients: Collection[str], pseudonyms: Pseudonyms) -> bool:
    """Whether a delivery in the workspace has rows of a patient, taken in or not."""
    tables = (_read(file) for file in delivery_tables(workspace))
    numbers = {number for table in tables if table is not None for number in table["patient_id"].unique()}
    return any(
        {number.strip(), *pseudonyms_of("patient", source, number, pseudonyms)} & set(patients)
        for number in numbers
        if number.strip()
    )


def sent_files(workspace: Workspace, pseudonyms: Pseudonyms, traces: Traces) -> list[Path]:
    """The patient's photographs as they were sent, in deliveries and quarantine."""
    both = (*delivered(workspace, pseudonyms, traces), *quarantined(workspace, pseudonyms, traces))
    tables = {TABLE, REASONS}
    return [Path(removal.place) for removal in both if Path(removal.place).name not in tables]


def delivery_tables(workspace: Workspace) -> Iterator[Path]:
    """Every `cases.csv` in the workspace that is not the dataset's, a report's or another record's."""
    ours = (
        workspace.data,
        workspace.state,
        workspace.reports,
        workspace.store / "mlartifacts",
        workspace.root / ".dvc",
    )
    for file in files_below(workspace.root):
        if file.name == TABLE and not any(file.is_relative_to(folder) for folder in ours):
            yield file


def _read(file: Path) -> pd.DataFrame | None:
    try:
        return read_text_table(file, NUMBERS)
    except InvalidCases:
        return None  # the search looks into it all the same


def _rows_of(table: pd.DataFrame, pseudonyms: Pseudonyms, traces: Traces) -> pd.Series:
    found = pd.Series(data=False, index=table.index)
    for kind, column in (("patient", "patient_id"), ("case", "case_id")):
        known = {number: _is_mine(kind, number, pseudonyms, traces) for number in table[column].unique()}
        found |= table[column].map(known)
    return found


def _is_mine(kind: str, number: str, pseudonyms: Pseudonyms, traces: Traces) -> bool:
    if not number.strip():
        return False
    names = {number.strip()}
    for source in traces.sources:
        names |= pseudonyms_of(kind, source, number, pseudonyms)
    return bool(names & set(traces.names))


def _copy(reasons: Path, rejection: Rejection) -> Path | None:
    """The copy of a rejected file; None where there is none, as of a name that leads out of the quarantine."""
    folder, copy = reasons.parent.resolve(), reasons.parent / rejection.file
    return copy if copy.is_file() and copy != reasons and copy.resolve().is_relative_to(folder) else None


def _shows(copy: Path | None, traces: Traces) -> bool:
    return copy is not None and sha256_file(copy) in traces.digests


def pseudonyms_of(kind: str, source: str, number: str, pseudonyms: Pseudonyms) -> set[str]:
    """Every pseudonym that this or an earlier release may have given a number of a patient or case."""
    if kind == "patient":
        return {pseudonyms.patient(source, number), *pseudonyms.earlier("patient", source, number)}
    return {pseudonyms.case(source, number), *pseudonyms.earlier("case", source, number)}
