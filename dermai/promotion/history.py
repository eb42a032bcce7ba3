"""What the audit log says of models: who was champion, what was decided, what waits."""

from __future__ import annotations

from typing import TypeAlias

from dermai.audit import AuditLog
from dermai.audit.beginning import LogBegun
from dermai.records.incidents import Restore
from dermai.records.log import Record, records_of
from dermai.records.moves import ChampionMove, Confirmation, LaterDecision, Move, Promotion
from dermai.records.update_record import UpdateAttempt
from dermai.registry.champion import ModelReference
from dermai.registry.versions import ModelVersion

Decision: TypeAlias = UpdateAttempt | LaterDecision


def champion_moves(audit: AuditLog) -> list[Record[ChampionMove]]:
    """The moves that made a version the champion, oldest first, without those that could not be carried out."""
    void = {record.body.of for record in records_of(audit, Confirmation) if record.body.void}
    return [record for record in records_of(audit, ChampionMove) if record.sequence not in void]


def champion_history(audit: AuditLog) -> list[str]:
    """Versions that are or were champion, oldest first, without those that were rolled back; the last is champion.

    A champion whose standing was renewed or became regular stands in it once.
    """
    history: list[str] = []
    for record in champion_moves(audit):
        version = record.body.version
        if record.event == "rollback" and version in history:
            del history[history.index(version) :]
        if history[-1:] != [version]:
            history.append(version)
    return history


def latest_decision(audit: AuditLog, version: str) -> Record[Decision] | None:
    """The newest recorded decision on a version: of the attempt that made it, of its time in shadow mode, or on newer
    test patients."""
    decisions = records_of(audit, UpdateAttempt, LaterDecision)
    return next((record for record in reversed(decisions) if record.body.candidate.version == version), None)


def latest_attempt(audit: AuditLog, version: str) -> Record[UpdateAttempt] | None:
    """The newest update attempt that made a version."""
    attempts = records_of(audit, UpdateAttempt)
    return next((record for record in reversed(attempts) if record.body.candidate.version == version), None)


def reign_begins(audit: AuditLog, sequence: int) -> int:
    """The number of the record with which the reign of a later record began; 0 for the first reign.

    A reign begins with the promotion of a version on evidence; a provisional promotion and a rollback begin none.
    """
    begins = [
        move.sequence
        for move in champion_moves(audit)
        if isinstance(move.body, Promotion) and move.body.provisional is None
    ]
    return max((begun for begun in begins if begun < sequence), default=0)


def challenger_number(audit: AuditLog, attempt: Record[UpdateAttempt]) -> int:
    """Which challenger of its champion's reign an attempt made, from 1: how many waited for evidence, itself included.

    Each record that was lost in it may have been of a challenger, and counts as one.
    """
    begun = reign_begins(audit, attempt.sequence)
    waited = {
        record.body.candidate.version
        for record in records_of(audit, UpdateAttempt)
        if begun < record.sequence < attempt.sequence and record.body.outcome == "insufficient_evidence"
    }
    lost = sum(count for sequence, count in records_lost(audit) if begun < sequence < attempt.sequence)
    return len(waited - {attempt.body.candidate.version}) + 1 + lost


def records_lost(audit: AuditLog) -> list[tuple[int, int]]:
    """After which record others are lost, and how many: a restored backup was older, or the log was begun anew."""
    found = []
    for record in records_of(audit, Restore, LogBegun):
        event = record.body
        lost = event.records_lost if isinstance(event, Restore) else sum(log.count for log in event.replaces)
        if lost:
            found.append((record.sequence, lost))
    return found


def champion_problem(audit: AuditLog, champion: ModelVersion | None) -> str:
    """How the registry's champion differs from the one the records name; empty where it does not."""
    history = champion_history(audit)
    recorded, found = (history[-1] if history else None), (champion.version if champion else None)
    if recorded != found:
        return (
            f"the registry's champion is {found or 'none'}, the records name {recorded or 'none'}: the alias was moved "
            f"outside dermai; settle it with `dermai rollback --to {recorded or found} ...`"
        )
    moves = [record.body for record in records_of(audit, ChampionMove) if record.body.version == recorded]
    if champion and moves[-1].sha256 != champion.sha256:
        return f"version {found} in the registry is not the package that was promoted under this number"
    return ""


def recorded_anchor(audit: AuditLog) -> ModelReference | None:
    """The regular champion that every candidate is compared with, as the record of its promotion names it.

    None before there was one. It is the first, until one is promoted beside an anchor that holds photographs which were
    taken back; one that was rolled back is none.
    """
    champions = set(champion_history(audit))
    promotions = [move.body for move in champion_moves(audit) if isinstance(move.body, Promotion)]
    anchors = [promotion for promotion in promotions if promotion.sets_anchor and promotion.version in champions]
    return ModelReference(version=anchors[-1].version, sha256=anchors[-1].sha256) if anchors else None


def anchor_is_to_go(audit: AuditLog, version: str) -> bool:
    """Whether the anchor that a version was compared with holds photographs that were taken back."""
    attempt = latest_attempt(audit, version)
    return attempt is not None and bool(attempt.body.taken_back.get("anchor"))


def recorded_package(audit: AuditLog, version: str) -> str | None:
    """SHA-256 of the package that was made champion under a number; None where it never was."""
    return next((move.body.sha256 for move in reversed(champion_moves(audit)) if move.body.version == version), None)


def recorded_packages(audit: AuditLog) -> dict[str, str]:
    """SHA-256 of the package of each version that an attempt made or a move named, by its number."""
    candidates = [record.body.candidate for record in records_of(audit, UpdateAttempt)]
    found = {candidate.version: candidate.sha256 for candidate in candidates}
    return found | {record.body.version: record.body.sha256 for record in records_of(audit, Move)}


def waiting_version(audit: AuditLog) -> str | None:
    """The version of the newest attempt that waits, where nothing has settled it yet.

    A later candidate that was rejected leaves it waiting; one that passed takes its place.
    """
    attempt = _newest_unsettled(audit)
    return attempt.candidate.version if attempt and attempt.waits else None


def unsettled_version(audit: AuditLog) -> str | None:
    """The version that waits, or one that passed and was held back, such as for data that is not committed."""
    attempt = _newest_unsettled(audit)
    return attempt.candidate.version if attempt else None


def _newest_unsettled(audit: AuditLog) -> UpdateAttempt | None:
    """The newest attempt that was not rejected, unless somebody has moved its version since."""
    attempts = [record.body for record in records_of(audit, UpdateAttempt) if record.body.outcome != "reject"]
    if not attempts or any(move.body.version == attempts[-1].candidate.version for move in records_of(audit, Move)):
        return None
    return attempts[-1]
