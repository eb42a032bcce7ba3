"""Move the production alias as one transaction: checked, written down, moved, confirmed.

The record of a move is on disk before an alias moves. A crash in between is found by the next command, which
finishes the move and says so. Nothing else may move `champion`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dermai.audit import AuditLog, Entry
from dermai.config import Params
from dermai.errors import AuditLogDamaged, PackageTampered, Refused, UnknownVersion
from dermai.files import locked
from dermai.policy_approval import approve_shipped_policy, policy_approval
from dermai.records import ModelReference, Outcome, UpdateRecord
from dermai.registry import ANCHOR, CHALLENGER, CHAMPION, PREVIOUS, ModelVersion, Registry
from dermai.workspace import Workspace

AUTOMATIC = "automatic"  # the role under which the pipeline itself approves, where the policy allows it
MOVES = ("promotion", "rollback", "rejection")
log = logging.getLogger(__name__)


def record_attempt(workspace: Workspace, params: Params, record: UpdateRecord) -> Entry:
    """Write an attempt down; a candidate that waits for evidence or for a person becomes the challenger.

    An attempt without an outcome had nothing new to learn.
    """
    with _exclusive(workspace, params) as (audit, registry):
        entry = audit.append("update_attempt" if record.outcome else "nothing_new", record)
        if record.candidate and _waits(entry.body):
            registry.set_alias(CHALLENGER, record.candidate.version)
        return entry


def record_shadow_decision(
    workspace: Workspace,
    params: Params,
    version: str,
    *,
    outcome: Outcome,
    reasons: Sequence[str],
    decision: Mapping[str, Any],
) -> Entry:
    """Write down what confirmed diagnoses say of a challenger: it replaces the decision of its attempt."""
    with _exclusive(workspace, params) as (audit, registry):
        body = {
            "candidate": _reference(registry.get(version)),
            "champion": _reference(registry.by_alias(CHAMPION)),
            "outcome": outcome,
            "reasons": reasons,
            "policy": params.gate,
            "policy_sha256": params.gate.hash,
            "decision": decision,
        }
        return audit.append("shadow_decision", body)


def promote(workspace: Workspace, params: Params, version: str, *, approver: str, role: str, reason: str) -> Entry:
    """Make a version the champion, on the newest decision recorded for it.

    Raises:
        Refused: the rules do not allow it; the refusal is recorded.
        AuditLogDamaged: the log does not verify, so nothing can be based on it.
        PackageTampered: the version's files are not those that were judged.
        UnknownVersion: there is no such version.
    """
    with _exclusive(workspace, params) as (audit, registry), _recorded(audit, "promotion", version, approver, role):
        _named(approver, role, reason)
        candidate, champion = registry.get(version), registry.by_alias(CHAMPION)
        _check_champion(audit, champion)
        decision = _check_decision(audit, candidate, champion, role)
        approval = policy_approval(audit, decision.body["policy_sha256"])
        if approval is None:
            raise Refused(
                f"version {version} was judged under a gate policy that nobody approved: "
                "run `dermai gate approve-policy --approver ... --role ... --reason ...`"
            )
        registry.download(version)
        body = {
            **_who(approver, role, reason),
            "version": version,
            "sha256": candidate.sha256,
            "from": _reference(champion),
            "rollback_target": champion.version if champion else None,
            "sets_anchor": registry.by_alias(ANCHOR) is None,
            "decision": decision.sequence,
            "policy_sha256": decision.body["policy_sha256"],
            "policy_approval": approval.sequence,
            "change_note": decision.body.get("change_note", ""),
        }
        return _move(audit, registry, audit.append("promotion", body))


def reject(workspace: Workspace, params: Params, version: str, *, approver: str, role: str, reason: str) -> Entry:
    """Turn a candidate down for good, whatever the gate says of it.

    Raises:
        Refused: it is the champion, or turned down already.
        UnknownVersion: there is no such version.
    """
    with _exclusive(workspace, params) as (audit, registry), _recorded(audit, "rejection", version, approver, role):
        _named(approver, role, reason)
        candidate = registry.get(version)
        if CHAMPION in candidate.aliases:
            raise Refused(f"version {version} is the champion: use `dermai rollback`")
        _check_not_turned_down(audit, version)
        body = {**_who(approver, role, reason), "version": version, "sha256": candidate.sha256}
        return _move(audit, registry, audit.append("rejection", body))


def rollback(
    workspace: Workspace, params: Params, *, approver: str, role: str, reason: str, to: str | None = None
) -> Entry:
    """Make the champion before this one the champion again, or the earlier champion that `to` names.

    Raises:
        Refused: there is no earlier champion, or `to` was never one.
        PackageTampered: the earlier champion's files are not what they were.
    """
    with _exclusive(workspace, params) as (audit, registry), _recorded(audit, "rollback", to, approver, role):
        _named(approver, role, reason)
        champion, history = registry.by_alias(CHAMPION), champion_history(audit)
        if to is None:
            _check_champion(audit, champion)
            if len(history) < 2:
                raise Refused("there is no earlier champion to go back to")
            to = history[-2]
        elif champion and champion.version == to:
            raise Refused(f"version {to} is the champion already")
        elif history and to not in history:
            raise Refused(f"version {to} was never the champion; earlier champions: {', '.join(history)}")
        target = registry.get(to)
        registry.download(to)
        earlier = history[: history.index(to)] if to in history else []
        body = {
            **_who(approver, role, reason),
            "version": to,
            "sha256": target.sha256,
            "from": _reference(champion),
            "rollback_target": earlier[-1] if earlier else None,
            "undone": history[history.index(to) + 1 :] if to in history else [],
        }
        return _move(audit, registry, audit.append("rollback", body))


def repair(workspace: Workspace, params: Params) -> list[str]:
    """Finish what a crash left between a record and its alias; what was done is logged and returned."""
    with locked(_lock_file(workspace)):
        return _repair(AuditLog(workspace.audit_log), Registry(workspace, params))


def champion_history(audit: AuditLog) -> list[str]:
    """Versions that are or were champion, oldest first, without those that were rolled back; the last is champion."""
    void = {entry.body["of"] for entry in audit.entries("confirmation") if entry.body.get("void")}
    history: list[str] = []
    for entry in audit.entries("promotion", "rollback"):
        if entry.sequence in void:
            continue
        version = entry.body["version"]
        if entry.event == "rollback" and version in history:
            del history[history.index(version) :]
        history.append(version)
    return history


def latest_decision(audit: AuditLog, version: str) -> Entry | None:
    """The newest recorded decision on a version: of the attempt that made it, or of its time in shadow mode."""
    decisions = audit.entries("update_attempt", "shadow_decision")
    return next((entry for entry in reversed(decisions) if _candidate(entry).get("version") == version), None)


def champion_problem(audit: AuditLog, champion: ModelVersion | None) -> str:
    """How the registry's champion differs from the one the records name; empty where it does not."""
    history = champion_history(audit)
    recorded, found = (history[-1] if history else None), (champion.version if champion else None)
    if recorded != found:
        return (
            f"the registry's champion is {found or 'none'}, the records name {recorded or 'none'}: the alias was moved "
            f"outside dermai; settle it with `dermai rollback --to {recorded or found} ...`"
        )
    moves = [entry for entry in audit.entries("promotion", "rollback") if entry.body["version"] == recorded]
    if champion and moves[-1].body["sha256"] != champion.sha256:
        return f"version {found} in the registry is not the package that was promoted under this number"
    return ""


