"""The gate policy in force: the one that was approved last, in the audit log.

The first attempt of a workspace approves the policy that dermai ships, and only that one, by itself, so that a new
installation works; it writes this down. Every other policy needs `dermai gate approve-policy`.
"""

from __future__ import annotations

from dermai.audit import AuditLog, Entry
from dermai.gate.policy import GatePolicy


def policy_approval(audit: AuditLog, policy_hash: str) -> Entry | None:
    """The approval of this policy; None unless it is the newest approval: an older policy is no longer in force."""
    approvals = audit.entries("policy_approval")
    return approvals[-1] if approvals and approvals[-1].body["policy_sha256"] == policy_hash else None


def approve_policy(audit: AuditLog, policy: GatePolicy, *, approver: str, role: str, reason: str) -> Entry:
    """Put a policy into force."""
    body = {
        "approver": approver,
        "role": role,
        "reason": reason,
        "policy_sha256": policy.hash,
        "policy": policy,
    }
    return audit.append("policy_approval", body)


def approve_shipped_policy(audit: AuditLog, policy: GatePolicy) -> None:
    """Put the shipped policy into force where none was ever approved; nothing happens for any other."""
    if not audit.entries("policy_approval", "promotion") and policy.hash == GatePolicy().hash:
        approve_policy(
            audit, policy, approver="dermai", role="shipped default", reason="initial policy, as dermai ships it"
        )
