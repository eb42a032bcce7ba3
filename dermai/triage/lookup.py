"""From a pseudonym to the sender's own number and back, for whoever holds the pseudonym key.

Nothing is stored for it: the numbers of the sender's folders are hidden again with the key until one matches.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from dermai.data.cases import read_cases
from dermai.data.identifiers import canonical_identifier
from dermai.data.pseudonyms import Pseudonyms
from dermai.data.sender_numbers import SOURCE, SenderNumbers
from dermai.data.tables import read_text_table
from dermai.errors import DermaiError
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import Kind, read_retakes
from dermai.promotion.history import recorded_packages
from dermai.taxonomy import load_taxonomy
from dermai.triage.second_reading import unread_without_answer
from dermai.workspace import Workspace

PSEUDONYM = re.compile(r"[cpl][0-9a-f]{20}")
NUMBER_COLUMNS = ("case_id", "patient_id", "lesion_id")


@dataclass(frozen=True)
class SenderRow:
    """A row of a sender's table: its numbers, and the pseudonyms in their place."""

    table: str
    line: int
    case: str
    patient: str
    lesion: str
    site: str
    photograph: str
    case_id: str
    patient_id: str
    lesion_id: str

    @property
    def pseudonyms(self) -> tuple[str, str, str]:
        return self.case_id, self.patient_id, self.lesion_id

    @property
    def numbers(self) -> tuple[str, str, str]:
        return self.case, self.patient, self.lesion


