"""The rules that a promotion, a rejection or a rollback must keep."""

from __future__ import annotations

from dermai.audit import AuditLog, Entry
from dermai.errors import Refused
from dermai.promotion.history import (
    candidate_of,
    champion_history,
    champion_problem,
    latest_attempt,
    latest_decision,
    reference_to,
)
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


def check_decision(audit: AuditLog, candidate: ModelVersion, champion: ModelVersion | None, role: str) -> Entry:
    """The decision that allows a promotion.

    Raises:
        Refused: there is none, or it does not hold for the models and data as they are.
    """
    version = candidate.version
    if CHAMPION in candidate.aliases:
        raise Refused(f"version {version} is the champion already")
    entry = latest_decision(audit, version)
    if entry is None:
        raise Refused(f"no decision on version {version} is recorded: only candidates of an update can be promoted")
    check_not_turned_down(audit, version)
    decided = entry.body
    if candidate_of(entry)["sha256"] != candidate.sha256:
        raise Refused(f"version {version} in the registry is not the package that the decision was made on")
    if decided["outcome"] != "promote":
        reasons = "; ".join(decided.get("reasons", ())) or "see its report"
        raise Refused(f"the gate's outcome for version {version} is {decided['outcome'].replace('_', ' ')}: {reasons}")
    compared = decided.get("champion")
    if compared != reference_to(champion):
        raise Refused(
            f"version {version} was compared with {_in_words(compared)}, but the champion is now "
            f"{_in_words(reference_to(champion))}: run the update again"
        )
    dirty = _dirty_reason(audit, version)
    if dirty:
        raise Refused(f"version {version} cannot be promoted: {dirty}")
    if role == AUTOMATIC and decided["policy"].get("approval") == "manual":
        raise Refused(f"the policy asks for a person's approval: `dermai promote {version} --approver ...`")
    return entry


def check_not_turned_down(audit: AuditLog, version: str) -> None:
    """A version that a person rejected, or rolled back from, does not come back.

    Raises:
        Refused: it was.
    """
    for entry in reversed(audit.entries("rejection", "rollback")):
        turned_down = [entry.body["version"]] if entry.event == "rejection" else entry.body["undone"]
        if version in turned_down and version not in champion_history(audit):
            what = "rejected" if entry.event == "rejection" else "rolled back"
            raise Refused(
                f"version {version} was {what} by {entry.body['approver']} on {entry.time[:10]} "
                f"({entry.body['reason']}): make a new candidate"
            )


def _dirty_reason(audit: AuditLog, version: str) -> str:
    """Why the attempt that made a version may not be promoted whatever the gate says; empty where it may."""
    attempt = latest_attempt(audit, version)
    if attempt is None:
        return "the update that made it is not recorded"
    if attempt.body["dataset"]["dirty_reason"]:
        return str(attempt.body["dataset"]["dirty_reason"])
    return (
        "the code differs from its commit: commit it and run the update again" if attempt.body["code"]["dirty"] else ""
    )


def _in_words(reference: dict[str, str] | None) -> str:
    return f"version {reference['version']}" if reference else "no champion"
