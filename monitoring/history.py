"""What every window showed, kept for the dashboard and so that no window is judged twice: one JSON file a model."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from dermai.errors import DermaiError
from dermai.files import write_text
from dermai.records.incidents import SensitivityRecord
from dermai.workspace import Workspace
from monitoring.assessment import Assessment, DriftVerdict
from monitoring.judged_rows import JudgedRows
from monitoring.statistics.confirmed_sensitivity import ConfirmedSensitivity

SEVERITY: tuple[DriftVerdict, ...] = ("too_few", "stable", "watch", "act")


class HistoryPart(BaseModel):
    """A part of a record: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SensitivityEstimate(HistoryPart):
    """The sensitivity that is estimated without diagnoses, or why there is no estimate."""

    lesion_class: str
    value: float | None
    low: float | None
    high: float | None
    unknown: str


class Prevalence(HistoryPart):
    """A class's share among the patients of the window, estimated from scores."""

    lesion_class: str
    reference: float
    window: float
    low: float
    high: float


class GroupRecord(HistoryPart):
    """One site or device."""

    kind: Literal["site", "device"]
    name: str
    photographs: int
    share: float
    reference_share: float
    share_of_newest: float


class WindowRecord(HistoryPart):
    """One judged window."""

    model_version: str
    number: int
    run: str
    first: datetime
    last: datetime
    last_image: str
    photographs: int
    patients: int
    verdict: DriftVerdict
    headline: str
    changes: tuple[str, ...]
    causes: tuple[str, ...]
    advice: tuple[str, ...]
    p_values: dict[str, float]
    act_level: float
    distance: float | None
    ages: float | None  # median
    retakes: float | None  # share of what arrived
    prevalence: tuple[Prevalence, ...]
    prevalence_unknown: str
    estimated: tuple[SensitivityEstimate, ...]
    confirmed: tuple[SensitivityRecord, ...]
    groups: tuple[GroupRecord, ...]
    newest: tuple[str, ...]
    skipped_before: bool = False  # older photographs were waiting, see monitoring.most_windows
    behind: bool = False  # judged after a window that was written later
    report: str = ""  # of Evidently: /projects/<project>/reports/<snapshot>
    drifted_columns: float | None = None  # Evidently's share
    recorded: bool = True  # false until the alarm of a call to act is in the audit log
    alerted: bool = True  # read only: an earlier release kept here that an alert was owed


class UnbiasedSensitivity(HistoryPart):
    """A class's sensitivity with the second readings weighted, and the naive one of the same cases beside it."""

    lesion_class: str
    found: int
    missed: int  # though read anyway
    drawn: int  # found by second readings
    value: float | None
    low: float
    high: float
    naive_hits: int
    naive_cases: int
    naive_low: float
    naive_high: float


class SecondReadings(HistoryPart):
    """Cases that were sorted as normal and whose follow-up is over, and what those show that were drawn and read."""

    follow_up_days: int
    normal: int
    asked: int  # drawn, one case a patient
    read_again: int  # of these, with a diagnosis that counts
    cancers: int
    at_most: float | None  # one-sided exact bound of the share of cancers
    at_most_if_unknown_were: float | None  # the same if each drawn case without a diagnosis were a cancer
    waiting: int  # drawn, their follow-up is not over
    confidence: float
    classes: tuple[UnbiasedSensitivity, ...]


class ConfirmedRecord(HistoryPart):
    """The true sensitivity among everything confirmed of this model so far."""

    at: datetime
    lesions: int
    verdict: DriftVerdict
    classes: tuple[SensitivityRecord, ...]
    groups: dict[str, tuple[SensitivityRecord, ...]]  # "site A": its classes
    second_readings: SecondReadings | None = None


class History(HistoryPart):
    """All windows of one model, in the order in which they were judged."""

    model_version: str
    reference_photographs: int = 0
    reference_note: str = ""
    project: str = ""  # Evidently's
    waiting: int = 0  # photographs that are not judged yet
    confirmed: ConfirmedRecord | None = None
    windows: tuple[WindowRecord, ...] = ()
    judged: JudgedRows | None = None  # None: before the first window, or written by an earlier release

    @property
    def last(self) -> WindowRecord | None:
        """The newest window."""
        newest = [window for window in self.windows if not window.behind] or self.windows
        return newest[-1] if newest else None


def history_file(workspace: Workspace, version: str) -> Path:
    """Where a model's history lies."""
    return workspace.state / "monitoring" / f"model_version={version}.json"


def read_history(workspace: Workspace, version: str) -> History:
    """A model's history; empty before its first window.

    Raises:
        DermaiError: the file is damaged.
    """
    path = history_file(workspace, version)
    if not path.exists():
        return History(model_version=version)
    try:
        return History.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]["msg"]
        raise DermaiError(
            f"{path} cannot be read ({first}): restore it from a backup, or delete it to judge again"
        ) from None


def write_history(workspace: Workspace, history: History) -> None:
    """Replace a model's history at once."""
    write_text(history_file(workspace, history.model_version), history.model_dump_json(indent=1) + "\n")


def sensitivity_record(found: ConfirmedSensitivity) -> SensitivityRecord:
    """As it is kept."""
    return SensitivityRecord(
        lesion_class=found.lesion_class,
        hits=found.hits,
        cases=found.cases,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        floor=found.floor,
    )


def assessment_fields(assessment: Assessment) -> dict[str, object]:
    """The fields of a `WindowRecord` that an assessment gives."""
    shift = assessment.label_shift
    shares: tuple[Prevalence, ...] = ()
    if shift is not None and not shift.refused:
        rows = zip(shift.classes, shift.reference, shift.window, shift.low, shift.high, strict=True)
        shares = tuple(
            Prevalence(lesion_class=name, reference=before, window=now, low=low, high=high)
            for name, before, now, low, high in rows
        )
    return {
        "photographs": assessment.photographs,
        "patients": assessment.patients,
        "verdict": assessment.verdict,
        "p_values": assessment.p_values,
        "act_level": assessment.act_level,
        "distance": assessment.distance,
        "ages": assessment.age.window if assessment.age else None,
        "prevalence": shares,
        "prevalence_unknown": shift.refused if shift is not None else "",
        "estimated": tuple(
            SensitivityEstimate(
                lesion_class=e.lesion_class, value=e.estimate, low=e.low, high=e.high, unknown=e.unknown
            )
            for e in assessment.estimated
        ),
        "confirmed": tuple(sensitivity_record(found) for found in assessment.confirmed),
        "groups": tuple(
            GroupRecord(
                kind="site" if group.kind == "site" else "device",
                name=group.name,
                photographs=group.photographs,
                share=group.share,
                reference_share=group.reference_share,
                share_of_newest=group.share_of_newest,
            )
            for group in assessment.groups
        ),
        "newest": assessment.newest,
    }
