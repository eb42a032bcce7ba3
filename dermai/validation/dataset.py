"""Validating a dataset before any training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from dermai.config import Params
from dermai.data.cases import COLUMNS, trainable
from dermai.data.folds import training_roles
from dermai.validation.data_docs import write_overview
from dermai.validation.expectations import case_checks, class_checks, dataset_checks, schema_checks
from dermai.validation.great_expectations_run import Table, run_checks
from dermai.validation.photograph_checks import check_photographs
from dermai.validation.relations import annotated_cases, class_statistics
from dermai.validation.result import ClassStatistics, EarlierDataset, Failure, Level, ValidationFailed, ValidationResult

CACHE_FILE = Path("cache") / "photograph_quality.parquet"


def no_progress(done: int, total: int) -> None:
    """Show nothing."""


def validate_dataset(
    cases: pd.DataFrame,
    data_folder: Path,
    params: Params,
    docs_folder: Path,
    state_folder: Path,
    progress: Callable[[int, int], None] = no_progress,
    earlier: EarlierDataset | None = None,
) -> ValidationResult:
    """Check a dataset as `examine_dataset` does, and stop where a blocking check failed.

    Raises:
        ValidationFailed: naming the first failing rows and where the rest is; it carries the result.
    """
    result = examine_dataset(cases, data_folder, params, docs_folder, state_folder, progress, earlier)
    if not result.passed:
        raise ValidationFailed(result.summary, result)
    return result


def examine_dataset(
    cases: pd.DataFrame,
    data_folder: Path,
    params: Params,
    docs_folder: Path,
    state_folder: Path,
    progress: Callable[[int, int], None] = no_progress,
    earlier: EarlierDataset | None = None,
) -> ValidationResult:
    """Check a parsed case table and its photographs, and write the findings as a site into `docs_folder`.

    `cases` comes from `parse_cases`, which checks less than `read_cases`: here every bad row is named.
    No class may have lost its cases since the `earlier` dataset.
    """
    tables = {"schema": Table(cases, schema_checks(), ())}
    classes: list[ClassStatistics] = []
    flagged_share = 0.0
    if list(cases.columns) == list(COLUMNS) and len(cases):
        checks = check_photographs(cases["image"].tolist(), data_folder, state_folder / CACHE_FILE, progress)
        annotated = annotated_cases(cases, checks, params.data.near_duplicate_bits)
        classes = class_statistics(cases, params.gate.gated_classes, earlier, params.validation.classes_given_up)
        flagged_share = float(_flagged(annotated, params).mean())
        learnt = trainable(cases)
        whole = {
            "trainable_classes": learnt.loc[
                training_roles(learnt, params.training.learner) == "train", "diagnosis"
            ].nunique(),
            "test_patients": learnt.loc[learnt["split"] == "test", "patient_id"].nunique(),
            "flagged_share": flagged_share,
        }
        by_class = pd.DataFrame([statistics.model_dump() for statistics in classes])
        tables["cases"] = Table(annotated, case_checks(params), ("case_id", "image"))
        tables["classes"] = Table(by_class, class_checks(params, earlier.name if earlier else ""), ("diagnosis",))
        tables["dataset"] = Table(pd.DataFrame([whole]), dataset_checks(params), ())
    failures = run_checks(tables, docs_folder)
    result = ValidationResult(
        passed=not any(failure.level is Level.BLOCKING for failure in failures),
        photographs=len(cases),
        checks=sum(len(table.checks) for table in tables.values()),
        blocking=_of(failures, Level.BLOCKING),
        warnings=_of(failures, Level.WARNING),
        classes=tuple(classes),
        flagged_share=flagged_share,
        docs=docs_folder / "index.html",
    )
    write_overview(docs_folder, result)
    return result


def _flagged(annotated: pd.DataFrame, params: Params) -> pd.Series:
    limits = params.validation
    badly_exposed = annotated["brightness"].lt(limits.darkest) | annotated["brightness"].gt(limits.brightest)
    return badly_exposed | annotated["sharpness"].lt(limits.least_sharpness)


def _of(failures: list[Failure], level: Level) -> tuple[Failure, ...]:
    return tuple(failure for failure in failures if failure.level is level)
