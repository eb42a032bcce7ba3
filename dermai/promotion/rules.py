"""The rules that a promotion, a rejection or a rollback must keep."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.errors import Refused
from dermai.promotion.history import champion_history, champion_problem, latest_attempt, latest_decision
from dermai.records.log import Record, records_of
from dermai.records.moves import Rejection, Rollback, ShadowDecisionRecord
from dermai.records.update_record import UpdateAttempt
from dermai.registry.champion import ModelReference, reference_to
from dermai.registry.registry import CHAMPION, ModelVersion

AUTOMATIC = "automatic"  # the role under which the pipeline itself approves, where the policy allows it


def check_named(approver: str, role: str, reason: str) -> None:
    """A move has somebody who made it.

    Raises:
        Refused: who, in which role, or why is empty.
    """
    for what, value in (("--approver", approver), ("--role", role), ("--reason", reason)):
        if not value.strip():
            raise Refused(f"{what} is empty: the record must say who decided, in which role, and why")


def check_champion(audit: AuditLog, champion: ModelVersion | None) -> None:
    """The registry's champion is the one that the records name.

    Raises:
        Refused: it is not.
    """
    problem = champion_problem(audit, champion)
    if problem:
        raise Refused(problem)


def check_decision(
    audit: AuditLog, candidate: ModelVersion, champion: ModelVersion | None, role: str
) -> Record[UpdateAttempt | ShadowDecisionRecord]:
    """The decision that allows a promotion.

    Raises:
        Refused: there is none, or it does not hold for the models and data as they are.
    """
    version = candidate.version
    if CHAMPION in candidate.aliases:
        raise Refused(f"version {version} is the champion already")
    decision = latest_decision(audit, version)
    if decision is None:
        raise Refused(f"no decision on version {version} is recorded: only candidates of an update can be promoted")
    check_not_turned_down(audit, version)
    decided = decision.body
    if decided.candidate.sha256 != candidate.sha256:
        raise Refused(f"version {version} in the registry is not the package that the decision was made on")
    if decided.outcome != "promote":
        reasons = "; ".join(decided.reasons) or "see its report"
        raise Refused(f"the gate's outcome for version {version} is {decided.outcome.replace('_', ' ')}: {reasons}")
    if decided.champion != reference_to(champion):
        raise Refused(
            f"version {version} was compared with {_in_words(decided.champion)}, but the champion is now "
            f"{_in_words(reference_to(champion))}: run the update again"
        )
    dirty = _dirty_reason(audit, version)
    if dirty:
        raise Refused(f"version {version} cannot be promoted: {dirty}")
    if role == AUTOMATIC and decided.policy.needs_a_person:
        raise Refused(f"the policy asks for a person's approval: `dermai promote {version} --approver ...`")
    return decision


def check_not_turned_down(audit: AuditLog, version: str) -> None:
    """A version that a person rejected, or rolled back from, does not come back.

    Raises:
        Refused: it was.
    """
    for record in reversed(records_of(audit, Rejection, Rollback)):
        move = record.body
        turned_down = (move.version,) if isinstance(move, Rejection) else move.undone
        if version in turned_down and version not in champion_history(audit):
            what = "rejected" if isinstance(move, Rejection) else "rolled back"
            raise Refused(
                f"version {version} was {what} by {move.approver} on {record.time[:10]} "
                f"({move.reason}): make a new candidate"
            )


def _dirty_reason(audit: AuditLog, version: str) -> str:
    """Why the attempt that made a version may not be promoted whatever the gate says; empty where it may."""
    attempt = latest_attempt(audit, version)
    if attempt is None:
        return "the update that made it is not recorded"
    if attempt.body.dataset.dirty_reason:
        return attempt.body.dataset.dirty_reason
    return "the code differs from its commit: commit it and run the update again" if attempt.body.code.dirty else ""


def _in_words(reference: ModelReference | None) -> str:
    return f"version {reference.version}" if reference else "no champion"
