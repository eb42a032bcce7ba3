"""All confirmed lesions: nobody is answered by a model that saw them, in the champion's line neither."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from dermai.evaluation import comparison
from dermai.evaluation.all_lesions import DEPLOYED, all_lesions_answers, sisters_missing
from dermai.evaluation.predictions import per_lesion
from dermai.gate.policy import GatePolicy
from dermai.models.package import ModelPackage
from dermai.models.sisters import LinearParts
from dermai.promotion.all_lesions import second_column
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


def test_a_patient_is_known_by_the_photographs_that_were_learnt_under_another(
    workspace: Workspace, cases: pd.DataFrame
) -> None:
    package = made(workspace, cases, linear_params())
    one, other = (cases.loc[cases["fold"] == fold, "patient_id"].min() for fold in ("0", "2"))
    moved = (cases["patient_id"] == one).to_numpy()
    corrected = cases.assign(
        patient_id=cases["patient_id"].mask(moved, other),
        lesion_id=cases["lesion_id"].mask(moved, "corrected too"),
        fold=cases["fold"].mask(moved, "2"),
    )
    corrected = corrected.drop_duplicates(["lesion_id", "diagnosis"])
    found = lesions_of(all_lesions_answers(workspace, corrected, {"candidate": package}).lesions, "candidate")
    theirs = set(corrected.loc[corrected["patient_id"] == other, "lesion_id"])
    assert "corrected too" in theirs
    assert set(corrected["lesion_id"]) - set(found.index) == theirs


def test_a_test_patient_whom_an_earlier_version_has_learnt_is_not_answered_by_its_line(
    workspace: Workspace, cases: pd.DataFrame
) -> None:
    champion = made(workspace, cases, linear_params())
    moved = cases["patient_id"] == cases.loc[cases["split"] == "train", "patient_id"].min()
    now = cases.assign(split=cases["split"].mask(moved, "test"), fold=cases["fold"].mask(moved, ""))
    answers = all_lesions_answers(workspace, now, {"champion": champion})
    found = lesions_of(answers.lesions, "champion")
    assert set(now["lesion_id"]) - set(found.index) == set(now.loc[moved, "lesion_id"])
    assert not set(answers.calls["lesion_id"]) & set(now.loc[moved, "lesion_id"])
    everyone = now[now["split"] == "test"].assign(split="train", fold="0")
    learnt = made(workspace, pd.concat([now[now["split"] != "test"], everyone]), linear_params())
    nobody = all_lesions_answers(workspace, now, {"champion": learnt})
    assert set(lesions_of(nobody.lesions, "champion")["fold"]) <= {"0", "1", "2"}
    second = second_column(GatePolicy(), nobody, "champion")
    assert second is not None
    assert [found.verdict for found in second.agreement] == ["not_shown", "not_shown"]


def test_a_line_without_sisters_or_their_choices_says_so(workspace: Workspace, cases: pd.DataFrame) -> None:
    package = made(workspace, cases, linear_params())
    earlier = without_choices(package)
    answers = all_lesions_answers(workspace, cases, {"candidate": package, "champion": earlier})
    assert answers.missing == "the champion was made by a release whose sister models keep no choices of their own"
    assert answers.lesions.empty
    assert "training.learner: network" in sisters_missing(replace(package, linear_parts=None))
