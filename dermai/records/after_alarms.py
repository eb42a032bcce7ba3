"""What alarms still ask for: alerts that did not arrive, follow-ups that were not done; of all model versions.

The alarms themselves stand in the audit log. What has been done about each is kept beside the monitoring's histories,
so an alarm that was recorded by a run which died is owed everything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from dermai.audit import AuditLog
from dermai.errors import DermaiError
from dermai.files import write_text
from dermai.language.messages import plural_message
from dermai.records.incidents import DriftAlarm, SensitivityAlarm
from dermai.records.log import records_of
from dermai.workspace import Workspace


class AfterAlarm(BaseModel):
    """What an alarm asks for; `delivered` are the receivers that have taken the alert."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alert: bool = True
    follow_up: bool = True
    delivered: tuple[str, ...] = ()


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    alarms: dict[str, AfterAlarm]


@dataclass(frozen=True)
class AfterAlarms:
    """All alarms, oldest first, and what is owed of each."""

    workspace: Workspace
    alarms: Mapping[str, DriftAlarm]
    states: Mapping[str, AfterAlarm]

    @classmethod
    def read(cls, workspace: Workspace) -> AfterAlarms:
        """As it stands; without the file the alarms are those of an earlier release, or there are none.

        Raises:
            DermaiError: the file is damaged.
        """
        alarms = {record.body.window: record.body for record in records_of(AuditLog(workspace.audit_log), DriftAlarm)}
        path = _file(workspace)
        if not path.exists():
            return cls(workspace, alarms, _of_earlier_releases(workspace, alarms))
        try:
            kept = _Kept.model_validate_json(path.read_bytes()).alarms
        except ValidationError as error:
            raise DermaiError(
                f"{path} cannot be read ({error.errors()[0]['msg']}): restore it from a backup, or delete it and see "
                "to the alerts and follow-ups of the last alarms by hand"
            ) from None
        return cls(workspace, alarms, kept)

    def of(self, alarm: str) -> AfterAlarm:
        """What one alarm asks for."""
        return self.states.get(alarm, AfterAlarm())

    @property
    def alerts(self) -> dict[str, DriftAlarm]:
        """Alarms whose alert has not reached everybody."""
        return {name: alarm for name, alarm in self.alarms.items() if self.of(name).alert}

    @property
    def follow_ups(self) -> dict[str, DriftAlarm]:
        """Alarms whose follow-up has not been done."""
        return {name: alarm for name, alarm in self.alarms.items() if self.of(name).follow_up}

    def with_states(self, states: Mapping[str, AfterAlarm]) -> AfterAlarms:
        """The same with other states of some alarms, which are written at once: all of them or none."""
        changed = AfterAlarms(self.workspace, self.alarms, {**self.states, **states})
        changed.write()
        return changed

    def write(self) -> None:
        """Keep it; the next alarm is owed everything."""
        write_text(_file(self.workspace), _Kept(alarms=dict(self.states)).model_dump_json(indent=1) + "\n")


def owed_after_alarms(workspace: Workspace) -> tuple[str, ...]:
    """What is owed, in sentences, until `monitor_drift` has made up for it; empty where nothing is.

    Raises:
        DermaiError: the file is damaged.
    """
    found = AfterAlarms.read(workspace)
    alerts = plural_message(
        "%(number)s alert of drift alarms (model version %(versions)s) still owed",
        "%(number)s alerts of drift alarms (model version %(versions)s) still owed",
        len(found.alerts),
        versions=_versions(found.alerts),
    )
    follow_ups = plural_message(
        "%(number)s follow-up of drift alarms (model version %(versions)s) still owed",
        "%(number)s follow-ups of drift alarms (model version %(versions)s) still owed",
        len(found.follow_ups),
        versions=_versions(found.follow_ups),
    )
    return tuple(said for said, owed in ((alerts, found.alerts), (follow_ups, found.follow_ups)) if owed)


def _versions(owed: Mapping[str, DriftAlarm]) -> str:
    return ", ".join(dict.fromkeys(alarm.version for alarm in owed.values()))


def _file(workspace: Workspace) -> Path:
    return workspace.state / "monitoring" / "after_alarms.json"


def _of_earlier_releases(workspace: Workspace, alarms: Mapping[str, DriftAlarm]) -> dict[str, AfterAlarm]:
    """They kept in each model's history that an alert was owed, and alerted nobody of confirmed misses."""
    owed: set[str] = set()
    for path in sorted((workspace.state / "monitoring").glob("model_version=*.json")):
        try:
            windows = json.loads(path.read_bytes())["windows"]
            owed.update(f"{w['model_version']}/{w['last_image']}" for w in windows if not w.get("alerted", True))
        except (ValueError, TypeError, KeyError):
            continue  # the monitoring of that version says so
    sensitivity = [name for name, alarm in alarms.items() if isinstance(alarm, SensitivityAlarm)]
    owed.update(sensitivity[-1:])
    return {name: AfterAlarm(alert=name in owed, follow_up=False) for name in alarms}
