"""Reasons to fine-tune again are those since the last attempt that did."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.continual.speed import SinceFineTuning
from dermai.gate.policy import GatePolicy
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.records.incidents import SensitivityAlarm
from dermai.records.since_fine_tuning import since_fine_tuning
from dermai.records.update_record import CodeRecord, DatasetRecord, UpdateAttempt
from dermai.registry.champion import ModelReference
from dermai.workspace import Workspace


def attempt(speed: str, outcome: str) -> UpdateAttempt:
    return UpdateAttempt.model_validate(
        {
            "attempt": "a",
            "dataset": DatasetRecord(version="d"),
            "code": CodeRecord(commit="c", dirty=False, lock_sha256="", python="3.11", hardware={}),
            "seed": 1,
            "params_sha256": "p",
            "policy": RecordedPolicy.of(GatePolicy()),
            "policy_sha256": GatePolicy().hash,
            "candidate": ModelReference(version="1", sha256="s"),
            "outcome": outcome,
            "speed": speed,
        }
    )


def alarm() -> SensitivityAlarm:
    return SensitivityAlarm.model_validate(
        {"window": "confirmed cases", "version": "1", "run": "r", "at": "2026-01-01T00:00:00Z", "lesions": 9,
         "verdict": "act", "classes": ()}
    )  # fmt: skip


def test_alarms_and_rejected_fast_candidates_count_until_an_attempt_fine_tunes(workspace: Workspace) -> None:
    audit = AuditLog(workspace.audit_log)
    assert since_fine_tuning(audit) == SinceFineTuning()
    audit.append(attempt("fast", "reject"))
    audit.append(alarm())
    audit.append(attempt("fast", "insufficient_evidence"))
    found = since_fine_tuning(audit)
    assert found.rejected == ("the gate has rejected a candidate of the fast speed since (record 1)",)
    assert found.alarms == ("a drift alarm since (record 2, confirmed cases)",)
    audit.append(attempt("slow", "reject"))
    assert since_fine_tuning(audit) == SinceFineTuning()
    audit.append(alarm())
    assert len(since_fine_tuning(audit).alarms) == 1