@contextmanager
def _exclusive(workspace: Workspace, params: Params) -> Iterator[tuple[AuditLog, Registry]]:
    """One process at a time, on a log that verifies and a registry that agrees with it."""
    audit, registry = AuditLog(workspace.audit_log), Registry(workspace, params)
    with locked(_lock_file(workspace)):
        audit.repair()
        problems = audit.verify().problems
        if problems:
            raise AuditLogDamaged(f"the audit log was changed ({problems[0]}): run `dermai audit verify`")
        _repair(audit, registry)
        approve_shipped_policy(audit, params.gate)
        yield audit, registry


@contextmanager
def _recorded(audit: AuditLog, action: str, version: str | None, approver: str, role: str) -> Iterator[None]:
    """Write a refusal down before it is passed on."""
    try:
        yield
    except (Refused, PackageTampered, UnknownVersion) as refusal:
        body = {"action": action, "version": version, "approver": approver, "role": role, "why": str(refusal)}
        audit.append("refusal", body)
        raise


def _check_champion(audit: AuditLog, champion: ModelVersion | None) -> None:
    problem = champion_problem(audit, champion)
    if problem:
        raise Refused(problem)


def _check_decision(audit: AuditLog, candidate: ModelVersion, champion: ModelVersion | None, role: str) -> Entry:
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
    _check_not_turned_down(audit, version)
    decided = entry.body
    if _candidate(entry)["sha256"] != candidate.sha256:
        raise Refused(f"version {version} in the registry is not the package that the decision was made on")
    if decided["outcome"] != "promote":
        reasons = "; ".join(decided.get("reasons", ())) or "see its report"
        raise Refused(f"the gate's outcome for version {version} is {decided['outcome'].replace('_', ' ')}: {reasons}")
    compared = decided.get("champion")
    if compared != _reference(champion):
        raise Refused(
            f"version {version} was compared with {_text(compared)}, but the champion is now "
            f"{_text(_reference(champion))}: run the update again"
        )
    attempt = _attempt(audit, entry)
    if attempt.dirty_reason:
        raise Refused(f"version {version} cannot be promoted: {attempt.dirty_reason}")
    if role == AUTOMATIC and decided["policy"].get("approval") == "manual":
        raise Refused(f"the policy asks for a person's approval: `dermai promote {version} --approver ...`")
    return entry


