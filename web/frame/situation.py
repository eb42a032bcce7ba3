"""What every page says at its top: how new the data are, and what is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from dermai.audit import AuditLog
from dermai.promotion.acknowledgement import open_incidents
from dermai.promotion.alarms import open_alarms
from dermai.workspace import Workspace
from web.frame.service import Service


@dataclass(frozen=True)
class Situation:
    """Of the whole service; no case is named. `newest` is the day of the last referral that was sorted."""

    newest: date | None
    alarms: int
    incidents: int

    def old_days(self, limit: int) -> int:
        """How many days the newest data are behind, where that is more than the limit; else 0."""
        days = (datetime.now(UTC).date() - self.newest).days if self.newest else 0
        return days if days > limit else 0


def situation_of(service: Service) -> Situation:
    """As it is now; the records are read only when they have grown."""
    try:
        found = service.workspace.audit_log.stat()
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
    except OSError:
        state = (0, 0, 0)
    alarms, incidents = _open(service.workspace.audit_log, state)
    return Situation(newest_referrals(service.workspace), alarms, incidents)


@lru_cache(maxsize=8)
def _open(audit_log: Path, state: tuple[int, int, int]) -> tuple[int, int]:
    audit = AuditLog(audit_log)
    return len(open_alarms(audit)), len(open_incidents(audit))


def newest_referrals(workspace: Workspace) -> date | None:
    """The newest day in the prediction log, by the names of its folders."""
    days = []
    for folder in (workspace.prediction_log / "predictions").glob("*/day=*"):
        try:
            days.append(date.fromisoformat(folder.name.removeprefix("day=")))
        except ValueError:
            continue
    return max(days, default=None)
