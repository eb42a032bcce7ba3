"""Registered candidates with recorded decisions, for tests of what moves the champion."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.config import load_params
from dermai.promotion.transaction import promote, record_attempt
from dermai.records.update_record import CodeRecord, DatasetRecord, UpdateRecord
from dermai.registry.champion import ModelReference
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
            "champion": ModelReference(version=champion.version, sha256=champion.sha256) if champion else None,
            "candidate": ModelReference(version=version.version, sha256=version.sha256),
            "dataset": DatasetRecord(version="d41d8", dirty_reason=dirty),
            "code": CodeRecord(commit="c", dirty=False, lock_sha256="", python="3.11", hardware={}),
            "seed": 1,
            "params_sha256": "p",
            "policy": policy.model_dump(mode="json"),
            "policy_sha256": policy.hash,
            "outcome": outcome,
            "reasons": ("the lower bound for MM is 0.61, under its floor of 0.70",),
        }
        return UpdateRecord(**{**values, **changes})

    def promote(self, version, **changes):
        return promote(self.workspace, self.params, version, **{**WHO, **changes})

    def champions(self, count):
        for _ in range(count):
            self.promote(self.candidate())

    def aliases(self):
        return {alias: version.version for version in self.registry.versions() for alias in version.aliases}

    def events(self):
        return [entry.event for entry in self.audit.entries()]


def register_four(registry, folder):
    for seed in range(4):
        registry.register(make_package(seed).save(folder / str(seed)), {}, "test", {}, {})
