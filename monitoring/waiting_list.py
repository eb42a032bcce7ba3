"""Which cases wait longer than the service wants, and which diagnoses are overdue: for page and alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from dermai.config import Params
from dermai.files import write_text
from dermai.gate.reference_standard import counting
from dermai.language.messages import message, plural_message
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.waiting_cases import referred_cases
from dermai.taxonomy import RiskLevel
from dermai.workspace import Workspace


class WaitingLevel(BaseModel):
    """Cases of a level without any diagnosis; `overdue` wait longer than the target, which may be None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    risk: str
    waiting: int
    overdue: int
    target_days: int | None
    longest_days: int

    @property
    def name(self) -> str:
        """The level in words."""
        return {
            "high_priority": message("high-priority"),
            "priority": message("priority"),
            "normal": message("normal"),
        }.get(self.risk, self.risk.replace("_", "-"))


class WaitingList(BaseModel):
    """As it was at a moment. `unconfirmed` were to be read and have no diagnosis that counts after their follow-up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    levels: tuple[WaitingLevel, ...]
    followed: int  # cases that were to be read and whose follow-up time is over
    unconfirmed: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is overdue; empty where nothing is. No case is named."""
        said = [
            plural_message(
                "%(number)s %(level)s case without a diagnosis for more than %(target)s days "
                "(the longest: %(longest)s).",
                "%(number)s %(level)s cases without a diagnosis for more than %(target)s days "
                "(the longest: %(longest)s).",
                level.overdue,
                level=level.name,
                target=level.target_days,
                longest=level.longest_days,
            )
            for level in self.levels
            if level.overdue
        ]
        if self.unconfirmed:
            said.append(
                message(
                    "%(count)s of %(cases)s that were to be read have no diagnosis that counts, "
                    "though their follow-up is over.",
                    count=self.unconfirmed,
                    cases=plural_message("%(number)s case", "%(number)s cases", self.followed),
                )
            )
        return tuple(said)


def overdue_cases(cases: pd.DataFrame, params: Params, now: datetime) -> pd.DataFrame:
    """Those of `referred_cases` that wait longer than the target of their level, the longest first, with `days`."""
    waiting = cases[cases["waiting"]]
    days = (pd.Timestamp(now) - waiting["referred_at"]).dt.days
    targets = waiting["risk"].map({str(risk): days for risk, days in params.triage.waiting_days.items()}).fillna(0)
    return waiting.assign(days=days)[(targets > 0) & (days > targets)].reset_index(drop=True)


def waiting_list(log: PredictionLog, params: Params, now: datetime) -> WaitingList:
    """How it stands now.

    Raises:
        AuditLogDamaged: the audit log, which names each part with diagnoses, does not verify.
    """
    cases = referred_cases(log)
    waiting, late = cases[cases["waiting"]], overdue_cases(cases, params, now)
    levels = []
    for risk in RiskLevel:
        of_level = waiting[waiting["risk"] == risk]
        if of_level.empty:
            continue
        longest = int((pd.Timestamp(now) - of_level["referred_at"]).dt.days.max())
        overdue = int((late["risk"] == risk).sum())
        target = params.triage.waiting_days.get(risk.value) or None
        levels.append(WaitingLevel(risk=risk, waiting=len(of_level), overdue=overdue, target_days=target,
                                   longest_days=longest))  # fmt: skip
    over = cases["referred_at"] + timedelta(days=params.gate.shadow.follow_up_days) <= pd.Timestamp(now)
    to_read = cases[over & (cases["risk"] != RiskLevel.NORMAL)]
    known = read_confirmations(log)[0]
    counts = known[counting(params.gate, known["diagnosis"], known["confirmed_by"].fillna(""))]
    unconfirmed = ~to_read["case_id"].isin(set(counts["case_id"]))
    return WaitingList(at=now, levels=tuple(levels), followed=len(to_read), unconfirmed=int(unconfirmed.sum()))


def keep_waiting_list(workspace: Workspace, params: Params) -> WaitingList:
    """Work it out and keep it for the start page: on a year's log that takes seconds."""
    found = waiting_list(PredictionLog.of(workspace), params, datetime.now(UTC))
    write_text(workspace.state / "monitoring" / "waiting_list.json", found.model_dump_json(indent=1) + "\n")
    return found


def kept_waiting_list(workspace: Workspace) -> WaitingList | None:
    """As it was kept last; None where it never was, or the file is damaged: the next run makes it anew."""
    try:
        return WaitingList.model_validate_json((workspace.state / "monitoring" / "waiting_list.json").read_bytes())
    except (OSError, ValidationError):
        return None