def _check_not_turned_down(audit: AuditLog, version: str) -> None:
    for entry in reversed(audit.entries("rejection", "rollback")):
        turned_down = [entry.body["version"]] if entry.event == "rejection" else entry.body["undone"]
        if version in turned_down and version not in champion_history(audit):
            what = "rejected" if entry.event == "rejection" else "rolled back"
            raise Refused(
                f"version {version} was {what} by {entry.body['approver']} on {entry.time[:10]} "
                f"({entry.body['reason']}): make a new candidate"
            )


def _attempt(audit: AuditLog, decision: Entry) -> UpdateRecord:
    """The attempt that made a candidate; a decision in shadow mode names it."""
    if decision.event == "update_attempt":
        return UpdateRecord.model_validate(decision.body)
    version = _candidate(decision)["version"]
    attempts = [entry for entry in audit.entries("update_attempt") if _candidate(entry).get("version") == version]
    if not attempts:
        raise Refused(f"the update that made version {version} is not recorded")
    return UpdateRecord.model_validate(attempts[-1].body)


def _move(audit: AuditLog, registry: Registry, entry: Entry) -> Entry:
    """Carry out a recorded move and confirm it."""
    _apply(registry, entry)
    audit.append("confirmation", {"of": entry.sequence, "move": entry.event, "version": entry.body["version"]})
    return entry


def _apply(registry: Registry, entry: Entry) -> None:
    """Set the aliases that a recorded move asks for; doing it twice is doing it once."""
    version = entry.body["version"]
    challenger = registry.by_alias(CHALLENGER)
    if entry.event != "rejection":
        target = entry.body["rollback_target"]
        if target:
            registry.set_alias(PREVIOUS, target)
        else:
            registry.delete_alias(PREVIOUS)
        if entry.body.get("sets_anchor"):
            registry.set_alias(ANCHOR, version)
        registry.set_alias(CHAMPION, version)
    if challenger and challenger.version == version:
        registry.delete_alias(CHALLENGER)


def _repair(audit: AuditLog, registry: Registry) -> list[str]:
    confirmed = {entry.body["of"] for entry in audit.entries("confirmation")}
    done = []
    for entry in audit.entries(*MOVES):
        if entry.sequence in confirmed:
            continue
        version, what = entry.body["version"], f"the {entry.event} of version {entry.body['version']}"
        body = {"of": entry.sequence, "move": entry.event, "version": version, "repaired": True}
        try:
            _apply(registry, entry)
        except UnknownVersion as error:
            audit.append("confirmation", {**body, "void": True, "why": str(error)})
            done.append(f"{what} was recorded but is void: {error}")
        else:
            audit.append("confirmation", body)
            done.append(f"{what} was recorded (record {entry.sequence}) but not finished: finished now")
    waiting = _waiting(audit)
    if waiting and not any(CHALLENGER in known.aliases for known in registry.versions() if known.version == waiting):
        with suppress(UnknownVersion):
            registry.set_alias(CHALLENGER, waiting)
            done.append(f"version {waiting} waits for a decision but was not the challenger: it is now")
    for repaired in done:
        log.warning("repaired: %s", repaired)
    return done


def _waiting(audit: AuditLog) -> str | None:
    """The version of the newest attempt, where nothing has settled it yet."""
    attempts = audit.entries("update_attempt")
    if not attempts or not _waits(attempts[-1].body):
        return None
    version = _candidate(attempts[-1])["version"]
    settled = any(entry.body["version"] == version for entry in audit.entries(*MOVES))
    return None if settled else version


def _waits(attempt: dict[str, Any]) -> bool:
    """Whether an attempt's candidate waits for more evidence, or for a person's approval."""
    passed = attempt["outcome"] == "promote"
    return attempt["outcome"] == "insufficient_evidence" or (passed and attempt["policy"].get("approval") == "manual")


def _named(approver: str, role: str, reason: str) -> None:
    for what, value in (("--approver", approver), ("--role", role), ("--reason", reason)):
        if not value.strip():
            raise Refused(f"{what} is empty: the record must say who decided, in which role, and why")


def _who(approver: str, role: str, reason: str) -> dict[str, str]:
    return {"approver": approver.strip(), "role": role.strip(), "reason": reason.strip()}


def _candidate(entry: Entry) -> dict[str, str]:
    return entry.body.get("candidate") or {}


def _reference(version: ModelVersion | None) -> dict[str, str] | None:
    return ModelReference(version=version.version, sha256=version.sha256).model_dump() if version else None


def _text(reference: dict[str, str] | None) -> str:
    return f"version {reference['version']}" if reference else "no champion"


def _lock_file(workspace: Workspace) -> Path:
    return workspace.state / "promotion.lock"
