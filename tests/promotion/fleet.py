"""Registered candidates with recorded decisions, for tests of what moves the champion."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.config import load_params, model_parameters
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.promotion.transaction import promote, record_attempt
from dermai.records.update_record import CodeRecord, DatasetRecord, UpdateAttempt
from dermai.registry.champion import reference_to
from dermai.training.summary import TrainingSummary
from tests.packages import make_package

WHO = {"approver": "Dr Silva", "role": "dermatologist", "reason": "reviewed the report"}


class Fleet:
    """Records decisions on registered candidates, one version after the other."""

    def __init__(self, registry):
        self.registry, self.workspace = registry, registry.workspace
        self.unused = iter([version.version for version in registry.versions()])
        self.params = load_params(registry.workspace.params_file)
        self.audit = AuditLog(self.workspace.audit_log)

    def candidate(self, outcome="promote", dirty="", policy=None, **changes):
        version = self.registry.get(next(self.unused))
        record_attempt(self.workspace, self.params, self.record(version, outcome, dirty, policy, **changes))
        return version.version

    def record(self, version, outcome="promote", dirty="", policy=None, **changes):
        champion, policy = self.registry.by_alias("champion"), policy or self.params.gate
        values = {
            "attempt": "a",
            "champion": reference_to(champion),
            "candidate": reference_to(version),
            "dataset": DatasetRecord(version="d41d8", dirty_reason=dirty),
            "code": CodeRecord(commit="c", dirty=False, lock_sha256="", python="3.11", hardware={}),
            "seed": 1,
            "params_sha256": "p",
            "policy": RecordedPolicy.of(policy),
            "policy_sha256": policy.hash,
            "outcome": outcome,
            "training": training_with(self.params),
            "reasons": ("the lower bound for MM is 0.61, under its floor of 0.70",),
        }
        return UpdateAttempt(**{**values, **changes})

    def promote(self, version, **changes):
        return promote(self.workspace, self.params, version, **{**WHO, **changes})

    def champions(self, count):
        for _ in range(count):
            self.promote(self.candidate())

    def aliases(self):
        return {alias: version.version for version in self.registry.versions() for alias in version.aliases}

    def events(self):
        return [entry.event for entry in self.audit.entries()]


def training_with(params):
    """A training as its candidate tells of it, with these parameters."""
    return TrainingSummary(
        mode="bootstrap", strategy="", started_from="", photographs={}, validation_photographs=0, seed=1, device="cpu",
        processes=1, mixed_precision="no", seconds=1.0, seconds_before_the_first_epoch=0.0, images_per_second=None,
        peak_memory_mb={}, best_epoch=1, history=(), interpolation=(), interpolation_chosen=None,
        parameters=model_parameters(params),
    )  # fmt: skip


def register_four(registry, folder):
    for seed in range(4):
        registry.register(make_package(seed).save(folder / str(seed)), {}, "test", {}, {})
