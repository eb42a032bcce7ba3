"""Whether the champion is a regular one, or a provisional one whose time is limited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from dermai.audit import AuditLog, Event
from dermai.gate.marks import objections
from dermai.gate.policy import GatePolicy
from dermai.language.messages import message
from dermai.promotion.history import Decision, champion_moves
from dermai.records.log import Record, records_of
from dermai.records.moves import (
    ChampionMove,
    LaterDecision,
    Promotion,
    ProvisionalTerms,
    Rejection,
    ShadowDecisionRecord,
)
from dermai.registry.registry import Registry
from dermai.registry.versions import CHAMPION
from dermai.serving.provisional import ENDED, PROVISIONAL_UNTIL


@dataclass(frozen=True)
class Standing:
    """The recorded champion; `ended` says why a provisional one stopped answering before its last day."""

    version: str
    provisional: ProvisionalTerms | None = None
    ended: str = ""

    @property
    def tag(self) -> str:
        """What the registry says of it, so that a server that loads the version knows it too."""
        if self.provisional is None:
            return ""
        return ENDED if self.ended else self.provisional.until.isoformat()

    def withheld(self, on: date | None = None) -> str:
        """Why no answer of this champion is shown on a day, today where none is given; empty where it answers."""
        if self.provisional is None:
            return ""
        if self.ended:
            return self.ended
        if (on or datetime.now(UTC).date()) > self.provisional.until:
            return message("its time as provisional champion was over on %(day)s", day=self.provisional.until)
        return ""


def champion_standing(audit: AuditLog, at: datetime | None = None) -> Standing | None:
    """How the recorded champion stands, or stood at a moment by what was recorded until then; None where there is none.

    A champion that a rollback brought back stands as it did before.
    """
    moves = [move for move in champion_moves(audit) if _until(move, at)]
    if not moves:
        return None
    version, promotion = moves[-1].body.version, _last_promotion(moves)
    if promotion is None or promotion.body.provisional is None:
        return Standing(version)
    return Standing(version, promotion.body.provisional, _ended(audit, version, promotion.sequence, at))


def provisional_terms(moves: Sequence[Record[ChampionMove]]) -> ProvisionalTerms | None:
    """The terms of the version that the last of some moves made the champion; None of a regular champion."""
    promotion = _last_promotion(moves)
    return promotion.body.provisional if promotion else None


def _last_promotion(moves: Sequence[Record[ChampionMove]]) -> Record[Promotion] | None:
    """The promotion by which the version of the last move stands."""
    promotions = (Record(move.sequence, move.time, move.body) for move in reversed(moves)
                  if isinstance(move.body, Promotion) and move.body.version == moves[-1].body.version)  # fmt: skip
    return next(promotions, None)


def _until(record: Record[Event], at: datetime | None) -> bool:
    return at is None or datetime.fromisoformat(record.time) <= at


def _ended(audit: AuditLog, version: str, since: int, at: datetime | None) -> str:
    """Why a provisional champion answers no longer, by what was recorded since it was named; empty where it does."""
    for record in records_of(audit, Rejection, LaterDecision):
        body = record.body
        if record.sequence < since or not _until(record, at):
            continue
        if isinstance(body, Rejection) and body.version == version:
            return message(
                "it was rejected by %(person)s on %(day)s (%(why)s)",
                person=body.approver,
                day=record.time[:10],
                why=body.reason,
            )
        if not isinstance(body, Rejection) and body.candidate.version == version and body.outcome == "reject":
            day, number = record.time[:10], record.sequence
            if isinstance(body, ShadowDecisionRecord):
                return message(
                    "confirmed diagnoses are evidence of harm (%(day)s, record %(record)s)", day=day, record=number
                )
            return message(
                "newer test patients are evidence of harm (%(day)s, record %(record)s)", day=day, record=number
            )
    return ""


def last_day(policy: GatePolicy) -> date:
    """The last day on which a provisional champion that is named or renewed today answers."""
    return datetime.now(UTC).date() + timedelta(days=policy.provisional.days)


def not_shown(decided: Decision) -> tuple[str, ...]:
    """What a decision leaves open, a sentence each."""
    if decided.decision is None:
        return decided.reasons
    return tuple(line.text for line in objections(decided.decision))


def mark_standing(audit: AuditLog, registry: Registry) -> None:
    """Write the champion's standing beside it in the registry; doing it twice is doing it once."""
    standing, champion = champion_standing(audit), registry.by_alias(CHAMPION)
    if standing is None or champion is None or champion.version != standing.version:
        return
    if champion.tags.get(PROVISIONAL_UNTIL, "") != standing.tag:
        registry.set_tag(champion.version, PROVISIONAL_UNTIL, standing.tag)
