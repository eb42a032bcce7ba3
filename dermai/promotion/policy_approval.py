"""The gate policy in force: the one that was approved last, in the audit log.

The first attempt of a workspace approves the policy that dermai ships, and only that one, by itself, so that a new
installation works; it writes this down. Every other policy needs `dermai gate approve-policy`. An approval holds for
every policy that decides alike: a newer release that adds a key asks for nothing, one that changes a default does.
"""

from __future__ import annotations

from dermai.audit import AuditLog, Entry
from dermai.gate.policy import GatePolicy
from dermai.gate.policy_defaults import defaults_version
from dermai.gate.recorded_policy import RecordedPolicy, policy_changes
from dermai.records.log import Record, records_of
from dermai.records.moves import PolicyApproval, Promotion


def policy_approval(audit: AuditLog, policy: RecordedPolicy, policy_sha256: str) -> Record[PolicyApproval] | None:
    """The approval of this policy; None unless it is the newest approval: an older policy is no longer in force."""
    newest = _newest(audit)
    return newest if newest and not _changes(newest.body, policy, policy_sha256) else None


def changes_since_approval(audit: AuditLog, policy: RecordedPolicy, policy_sha256: str) -> tuple[str, ...]:
    """What a policy has other than the one in force, a sentence a value; empty where none was ever approved."""
    newest = _newest(audit)
    return _changes(newest.body, policy, policy_sha256) if newest else ()


def approve_policy(
    audit: AuditLog, policy: GatePolicy, *, approver: str, role: str, reason: str, account: str = ""
) -> Entry:
    """Put a policy into force."""
    return audit.append(
        PolicyApproval(
            approver=approver,
            role=role,
            reason=reason,
            account=account,
            policy_sha256=policy.hash,
            policy=RecordedPolicy.of(policy),
            defaults_version=defaults_version(),
        )
    )


def approve_shipped_policy(audit: AuditLog, policy: GatePolicy) -> None:
    """Put the shipped policy into force where none was ever approved; nothing happens for any other."""
    if not records_of(audit, PolicyApproval, Promotion) and policy.hash == GatePolicy().hash:
        approve_policy(
            audit, policy, approver="dermai", role="shipped default", reason="initial policy, as dermai ships it"
        )


def _newest(audit: AuditLog) -> Record[PolicyApproval] | None:
    approvals = records_of(audit, PolicyApproval)
    return approvals[-1] if approvals else None


def _changes(approval: PolicyApproval, policy: RecordedPolicy, policy_sha256: str) -> tuple[str, ...]:
    """By the values where the hashes differ: one may be of an older form, or of another version of the defaults."""
    return () if approval.policy_sha256 == policy_sha256 else policy_changes(approval.policy, policy)
