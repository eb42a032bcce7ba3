"""Where there is a reason for caution, no case is sorted as normal, and the reason stands beside it."""

from __future__ import annotations

import pandas as pd
import pytest

from dermai.triage.cautions import PROVISIONAL, Cautions
from dermai.triage.run import run_triage
from dermai.triage.worklist import worklist_cases, write_worklist_csv
from tests.triage.referrals import write_referrals
from tests.triage.test_unanswered import WHEN, page, worklist

NEW_VIEW = "a view that the model has not learnt"
ROWS = pd.DataFrame(
    {
        "image": list("abcd"),
        "case_id": ["two photographs", "two photographs", "familiar", "urgent"],
        "risk": ["normal", "normal", "normal", "high_priority"],
        "predicted": ["Nev", "Nev", "Nev", "MM"],
        "diagnoses": ["Nev", "Nev", "Nev", "MM"],
        "p_MM": [0.1, 0.1, 0.1, 0.9],
        "p_Nev": [0.9, 0.9, 0.9, 0.1],
        "age": 50.0,
        "sex": "",
        "body_site": "",
        "site": "",
    }
)


def risks(cautions):
    return {case.case_id: case.risk for case in worklist_cases(ROWS, 3, cautions=cautions)}


def test_without_a_caution_the_model_s_level_stands():
    assert risks(Cautions()) == {"two photographs": "normal", "familiar": "normal", "urgent": "high_priority"}


def test_a_caution_about_one_photograph_holds_for_its_case_alone(tmp_path):
    cautions = Cautions(of_photograph={"b": [NEW_VIEW]})
    assert risks(cautions) == {"two photographs": "priority", "familiar": "normal", "urgent": "high_priority"}
    write_worklist_csv(tmp_path / "worklist.csv", worklist_cases(ROWS, 3, cautions=cautions))
    table = pd.read_csv(tmp_path / "worklist.csv", keep_default_na=False).set_index("case_id")
    assert table["cautions"].to_dict() == {"urgent": "", "two photographs": NEW_VIEW, "familiar": ""}


def test_a_caution_about_the_run_holds_for_every_case():
    assert set(risks(Cautions((PROVISIONAL,))).values()) == {"priority", "high_priority"}


@pytest.mark.parametrize("provisional", [False, True])
def test_a_provisional_champion_sorts_nothing_as_normal_and_promises_no_coverage(fleet, tmp_path, provisional):
    workspace = fleet.workspace
    fleet.promote(fleet.candidate("insufficient_evidence" if provisional else "promote"), provisional=provisional)
    # The test's model answers with a third for each class: one class alone, so that it abstains from nothing
    params = fleet.params.model_copy(update={"triage": fleet.params.triage.model_copy(update={"largest_set": 3})})
    done = run_triage(workspace, params, write_referrals(tmp_path / "new", 4), workspace.root / "out", WHEN)
    assert done.with_caution == (4 if provisional else 0)
    assert ("normal" in set(worklist(workspace)["risk"])) is False
    assert ("hold the true one is not known" in page(workspace)) is provisional
    assert ("in at least 90" in page(workspace)) is not provisional
