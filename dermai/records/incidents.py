"""What happened that nobody decided: failures, alarms and how they were settled, a restored backup."""

from __future__ import annotations

from datetime import datetime
from operator import not_
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dermai.audit.beginning import LostLog
from dermai.audit.event import Decided, Event
from dermai.registry.champion import ModelReference
from dermai.workspace import CodeVersion


class Failure(Event):
    """An update stopped in a step; `error` is the exception's type. The champion is as it was."""

    event: Literal["failure"] = "failure"
    attempt: str = ""
    step: str = ""
    error: str = ""
    why: str
    code: CodeVersion


class DriftAlarm(Event):
    """The patients or photographs of a version are no longer those it knows. `window` says which were looked at."""

    event: Literal["drift_alarm"] = "drift_alarm"
    window: str
    version: str


class WindowAlarm(DriftAlarm):
    """A window of consecutive photographs calls to act."""

    number: int
    run: str
    first: datetime
    last: datetime
    photographs: int
    patients: int
    verdict: Literal["act"]
    changes: tuple[str, ...]
    causes: tuple[str, ...]
    p_values: dict[str, float]
    act_level: float
    distance: float | None
    report: str


class SensitivityRecord(BaseModel):
    """Confirmed cases of a class, the model's hits among them, and the exact interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lesion_class: str
    hits: int
    cases: int
    low: float | None
    high: float | None
    p_value: float
    floor: float | None

    @property
    def value(self) -> float | None:
        return self.hits / self.cases if self.cases else None


class SensitivityAlarm(DriftAlarm):
    """The confirmed cases of a version call to act: it finds fewer than the policy's floor asks."""

    run: str
    causes: tuple[str, ...] = ("sensitivity",)
    at: datetime
    lesions: int
    verdict: Literal["act"]
    classes: tuple[SensitivityRecord, ...]


class AlarmsSettled(Decided):
    """A person looked into drift alarms and says what they came from; `alarms` are the numbers of their records."""

    event: Literal["alarms_settled"] = "alarms_settled"
    version: str
    alarms: tuple[int, ...]


class MissedCancer(Event):
    """A confirmed cancer of a gated class was sorted as normal. `incident` names its file and page.

    The file, with the case by its pseudonym, lies in `state/incidents/`; no patient is in the log.
    """

    event: Literal["missed_cancer"] = "missed_cancer"
    incident: str
    version: str
    lesion_class: str
    confirmed_by: str
    second_reading: bool  # found since it was drawn to be read all the same
    similar: int  # open cases like it that were sorted as normal
    file_sha256: str


class IncidentAcknowledged(Decided):
    """A person has seen an incident and says what was done about it."""

    event: Literal["incident_acknowledged"] = "incident_acknowledged"
    incident: str
    version: str


class ScheduledRun(Event):
    """A task of the schedule ran (`dermai run-scheduled`); it succeeded where `exit_code` is 0."""

    event: Literal["scheduled_run"] = "scheduled_run"
    task: str
    started: datetime
    seconds: float
    exit_code: int


class Restore(Event):
    """A backup was put back; `records_lost` newer records were given up.

    `replaces` are logs that lay here before: their records are among those lost, unless they were of accounts alone.
    """

    event: Literal["restore"] = "restore"
    taken: str
    records: int
    records_lost: int
    manifest_sha256: str
    champion: ModelReference | None
    replaces: tuple[LostLog, ...] = Field((), exclude_if=not_)
