"""A confirmed cancer of a gated class that was sorted as normal is an incident: signed, with a page, at once.

The page and its file name the case by its pseudonym and stay on the machine; the signed record holds their hash, and no
patient. A diagnosis that is a reading alone raises none: histology or another confirmation does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.data.cases import photograph_path
from dermai.files import sha256_bytes, sha256_file, write_text
from dermai.gate.reference_standard import READING
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.similar_cases import embeddings_of, similar_normal_cases
from dermai.prediction_log.sortings import counting_sortings, read_sortings
from dermai.promotion.acknowledgement import page_of
from dermai.records.incidents import MissedCancer
from dermai.records.log import records_of
from dermai.registry.versions import CHAMPION
from dermai.report.pages import render_page
from dermai.report.thumbnails import thumbnail
from dermai.taxonomy import RiskLevel
from dermai.triage.scoring import triage_folder
from dermai.workspace import Workspace

MOST_SIMILAR = 10
STEPS = (
    "See that a dermatologist has the case, and that the patient is called.",
    "Keep the evidence before anything is changed: `dermai backup FOLDER`.",
    "Look at the open cases below that were sorted as normal and look like this one: have them read today.",
    "One miss, or many? `dermai confirm` what has come back, then `zenml pipeline run monitor_drift`: the start page "
    "has the sensitivity with its interval.",
    "Decide with a clinician: go on, `dermai rollback`, take a site out of the sorting, or stop triage "
    '(docs/operations.md, "Incident").',
    "Report it as your quality system and the law ask; `dermai audit export` writes what is needed.",
    "Say who has seen it and what was done: `dermai acknowledge`.",
)


class IncidentPart(BaseModel):
    """A part of an incident's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Similar(IncidentPart):
    """An open case that was sorted as normal; the cosine distance of its nearest photograph."""

    case_id: str
    image: str
    distance: float


class Incident(IncidentPart):
    """What is kept of a missed cancer."""

    incident: str
    raised_at: datetime
    case_id: str
    lesion_id: str
    images: tuple[str, ...]
    site: str
    triaged_at: datetime
    version: str
    predicted: str
    probabilities: dict[str, float]  # of the photograph on which the class was most probable
    lesion_class: str
    confirmed_by: str
    recorded_at: datetime
    second_reading: bool
    probability: float | None  # with which it was drawn to be read; None where that was not recorded
    similar: tuple[Similar, ...]
    steps: tuple[str, ...] = STEPS


def incidents_folder(workspace: Workspace) -> Path:
    """Where the files lie."""
    return workspace.state / "incidents"


def raise_incidents(workspace: Workspace, params: Params) -> list[Incident]:
    """Write down every confirmed cancer of a gated class that was sorted as normal and is no incident yet.

    Each is written as a file and a page, then recorded. A run that dies before the record writes them again.

    Raises:
        AuditLogDamaged: the audit log takes no record.
    """
    log, audit = PredictionLog.of(workspace), AuditLog(workspace.audit_log)
    known = read_confirmations(log)[0]
    gated = known[known["diagnosis"].isin(params.gate.gated_classes) & (known["confirmed_by"] != READING)]
    if gated.empty:
        return []
    before = {record.body.incident for record in records_of(audit, MissedCancer)}
    gated = gated.assign(incident=[_name(*row) for row in gated[["case_id", "lesion_id", "diagnosis"]].to_numpy()])
    gated = gated[~gated["incident"].isin(before)]
    if gated.empty:
        return []
    answers = _normal_answers(log, set(gated["case_id"]))
    raised = []
    for _, row in gated.iterrows():
        rows = answers[(answers["case_id"] == row["case_id"]) & (answers["lesion_id"] == row["lesion_id"])]
        if rows.empty:
            continue
        incident = _incident(log, row, rows, set(known["case_id"]))
        file = incidents_folder(workspace) / f"{incident.incident}.json"
        write_text(file, incident.model_dump_json(indent=1) + "\n")
        _write_page(workspace, incident)
        audit.append(
            MissedCancer(
                incident=incident.incident, version=incident.version, lesion_class=incident.lesion_class,
                confirmed_by=incident.confirmed_by, second_reading=incident.second_reading,
                similar=len(incident.similar), file_sha256=sha256_file(file),
            )
        )  # fmt: skip
        raised.append(incident)
    return raised