@dataclass(frozen=True)
class Found:
    """Who is meant, and where the cases are; `places` are sentences."""

    rows: tuple[SenderRow, ...]
    pseudonyms: tuple[str, ...]
    places: tuple[str, ...]

    def as_record(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return asdict(self)


def sender_rows(folders: Sequence[Path], pseudonyms: Pseudonyms, log: PredictionLog) -> Iterator[SenderRow]:
    """The rows of `cases.csv` in these folders that name a case and a patient, under the pseudonyms of the log."""
    numbers = SenderNumbers(pseudonyms, known=cache(log.pseudonyms))
    for folder in folders:
        path = folder if folder.is_file() else folder / "cases.csv"
        table = read_text_table(path, ("case_id", "patient_id")).map(str.strip)
        for place, row in table.iterrows():
            case, patient = row["case_id"], row["patient_id"]
            if not (case and patient):
                continue
            lesion = row.get("lesion_id", "") or case
            yield SenderRow(
                str(path), int(str(place)) + 2, case, patient, lesion, row.get("site", ""), row.get("image", ""),
                numbers.case(case), numbers.patient(patient), numbers.lesion(patient, lesion),
            )  # fmt: skip


def triaged_folders(workspace: Workspace) -> list[Path]:
    """Folders that earlier triages read and that are still there, newest first."""
    found: dict[Path, None] = {}
    for file in sorted((workspace.reports / "triage_cases").glob("*/triage.json"), reverse=True):
        if file.parent.is_symlink():
            continue
        folder = json.loads(file.read_text(encoding="utf-8")).get("folder")
        if folder and (workspace.root / folder / "cases.csv").is_file():
            found[workspace.root / folder] = None
    return list(found)


def find(
    workspace: Workspace, pseudonyms: Pseudonyms, name: str, folders: Sequence[Path] = (), hidden_share: float = 0.0
) -> Found:
    """Everything about a case, patient or lesion, named by its pseudonym or by the sender's number.

    `hidden_share` of the *priority* cases are read without the model's answer (`TriageParams.hidden`).

    The sender's tables are those of `folders`, else of the folders that were triaged.

    Raises:
        InvalidCases: a folder holds no case table.
        DermaiError: nothing is known under that name.
    """
    name = name.strip()
    hidden = PSEUDONYM.fullmatch(name) is not None
    searched = list(folders) or triaged_folders(workspace)
    form = canonical_identifier(name)
    rows = tuple(
        row
        for row in sender_rows(searched, pseudonyms, PredictionLog(workspace.prediction_log))
        if (name in row.pseudonyms if hidden else form in map(canonical_identifier, row.numbers))
    )
    if hidden:
        wanted = {name}
    else:
        sources = (SOURCE, *load_taxonomy().sources)
        wanted = {made for s in sources for made in (pseudonyms.case(s, name), pseudonyms.patient(s, name))}
        wanted |= {pseudonym for row in rows for number, pseudonym in zip(row.numbers, row.pseudonyms, strict=True)
                   if canonical_identifier(number) == form}  # fmt: skip
    places, known = _places(workspace, wanted, pseudonyms, hidden_share)
    if not rows and not places:
        where = ", ".join(map(str, searched)) or "no sender's folder"
        raise DermaiError(f"{name} is not known here (searched the workspace and {where}): name the folder with --in")
    if not hidden:
        known |= {pseudonym for row in rows for pseudonym in row.pseudonyms if pseudonym in wanted}
    return Found(rows, tuple(sorted(known or wanted)), tuple(places))


def _places(
    workspace: Workspace, wanted: set[str], pseudonyms: Pseudonyms, hidden_share: float
) -> tuple[list[str], set[str]]:
    """Where in the workspace something with one of these pseudonyms is, and which of them occur."""
    log = PredictionLog(workspace.prediction_log)
    places: dict[str, None] = {}
    known: set[str] = set()
    triaged = log.referred(case_id=wanted, patient_id=wanted, lesion_id=wanted)
    cases = wanted | set(triaged["case_id"])
    confirmed = read_confirmations(log)[0]
    unread = unread_without_answer(log, confirmed, triaged, pseudonyms, hidden_share)
    packages = recorded_packages(log.audit)
    for row in _records(triaged):
        known |= wanted & {row["case_id"], row["patient_id"], row["lesion_id"]}
        if row["case_id"] in unread:
            said = f"triaged on {row['predicted_at']:%Y-%m-%d}, to be read without the answer, which is shown after it"
            places[f"{row['case_id']}: {said}, {_at(row)}"] = None
            continue
        by = (
            f"by model version {row['model_version']}{_package(packages, row)}, which calls {row['predicted']}"
            if row["predicted"]
            else "unjudged"
        )
        said = f"triaged on {row['predicted_at']:%Y-%m-%d} {by} ({row['risk']})"
        places[f"{row['case_id']}: {said}, {_at(row)}"] = None
    for file in sorted((workspace.reports / "triage_cases").glob("*/worklist.csv")):
        if not file.parent.is_symlink():
            listed = pd.read_csv(file, dtype=str, keep_default_na=False)
            for row in _records(listed[listed["case_id"].isin(cases)]):
                said = f"number {row['position']} on the worklist of {file.parent.name}"
                answer = (
                    f": {row['model_answer']}, {row['reason']}"
                    if row.get("reason") and row["case_id"] not in unread
                    else ""
                )
                places[f"{row['case_id']}: {said}{answer}"] = None
    kinds: tuple[tuple[Kind, str], ...] = (("retakes", "to photograph again"), ("set_aside", "set aside"))
    for kind, said in kinds:
        asked = read_retakes(log, kind)[0]
        for row in _records(asked[asked["case_id"].isin(cases)]):
            known |= wanted & {row["case_id"]}
            places[f"{row['case_id']}: {said} since {row['asked_at']:%Y-%m-%d}, {_at(row)}: {row['reason']}"] = None
    for row in _records(confirmed[confirmed["case_id"].isin(cases)]):
        said = f"{row['diagnosis']} by {row['confirmed_by'] or 'nobody named'}, recorded {row['recorded_at']:%Y-%m-%d}"
        places[f"{row['case_id']}: confirmed as {said}"] = None
    if workspace.cases_file.is_file():
        data = read_cases(workspace.cases_file)
        for row in _records(data[data[list(NUMBER_COLUMNS)].isin(wanted).any(axis=1)]):
            known |= wanted & {row["case_id"], row["patient_id"], row["lesion_id"]}
            said = f"{row['source']}, batch {row['batch']}, {row['split']}, {row['diagnosis'] or 'no class'}"
            places[f"{row['case_id']}: in data/, {said}"] = None
    return list(places), known


def _records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return table.to_dict("records")


def _package(packages: Mapping[str, str], row: dict[Hashable, Any]) -> str:
    """Which package answered, as the signed records name it; empty where they name none."""
    known = packages.get(row["model_version"], "")
    return f" (package {known[:12]})" if known else ""


def _at(row: dict[Hashable, Any]) -> str:
    return f"site {row['site'] or 'unknown'}"
