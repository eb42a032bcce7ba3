"""Move the production alias as one transaction: checked, written down, moved, confirmed.

The record of a move is on disk before an alias moves. A crash in between is found by the next command, which
finishes the move and says so. Nothing else may move `champion`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from dermai.audit import AuditLog, Entry
from dermai.config import Params
from dermai.errors import PackageTampered, Refused, UnknownVersion
from dermai.files import locked
from dermai.gate.findings import ShadowDecision
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.promotion.aliases import finish_moves, set_aliases
from dermai.promotion.exclusive import check_log, lock_file
from dermai.promotion.history import anchor_is_to_go, champion_history, recorded_anchor, recorded_package
from dermai.promotion.policy_approval import (
    approve_policy,
    approve_shipped_policy,
    changes_since_approval,
    policy_approval,
)
from dermai.promotion.rules import (
    AUTOMATIC,
    check_champion,
    check_decision,
    check_named,
    check_not_turned_down,
    check_provisional,
)
from dermai.promotion.standing import champion_standing, last_day, mark_standing, not_shown
from dermai.promotion.two_persons import check_second_person, first_approval
from dermai.promotion.withdrawn_versions import check_not_withdrawn, delete_withdrawn_packages
from dermai.records.moves import (
    Confirmation,
    FirstApproval,
    MoveName,
    Promotion,
    ProvisionalTerms,
    Refusal,
    Rejection,
    Rollback,
    ShadowDecisionRecord,
)
from dermai.records.reassessment import Reassessment
from dermai.records.update_record import UpdateAttempt, UpdateRecord
from dermai.registry.champion import ModelReference, reference_to
from dermai.registry.registry import Registry
from dermai.registry.versions import CHALLENGER, CHAMPION
from dermai.workspace import Workspace


def record_attempt(workspace: Workspace, params: Params, record: UpdateRecord) -> Entry:
    """Write an attempt down; a candidate that waits for evidence or for a person becomes the challenger."""
    with _exclusive(workspace, params) as (audit, registry):
        if isinstance(record, UpdateAttempt):
            with suppress(UnknownVersion):
                record = record.model_copy(update={"served_sha256": registry.served_sha256(record.candidate.version)})
        entry = audit.append(record)
        if isinstance(record, UpdateAttempt) and record.waits:
            registry.set_alias(CHALLENGER, record.candidate.version)
        return entry


def record_shadow_decision(workspace: Workspace, params: Params, version: str, decision: ShadowDecision) -> Entry:
    """Write down what confirmed diagnoses say of a challenger: it replaces the decision of its attempt."""
    with _exclusive(workspace, params) as (audit, registry):
        entry = audit.append(
            ShadowDecisionRecord(
                candidate=ModelReference.of(registry.get(version)),
                champion=reference_to(registry.by_alias(CHAMPION)),
                outcome=decision.outcome,
                reasons=decision.reasons,
                policy=RecordedPolicy.of(params.gate),
                policy_sha256=params.gate.hash,
                decision=decision,
            )
        )
        mark_standing(audit, registry)
        return entry


def record_reassessment(workspace: Workspace, params: Params, record: Reassessment) -> Entry:
    """Write down what newer test patients say of a provisional champion."""
    with _exclusive(workspace, params) as (audit, registry):
        entry = audit.append(record)
        mark_standing(audit, registry)
        return entry


def promote(
    workspace: Workspace,
    params: Params,
    version: str,
    *,
    approver: str,
    role: str,
    reason: str,
    account: str = "",
    provisional: bool = False,
) -> Entry:
    """Make a version the champion, on the newest decision recorded for it.

    Where the policy asks for two persons the first one's approval is recorded, and nothing moves before the second's.
    A `provisional` champion has not shown what the policy asks for, and a named person answers for it for a limited
    time; it is never the anchor. Asked again of the same version, its time is renewed.

    Raises:
        Refused: the rules do not allow it; the refusal is recorded.
        AuditLogDamaged: the log does not verify, so nothing can be based on it.
        PackageTampered: the version's files are not those that were judged.
        UnknownVersion: there is no such version.
    """
    with _exclusive(workspace, params) as (audit, registry), _recorded(audit, "promotion", version, approver, role):
        check_named(approver, role, reason)
        candidate, champion = registry.get(version), registry.by_alias(CHAMPION)
        check_champion(audit, champion)
        check_not_withdrawn(audit, candidate, champion)
        if provisional:
            decision = check_provisional(audit, candidate, champion)
        else:
            decision = check_decision(audit, candidate, champion, role)
        judged, history = decision.body, champion_history(audit)
        approval = policy_approval(audit, judged.policy, judged.policy_sha256)
        if approval is None:
            changes = ", ".join(changes_since_approval(audit, judged.policy, judged.policy_sha256))
            raise Refused(
                f"version {version} was judged under a gate policy that nobody approved"
                f"{f' ({changes})' if changes else ''}: "
                "run `dermai gate approve-policy --approver ... --role ... --reason ...`"
            )
        registry.download(version)
        who = _who(approver, role, reason, account)
        if judged.policy.needs_two_persons:
            first = first_approval(audit, decision, provisional)
            if first is None:
                rests_on = {"version": version, "sha256": candidate.sha256, "decision": decision.sequence}
                return audit.append(FirstApproval.model_validate(who | rests_on | {"provisional": provisional}))
            check_second_person(first, approver, account)
        before = history[:-1] if history[-1:] == [version] else history
        terms = ProvisionalTerms(not_shown=not_shown(judged), until=last_day(params.gate)) if provisional else None
        move = Promotion(
            **who,
            version=version,
            sha256=candidate.sha256,
            champion_before=reference_to(champion),
            rollback_target=before[-1] if before else None,
            sets_anchor=not provisional and (recorded_anchor(audit) is None or anchor_is_to_go(audit, version)),
            decision=decision.sequence,
            policy_sha256=judged.policy_sha256,
            policy_approval=approval.sequence,
            change_note=judged.change_note if isinstance(judged, UpdateAttempt) else "",
            provisional=terms,
        )
        return _move(audit, registry, move)


def reject(
    workspace: Workspace, params: Params, version: str, *, approver: str, role: str, reason: str, account: str = ""
) -> Entry:
    """Turn a candidate down for good, whatever the gate says of it; a provisional champion answers no longer.

    Raises:
        Refused: it is a regular champion, or turned down already.
        UnknownVersion: there is no such version.
    """
    with _exclusive(workspace, params) as (audit, registry), _recorded(audit, "rejection", version, approver, role):
        check_named(approver, role, reason)
        candidate = registry.get(version)
        standing = champion_standing(audit)
        if standing and standing.version == version and standing.provisional is None:
            raise Refused(f"version {version} is the champion: use `dermai rollback`")
        check_not_turned_down(audit, version)
        move = Rejection(**_who(approver, role, reason, account), version=version, sha256=candidate.sha256)
        return _move(audit, registry, move)


def rollback(
    workspace: Workspace,
    params: Params,
    *,
    approver: str,
    role: str,
    reason: str,
    account: str = "",
    to: str | None = None,
) -> Entry:
    """Make the champion before this one the champion again, or the earlier champion that `to` names.

    Raises:
        Refused: there is no earlier champion, or `to` was never one.
        PackageTampered: the earlier champion's files are not what they were.
    """
    with _exclusive(workspace, params) as (audit, registry), _recorded(audit, "rollback", to, approver, role):
        check_named(approver, role, reason)
        champion, history = registry.by_alias(CHAMPION), champion_history(audit)
        if to is None:
            check_champion(audit, champion)
            if len(history) < 2:
                raise Refused("there is no earlier champion to go back to")
            to = history[-2]
        elif champion and champion.version == to and history[-1:] == [to]:
            raise Refused(f"version {to} is the champion already")
        elif history and to not in history:
            raise Refused(f"version {to} was never the champion; earlier champions: {', '.join(history)}")
        target = registry.get(to)
        if recorded_package(audit, to) not in (None, target.sha256):
            raise PackageTampered(
                f"version {to} in the registry is not the package that was promoted under this number: put the "
                "registry back from a backup, or name another version with --to"
            )
        registry.download(to)
        earlier = history[: history.index(to)] if to in history else []
        move = Rollback(
            **_who(approver, role, reason, account),
            version=to,
            sha256=target.sha256,
            champion_before=reference_to(champion),
            rollback_target=earlier[-1] if earlier else None,
            undone=tuple(history[history.index(to) + 1 :]) if to in history else (),
        )
        return _move(audit, registry, move)


def approve_current_policy(
    workspace: Workspace, params: Params, *, approver: str, role: str, reason: str, account: str = ""
) -> Entry:
    """Put the gate policy of params.yaml into force.

    Raises:
        Refused: it is in force already, or somebody is not named.
    """
    with _exclusive(workspace, params) as (audit, _), _recorded(audit, "policy_approval", None, approver, role):
        check_named(approver, role, reason)
        if policy_approval(audit, RecordedPolicy.of(params.gate), params.gate.hash):
            raise Refused(f"the gate policy {params.gate.hash[:12]} is in force already")
        return approve_policy(audit, params.gate, **_who(approver, role, reason, account))


def delete_replaced(workspace: Workspace, params: Params) -> list[str]:
    """Delete the packages that learnt a withdrawn patient and that no alias needs; a sentence each.

    Raises:
        AuditLogDamaged: the log does not verify.
    """
    audit = AuditLog(workspace.audit_log)
    with locked(lock_file(workspace)):
        check_log(audit)
        return delete_withdrawn_packages(audit, Registry(workspace, params))


def repair(workspace: Workspace, params: Params) -> list[str]:
    """Finish what a crash left between a record and its alias; what was done is logged and returned.

    Raises:
        AuditLogDamaged: the log does not verify.
    """
    audit, registry = AuditLog(workspace.audit_log), Registry(workspace, params)
    with locked(lock_file(workspace)):
        check_log(audit)
        return finish_moves(audit, registry)


@contextmanager
def _exclusive(workspace: Workspace, params: Params) -> Iterator[tuple[AuditLog, Registry]]:
    """One process at a time, on a log that verifies and a registry that agrees with it."""
    audit, registry = AuditLog(workspace.audit_log), Registry(workspace, params)
    with locked(lock_file(workspace)):
        check_log(audit)
        finish_moves(audit, registry)
        approve_shipped_policy(audit, params.gate)
        yield audit, registry


@contextmanager
def _recorded(
    audit: AuditLog, action: MoveName | Literal["policy_approval"], version: str | None, approver: str, role: str
) -> Iterator[None]:
    """Write a refusal down before it is passed on."""
    try:
        yield
    except (Refused, PackageTampered, UnknownVersion) as refusal:
        audit.append(Refusal(action=action, version=version, approver=approver, role=role, why=str(refusal)))
        raise


def _move(audit: AuditLog, registry: Registry, move: Promotion | Rollback | Rejection) -> Entry:
    """Write a move down, carry it out and confirm it."""
    entry = audit.append(move)
    set_aliases(audit, registry, move)
    audit.append(Confirmation(of=entry.sequence, move=move.event, version=move.version))
    if move.role != AUTOMATIC:  # an update still compares its champion with the one before: its report is the last
        delete_withdrawn_packages(audit, registry)
    return entry


def _who(approver: str, role: str, reason: str, account: str) -> dict[str, str]:
    return {"approver": approver.strip(), "role": role.strip(), "reason": reason.strip(), "account": account}
