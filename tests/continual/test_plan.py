"""What an update trains on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dermai.config import Params, model_parameters
from dermai.continual.plan import plan_update
from dermai.data.cases import COLUMNS
from dermai.data.folds import held_out, training_roles
from dermai.data.test_labels import LabelTable, label_changes
from tests.training.training_data import ROLES

NETWORK: dict[str, dict[str, object]] = {"training": {"learner": "network"}, "clinical": {"columns": []}}
CLASSES = ["Nev"] * 100 + ["SebKer"] * 30 + ["MM"] * 80 + ["BCC"] * 5


def table(diagnoses: list[str], role: str = "train", start: int = 0) -> pd.DataFrame:
    empty = dict.fromkeys(COLUMNS, "") | ROLES[role] | {"age": np.nan}
    rows = [empty | {"image": f"{start + n:064x}", "diagnosis": diagnosis} for n, diagnosis in enumerate(diagnoses)]
    return pd.DataFrame(rows)


def manifest(cases: pd.DataFrame) -> pd.DataFrame:
    """What the manifest of a model says that has learnt from these cases."""
    return cases.assign(split=training_roles(cases)).query("split != 'test'")


@pytest.fixture
def cases() -> pd.DataFrame:
    return pd.concat([table(CLASSES), table(["Nev", "MM"], "test", 900), table(["Nev"], "validation", 950)])


def params(**continual: object) -> Params:
    return Params.model_validate({**NETWORK, "continual": {"replay_per_class": 10, **continual}})


def with_values(values: dict[str, dict[str, object]]) -> Params:
    """`params()` with other values."""
    sections = {**NETWORK, "continual": {"replay_per_class": 10}}
    return Params.model_validate(
        {**sections, **{name: {**sections.get(name, {}), **part} for name, part in values.items()}}
    )


def test_a_validation_patient_who_withdraws_is_a_reason_for_an_update(cases: pd.DataFrame) -> None:
    gone = cases.loc[held_out(cases), "image"].iloc[0]
    plan = plan_update(cases[cases["image"] != gone], manifest(cases), params())
    assert (plan.mode, plan.removed) == ("from_anchor", (gone,))
    assert gone not in plan.training


def test_test_labels_that_changed_stand_in_a_plan_that_has_nothing_to_learn(cases: pd.DataFrame) -> None:
    before = LabelTable.of(cases)
    now = cases.assign(diagnosis=cases["diagnosis"].where(cases["split"] != "test", "Nev"))
    plan = plan_update(now, manifest(now), params(), test_changes=label_changes(before, now))
    assert (plan.mode, plan.judges_champion_again) == ("nothing", True)
    assert [str(change) for change in plan.test_changes] == ["1 test lesion from MM to Nev"]


def test_test_patients_who_joined_are_named_and_judge_nobody_again(cases: pd.DataFrame) -> None:
    more = pd.concat([cases, table(["MM"] * 2, "test", 5000)])
    plan = plan_update(more, manifest(cases), params(), test_changes=label_changes(LabelTable.of(cases), more))
    assert [change.kind for change in plan.test_changes] == ["joined"]
    assert not plan.judges_champion_again


def test_without_a_champion_everything_in_train_is_new(cases: pd.DataFrame) -> None:
    plan = plan_update(cases, None, params())
    assert plan.mode == "bootstrap"
    assert plan.counts["new"] == {"BCC": 5, "MM": 80, "Nev": 100, "SebKer": 30}
    assert not set(plan.training) & set(cases.loc[training_roles(cases) != "train", "image"])


def test_nothing_new_is_said(cases: pd.DataFrame) -> None:
    more_tests = pd.concat([cases, table(["MM"] * 9, "test", 5000), table([""] * 3, "train", 6000)])
    assert plan_update(more_tests, manifest(cases), params()).mode == "nothing"


def test_new_photographs_come_with_a_replay_that_keeps_gated_classes_whole(cases: pd.DataFrame) -> None:
    later = pd.concat([cases, table(["Nev"] * 7 + ["Drmfib"], "train", 2000)])
    plan = plan_update(later, manifest(cases), params(strategy="replay_interpolation"))
    assert plan.mode == "update"
    assert plan.counts["new"] == {"Drmfib": 1, "Nev": 7}
    assert plan.counts["replay"] == {"BCC": 5, "MM": 80, "Nev": 10, "SebKer": 10}
    assert not set(plan.new) & set(plan.replay)
    assert plan_update(later, manifest(cases), params(strategy="replay_interpolation")).replay == plan.replay
    assert len(plan_update(later, manifest(cases), params()).replay) == len(CLASSES)
    assert plan_update(later, manifest(cases), params(strategy="finetune_only")).replay == ()
    assert len(plan_update(later, manifest(cases), params(strategy="joint")).training) == len(CLASSES) + 8


def test_a_corrected_diagnosis_is_learnt_as_new(cases: pd.DataFrame) -> None:
    corrected = cases.copy()
    corrected.iloc[0, corrected.columns.get_loc("diagnosis")] = "MM"
    plan = plan_update(corrected, manifest(cases), params())
    assert plan.mode == "update"
    assert plan.new == ()
    assert plan.relabelled == (cases["image"].iloc[0],)
    assert plan.counts["relabelled"] == {"MM": 1}
    assert plan.relabelled[0] not in plan.replay


@pytest.mark.parametrize(("section", "values", "said"), [
    ("clinical", {"columns": ["age", "itch"]}, 'clinical.columns from [] to ["age", "itch"]'),
    ("training", {"label_smoothing": 0.1}, "training.label_smoothing from 0.0 to 0.1"),
    ("gate", {"target_sensitivities": {"MM": 0.95, "BCC": 0.85}}, "gate.target_sensitivities.MM from 0.9 to 0.95"),
    ("continual", {"strategy": "joint"}, 'continual.strategy from "balanced_replay" to "joint"'),
])  # fmt: skip
def test_a_parameter_that_changes_the_model_is_a_reason_to_train_and_is_named(
    cases: pd.DataFrame, section: str, values: dict[str, object], said: str
) -> None:
    trained_with = model_parameters(params())
    assert plan_update(cases, manifest(cases), params(), trained_with).mode == "nothing"
    plan = plan_update(cases, manifest(cases), with_values({section: values}), trained_with)
    assert (plan.mode, plan.changed_parameters) == ("update", (said,))
    assert set(plan.training) == set(cases.loc[training_roles(cases) == "train", "image"])
    assert (plan.new, plan.replay) == ((), ())


@pytest.mark.parametrize("other", [
    {"training": {"processes": 2, "checkpoint_every": 3, "activation_cache_gb": 1.0}}, {"triage": {"batch": 8}},
    {"model": {"weights_folder": "elsewhere"}}, {"gate": {"alpha": 0.01}}, {"evaluation": {"calibration_bins": 5}},
])  # fmt: skip
def test_a_parameter_that_leaves_the_model_as_it_is_is_no_reason(
    cases: pd.DataFrame, other: dict[str, dict[str, object]]
) -> None:
    assert plan_update(cases, manifest(cases), with_values(other), model_parameters(params())).mode == "nothing"


def test_a_model_that_does_not_name_its_parameters_is_not_trained_for_them(cases: pd.DataFrame) -> None:
    changed = with_values({"clinical": {"columns": ["age"]}})
    assert plan_update(cases, manifest(cases), changed, {}).mode == "nothing"
    added_later = {key: value for key, value in model_parameters(params()).items() if key != "clinical.regularisation"}
    assert plan_update(cases, manifest(cases), params(), added_later).mode == "nothing"


def test_linear_heads_learn_every_fold_anew_and_what_only_epochs_depend_on_is_no_reason(cases: pd.DataFrame) -> None:
    learnt = cases[cases["split"] != "test"]
    trained_with = model_parameters(Params())
    assert plan_update(cases, learnt, Params(), trained_with).mode == "nothing"
    epochs = Params.model_validate({"training": {"first_epochs": 3}, "continual": {"new_share": 0.7}})
    assert plan_update(cases, learnt, epochs, trained_with).mode == "nothing"
    later = pd.concat([cases, table(["Nev"] * 7, "train", 2000), table(["MM"], "validation", 3000)])
    plan = plan_update(later, learnt, Params(), trained_with)
    assert (plan.learner, plan.counts["new"]) == ("linear_heads", {"MM": 1, "Nev": 7})
    assert set(plan.training) == set(later.loc[later["split"] != "test", "image"])


def test_a_champion_from_before_there_were_linear_heads_is_followed_by_them(cases: pd.DataFrame) -> None:
    before = {key: value for key, value in model_parameters(params()).items() if key != "training.learner"}
    plan = plan_update(cases, manifest(cases), Params(), before)
    assert plan.mode == "update"
    assert 'training.learner from "network" to "linear_heads"' in plan.changed_parameters
    assert set(plan.new) == set(cases.loc[held_out(cases), "image"]), "those who were held out are learnt now"


def test_what_a_corrected_photograph_was_before_is_named_in_training_and_validation(cases: pd.DataFrame) -> None:
    corrected = cases.reset_index(drop=True)
    validation = corrected.index[held_out(corrected)][0]
    corrected.loc[[0, validation], "diagnosis"] = "MM"
    plan = plan_update(corrected, manifest(cases), params())
    assert set(plan.relabelled_from.values()) == {"Nev"}
    assert set(plan.relabelled_from) == set(corrected["image"][[0, validation]])
    assert plan.relabelled == (corrected["image"][0],)


@pytest.mark.parametrize("way", ["row deleted", "diagnosis taken back", "moved to test"])
def test_a_photograph_taken_back_forces_a_run_from_the_anchor(cases: pd.DataFrame, way: str) -> None:
    later = pd.concat([cases, table(["Nev"], "train", 2000)]).reset_index(drop=True)
    gone = later["image"][3]
    if way == "row deleted":
        later = later.drop(index=3)
    else:
        later.loc[3, {"diagnosis taken back": "diagnosis", "moved to test": "split"}[way]] = (
            "" if way == "diagnosis taken back" else "test"
        )
    plan = plan_update(later, manifest(cases), params())
    assert plan.mode == "from_anchor"
    assert plan.removed == (gone,)
    assert gone not in plan.training
    assert len(plan.training) == len(CLASSES)  # all but the one, and the new one
