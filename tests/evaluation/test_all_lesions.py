"""All confirmed lesions: nobody is answered by a model that saw them, in the champion's line neither."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from dermai.evaluation import comparison
from dermai.evaluation.all_lesions import DEPLOYED, all_lesions_answers, sisters_missing
from dermai.evaluation.predictions import per_lesion
from dermai.models.package import ModelPackage
from dermai.models.sisters import LinearParts
from dermai.workspace import Workspace
from tests.training.test_refit import arrival, linear_params, made


@pytest.fixture
def cases(workspace: Workspace) -> pd.DataFrame:
    return arrival(workspace.data, Nev=12, BCC=9, MM=9)


def lesions_of(answers: pd.DataFrame, role: str) -> pd.DataFrame:
    return answers[answers["role"] == role].set_index("lesion_id").sort_index()


def without_choices(package: ModelPackage) -> ModelPackage:
    parts = package.linear_parts
    assert parts is not None
    sisters = {fold: replace(sister, choices=None) for fold, sister in parts.sisters.items()}
    return replace(package, linear_parts=LinearParts(parts.blocks, parts.deployed, sisters))


def test_test_patients_are_answered_by_the_deployed_model_and_the_others_as_the_evidence_says(
    workspace: Workspace, cases: pd.DataFrame
) -> None:
    package = made(workspace, cases, linear_params())
    answers = all_lesions_answers(workspace, cases, {"candidate": package})
    found = lesions_of(answers.lesions, "candidate")
    assert set(found.index) == set(cases["lesion_id"])
    served = comparison.test_predictions(workspace, cases, {"candidate": package})
    served = per_lesion(served, package.operating_points, package.call_rule).set_index("lesion_id")["predicted"]
    assert found.loc[served.index, "predicted"].equals(served)
    assert package.evidence is not None
    lesion = cases.set_index("image")["lesion_id"]
    called = dict(zip(package.evidence["image"].map(lesion), package.evidence["called"], strict=True))
    others = found[found["fold"] != ""]
    assert others["predicted"].to_dict() == {name: called[name] for name in others.index}
    members = set(answers.calls["member"])
    assert members == {DEPLOYED, "0", "1", "2"}
    assert set(answers.calls["lesion_id"]) == set(cases.loc[cases["split"] == "test", "lesion_id"])


def test_the_champions_line_answers_patients_who_came_after_it_and_whom_it_has_learnt_alike(
    workspace: Workspace, cases: pd.DataFrame
) -> None:
    params = linear_params()
    champion = made(workspace, cases, params)
    more = pd.concat([cases, arrival(workspace.data, "2", Nev=6, BCC=6, MM=3)], ignore_index=True)
    candidate = made(workspace, more, params, champion)
    answers = all_lesions_answers(workspace, more, {"candidate": candidate, "champion": champion})
    assert answers.missing == ""
    for role, package in (("candidate", candidate), ("champion", champion)):
        found = lesions_of(answers.lesions, role)
        assert set(found.index) == set(more["lesion_id"])
        parts = package.linear_parts
        assert parts is not None
        for fold, sister in parts.sisters.items():
            learnt = set(package.manifest["patient_id"][sister.learnt])
            answered = set(found.loc[found["fold"] == str(fold), "patient_id"])
            assert answered
            assert not answered & learnt


def test_no_diagnosis_reaches_the_answers_that_it_will_judge(workspace: Workspace, cases: pd.DataFrame) -> None:
    package = made(workspace, cases, linear_params())
    other = cases.assign(diagnosis="BCC")
    here, there = (
        lesions_of(all_lesions_answers(workspace, table, {"candidate": package}).lesions, "candidate")
        for table in (cases, other)
    )
    assert here.drop(columns="diagnosis").equals(there.drop(columns="diagnosis"))


def test_a_patient_whom_the_sister_of_its_fold_has_learnt_is_left_out(
    workspace: Workspace, cases: pd.DataFrame
) -> None:
    package = made(workspace, cases, linear_params())
    moved = cases["patient_id"] == sorted(cases.loc[cases["fold"] == "0", "patient_id"])[0]
    elsewhere = cases.assign(fold=cases["fold"].mask(moved, "2"))
    found = lesions_of(all_lesions_answers(workspace, elsewhere, {"candidate": package}).lesions, "candidate")
    assert set(cases["lesion_id"]) - set(found.index) == set(cases.loc[moved, "lesion_id"])


def test_cancers_that_are_called_otherwise_by_the_dozen_are_no_truth_to_judge_by(
    workspace: Workspace, cases: pd.DataFrame
) -> None:
    champion = made(workspace, cases, linear_params())
    melanomas = sorted(cases.loc[(cases["diagnosis"] == "MM") & (cases["split"] == "train"), "lesion_id"].unique())
    for number, counts in ((2, True), (4, False)):
        wrong = cases.assign(diagnosis=cases["diagnosis"].mask(cases["lesion_id"].isin(melanomas[:number]), "Nev"))
        answers = all_lesions_answers(workspace, wrong, {"candidate": champion, "champion": champion})
        assert (answers.missing == "") is counts
    assert answers.missing == (
        f"4 of {len(melanomas)} lesions of MM have another diagnosis since the champion learnt them"
    )


def test_a_line_without_sisters_or_their_choices_says_so(workspace: Workspace, cases: pd.DataFrame) -> None:
    package = made(workspace, cases, linear_params())
    earlier = without_choices(package)
    answers = all_lesions_answers(workspace, cases, {"candidate": package, "champion": earlier})
    assert answers.missing == "the champion was made by a release whose sister models keep no choices of their own"
    assert answers.lesions.empty
    assert "training.learner: network" in sisters_missing(replace(package, linear_parts=None))
