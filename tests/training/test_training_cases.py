"""The cases of a training and the manifest afterwards."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from dermai.continual.plan import UpdatePlan, plan_update
from dermai.training.starting_model import CannotTrain
from dermai.training.training_cases import manifest_after, training_cases, training_photographs
from tests.training.training_data import make_cases, quick_params

SPLITS = {"train": {"Nev": 2, "BCC": 2}, "validation": {"Nev": 1, "MM": 1}, "test": {"BCC": 1}}


@pytest.fixture
def cases(tmp_path: Path) -> pd.DataFrame:
    return make_cases(tmp_path, SPLITS)


@pytest.fixture
def plan(cases: pd.DataFrame) -> UpdatePlan:
    return plan_update(cases, None, quick_params())


def test_a_training_has_the_planned_rows_the_validation_rows_and_the_classes_it_learns(
    cases: pd.DataFrame, plan: UpdatePlan
) -> None:
    learnt, validation, classes = training_cases(plan, cases, None)
    assert set(learnt["split"]) == {"train"}
    assert len(learnt) == 4
    assert sorted(validation["diagnosis"]) == ["MM", "Nev"]
    assert classes == ("Nev", "BCC")


def test_a_plan_made_before_a_case_was_moved_to_the_test_split_is_refused(
    cases: pd.DataFrame, plan: UpdatePlan
) -> None:
    moved = cases.assign(split=cases["split"].where(cases["image"] != plan.training[0], "test"))
    with pytest.raises(CannotTrain, match="plan the update again"):
        training_cases(plan, moved, None)


def test_replayed_photographs_are_old_and_a_diagnosis_without_training_cases_has_no_label(
    cases: pd.DataFrame, plan: UpdatePlan
) -> None:
    learnt, validation, classes = training_cases(plan, cases, None)
    replayed = list(learnt["image"][:1])
    photographs = training_photographs(replayed, learnt, validation, classes, [])
    assert photographs.is_new == [False, True, True, True]
    assert sorted(photographs.validation_labels) == [-1, 0]  # MM is no class yet


def test_the_manifest_names_each_photograph_once(cases: pd.DataFrame, plan: UpdatePlan) -> None:
    learnt, validation, _ = training_cases(plan, cases, None)
    manifest = manifest_after(None, pd.concat([learnt, learnt]), validation)
    assert sorted(manifest["image"]) == sorted([*learnt["image"], *validation["image"]])
