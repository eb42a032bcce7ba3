"""Notices: what has to be told each day until somebody has seen to it, to each receiver once a day.

Drift alarms are told once (`monitoring.owed_alerts`). A cancer that was sorted as normal is told at once, and again
each day until it is acknowledged. What was delivered stands in `state/monitoring/notices.json`; a damaged file is made
anew, so that a receiver hears twice rather than not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from dermai.audit import AuditLog
from dermai.config import ClockworkParams, MonitoringParams
from dermai.evaluation.words import count_words
from dermai.files import locked, write_text
from dermai.inbox.set_aside import WHAT_TO_DO, referrals_set_aside
from dermai.promotion.acknowledgement import in_words, open_incidents
from dermai.records.clockwork import overdue_tasks
from dermai.workspace import Workspace
from monitoring.alerts import AlertFailed, send_alerts
from monitoring.waiting_list import WaitingList


@dataclass(frozen=True)
class Notice:
    """`key` names what it is about: the same key is told once a day. No patient, case or photograph is named."""

    key: str
    subject: str
    sentences: tuple[str, ...]
    facts: Mapping[str, object] = field(default_factory=dict)


class _Delivered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    receivers: dict[str, tuple[str, ...]] = {}  # by the key of a notice


def incident_notices(workspace: Workspace) -> list[Notice]:
    """One for each cancer that was sorted as normal and that nobody has acknowledged."""
    return [
        Notice(
            f"incident/{incident.body.incident}",
            f"dermai: a confirmed {incident.body.lesion_class} was sorted as normal",
            (
                f"{in_words(incident)}.",
                f"{incident.body.similar} open cases look like it and were sorted as normal too: have them read."
                if incident.body.similar
                else "No open case that was sorted as normal is left beside it.",
                "The page of the incident, on the machine, says what to do: dermai status names it.",
            ),
            {
                "model_version": incident.body.version,
                "causes": ["missed cancer"],
                "incident": incident.body.incident,
            },
        )
        for incident in open_incidents(AuditLog(workspace.audit_log))
    ]


def clockwork_notices(workspace: Workspace, params: ClockworkParams) -> list[Notice]:
    """One for the tasks of the schedule that did not succeed in time."""
    late = overdue_tasks(AuditLog(workspace.audit_log), params, datetime.now(UTC))
    if not late:
        return []
    subject = f"dermai: {count_words(len(late), 'scheduled task')} did not run in time"
    return [Notice("clockwork", subject, late, {"causes": ["schedule"]})]


def inbox_notices(workspace: Workspace) -> list[Notice]:
    """One for the referrals that were acknowledged and cannot be filed; each lies aside with its reason."""
    found = referrals_set_aside(workspace)
    if not found:
        return []
    sites = ", ".join(sorted({one.site or "a practice that is not known" for one in found}))
    sentences = (
        f"Acknowledged and on no worklist: {count_words(len(found), 'referral')}, from {sites}.",
        f"In state/inbox/set_aside, on the machine, each lies with its reason: {WHAT_TO_DO}.",
    )
    subject = f"dermai: {count_words(len(found), 'referral')} could not be filed"
    return [Notice("inbox", subject, sentences, {"causes": ["inbox"], "referrals": len(found)})]


def waiting_notices(found: WaitingList) -> list[Notice]:
    """One for the cases and diagnoses that are overdue."""
    late = sum(level.overdue for level in found.levels)
    if not found.sentences:
        return []
    subject = f"dermai: {count_words(late, 'case')} overdue" if late else "dermai: diagnoses are overdue"
    listed = "The list, on the machine: dermai overdue."
    return [Notice("waiting", subject, (*found.sentences, listed), {"causes": ["waiting"], "overdue": late})]


def send_notices(workspace: Workspace, params: MonitoringParams, notices: Sequence[Notice]) -> list[str]:
    """Send each to the receivers that have not had it today; returns what went wrong."""
    if not notices:
        return []
    problems: dict[str, None] = {}
    file = workspace.state / "monitoring" / "notices.json"
    with locked(file.with_suffix(".lock")):
        for notice in notices:
            had = _read(file).receivers.get(notice.key, ())

            def taken(receiver: str, key: str = notice.key) -> None:
                kept = _read(file)
                receivers = {**kept.receivers, key: (*kept.receivers.get(key, ()), receiver)}
                changed = kept.model_copy(update={"receivers": receivers})
                write_text(file, changed.model_dump_json(indent=1) + "\n")

            try:
                send_alerts(params, notice.subject, notice.sentences, notice.facts, already=had, taken=taken)
            except AlertFailed as problem:
                problems[str(problem)] = None
    return list(problems)


def _read(file: Path) -> _Delivered:
    """What was delivered today; nothing of another day counts."""
    today = datetime.now(UTC).date()
    try:
        kept = _Delivered.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return _Delivered(day=today)
    return kept if kept.day == today else _Delivered(day=today)
