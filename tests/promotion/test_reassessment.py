"""A provisional champion is judged anew when an update brings other test patients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dermai.evaluation.comparison import compare
from dermai.promotion.reassessment import judge_champion_again, reassess_champion
from dermai.promotion.standing import champion_standing
from dermai.records.log import records_of
from dermai.records.reassessment import Reassessment
from dermai.records.summary import summarise
from dermai.registry.champion import ModelReference
from dermai.workspace import DatasetVersion
from tests.packages import CLASSES, make_package


@pytest.fixture
def provisional(fleet):
    fleet.promote(fleet.candidate("insufficient_evidence"), provisional=True)
    return fleet


def answers_on(cases, found=1.0, role="champion"):
    """The champion's answers on so many test lesions of each class, of whose melanomas it finds a share."""
    truth = np.repeat(CLASSES, cases)
    missed = (truth == "MM") & (np.arange(len(truth)) % cases >= found * cases)
    answers = np.where(missed, "Nev", truth)
    names = [f"{code}-{number}" for number, code in enumerate(truth)]
    return pd.DataFrame(dict.fromkeys(("image", "case_id", "patient_id", "lesion_id"), names)).assign(
        diagnosis=truth, confirmed_by="histology", sex="f", age=50.0, skin_type="", site="Porto", predicted=answers,
        role=role, **{f"p_{code}": np.where(answers == code, 0.9, 0.05) for code in CLASSES},
    )  # fmt: skip


def reassess(fleet, cases, found=1.0, dirty=""):
    predictions = answers_on(cases, found)
    comparison = compare(predictions, {"champion": make_package()}, fleet.params)
    champion = ModelReference.of(fleet.registry.by_alias("champion"))
    dataset = DatasetVersion(hash="d41d8", dirty_reason=dirty)
    return reassess_champion(fleet.workspace, fleet.params, predictions, comparison, champion, dataset)


def judged_again(fleet, cases, found=1.0):
    """A regular champion on changed test labels, with an older anchor that finds everything."""
    predictions = pd.concat([answers_on(cases, found), answers_on(cases, role="anchor")])
    comparison = compare(predictions, {"champion": make_package(1), "anchor": make_package(0)}, fleet.params)
    champion = ModelReference(version="2", sha256=make_package(1).sha256)
    return judge_champion_again(fleet.params, predictions, comparison, champion)


def test_enough_test_patients_make_it_a_regular_champion_and_the_anchor(provisional):
    assert "It is now a regular champion." in reassess(provisional, 30)
    assert champion_standing(provisional.audit).provisional is None
    assert provisional.aliases() == {"champion": "1", "anchor": "1"}
    assert provisional.events()[-3:] == ["reassessment", "promotion", "confirmation"]
    assert provisional.audit.verify().ok


def test_few_test_patients_leave_it_as_it_is_and_are_recorded(provisional):
    assert "Insufficient evidence" in reassess(provisional, 8)
    record = records_of(provisional.audit, Reassessment)[-1].body
    assert (record.outcome, record.data_version) == ("insufficient_evidence", "d41d8")
    assert champion_standing(provisional.audit).provisional is not None
    entry = provisional.audit.entries("reassessment")[-1]
    assert "insufficient evidence" in summarise(entry)


def test_the_same_test_patients_are_not_asked_twice(provisional):
    reassess(provisional, 8)
    assert reassess(provisional, 8) == ""
    assert provisional.events().count("reassessment") == 1


def test_test_patients_that_show_harm_end_its_answers(provisional):
    assert "Reject" in reassess(provisional, 30, found=0.1)
    assert "newer test patients are evidence of harm" in champion_standing(provisional.audit).withheld()


def test_a_dataset_that_is_not_committed_decides_nothing(provisional):
    assert reassess(provisional, 30, dirty="data differs from data.dvc") == ""
    assert "reassessment" not in provisional.events()


def test_a_regular_champion_is_not_judged_anew(fleet):
    fleet.champions(1)
    assert reassess(fleet, 30) == ""


def test_a_regular_champion_is_judged_on_changed_test_labels_and_no_budget_is_spent(fleet):
    fleet.champions(2)
    events = fleet.events()
    good, bad = judged_again(fleet, 150), judged_again(fleet, 150, found=0.1)
    assert "judged again on the changed test labels, still shows" in good.sentence
    assert "falls short of what the gate asks for" in bad.sentence
    assert [found.reference for found in bad.decision.classes[0].comparisons] == ["anchor"]
    assert fleet.events() == events


def test_without_a_champion_nobody_is_judged_again(fleet):
    predictions = answers_on(5)
    comparison = compare(predictions, {"champion": make_package()}, fleet.params)
    assert judge_champion_again(fleet.params, predictions, comparison, None) is None
