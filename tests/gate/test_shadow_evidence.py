"""The values that shadow mode bets on: what is sent home must not make a challenger look better than it is."""

import numpy as np
import pytest
from scipy.stats import binom

from dermai.gate.policy import GatePolicy
from dermai.gate.readings import Readings
from dermai.gate.results import LesionResults
from dermai.gate.shadow import decide_in_shadow
from dermai.gate.shadow_evidence import Answers, Practice

POLICY = GatePolicy()
MARGIN = POLICY.margins.champion["MM"]


def results(truth, predicted):
    names = np.arange(len(truth)).astype(str)
    return LesionResults(names, names, np.asarray(truth), np.asarray(predicted))


def of(*answers):
    return Practice.of(POLICY, Answers(*answers))


def readings(normal, asked, share):
    return Readings(np.arange(len(normal)).astype(str), np.where(normal, share, 1.0), asked, share)


def service(rng, size, challenger_melanoma, challenger_benign, share):
    """A champion that finds 85 % of the melanomas and calls 10 % of the naevi, and sends the rest home.

    The challenger's chances are given by whether the champion was right.
    """
    truth = np.where(rng.random(size) < 0.3, "MM", "Nev")
    right = rng.random(size) < np.where(truth == "MM", 0.85, 0.90)
    chance = np.where(
        truth == "MM",
        np.where(right, *challenger_melanoma),
        np.where(right, *challenger_benign),
    )
    own = rng.random(size) < chance
    other = np.where(truth == "MM", "Nev", "MM")
    champion, challenger = np.where(right, truth, other), np.where(own, truth, other)
    normal = champion == "Nev"
    asked = ~normal | (rng.random(size) < share)
    known = np.where(asked, truth, "")
    return results(known, challenger), results(known, champion), readings(normal, asked, share)


def test_each_patient_counts_once_where_every_case_is_read():
    truth = ["MM"] * 4
    seen = of(results(truth, ["MM", "MM", "Nev", "MM"]), None, None, np.arange(4)).evidence("MM", "floor")
    assert seen.values.tolist() == [1.0, 1.0, 0.0, 1.0]
    assert (seen.mean, seen.probability, seen.drawn) == (0.75, 1.0, 0)
    assert seen.looks.tolist() == [0, 1, 2, 3]


def test_a_second_reading_stands_for_those_that_were_not_drawn():
    normal, asked = np.array([False] * 3 + [True] * 5), np.array([True] * 4 + [False] * 4)
    truth = np.where(asked, "MM", "")
    seen = of(
        results(truth, ["MM"] * 3 + ["Nev"] * 5), None, None, np.arange(8), readings(normal, asked, 0.2)
    ).evidence("MM", "floor")
    assert (len(seen), seen.drawn, seen.probability) == (4, 1, 0.2)
    assert seen.mean == pytest.approx(3 / 8)


def test_the_comparison_with_the_champion_is_unweighted_and_so_is_an_anchor_that_answers_alike():
    rng = np.random.default_rng(1)
    challenger, champion, drawn = service(rng, 400, (0.9, 0.5), (0.95, 0.3), 0.1)
    other = results(champion.truth, np.where(rng.random(400) < 0.1, "MM", champion.predicted))
    for anchor, safe in ((champion, True), (other, False)):
        found = of(challenger, champion, anchor, np.arange(400), drawn)
        assert [found.is_safe("MM", name) for name in ("floor", "champion", "anchor")] == [False, True, safe]
        assert not found.is_safe("benign", "champion")
        assert found.evidence("MM", "champion").probability == 1
        assert found.evidence("MM", "anchor").probability == (1 if safe else 0.1)
        assert found.evidence("benign", "champion").probability == 0.1


def ever_shown(about, against, null_mean, melanoma, benign, share=0.1, runs=200, alpha=0.05, size=1200):
    """Runs in which a test at 5 % calls the challenger no worse at any look."""
    rng, shown = np.random.default_rng(5), 0
    for _ in range(runs):
        challenger, champion, drawn = service(rng, size, melanoma, benign, share)
        seen = of(challenger, champion, None, np.arange(size), drawn).evidence(about, against)
        shown += seen.log_e_values(null_mean, -1.0, POLICY.shadow).max() >= -np.log(alpha)
    return shown


@pytest.mark.slow
def test_a_challenger_that_misses_more_is_shown_with_at_most_alpha_although_normal_cases_go_home():
    """It loses 15 points of what the champion finds and gains 5 of what it misses, all of which is sent home."""
    assert ever_shown("MM", "champion", -MARGIN, (1 - (MARGIN + 0.05) / 0.85, 1 / 3), (1.0, 0.0)) <= binom.ppf(
        0.9999, 200, 0.05
    )


@pytest.mark.slow
def test_false_alarms_of_a_challenger_on_what_the_champion_sends_home_are_not_hidden():
    """It loses 12 points of specificity, in cases that nobody reads unless they are drawn, and gains 2 in read ones."""
    margin = POLICY.guards.specificity_margin
    worse = (1 - (margin + 0.02) / 0.9, 0.2)
    assert ever_shown("benign", "champion", -margin, (1.0, 0.0), worse) <= binom.ppf(0.9999, 200, 0.05)


