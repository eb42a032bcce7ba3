"""Everything a run leaves for people and for DVC: the page, decision.json, metrics and plots."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd

from dermai.audit import AuditLog
from dermai.config import Params, model_parameters
from dermai.continual.plan import UpdatePlan
from dermai.evaluation.comparison import ModelComparison, lesion_predictions
from dermai.evaluation.metric_files import FILES, write_metrics, write_missing_metrics
from dermai.files import write_json
from dermai.models.package import ModelPackage
from dermai.promotion.standing import champion_standing
from dermai.records.log import records_of
from dermai.records.update_record import UpdateAttempt, UpdateRecord
from dermai.report.latest import point_latest_at
from dermai.report.update_content import data_summary, find_mistakes
from dermai.report.update_page import write_update_page
from dermai.report.update_report import EvaluatedModel, Provenance, TestSetUse, TrainingRun, UpdateReport
from dermai.validation.result import ValidationResult
from dermai.workspace import Workspace

PIPELINE = "incremental_finetune"


def publish_update(
    workspace: Workspace,
    params: Params,
    record: UpdateRecord,
    cases: pd.DataFrame,
    plan: UpdatePlan,
    validation: ValidationResult,
    started: datetime,
    finished: datetime,
    champion: ModelPackage | None,
    candidate: ModelPackage | None = None,
    comparison: ModelComparison | None = None,
    predictions: pd.DataFrame | None = None,
) -> Path:
    """Write the run's report folder and point `latest` at it; returns the page.

    Without a candidate the run had nothing new, and the metrics that DVC compares stay those of the last update; where
    they are gone, they are taken from its report.
    """
    folder = workspace.reports / PIPELINE / record.attempt
    tables: Mapping[str, pd.DataFrame] = {}
    if comparison is not None and predictions is not None:
        tables = lesion_predictions(predictions, comparison)
        evaluations = {role: model.lesions for role, model in comparison.models.items()}
        write_metrics(folder, evaluations, tables["candidate"])
        write_metrics(workspace.root / "metrics", evaluations, tables["candidate"])
        predictions.to_parquet(folder / "test_predictions.parquet", index=False)
    else:
        write_missing_metrics(workspace.root / "metrics", _last_evaluated(workspace))
    outcome = {"outcome": record.outcome or "nothing_new", "reasons": list(record.reasons)}
    write_json(
        folder / "decision.json",
        {
            "attempt": record.attempt,
            **outcome,
            **(record.decision.model_dump(mode="json") if record.decision else {}),
            "test_set": record.test_set.model_dump(mode="json") if record.test_set else {},
        },
    )
    mistakes, left_out = (
        find_mistakes(tables, params.gate.gated_classes, workspace.data)  # type: ignore[arg-type]
        if tables
        else ((), 0)
    )
    page = write_update_page(
        folder,
        UpdateReport(
            run=record.attempt,
            started=started,
            finished=finished,
            status=record.outcome or "nothing_new",
            approval=params.gate.approval,
            simulated=bool((cases["confirmed_by"] == "simulated").any()),
            gated_classes=params.gate.gated_classes,
            data=data_summary(
                cases,
                plan,
                champion.manifest if champion else None,
                record.dataset.version,
                dirty_reason=record.dataset.dirty_reason,
            ),
            training=training_run(candidate, params) if candidate else None,
            models=evaluated_models(record, comparison) if comparison else (),
            decision=record.decision,
            test_set=test_set_use(record),
            champion_again=record.champion_again,
            referral_replay=record.referral_replay,
            taken_back=record.taken_back,
            mistakes=mistakes,
            mistakes_left_out=left_out,
            validation=validation,
            data_docs=os.path.relpath(validation.docs, folder),
            provenance=provenance(record),
        ),
        champion_standing(AuditLog(workspace.audit_log)),
    )
    point_latest_at(folder)
    return page


def _last_evaluated(workspace: Workspace) -> Path | None:
    """The report folder of the last update that evaluated a candidate and still has its metrics."""
    attempts = records_of(AuditLog(workspace.audit_log), UpdateAttempt)
    folders = [workspace.reports / PIPELINE / record.body.attempt for record in reversed(attempts)]
    return next((folder for folder in folders if all((folder / name).is_file() for name in FILES)), None)


def training_run(candidate: ModelPackage, params: Params) -> TrainingRun:
    """The candidate's own account of its training, with the parameters it was made with."""
    recipe = {name.removeprefix("training."): value for name, value in model_parameters(params).items()}
    recipe = {name.removeprefix("model."): value for name, value in recipe.items()}
    return TrainingRun.model_validate({**candidate.training, "recipe": recipe})


def evaluated_models(record: UpdateRecord, comparison: ModelComparison) -> tuple[EvaluatedModel, ...]:
    """Each model's evaluation under its number in the registry."""
    versions = {"candidate": record.candidate, "champion": record.champion, "anchor": record.anchor}
    return tuple(
        EvaluatedModel.model_validate(
            {
                "role": role,
                "version": reference.version if (reference := versions[role]) else "",
                "sha256": model.sha256,
                "operating_points": model.operating_points,
                "operating_point_notes": model.operating_point_notes,
                "lesions": model.lesions,
                "photographs": model.photographs,
            }
        )
        for role, model in comparison.models.items()
    )


def test_set_use(record: UpdateRecord) -> TestSetUse | None:
    """What is left of the test patients' error budget; None where the gate did not ask them."""
    if record.test_set is None:
        return None
    worn_out = any(account.worn_out for account in record.test_set.accounts)
    return TestSetUse(notes=record.test_set.notes, worn_out=worn_out)


def provenance(record: UpdateRecord) -> Provenance:
    """What somebody needs to repeat the run."""
    return Provenance(
        git_commit=record.code.commit,
        code_dirty=record.code.dirty,
        data_version=record.dataset.version,
        params_sha256=record.params_sha256,
        profile=record.profile,
        overrides=record.overrides,
        policy_sha256=record.policy_sha256,
        package_sha256=record.candidate.sha256 if record.candidate else "",
        lock_sha256=record.code.lock_sha256,
        seed=record.seed,
        python=record.code.python,
        hardware=record.code.hardware,
    )
