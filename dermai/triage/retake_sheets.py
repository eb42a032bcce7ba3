"""Sheets for the sites: which cases to photograph again, and which to clear up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from dermai.data.tables import as_written, csv_text
from dermai.errors import DermaiError
from dermai.files import write_text
from dermai.language.messages import message
from dermai.language.translation import in_language
from dermai.triage.lookup import SenderRow
from dermai.triage.reading_list import ReadingList
from dermai.triage.worklist import UNKNOWN_SITE
from dermai.workspace import Workspace

COLUMNS = ("case_id", "to_do", "reason")
NUMBER_COLUMNS = ("case_number", "patient_number", "photograph")


def write_retake_sheets(
    workspace: Workspace,
    run: Path,
    output: Path,
    site: str = "",
    senders: Iterable[SenderRow] | None = None,
    wishes: pd.DataFrame | None = None,
) -> list[Path]:
    """One CSV file a site of what the triage in `run` wants again or set aside, with the numbers from `senders`.

    `wishes` are what readers asked for in the browser and still wait for, whichever run the cases are of
    (`waiting_wishes`): `case_id`, `site`, `reason`.
    What is to be done and why is said in the language that is spoken.

    Raises:
        DermaiError: there is no such run or site, or a sheet with numbers would lie inside the repository.
    """
    asked = pd.DataFrame(columns=["case_id", "site", "reason"]) if wishes is None else wishes
    if asked.empty and not (run / "retakes.csv").is_file():
        raise DermaiError(f"{run} holds no retakes.csv: run `zenml pipeline run triage_cases` first, or name a run")
    if senders is not None and output.resolve().is_relative_to(workspace.root.resolve()):
        raise DermaiError(f"{output} lies inside the repository, and the sheets name patients: choose another --output")
    again, aside = (_read(run / f"{name}.csv") for name in ("retakes", "set_aside"))
    aside["reason"] = [
        message("line %(number)s of cases.csv: %(reason)s", number=line, reason=reason)
        for line, reason in zip(aside["line"], aside["reason"], strict=True)
    ]
    asked = asked.assign(reason=[message("a dermatologist asks: %(reason)s", reason=why) for why in asked["reason"]])
    again = pd.concat([again, asked], ignore_index=True).assign(to_do=message("photograph again"))
    table = pd.concat([again, aside.assign(to_do=message("clear up"))], ignore_index=True)
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


def waiting_wishes(listed: ReadingList) -> pd.DataFrame:
    """What readers asked for and did not get yet, with the practice of each case."""
    rows = [
        (case.case_id, "" if case.site == UNKNOWN_SITE else case.site, listed.asked[case.case_id].reason)
        for case in listed.cases
        if listed.states[case.case_id] == "photograph again"
    ]
    return pd.DataFrame(rows, columns=["case_id", "site", "reason"], dtype=str)


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame(columns=["case_id", "site", "reason", "line"], dtype=str)
    return pd.read_csv(path, dtype=str, keep_default_na=False).map(as_written)


def _write(output: Path, site: str, rows: pd.DataFrame) -> Path:
    path = output / f"retakes-{re.sub(r'[^A-Za-z0-9-]+', '-', site)}.csv"
    write_text(path, csv_text(rows.assign(**{name: rows[name].map(in_language) for name in ("to_do", "reason")})))
    path.chmod(0o600)
    return path
