"""The schedule: when each task last ran, and which did not succeed in time.

A task is expected once it has run on the schedule for the first time, so that a workspace without timers hears nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dermai.audit import AuditLog
from dermai.config import ClockworkParams
from dermai.language.messages import message
from dermai.records.incidents import ScheduledRun
from dermai.records.log import records_of


@dataclass(frozen=True)
class Runs:
    """Of one task: when it first started, when it last did with success (None: never), and whether the last failed."""

    first: datetime
    succeeded: datetime | None
    failed_last: bool


def last_runs(audit: AuditLog) -> Mapping[str, Runs]:
    """The tasks that ever ran on the schedule."""
    found: dict[str, Runs] = {}
    for record in records_of(audit, ScheduledRun):
        run = record.body
        before = found.get(run.task, Runs(run.started, None, False))
        done = run.started if run.exit_code == 0 else before.succeeded
        found[run.task] = Runs(before.first, done, run.exit_code != 0)
    return found


def overdue_tasks(audit: AuditLog, params: ClockworkParams, now: datetime) -> tuple[str, ...]:
    """A sentence for each task that should have succeeded by now, with what to look at."""
    sentences = []
    for task, runs in last_runs(audit).items():
        hours = params.latest_hours.get(task, 0.0)  # type: ignore[call-overload]  # a task of another release
        since = runs.succeeded or runs.first
        if not hours or now - since <= timedelta(hours=hours):
            continue
        what = task.replace("_", " ")
        when, timer = f"{since:%Y-%m-%d %H:%M} UTC", f"systemctl status dermai-{task.replace('_', '-')}.timer"
        said = message("%(task)s never succeeded", task=what)
        if runs.succeeded:
            said = message("%(task)s has not succeeded since %(when)s", task=what, when=when)
        if runs.failed_last:
            said = message("%(said)s, its last run failed", said=said)
        sentences.append(message("%(said)s: %(command)s, or the workflow's runs", said=said, command=timer))
    return tuple(sentences)
