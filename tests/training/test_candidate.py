"""From a plan to a candidate that names the parameters it was made with."""

from __future__ import annotations

import pandas as pd

from dermai.config import changed_parameters, model_parameters
from dermai.continual.plan import UpdatePlan, plan_update
from dermai.models.package import ModelPackage
from dermai.records.attempt import change_note, recorded_training
from dermai.training.candidate import train_candidate
from dermai.workspace import Workspace
from tests.training.training_data import make_cases, quick_params


def test_clinical_columns_switched_on_are_learnt_though_no_photograph_is_new(workspace: Workspace) -> None:
    cases = make_cases(workspace.data, {"train": {"Nev": 6, "BCC": 6}, "validation": {"Nev": 3, "BCC": 3}})
    cases["age"] = cases["diagnosis"].map({"Nev": 30.0, "BCC": 70.0})
    cases["grew"] = cases["diagnosis"].map({"Nev": "no", "BCC": "yes"})
    before = quick_params()
    first = ModelPackage.load(train_candidate(workspace, before, plan_update(cases, None, before), cases, None))
    assert first.engine is not None
    trained_with = first.training["parameters"]
    assert trained_with == model_parameters(before)

    def plan(params):
        return plan_update(pd.DataFrame(cases), first.manifest, params, trained_with)

    assert plan(before).mode == "nothing"
    after = quick_params(clinical={"columns": ["age", "grew"]})
    due = plan(after)
    assert 'clinical.columns from [] to ["age", "grew"]' in change_note(due)
    second = ModelPackage.load(train_candidate(workspace, after, due, cases, first))
    assert second.clinical is not None
    assert second.parent == first.sha256
    assert changed_parameters(second.training["parameters"], after) == ()
    recorded = recorded_training(second)
    assert recorded is not None
    assert recorded.parameters == model_parameters(after)


def test_the_note_of_an_update_says_what_its_learner_does_with_what_was_known() -> None:
    plan = UpdatePlan(mode="update", new=("a", "b"), replay=("c",))
    assert change_note(plan) == "Trained on from the champion with photographs: 2 new, 1 replay."
    heads = plan.model_copy(update={"learner": "linear_heads"})
    assert change_note(heads) == "Linear heads, refitted with photographs: 2 new, 1 known before."
