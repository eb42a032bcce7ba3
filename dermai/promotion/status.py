"""Where the workspace stands: models, data, policy, records, and what to do next."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.errors import DatasetMismatch
from dermai.gate.findings import ShadowDecision
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.promotion.history import champion_history, champion_problem, latest_decision, waiting_version
from dermai.promotion.policy_approval import changes_since_approval, policy_approval
from dermai.records.log import records_of
from dermai.records.moves import PolicyApproval, ShadowDecisionRecord
from dermai.records.reasons import marked_reasons
from dermai.records.summary import summarise
from dermai.records.update_record import UpdateRecord
from dermai.registry.registry import ANCHOR, CHALLENGER, CHAMPION, ModelVersion, Registry
from dermai.workspace import Workspace, dataset_version


class StatusPart(BaseModel):
    """A part of the status."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelStatus(StatusPart):
    """One version in use."""

    version: str
    sha256: str
    data_version: str
    backbone: str
    registered: str


class PendingDecision(StatusPart):
    """A candidate that waits: for confirmed diagnoses, or for a person."""

    version: str
    outcome: str
    summary: str
    reasons: tuple[str, ...]  # each with its mark
    shadow: ShadowDecision | None = None


class Status(StatusPart):
    """What `dermai status` shows."""

    champion: ModelStatus | None
    challenger: ModelStatus | None
    anchor: ModelStatus | None
    earlier_champions: tuple[str, ...]
    data_version: str
    data_problem: str
    policy_sha256: str
    policy_approved: bool
    policy_changes: tuple[str, ...]  # since the approval
    records: int
    problems: tuple[str, ...]
    last_record: str
    pending: PendingDecision | None
    next_step: str


def read_status(workspace: Workspace, params: Params) -> Status:
    """Read it all; nothing is written."""
    audit, registry = AuditLog(workspace.audit_log), Registry(workspace, params)
    found, entries = audit.verify(), audit.entries()
    by_alias = {alias: registry.by_alias(alias) for alias in (CHAMPION, CHALLENGER, ANCHOR)}
    moved = champion_problem(audit, by_alias[CHAMPION])
    problems = (*found.problems, *([moved] if moved else []))
    data, data_problem = _dataset(workspace)
    policy = RecordedPolicy.of(params.gate)
    approved = policy_approval(audit, policy, params.gate.hash) is not None
    pending = _pending(audit)
    return Status(
        **{alias: _model(version) for alias, version in by_alias.items()},
        earlier_champions=tuple(champion_history(audit)[:-1]),
        data_version=data,
        data_problem=data_problem,
        policy_sha256=params.gate.hash,
        policy_approved=approved,
        policy_changes=changes_since_approval(audit, policy, params.gate.hash),
        records=len(entries),
        problems=problems,
        last_record=f"{entries[-1].time[:16]} {entries[-1].event}: {summarise(entries[-1])}" if entries else "",
        pending=pending,
        next_step=_next_step(audit, problems, data, data_problem, approved, by_alias[CHAMPION], pending),
    )


def _dataset(workspace: Workspace) -> tuple[str, str]:
    try:
        version = dataset_version(workspace)
    except DatasetMismatch as error:
        return "", str(error)
    return version.hash, version.dirty_reason


def _model(version: ModelVersion | None) -> ModelStatus | None:
    if version is None:
        return None
    return ModelStatus(
        version=version.version,
        sha256=version.sha256,
        data_version=version.tags.get("data_version", ""),
        backbone=version.tags.get("backbone", ""),
        registered=version.created.isoformat(timespec="seconds"),
    )


def _pending(audit: AuditLog) -> PendingDecision | None:
    version = waiting_version(audit)
    decision = latest_decision(audit, version) if version else None
    if version is None or decision is None:
        return None
    decided = decision.body
    reasons = tuple(str(line) for line in marked_reasons(decided))
    summary = decided.decision.summary if decided.decision else ""
    shadow = decided.decision if isinstance(decided, ShadowDecisionRecord) else None
    return PendingDecision(version=version, outcome=decided.outcome, summary=summary, reasons=reasons, shadow=shadow)


def _next_step(
    audit: AuditLog,
    problems: tuple[str, ...],
    data: str,
    data_problem: str,
    policy_approved: bool,
    champion: ModelVersion | None,
    pending: PendingDecision | None,
) -> str:
    who = '--approver "NAME" --role "ROLE" --reason "WHY"'
    if problems:
        return "look at the records before anything else: `dermai audit verify`"
    if data_problem:
        return data_problem
    if records_of(audit, PolicyApproval) and not policy_approved:
        return f"the gate policy was changed: `dermai gate approve-policy {who}` before it can promote anything"
    if pending and pending.outcome == "promote":
        return f"version {pending.version} passed: `dermai promote {pending.version} {who}`, or `dermai reject`"
    if data != _last_data(audit):
        return "the data is not the last attempt's: `zenml pipeline run incremental_finetune`"
    if pending:
        return f"confirm diagnoses (`dermai confirm`): they decide on version {pending.version} as they arrive"
    if champion is None:
        return "there is no champion: read the last report, add cases and run the update again"
    return "nothing to do; new cases come in with `dermai ingest`"


def _last_data(audit: AuditLog) -> str:
    attempts = records_of(audit, UpdateRecord)
    return attempts[-1].body.dataset.version if attempts else ""
