"""Leave a page that a manager can read and an auditor can follow."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import pandas as pd
from zenml import get_step_context, step
from zenml.types import HTMLString

from dermai.config import Params
from dermai.continual.plan import UpdatePlan
from dermai.evaluation.comparison import ModelComparison
from dermai.models.package import ModelPackage
from dermai.promotion.transaction import delete_replaced
from dermai.records.update_record import UpdateRecord
from dermai.registry.champion import ReferenceModels, load_reference_package
from dermai.report.publication import publish_update
from dermai.validation import ValidationResult
from dermai.workspace import find_workspace


@step(enable_cache=False)
def publish_report(
    record: UpdateRecord,
    cases: pd.DataFrame,
    plan: UpdatePlan,
    validation: ValidationResult,
    references: ReferenceModels,
    params: Params,
    candidate: Path | None = None,
    comparison: ModelComparison | None = None,
    predictions: pd.DataFrame | None = None,
) -> Annotated[HTMLString, "report"]:
    """The page is an artifact too, so that ZenML's dashboard shows it."""
    workspace = find_workspace()
    run = get_step_context().pipeline_run
    started = run.start_time or run.created
    page = publish_update(
        workspace,
        params,
        record,
        cases,
        plan,
        validation,
        started=started.replace(tzinfo=started.tzinfo or UTC),
        finished=datetime.now(UTC),
        champion=load_reference_package(workspace, references.champion),
        candidate=ModelPackage.load(candidate) if candidate else None,
        comparison=comparison,
        predictions=predictions,
    )
    delete_replaced(workspace, params)
    print(f"report: {page}")
    return HTMLString(page.read_text(encoding="utf-8"))
