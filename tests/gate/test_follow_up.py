"""Unconfirmed referrals: how many there are at each time, and what the misses among them may hide."""

import numpy as np
import pytest

from dermai.gate.eprocess import log_e_values
from dermai.gate.follow_up import FollowUp, miss_weighed
from dermai.gate.policy import GatePolicy, ShadowRules
from dermai.gate.results import LesionResults
from dermai.gate.shadow import decide_in_shadow

POLICY = GatePolicy()


def results(truth, predicted):
    names = np.arange(len(truth)).astype(str)
    return LesionResults(names, names, np.asarray(truth), np.asarray(predicted))


def test_the_share_is_the_largest_of_all_and_of_those_in_which_misses_hide():
    found = FollowUp.of(POLICY, results(["MM"] * 6 + [""] * 2 + ["Nev"] * 2, ["MM"] * 6 + ["Nev"] * 4), np.arange(10))
    assert found.unconfirmed == 0.5  # of four that are not called a melanoma, two are not confirmed
    assert found.sound(np.array([5, 6])).tolist() == [True, False]
    assert not found.now_sound


def test_no_floor_is_shown_where_too_many_are_unconfirmed_and_the_decision_says_so():
    truth = np.repeat(["MM", "BCC", "Nev"], 200)
    complete = results(truth, truth)
    assert decide_in_shadow(POLICY, complete, None, np.arange(600)).outcome == "promote"
    some = results(np.where(np.arange(600) % 200 < 30, "", truth), truth)
    found = decide_in_shadow(POLICY, some, None, np.arange(600))
    assert found.outcome == "insufficient_evidence"
    assert found.unconfirmed == pytest.approx(0.15)
    said = [reason.replace("\u00a0", " ") for reason in found.reasons]
    assert any("15 % of the referrals" in reason and "180 days, more than 10 %" in reason for reason in said)


def test_evidence_from_a_time_with_too_many_unconfirmed_counts_no_more_when_the_share_falls():
    truth = np.repeat(["MM", "Nev", "MM", "Nev"], [60, 60, 60, 900])
    named = np.where(np.repeat([True, True, False, True], [60, 60, 60, 900]), truth, "Nev")  # later ones are missed
    truth = np.where((np.arange(1080) >= 60) & (np.arange(1080) < 120), "", truth)
    when = np.r_[np.tile(np.arange(60), 2), np.arange(60, 1020)]  # half of the early ones have no diagnosis
    floors = decide_in_shadow(POLICY, results(truth, named), None, when).tests
    melanoma = next(test for test in floors if test.about == "MM")
    assert melanoma.verdict != "shown"
    assert decide_in_shadow(POLICY, results(truth, named), None, when).unconfirmed < 0.10


def test_misses_that_stay_unconfirmed_up_to_the_share_raise_no_error_rate():
    """On the boundary: sensitivity at the floor, so many of the misses unconfirmed as the policy allows."""
    rng, runs, looks, floor = np.random.default_rng(1), 600, 300, 0.70
    rules = ShadowRules(most_unconfirmed=0.2)
    hits = rng.random((runs, 2 * looks)) < floor
    kept = hits | (rng.random(hits.shape) >= rules.most_unconfirmed)
    shown = {"weighed": 0, "not weighed": 0}
    for hit, known in zip(hits, kept, strict=True):
        values = hit[known][:looks].astype(float)
        least, weighed = miss_weighed(values, floor, 0.0, rules)
        shown["weighed"] += log_e_values(weighed, least, floor).max() >= np.log(20)
        shown["not weighed"] += log_e_values(values, 0.0, floor).max() >= np.log(20)
    assert shown["weighed"] <= 0.05 * runs + 16  # three standard errors
    assert shown["not weighed"] > 0.10 * runs
