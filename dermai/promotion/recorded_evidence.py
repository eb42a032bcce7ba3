"""All evidence compared with what was signed: records, answers, diagnoses, and the models that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dermai.audit import AuditLog, Verification
from dermai.config import Params
from dermai.prediction_log.confirmations import confirmation_problems
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.recorded_models import registry_problem, served_problems
from dermai.registry.registry import Registry
from dermai.workspace import Workspace

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def verify_evidence(workspace: Workspace, params: Params, public_key: Ed25519PublicKey | None = None) -> Verification:
    """What `dermai audit verify` finds; the key is that of `AuditLog.verify`, and nothing is written."""
    log = AuditLog(workspace.audit_log)
    found = log.verify(public_key)
    if found.ok:
        answers = PredictionLog.of(workspace)
        found.problems += [*confirmation_problems(answers), *answers.problems()]
    if Registry.exists(workspace):
        registry = Registry(workspace, params)
        moved = registry_problem(log, registry.versions())
        found.problems += [moved] if moved else served_problems(log, registry)
    return found
