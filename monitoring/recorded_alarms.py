"""Alarms in the audit log: each once, whichever run died before it could say that it had written it."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.records.incidents import DriftAlarm, SensitivityAlarm, WindowAlarm
from dermai.records.log import records_of
from dermai.workspace import Workspace
from monitoring.history import ConfirmedRecord, History, WindowRecord, write_history


def record_window_alarms(workspace: Workspace, history: History) -> tuple[History, int]:
    """Write down the alarms of windows that call to act, unless a run that died has done so; how many are new."""
    owed = [window for window in history.windows if not window.recorded]
    if not owed:
        return history, 0
    kept = set(WindowAlarm.model_fields) & set(WindowRecord.model_fields)
    new = sum(
        _record_once(
            workspace,
            f"{window.model_version}/{window.last_image}",  # what an earlier release that died may have called it
            WindowAlarm(
                window=alarm_window(window),
                version=window.model_version,
                **window.model_dump(include=kept),
            ),
        )
        for window in owed
    )
    windows = tuple(window.model_copy(update={"recorded": True}) for window in history.windows)
    history = history.model_copy(update={"windows": windows})
    write_history(workspace, history)
    return history, new


def record_sensitivity_alarm(workspace: Workspace, version: str, confirmed: ConfirmedRecord, run: str) -> int:
    """Once for each state of the confirmed cases."""
    found = ", ".join(f"{one.lesion_class} {one.hits}/{one.cases}" for one in confirmed.classes)
    name = f"{version}/confirmed {found}"
    return _record_once(
        workspace,
        name,
        SensitivityAlarm(
            window=name,
            version=version,
            run=run,
            at=confirmed.at,
            lesions=confirmed.lesions,
            verdict="act",
            classes=confirmed.classes,
        ),
    )


def alarm_window(window: WindowRecord) -> str:
    """By what an alarm names its window: no photograph, since nothing is ever erased from the audit log."""
    return f"{window.model_version}/window {window.number} to {window.last:%Y-%m-%dT%H:%M:%S}"


def _record_once(workspace: Workspace, earlier_name: str, alarm: DriftAlarm) -> int:
    log = AuditLog(workspace.audit_log)
    if any(record.body.window in (alarm.window, earlier_name) for record in records_of(log, DriftAlarm)):
        return 0
    log.append(alarm)
    return 1
