"""All that the signed records and its package say of one version: what every document about it is written from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.errors import DermaiError, PackageTampered
from dermai.evaluation.comparison import ModelEvaluation
from dermai.files import sha256_file
from dermai.gate.findings import GateDecision
from dermai.models.package import CHECKSUMS, MODEL
from dermai.promotion.history import latest_attempt
from dermai.records.log import Record, records_of
from dermai.records.moves import LaterDecision, Move, PolicyApproval, Promotion
from dermai.records.update_record import UpdateAttempt
from dermai.registry.registry import Registry
from dermai.workspace import Workspace


@dataclass(frozen=True)
class VersionEvidence:
    """One version: its attempt, what was decided and moved since, its package's own description and files.

    `package_files` is SHA-256 by file name, `newest` the newest record that speaks of the version.
    """

    name: str
    version: str
    log: str
    attempt: Record[UpdateAttempt]
    later_decisions: tuple[Record[LaterDecision], ...]
    moves: tuple[Record[Move], ...]
    policy_approvals: tuple[Record[PolicyApproval], ...]
    description: Mapping[str, Any]
    package_files: Mapping[str, str]

    @property
    def record(self) -> UpdateAttempt:
        """What the attempt recorded."""
        return self.attempt.body

    @property
    def sha256(self) -> str:
        """Identity of the package."""
        return self.record.candidate.sha256

    @property
    def evaluation(self) -> ModelEvaluation | None:
        """The version on the test patients of its attempt."""
        return self.record.evaluation.get("candidate")

    @property
    def decision(self) -> GateDecision | None:
        """What the gate found when the version was made."""
        return self.record.decision

    @property
    def newest(self) -> Record[Any]:
        """The newest record that speaks of the version: nothing later is in its documents."""
        of_the_version: list[Record[Any]] = [self.attempt, *self.later_decisions, *self.moves]
        return max(of_the_version, key=lambda record: record.sequence)

    @property
    def as_of(self) -> datetime:
        """The time of that record: documents carry it, so that the same records give the same bytes."""
        return datetime.fromisoformat(self.newest.time)


def evidence_of(workspace: Workspace, params: Params, version: str) -> VersionEvidence:
    """Gather a version's records and its package.

    Raises:
        DermaiError: no recorded update has made the version.
        AuditLogDamaged: the records do not verify.
        UnknownVersion: the registry has no such version.
        PackageTampered: its package is not the one that the record names.
    """
    audit, registry = AuditLog(workspace.audit_log), Registry(workspace, params)
    entries = audit.verified_entries()
    registered = registry.get(version)
    attempt = latest_attempt(audit, version)
    if attempt is None:
        raise DermaiError(
            f"no recorded update has made version {version}: "
            "`dermai audit show --event update_attempt` lists those that were made"
        )
    package = registry.download(version)
    if sha256_file(package / CHECKSUMS) != attempt.body.candidate.sha256:
        raise PackageTampered(
            f"version {version} in the registry is not the package that record {attempt.sequence} names: "
            "put the registry back from a backup"
        )
    later = [found for found in records_of(audit, LaterDecision) if found.body.candidate == attempt.body.candidate]
    moves = [found for found in records_of(audit, Move) if found.body.version == version]
    newest = max(record.sequence for record in (attempt, *later, *moves))
    rested_on = {found.body.policy_approval for found in moves if isinstance(found.body, Promotion)}
    approvals = [
        found
        for found in records_of(audit, PolicyApproval)
        if found.sequence in rested_on
        or (found.sequence <= newest and found.body.policy_sha256 == attempt.body.policy_sha256)
    ]
    return VersionEvidence(
        name=registered.name,
        version=version,
        log=entries[0].log,
        attempt=attempt,
        later_decisions=tuple(later),
        moves=tuple(moves),
        policy_approvals=tuple(approvals),
        description=_json(package / MODEL),
        package_files=_json(package / CHECKSUMS),
    )


def _json(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content
