"""Two columns: which promotes is fixed beforehand, either may reject, and the very weights must agree with them."""

import numpy as np
import pytest

from dermai.gate.agreement import agreement
from dermai.gate.columns import Column, SecondColumn, decide_by_columns
from dermai.gate.decision import decide
from dermai.gate.findings import GateDecision
from dermai.gate.policy import GatePolicy
from tests.gate.simulated import first_hit, fleet, lesions

POLICY = GatePolicy()
CLASSES = ("MM", "BCC", "Nev")
SAME = np.array(["MM", "BCC", "Nev", "Nev"] * 10)
AGREED = agreement(POLICY, SAME, np.stack([SAME, SAME]))
OTHERWISE = agreement(POLICY, SAME[::-1], np.stack([SAME, SAME]))


def model(hits, n):
    return lesions({code: first_hit(hits, n) for code in CLASSES})


def decided(test=(10, 10), second=(60, 60), agreed=AGREED, policy=POLICY, lost=0):
    """Hits and number of each class on test patients and on all lesions; the champion finds `lost` more."""
    few, all_ = model(*test), model(*second)
    champion = model(test[0] + lost, test[1]), model(min(second[0] + lost, second[1]), second[1])
    return decide_by_columns(
        policy,
        Column(few, champion[0], champion[0]),
        SecondColumn(all_, champion[1], champion[1], agreed),
        alpha=0.02,
    )


def test_all_lesions_promote_what_ten_test_lesions_cannot_decide():
    found = decided()
    assert found.outcome == "promote"
    assert decide(POLICY, model(10, 10), model(10, 10), alpha=0.02).outcome == "insufficient_evidence"
    assert "so do" not in found.summary
    assert "the test patients show no harm" in found.summary
    assert found.all_lesions.decision.classes[0].lesions == 60


def test_test_patients_that_show_harm_reject_whatever_all_lesions_show():
    policy = GatePolicy(gated_classes=("MM", "BCC"))
    found = decided(test=(5, 40), lost=30, policy=policy)
    assert found.outcome == "reject"
    assert any(reason.text.startswith("Test patients: ") for reason in found.reasons)


def test_harm_on_all_lesions_rejects():
    assert decided(second=(30, 60), lost=25).outcome == "reject"


def test_a_model_that_does_not_agree_with_its_sisters_is_held_back():
    found = decided(agreed=OTHERWISE)
    assert found.outcome == "insufficient_evidence"
    assert "does not call what its sisters call" in found.summary
    assert found.hold_in_practice == (), "their evidence is not its own, in daily practice neither"
    assert decided(agreed=()).outcome == "insufficient_evidence"


def test_harm_in_a_group_of_test_patients_holds_back_what_all_lesions_promote():
    sex = np.tile(np.where(np.arange(1000) < 40, "f", "m"), len(CLASSES))
    champion = {code: np.ones(1000, dtype=bool) for code in CLASSES}
    candidate = {**champion, "MM": np.arange(1000) >= 15}  # 15 of 40 women are missed
    many = [lesions({code: np.ones(3000, dtype=bool) for code in CLASSES})] * 2
    test = [lesions(hits, sex=sex) for hits in (candidate, champion)]
    assert decide(POLICY, *test).outcome == "insufficient_evidence"
    found = decide_by_columns(POLICY, Column(*test), SecondColumn(*many, agreement=AGREED))
    assert found.all_lesions.decision.outcome == "promote"
    assert found.outcome == "insufficient_evidence"
    assert found.summary.startswith("Held back: ")
    assert any(reason.text.startswith("Test patients: MM, sex f") for reason in found.reasons)
    assert "no harm" not in found.summary + " ".join(found.sentences)


@pytest.mark.parametrize(("second", "lost", "outcome"), [((70, 70), 0, "promote"), ((40, 60), 15, "reject")])
def test_where_estimates_are_compared_the_summary_of_both_columns_says_that_no_error_rate_is_controlled(
    second, lost, outcome
):
    found = decided(second=second, lost=lost, test=(40, 60) if lost else (70, 70), policy=GatePolicy(mode="point"))
    assert found.outcome == outcome
    assert found.summary.endswith("no error rate is controlled.")
    assert "evidence" not in found.summary


def test_a_policy_may_ask_both_columns_or_the_test_patients_alone():
    both = GatePolicy(all_lesions={"promotes": "with_test_patients"})
    assert decided(policy=both).outcome == "insufficient_evidence"
    assert decided(test=(70, 70), second=(90, 90), policy=both).outcome == "promote"
    never = GatePolicy(all_lesions={"promotes": "never"})
    found = decided(policy=never)
    assert (found.outcome, found.all_lesions) == ("insufficient_evidence", None)


def test_without_a_second_column_it_is_the_decision_on_the_test_patients():
    few = model(10, 10)
    assert decide_by_columns(POLICY, Column(few, few), None) == decide(POLICY, few, few)


def test_the_inflation_makes_every_bound_wider():
    wide = GatePolicy(all_lesions={"variance_inflation": 2.0})
    narrow, wider = (decided(policy=policy).all_lesions.decision for policy in (POLICY, wide))
    for before, after in zip(narrow.classes, wider.classes, strict=True):
        assert after.floor.lower_bound < before.floor.lower_bound
        assert after.comparisons[0].p_value > before.comparisons[0].p_value
        assert after.comparisons[0].effective_patients == pytest.approx(30)


def test_harm_is_divided_between_the_columns():
    found = decided()
    alone = decide(POLICY, model(10, 10), model(10, 10), model(10, 10))
    assert found.harm_level == pytest.approx(alone.harm_level / 2)


def test_a_decision_of_two_columns_is_plain_json_and_back():
    found = decided()
    assert GateDecision.model_validate_json(found.model_dump_json()) == found
    assert "all_lesions" not in decide(POLICY, model(10, 10)).model_dump()


@pytest.mark.parametrize("worse", ["MM", "BCC"])
def test_a_candidate_worse_by_the_margin_is_promoted_no_more_often_than_the_level(worse):
    rng, level, promoted, runs = np.random.default_rng(5), 0.05, 0, 300
    sizes, sensitivity = {"MM": 52, "BCC": 56, "Nev": 300}, {"MM": 0.9, "BCC": 0.88, "Nev": 0.9}
    policy = GatePolicy(all_lesions={"variance_inflation": 1.0})
    for _ in range(runs):
        champion, candidate = fleet(rng, sizes, sensitivity, {worse: 0.10})
        few = np.arange(len(candidate)) % 5 == 0
        test = Column(candidate.at(few), champion.at(few))
        second = SecondColumn(candidate, champion, None, AGREED)
        promoted += decide_by_columns(policy, test, second, alpha=level).outcome == "promote"
    assert promoted <= level * runs + 3 * np.sqrt(level * (1 - level) * runs)
