"""Where the workspace stands: models, data, policy, records, and what to do next."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pydantic import BaseModel, ConfigDict

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.errors import DatasetMismatch
from dermai.gate.findings import ShadowDecision
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.prediction_log.confirmations import confirmation_problems
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.acknowledgement import in_words, open_incidents
from dermai.promotion.alarms import open_alarms
from dermai.promotion.changed_parameters import changed_since_last_attempt
from dermai.promotion.history import champion_history, latest_decision, waiting_version
from dermai.promotion.next_step import INGEST, Place, next_step
from dermai.promotion.policy_approval import changes_since_approval, policy_approval
from dermai.promotion.recorded_models import registry_problem
from dermai.promotion.standing import champion_standing
from dermai.promotion.test_set_ledger import ledger_problem
from dermai.records.after_alarms import owed_after_alarms
from dermai.records.clockwork import overdue_tasks
from dermai.records.incidents import DriftAlarm, SensitivityAlarm, WindowAlarm
from dermai.records.moves import ShadowDecisionRecord
from dermai.records.reasons import marked_reasons
from dermai.records.summary import summarise
from dermai.registry.registry import Registry
from dermai.registry.versions import ANCHOR, CHALLENGER, CHAMPION, ModelVersion, under_aliases
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
    provisional_until: date | None = None
    withheld: str = ""  # why its answers are not shown; empty where they are


class PendingDecision(StatusPart):
    """A candidate that waits: for confirmed diagnoses, or for a person."""

    version: str
    outcome: str
    decided: str  # the date of the decision, and so of the test patients that its numbers are of
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
    open_incidents: tuple[str, ...]  # cancers that were sorted as normal and that nobody has acknowledged, a line each
    open_alarms: tuple[str, ...]  # about the champion, a line each
    not_run: tuple[str, ...]  # tasks of the schedule that did not succeed in time, a line each
    next_step: str
    next_command: str  # of it; words in capitals are to be filled in


def read_status(workspace: Workspace, params: Params) -> Status:
    """Read it all; nothing is written."""
    audit = AuditLog(workspace.audit_log)
    verified, entries = audit.verify(), audit.entries()
    versions = tuple(Registry(workspace, params).versions()) if Registry.exists(workspace) else ()
    by_alias = under_aliases(versions)
    champion = by_alias.get(CHAMPION)
    moved, ledger = registry_problem(audit, versions), ledger_problem(workspace, audit)
    log = PredictionLog.of(workspace)
    diagnoses, answers = ((), ()) if verified.problems else (confirmation_problems(log), log.problems())
    data, data_problem, data_command = _dataset(workspace)
    policy = RecordedPolicy.of(params.gate)
    step = next_step(
        Place(
            audit=audit,
            versions=versions,
            champion=champion,
            policy=policy,
            policy_sha256=params.gate.hash,
            data=data,
            data_problem=data_problem,
            data_command=data_command,
            log_problems=tuple(verified.problems),
            diagnoses_problems=diagnoses,
            answers_problems=answers,
            registry_problem=moved,
            ledger_problem=ledger,
            owed_after_alarms=owed_after_alarms(workspace),
            changed_parameters=() if verified.problems else changed_since_last_attempt(audit, params),
        )
    )
    return Status(
        champion=_champion(audit, champion),
        challenger=_model(by_alias.get(CHALLENGER)),
        anchor=_model(by_alias.get(ANCHOR)),
        earlier_champions=tuple(champion_history(audit)[:-1]),
        data_version=data,
        data_problem=data_problem,
        policy_sha256=params.gate.hash,
        policy_approved=policy_approval(audit, policy, params.gate.hash) is not None,
        policy_changes=changes_since_approval(audit, policy, params.gate.hash),
        records=len(entries),
        problems=(*verified.problems, *(problem for problem in (moved, ledger) if problem), *diagnoses, *answers),
        last_record=f"{entries[-1].time[:16]} {entries[-1].event}: {summarise(entries[-1])}" if entries else "",
        pending=_pending(audit),
        open_incidents=tuple(in_words(incident) for incident in open_incidents(audit)),
        open_alarms=tuple(
            f"{alarm.time[:10]}, record {alarm.sequence}: {_alarm_words(alarm.body)}" for alarm in open_alarms(audit)
        ),
        not_run=overdue_tasks(audit, params.clockwork, datetime.now(UTC)),
        next_step=str(step),
        next_command=step.command,
    )


def _dataset(workspace: Workspace) -> tuple[str, str, str]:
    """The version, what is wrong with it, and the command that settles that."""
    try:
        version = dataset_version(workspace)
    except DatasetMismatch as error:
        if not (workspace.root / "data.dvc").is_file():
            return "", str(error), INGEST
        return "", str(error), "dvc pull" if not workspace.data.is_dir() else "git checkout data.dvc && dvc pull"
    return version.hash, version.dirty_reason, "dvc add data && git add data.dvc && git commit -m MESSAGE"


def _champion(audit: AuditLog, version: ModelVersion | None) -> ModelStatus | None:
    model, standing = _model(version), champion_standing(audit)
    if model is None or standing is None or standing.provisional is None:
        return model
    return model.model_copy(update={"provisional_until": standing.provisional.until, "withheld": standing.withheld()})


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


def _alarm_words(alarm: DriftAlarm) -> str:
    match alarm:
        case WindowAlarm() if alarm.changes:
            return " ".join(alarm.changes)
        case SensitivityAlarm():
            found = ", ".join(f"{row.hits} of {row.cases} {row.lesion_class}" for row in alarm.classes)
            return f"finds {found}"
    return "the photographs or patients are no longer those it knows"


def _pending(audit: AuditLog) -> PendingDecision | None:
    version = waiting_version(audit)
    decision = latest_decision(audit, version) if version else None
    if version is None or decision is None:
        return None
    decided = decision.body
    reasons = tuple(str(line) for line in marked_reasons(decided))
    summary = decided.decision.summary if decided.decision else ""
    shadow = decided.decision if isinstance(decided, ShadowDecisionRecord) else None
    return PendingDecision(
        version=version,
        decided=decision.time[:10],
        outcome=decided.outcome,
        summary=summary,
        reasons=reasons,
        shadow=shadow,
    )
