"""Cross-validation by patient with the product's own training."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dermai.cli.options import AsJson, Profile, Settings, read_parameters


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command()(cross_validate)


def cross_validate(
    folds: Annotated[int, typer.Option(min=2, help="Parts that the patients are dealt into.")] = 5,
    seed: Annotated[int | None, typer.Option(min=0, help="Of folds and trainings; else that of params.yaml.")] = None,
    profile: Profile = "",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Train fold by fold with the parameters in force, answer each patient by a model that never saw them.

    The gate's test patients take no part: a choice made by these numbers leaves them unseen. Each fold costs a whole
    training; finished folds are found again. Balanced accuracy, macro F1 and each class's sensitivity, per lesion,
    with intervals over resampled patients, go to `reports/cross_validate/latest`.

    Example: `dermai cross-validate --folds 5 --seed 7 --set 'clinical.columns=[age, body_site]'`
    """
    from dermai.cross_validation.result import summarise
    from dermai.cross_validation.run import answer_folds
    from dermai.data.cases import read_cases
    from dermai.report.cross_validation_report import metrics_table, write_result
    from dermai.workspace import find_workspace

    workspace = find_workspace()
    params = read_parameters(workspace, profile, settings)
    if seed is not None:
        params = params.model_copy(update={"seed": seed})
    cases = read_cases(workspace.cases_file)
    answers = answer_folds(workspace, cases[cases["split"] != "test"], params, folds)
    result = summarise(answers, params)
    folder = write_result(workspace, result)
    if as_json:
        print(json.dumps(result.model_dump(mode="json"), indent=2, ensure_ascii=False))
        return
    print(
        f"{result.photographs} photographs of {result.patients} patients in {folds} folds, {result.training_minutes} "
        f"minutes of training; the {cases.loc[cases['split'] == 'test', 'patient_id'].nunique()} test patients of the "
        "gate took no part"
    )
    print(metrics_table(result).markdown())
    print(f"{folder}/tables.md and cross_validation.json")