def test_second_readings_let_a_service_show_a_floor_that_sends_normal_cases_home():
    rng, size = np.random.default_rng(3), 6000
    challenger, champion, drawn = service(rng, size, (0.99, 0.3), (0.99, 0.3), 0.5)
    of_bcc = results(["BCC"] * 300, ["BCC"] * 300)
    both = [
        LesionResults(*(np.concatenate([getattr(one, name), getattr(of_bcc, name)])
                        if "id" not in name else np.arange(size + 300).astype(str)
                        for name in ("lesion_id", "patient_id", "truth", "predicted")))
        for one in (challenger, champion)
    ]  # fmt: skip
    everything = readings(
        np.r_[drawn.probability < 1, np.zeros(300, bool)], np.r_[drawn.asked, np.ones(300, bool)], 0.5
    )
    days = np.r_[np.arange(size), np.arange(300)]
    found = decide_in_shadow(POLICY, both[0], both[1], days, both[1], readings=everything)
    assert found.outcome == "promote"
    floor = next(test for test in found.tests if (test.about, test.against) == ("MM", "floor"))
    assert (floor.verdict, floor.probability) == ("shown", 0.5)
    assert floor.drawn > 50
    without = decide_in_shadow(POLICY, both[0], both[1], days, both[1])
    assert without.outcome == "insufficient_evidence"
    assert without.unconfirmed > 0.3
    few = decide_in_shadow(POLICY, *(one.at(days < 150) for one in both), days[days < 150],
                           readings=everything.at(days < 150))  # fmt: skip
    assert any("stands for up to 2 cases, so that every bet is 2 times smaller" in reason for reason in few.reasons)


def test_second_readings_that_do_not_come_back_hold_floors_open():
    normal, asked = np.repeat([False, True], [300, 100]), np.ones(400, dtype=bool)
    truth = np.where(np.arange(400) >= 390, "", np.where(normal, "Nev", "MM"))
    predicted = np.where(normal, "Nev", "MM")
    found = of(results(truth, predicted), None, None, np.arange(400), readings(normal, asked, 0.1))
    assert found.follow_up.unconfirmed == pytest.approx(0.10)
    truth[380] = ""
    found = of(results(truth, predicted), None, None, np.arange(400), readings(normal, asked, 0.1))
    assert found.follow_up.unconfirmed == pytest.approx(0.11)
    assert not found.sound("MM", "floor", np.array([399])).any()


def rejected_share(challenger_melanoma, share, runs=12):
    rng, rejected = np.random.default_rng(24), 0
    for _ in range(runs):
        challenger, champion, read = service(rng, 2000, challenger_melanoma, (0.97, 0.27), share)
        found = decide_in_shadow(POLICY, challenger, champion, np.arange(2000), champion, readings=read)
        rejected += found.outcome == "reject"
    return rejected / runs


@pytest.mark.parametrize(("melanoma", "share"), [((0.93, 0.40), 0.02), ((0.95, 0.60), 0.02), ((0.93, 0.40), 1.0)])
def test_a_challenger_that_is_as_good_or_better_is_not_rejected_because_what_it_gains_was_sent_home(melanoma, share):
    assert rejected_share(melanoma, share) <= binom.ppf(0.9999, 12, POLICY.harm_alpha) / 12


def test_a_challenger_that_misses_much_more_is_rejected_where_all_are_read():
    assert rejected_share((0.75, 0.20), 1.0) == 1.0


def test_false_alarms_that_the_challenger_has_from_the_champion_are_no_harm_beside_another_anchor():
    """The champion's false alarms are what is biopsied; an anchor of another kind has others, and as many."""
    rng, size, share = np.random.default_rng(25), 3000, 0.02
    champion = rng.random(size) < 0.1
    challenger = rng.random(size) < np.where(champion, 0.8, 0.02 / 0.9)
    anchor = rng.random(size) < np.where(champion, 0.3, 0.07 / 0.9)
    asked = champion | (rng.random(size) < share)
    answers = (
        results(np.where(asked, "Nev", ""), np.where(called, "MM", "Nev")) for called in (challenger, champion, anchor)
    )
    first, second, third = answers
    read = readings(~champion, asked, share)
    found = decide_in_shadow(POLICY, first, second, np.arange(size), third, readings=read)
    assert "worse" not in {test.verdict for test in found.tests}


def test_evidence_that_too_many_unconfirmed_referrals_hold_back_is_said_to_be_so():
    truth = np.array(["MM"] * 200 + [""] * 100)
    alone = results(truth, ["MM"] * 300)
    found = decide_in_shadow(POLICY, alone, None, np.arange(300)[::-1].copy())
    assert any("would be enough (" in reason and "but too many are unconfirmed" in reason for reason in found.reasons)
    assert (
        "MM, sensitivity above the floor: shown in daily practice."
        in decide_in_shadow(POLICY, alone.at(truth != ""), None, np.arange(200)).reasons
    )
    assert not any("e+" in reason for reason in found.reasons)
