"""Cross-validation with the product's training, on a small made-up dataset."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from dermai.cross_validation.result import FoldAnswers, summarise
from dermai.cross_validation.run import answer_folds
from dermai.files import sha256_file
from dermai.report.cross_validation_report import metrics_table, write_result
from dermai.workspace import Workspace
from tests.training.training_data import make_cases, quick_params

PARAMS = quick_params(training={"first_epochs": 1, "head_first_epochs": 1, "augmented_views": 1})
Run = tuple[Workspace, pd.DataFrame, list[FoldAnswers]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    workspace = Workspace(tmp_path_factory.mktemp("cross_validation"))
    cases = make_cases(workspace.data, {"train": {"Nev": 8, "BCC": 6, "MM": 4}, "validation": {"Nev": 2}})
    return workspace, cases, answer_folds(workspace, cases, PARAMS, folds=2)


def test_every_photograph_is_answered_once_by_a_model_that_did_not_learn_from_it(run: Run) -> None:
    workspace, cases, answers = run
    answered = [image for fold in answers for image in fold.predictions["image"]]
    assert sorted(answered) == sorted(cases["image"])
    learnt = [set(pd.read_csv(file)["image"]) for file in workspace.cache.glob("training/*/package/**/*manifest*.csv")]
    assert len(learnt) == 2
    held_out = [set(fold.predictions["image"]) for fold in answers]
    assert all(any(not images & known for known in learnt) for images in held_out)


def test_finished_folds_are_found_and_their_training_is_not_asked_for(run: Run) -> None:
    workspace, cases, answers = run
    files = sorted(workspace.cache.glob("cross_validate/*/*"))
    before = [(file, sha256_file(file), file.stat().st_mtime_ns) for file in files]
    again = answer_folds(workspace, cases, PARAMS, folds=2)
    assert [(file, sha256_file(file), file.stat().st_mtime_ns) for file in files] == before
    for new, old in zip(again, answers, strict=True):
        pd.testing.assert_frame_equal(new.predictions, old.predictions)


def test_the_result_counts_lesions_and_gives_both_kinds_of_answer_with_intervals(run: Run) -> None:
    workspace, _, answers = run
    result = summarise(answers, PARAMS)
    assert (result.photographs, result.patients, result.folds) == (20, 20, 2)
    assert result.lesions == {"Nev": 10, "BCC": 6, "MM": 4}
    for metrics in (result.as_served, result.largest_probability):
        assert {"balanced_accuracy", "macro_f1", "accuracy", "sensitivity_MM"} <= set(metrics)
        assert all(found.low <= (found.value or 0) <= found.high for found in metrics.values())
    folder = write_result(workspace, result)
    assert (workspace.reports / "cross_validate" / "latest").resolve() == folder
    assert json.loads((folder / "cross_validation.json").read_text())["params"]["model"]["image_size"] == 64
    assert metrics_table(result).markdown() in (folder / "tables.md").read_text(encoding="utf-8")
