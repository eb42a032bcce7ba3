"""Nothing new since the champion: say so, in the audit log too."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import log_metadata, step

from dermai.config import Overrides, Params
from dermai.continual.plan import UpdatePlan
from dermai.evaluation.all_lesions import AllLesionsAnswers
from dermai.evaluation.comparison import ModelComparison
from dermai.promotion.reassessment import judge_champion_again, reassess_champion
from dermai.promotion.transaction import record_attempt
from dermai.records.attempt import change_note, describe_attempt
from dermai.records.update_record import NothingNew
from dermai.registry.champion import ReferenceModels
from dermai.workspace import DatasetVersion, find_workspace
from steps.this_run import run_ids, run_name


@step(enable_cache=False)
def record_nothing_new(
    cases: pd.DataFrame,
    plan: UpdatePlan,
    dataset: DatasetVersion,
    references: ReferenceModels,
    params: Params,
    laid_over: Overrides,
    predictions: pd.DataFrame | None = None,
    comparison: ModelComparison | None = None,
    all_lesions: pd.DataFrame | None = None,
    calls: pd.DataFrame | None = None,
    no_second_column: str = "",
) -> Annotated[NothingNew, "update_record"]:
    """The champion has learnt from every training photograph there is: nothing is trained.

    With its answers on the test patients it is judged again, since test labels have changed.
    """
    workspace = find_workspace()
    champion = references.champion.reference if references.champion else None
    again = None
    if predictions is not None and comparison is not None:
        again = judge_champion_again(params, predictions, comparison, champion)
    record = describe_attempt(
        NothingNew,
        workspace,
        params,
        laid_over,
        run_name(),
        cases,
        plan,
        dataset,
        references,
        runs=run_ids(),
        change_note=change_note(plan),
        champion_again=again,
        evaluation=comparison.models if comparison else {},
    )
    record_attempt(workspace, params, record)
    log_metadata({"data_version": dataset.hash, "git_commit": record.code.commit, "outcome": "nothing new"})
    print("nothing new: the champion has learnt from every training photograph there is")
    if again is not None:
        print(again.sentence)
    if predictions is not None and comparison is not None and all_lesions is not None and calls is not None:
        answers = AllLesionsAnswers(all_lesions, calls, no_second_column)
        found = reassess_champion(workspace, params, predictions, comparison, champion, dataset, answers)
        print(found) if found else None
    return record
