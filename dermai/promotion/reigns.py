"""Which version was in production when, by the records: since when, until when, and on whose word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from pydantic import BaseModel, ConfigDict

from dermai.audit import AuditLog
from dermai.errors import InvalidParams
from dermai.language.messages import message
from dermai.promotion.history import champion_moves
from dermai.promotion.standing import champion_standing, provisional_terms
from dermai.records.log import Record, records_of
from dermai.records.moves import ChampionMove, Confirmation, FirstApproval, MoveName, Promotion, ProvisionalTerms


class Reign(BaseModel):
    """A version in production from one move of the champion to the next; `ended` is None for the one that is.

    It begins when the registry's alias had been moved, which a run that died may have left to the next command.
    `provisional` are the terms that held at its beginning.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    sha256: str  # of the package
    began: datetime
    ended: datetime | None
    move: MoveName
    record: int
    approver: str
    role: str
    reason: str
    account: str = ""  # of whoever had signed in
    first_approver: str = ""  # where the policy asked for two persons
    provisional: ProvisionalTerms | None = None


def reigns(audit: AuditLog) -> list[Reign]:
    """All of them, oldest first; a provisional champion that is renewed or becomes regular begins another.

    It reads the log and does not verify it.
    """
    carried_out = {record.body.of: record.time for record in records_of(audit, Confirmation) if not record.body.void}
    moves, approvals = champion_moves(audit), records_of(audit, FirstApproval)
    began = [datetime.fromisoformat(carried_out.get(move.sequence, move.time)) for move in moves]
    ended = [*began[1:], None][: len(moves)]
    return [
        Reign(
            version=move.body.version,
            sha256=move.body.sha256,
            began=since,
            ended=until,
            move=move.body.event,
            record=move.sequence,
            approver=move.body.approver,
            role=move.body.role,
            reason=move.body.reason,
            account=move.body.account,
            first_approver=_first_approver(approvals, move),
            provisional=provisional_terms(moves[: place + 1]),
        )
        for place, (move, since, until) in enumerate(zip(moves, began, ended, strict=True))
    ]


def _first_approver(approvals: Sequence[Record[FirstApproval]], move: Record[ChampionMove]) -> str:
    """Who approved a promotion before the one who made it; empty where nobody did."""
    if not isinstance(move.body, Promotion):
        return ""
    before = (approval.body for approval in reversed(approvals) if approval.sequence < move.sequence)
    rests_on = move.body.version, move.body.decision, move.body.provisional is not None
    found = next((a for a in before if (a.version, a.decision, a.provisional) == rests_on), None)
    return f"{found.approver} ({found.role})" if found else ""


def production_on(audit: AuditLog, moment: datetime) -> Reign | None:
    """The version that was in production at a moment (with a time zone); None before the first champion."""
    return next((reign for reign in reversed(reigns(audit)) if reign.began <= moment), None)


def withheld_on(audit: AuditLog, reign: Reign, moment: datetime) -> str:
    """Why no answer of the version in production was shown at a moment; empty where its answers were."""
    standing = champion_standing(audit, moment)
    if standing is None or standing.version != reign.version:
        return ""
    return standing.withheld(moment.astimezone(UTC).date())


def moment_of(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """The moment that a day or a time means, where it names no time zone in `zone`, which is the machine's if None.

    A day means its end, today and nothing mean now.

    Raises:
        InvalidParams: it is no day or time, or has not come yet.
    """
    if not text:
        return now
    try:
        day = date.fromisoformat(text) if len(text) <= len("2026-03-01") else None
        moment = datetime.fromisoformat(text) if day is None else datetime.combine(day + timedelta(days=1), time())
    except (ValueError, OverflowError):
        raise InvalidParams(
            message(
                "%(text)s is no date: give a day such as 2026-03-01, or a time such as 2026-03-01T14:30+01:00",
                text=repr(text),
            )
        ) from None
    moment = moment.astimezone() if zone is None or moment.tzinfo else moment.replace(tzinfo=zone)
    if day is not None:
        moment -= timedelta(microseconds=1)
        if day == now.astimezone(zone).date():
            return now
    if moment > now:
        raise InvalidParams(message("%(text)s has not come yet: check it, and the clock", text=text))
    return moment
