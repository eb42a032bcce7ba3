"""Events for tests that need a line in the log and do not care what it says."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.gate.findings import ShadowDecision
from dermai.gate.policy import GatePolicy
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.promotion.aliases import finish_moves
from dermai.records.incidents import Failure, Restore
from dermai.records.moves import Promotion
from dermai.records.update_record import CodeRecord, DatasetRecord, NothingNew
from dermai.registry.champion import reference_to
from dermai.registry.registry import Registry
from dermai.registry.versions import ModelVersion
from dermai.workspace import CodeVersion


def failure(why: str = "out of memory") -> Failure:
    return Failure(why=why, code=CodeVersion(commit="c", dirty=False))


def crown(registry: Registry, version: ModelVersion) -> None:
    """Make a registered version the champion as a promotion on evidence does: by a signed record, then by its alias."""
    before, audit = registry.by_alias("champion"), AuditLog(registry.workspace.audit_log)
    audit.append(
        Promotion(
            version=version.version, sha256=version.sha256, champion_before=reference_to(before),
            rollback_target=before.version if before else None, sets_anchor=before is None, decision=0,
            policy_sha256="p", policy_approval=0, change_note="", approver="Dr Silva", role="dermatologist", reason="r",
        )
    )  # fmt: skip
    finish_moves(audit, registry)


def restored(records_lost: int) -> Restore:
    """That a backup was put back which was older by so many records."""
    return Restore(taken="2026-03-01", records=1, records_lost=records_lost, manifest_sha256="m", champion=None)


def shadow_decision(*reasons: str) -> ShadowDecision:
    """That a challenger has shown everything."""
    return ShadowDecision(
        outcome="promote", summary="Promote.", reasons=reasons, alpha=0.05, policy_hash="p", lesions=60, tests=()
    )


def nothing_new(dataset: DatasetRecord) -> NothingNew:
    """An attempt that found nothing to learn."""
    return NothingNew(
        attempt="a",
        dataset=dataset,
        code=CodeRecord(commit="c", dirty=False, lock_sha256="", python="3.11", hardware={}),
        seed=1,
        params_sha256="p",
        policy=RecordedPolicy.of(GatePolicy()),
        policy_sha256=GatePolicy().hash,
    )