def _name(case: str, lesion: str, diagnosis: str) -> str:
    return sha256_bytes(f"{case}/{lesion}/{diagnosis}".encode())[:10]


def _normal_answers(log: PredictionLog, cases: set[str]) -> pd.DataFrame:
    """Rows of the champions of their time about those of these cases that they sorted as normal, oldest first.

    As the worklist sorted them; of cases from before that was recorded, by the model's own risk.
    """
    sortings = counting_sortings(read_sortings(log)[0]).set_index(["case_id", "model_version"])
    found = []
    for version in log.model_versions():
        rows = log.read(version, only=("case_id", cases)).table
        rows = rows[rows["case_id"].isin(cases) & (rows["role"] == CHAMPION)]
        if rows.empty:
            continue
        own = (rows["risk"] == RiskLevel.NORMAL).groupby(rows["case_id"]).all()
        pairs = pd.MultiIndex.from_product([own.index, [version]])
        sorted_as = sortings.reindex(pairs)[["risk", "drawn", "probability"]].droplevel(1)
        normal = (sorted_as["risk"] == RiskLevel.NORMAL).where(sorted_as["risk"].notna(), own)
        rows = rows.join(sorted_as[["drawn", "probability"]], on="case_id").assign(model_version=version)
        found.append(rows[rows["case_id"].map(normal).to_numpy(dtype=bool)])
    if not found:
        return pd.DataFrame(columns=["case_id", "lesion_id"])
    return pd.concat(found).sort_values("predicted_at", kind="stable")


def _incident(log: PredictionLog, row: pd.Series, rows: pd.DataFrame, confirmed: set[str]) -> Incident:
    version, code = str(rows["model_version"].iloc[0]), str(row["diagnosis"])
    rows = rows[rows["model_version"] == version]
    columns = [name for name in map(str, rows.columns) if name.startswith("p_") and rows[name].notna().any()]
    places = rows.sort_values(f"p_{code}", ascending=False, kind="stable") if f"p_{code}" in columns else rows
    most = places.iloc[0]
    images = tuple(dict.fromkeys(rows["image"]))
    like = embeddings_of(log, version, images)
    similar = similar_normal_cases(log, version, like, confirmed | {str(row["case_id"])}, MOST_SIMILAR)
    return Incident(
        incident=str(row["incident"]),
        raised_at=datetime.now(UTC),
        case_id=str(row["case_id"]),
        lesion_id=str(row["lesion_id"]),
        images=images,
        site=str(most["site"]),
        triaged_at=most["predicted_at"],
        version=version,
        predicted=str(most["predicted"]),
        probabilities={name.removeprefix("p_"): round(float(most[name]), 4) for name in columns},
        lesion_class=code,
        confirmed_by=str(row["confirmed_by"] or ""),
        recorded_at=row["recorded_at"],
        second_reading=bool(most["drawn"] is True or most["drawn"] == 1),
        probability=float(most["probability"]) if pd.notna(most["probability"]) else None,
        similar=tuple(Similar(case_id=s.case_id, image=s.image, distance=round(s.distance, 4)) for s in similar),
    )


def _write_page(workspace: Workspace, incident: Incident) -> None:
    folder = triage_folder(workspace)
    shown = dict.fromkeys([*incident.images[:4], *(case.image for case in incident.similar)])
    pictures = {
        image: thumbnail(photograph_path(folder, image)) for image in shown if photograph_path(folder, image).is_file()
    }
    probabilities = sorted(incident.probabilities.items(), key=lambda pair: -pair[1])
    page = render_page(
        "incident.html",
        incident=incident,
        probabilities=probabilities,
        pictures=pictures,
        simulated=incident.site.startswith("simulated"),
    )
    write_text(workspace.reports.parent / page_of(incident.incident), page)
