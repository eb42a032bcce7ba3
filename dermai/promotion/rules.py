"""The rules that a promotion, a rejection or a rollback must keep."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.errors import Refused
from dermai.promotion.history import Decision, champion_history, champion_problem, latest_attempt, latest_decision
from dermai.promotion.standing import champion_standing
from dermai.records.log import Record, records_of
from dermai.records.moves import Rejection, Rollback
from dermai.registry.champion import ModelReference, reference_to
from dermai.registry.versions import CHAMPION, ModelVersion

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
) -> Record[Decision]:
    """The decision that allows a promotion.

    A provisional champion becomes a regular one by a decision on itself, whatever it was compared with before.

    Raises:
        Refused: there is none, or it does not hold for the models and data as they are.
    """
    version = candidate.version
    decision = _decision(audit, candidate, champion)
    decided = decision.body
    if decided.outcome != "promote":
        reasons = "; ".join(decided.reasons) or "see its report"
        raise Refused(f"the gate's outcome for version {version} is {decided.outcome.replace('_', ' ')}: {reasons}")
    _check_compared(decided, candidate, champion)
    _check_clean(audit, version)
    if role == AUTOMATIC and decided.policy.needs_a_person:
        raise Refused(f"the policy asks for a person's approval: `dermai promote {version} --approver ...`")
    return decision


def check_provisional(audit: AuditLog, candidate: ModelVersion, champion: ModelVersion | None) -> Record[Decision]:
    """The decision on which a person may name a provisional champion, or renew it.

    Raises:
        Refused: there is a regular champion, the gate found harm, or the gate needs nobody to answer for this version.
    """
    version, standing = candidate.version, champion_standing(audit)
    if standing and standing.provisional is None:
        raise Refused(
            f"version {standing.version} is a regular champion: a candidate takes its place when the gate's tests are "
            "passed, on test patients or in shadow mode, and not provisionally"
        )
    decision = _decision(audit, candidate, champion)
    decided = decision.body
    if decided.outcome == "reject":
        raise Refused(f"the gate found harm in version {version}: {'; '.join(decided.reasons)}")
    if decided.outcome == "promote":
        raise Refused(f"version {version} passed the gate: promote it without --provisional")
    _check_compared(decided, candidate, champion)
    _check_clean(audit, version)
    return decision


def _decision(audit: AuditLog, candidate: ModelVersion, champion: ModelVersion | None) -> Record[Decision]:
    version, standing = candidate.version, champion_standing(audit)
    if CHAMPION in candidate.aliases and (standing is None or standing.provisional is None):
        raise Refused(f"version {version} is the champion already")
    if standing and standing.version == version and standing.ended:
        raise Refused(f"version {version} is a provisional champion that answers no longer: {standing.ended}")
    decision = latest_decision(audit, version)
    if decision is None:
        raise Refused(f"no decision on version {version} is recorded: only candidates of an update can be promoted")
    check_not_turned_down(audit, version)
    if decision.body.candidate.sha256 != candidate.sha256:
        raise Refused(f"version {version} in the registry is not the package that the decision was made on")
    return decision


def _check_compared(decided: Decision, candidate: ModelVersion, champion: ModelVersion | None) -> None:
    if CHAMPION not in candidate.aliases and decided.champion != reference_to(champion):
        raise Refused(
            f"version {candidate.version} was compared with {_in_words(decided.champion)}, but the champion is now "
            f"{_in_words(reference_to(champion))}: run the update again"
        )


def _check_clean(audit: AuditLog, version: str) -> None:
    dirty = dirty_reason(audit, version)
    if dirty:
        raise Refused(f"version {version} cannot be promoted: {dirty}")


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


def dirty_reason(audit: AuditLog, version: str) -> str:
    """Why the attempt that made a version may not be promoted whatever the gate says; empty where it may."""
    attempt = latest_attempt(audit, version)
    if attempt is None:
        return "the update that made it is not recorded"
    if attempt.body.dataset.dirty_reason:
        return attempt.body.dataset.dirty_reason
    return "the code differs from its commit: commit it and run the update again" if attempt.body.code.dirty else ""


def _in_words(reference: ModelReference | None) -> str:
    return f"version {reference.version}" if reference else "no champion"
