"""Sheets for the sites: which cases to photograph again, and which to clear up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from dermai.data.tables import as_written, csv_text
from dermai.errors import DermaiError
from dermai.files import write_text
from dermai.triage.lookup import SenderRow
from dermai.workspace import Workspace

COLUMNS = ("case_id", "to_do", "reason")
NUMBER_COLUMNS = ("case_number", "patient_number", "photograph")


def write_retake_sheets(
    workspace: Workspace, run: Path, output: Path, site: str = "", senders: Iterable[SenderRow] | None = None
) -> list[Path]:
    """One CSV file a site of what the triage in `run` wants again or set aside, with the numbers from `senders`.

    Raises:
        DermaiError: there is no such run or site, or a sheet with numbers would lie inside the repository.
    """
    if not (run / "retakes.csv").is_file():
        raise DermaiError(f"{run} holds no retakes.csv: run `zenml pipeline run triage_cases` first, or name a run")
    if senders is not None and output.resolve().is_relative_to(workspace.root.resolve()):
        raise DermaiError(f"{output} lies inside the repository, and the sheets name patients: choose another --output")
    again, aside = (_read(run / f"{name}.csv") for name in ("retakes", "set_aside"))
    aside["reason"] = "line " + aside["line"] + " of cases.csv: " + aside["reason"]
    table = pd.concat([again.assign(to_do="photograph again"), aside.assign(to_do="clear up")], ignore_index=True)
    table = table.assign(site=table["site"].replace("", "unknown"))
    if site:
        table = table[table["site"] == site]
    if table.empty:
        raise DermaiError(f"nothing is to be photographed again{f' at {site}' if site else ''} in {run.resolve().name}")
    columns = list(COLUMNS)
    if senders is not None:
        columns += NUMBER_COLUMNS
        table = _with_numbers(table, senders)
    return [_write(output, str(name), rows[columns]) for name, rows in table.groupby("site")]


def _with_numbers(table: pd.DataFrame, senders: Iterable[SenderRow]) -> pd.DataFrame:
    known = pd.DataFrame(
        [(row.case_id, row.case, row.patient, row.photograph) for row in senders],
        columns=["case_id", *NUMBER_COLUMNS],
    )
    each = known.groupby("case_id").agg(_once_each)
    return table.join(each, on="case_id").fillna("")


def _once_each(values: pd.Series) -> str:
    return ", ".join(dict.fromkeys(map(str, values)))


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False).map(as_written)


def _write(output: Path, site: str, rows: pd.DataFrame) -> Path:
    path = output / f"retakes-{re.sub(r'[^A-Za-z0-9-]+', '-', site)}.csv"
    write_text(path, csv_text(rows))
    path.chmod(0o600)
    return path
