"""A challenger in shadow mode: judged at every look on the diagnoses that come back, and seldom wrongly."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from dermai.gate.agreement import agreement
from dermai.gate.columns import Column, SecondColumn, decide_by_columns
from dermai.gate.decision import decide
from dermai.gate.policy import GatePolicy, Guards
from dermai.gate.reign import challenger_alpha
from dermai.gate.results import LesionResults
from dermai.gate.shadow import decide_in_shadow
from dermai.gate.shadow_evidence import Answers
from tests.gate.simulated import first_hit, fleet, lesions

POLICY = GatePolicy()
SENSITIVITY = {"MM": 0.9, "BCC": 0.88, "Nev": 0.92, "SebKer": 0.92}


def practice(rng, size, losses=None, discordance=0.10):
    """Champion and challenger on lesions in the order of their confirmation: one day each."""
    shares = {"MM": 0.15, "BCC": 0.25, "Nev": 0.3, "SebKer": 0.3}
    sizes = {code: round(share * size) for code, share in shares.items()}
    champion, challenger = fleet(rng, sizes, SENSITIVITY, losses or {}, discordance)
    order = rng.permutation(len(champion))
    days = np.empty(len(champion), dtype=int)
    days[order] = np.arange(len(champion))
    return champion, challenger, np.char.zfill(days.astype(str), 6)


def test_an_equal_challenger_is_promoted_once_practice_has_shown_everything():
    champion, challenger, days = practice(np.random.default_rng(1), 2000)
    found = decide_in_shadow(POLICY, challenger, champion, days, champion)
    assert found.outcome == "promote"
    assert {test.on for test in found.tests} == {"daily practice"}
    early = decide_in_shadow(POLICY, *(first(one, 40) for one in (challenger, champion)), days[:40])
    assert early.outcome == "insufficient_evidence"
    assert all(test.further_patients for test in early.tests if test.patients and test.verdict == "not_shown")


def first(results: LesionResults, count: int) -> LesionResults:
    names = ("lesion_id", "patient_id", "truth", "predicted")
    return LesionResults(**{name: getattr(results, name)[:count] for name in names})


def test_what_the_test_patients_showed_holds_and_only_the_rest_is_open():
    few, many = 40, 150
    hits = {"MM": first_hit(38, few), "BCC": first_hit(140, many), "Nev": first_hit(140, many)}
    earlier = decide(POLICY, *[lesions(hits)] * 3, alpha=0.005)
    assert earlier.outcome == "insufficient_evidence"
    champion, challenger, days = practice(np.random.default_rng(2), 2000)
    found = decide_in_shadow(POLICY, challenger, champion, days, champion, earlier=earlier)
    on = {(test.about, test.against): test.on for test in found.tests}
    assert on["BCC", "champion"] == on["benign", "anchor"] == "test patients"
    assert on["MM", "champion"] == "daily practice"
    assert found.outcome == "promote"


@pytest.mark.slow
@pytest.mark.parametrize("losses", [{"MM": 0.10}, {"BCC": 0.10}])
def test_a_challenger_worse_by_the_margin_is_promoted_with_at_most_alpha_over_all_looks(losses):
    """Looked at once, at the end: an e-process that reached its threshold at any look counts."""
    rng, runs, promoted = np.random.default_rng(3), 150, 0
    for _ in range(runs):
        champion, challenger, days = practice(rng, 1200, losses, discordance=0.12)
        promoted += decide_in_shadow(POLICY, challenger, champion, days).outcome == "promote"
    assert promoted <= binom.ppf(0.9999, runs, POLICY.shadow.alpha)


def test_a_much_worse_challenger_is_rejected_and_an_identical_one_never():
    champion, challenger, days = practice(np.random.default_rng(4), 1500, {"MM": 0.25})
    worse = decide_in_shadow(POLICY, challenger, champion, days)
    assert worse.outcome == "reject"
    assert any("worse" in reason for reason in worse.reasons)
    same = decide_in_shadow(POLICY, champion, champion, days, champion)
    assert "worse" not in {test.verdict for test in same.tests if test.against != "floor"}


@pytest.mark.slow
def test_equal_challengers_are_rejected_with_at_most_harm_alpha():
    rng, runs, rejected = np.random.default_rng(5), 150, 0
    for _ in range(runs):
        champion, challenger, days = practice(rng, 800)
        rejected += decide_in_shadow(POLICY, challenger, champion, days).outcome == "reject"
    assert rejected <= binom.ppf(0.9999, runs, POLICY.harm_alpha)


def test_neither_the_order_of_rows_nor_the_names_of_patients_change_a_decision():
    rng = np.random.default_rng(6)
    champion, challenger, days = practice(rng, 400, {"MM": 0.05})
    days = np.char.zfill((days.astype(int) // 20).astype(str), 3)  # many diagnoses come back on the same day
    found = decide_in_shadow(POLICY, challenger, champion, days)
    order = rng.permutation(len(champion))

    def shuffled(results):
        names = ("lesion_id", "patient_id", "truth", "predicted")
        return LesionResults(**{name: getattr(results, name)[order] for name in names})

    assert decide_in_shadow(POLICY, shuffled(challenger), shuffled(champion), days[order]) == found
    other = [replace(one, patient_id=one.patient_id[::-1].copy()) for one in (challenger, champion)]
    renamed = decide_in_shadow(POLICY, *other, days)
    for before, after in zip(found.tests, renamed.tests, strict=True):
        assert after.largest_e_value == pytest.approx(before.largest_e_value)
        assert after.verdict == before.verdict


def test_a_patient_counts_once_with_the_lesions_that_came_first():
    hits = {"MM": np.array([True, True, False, True])}
    champion = lesions(hits, patient_id=np.array(["a", "a", "a", "b"]))
    found = decide_in_shadow(POLICY, champion, champion, np.array(["1", "1", "2", "2"]))
    floor = next(test for test in found.tests if (test.about, test.against) == ("MM", "floor"))
    assert (floor.lesions, floor.patients) == (4, 2)
    growing = decide_in_shadow(POLICY, *[lesions({"MM": np.ones(2, dtype=bool)})] * 2, np.array(["1", "2"]))
    two_hits = next(test for test in growing.tests if (test.about, test.against) == ("MM", "floor"))
    assert floor.e_value == pytest.approx(two_hits.e_value)


def test_without_an_anchor_in_practice_a_comparison_it_still_owes_stays_open():
    hits = {code: first_hit(38, 40) for code in ("MM", "BCC", "Nev")}
    earlier = decide(POLICY, *[lesions(hits)] * 3, alpha=0.0001)
    champion, challenger, days = practice(np.random.default_rng(7), 2000)
    found = decide_in_shadow(POLICY, challenger, champion, days, earlier=earlier)
    assert found.outcome == "insufficient_evidence"
    assert any("the anchor does not score in shadow" in reason for reason in found.reasons)
    assert decide_in_shadow(POLICY, challenger, champion, days, champion, earlier=earlier).outcome == "promote"


def test_a_group_that_fell_on_the_test_patients_stays_open_until_practice_clears_it():
    sex = np.tile(np.where(np.arange(400) < 60, "female", "male"), 3)
    hit = {name: np.ones(400, dtype=bool) for name in ("MM", "BCC", "Nev")}
    earlier = decide(POLICY, lesions({**hit, "MM": np.arange(400) >= 12}, sex=sex), lesions(hit, sex=sex))
    assert earlier.outcome == "insufficient_evidence"
    days = np.char.zfill(np.arange(1200).astype(str), 4)
    unknown = decide_in_shadow(POLICY, lesions(hit), lesions(hit), days, earlier=earlier)
    assert (unknown.outcome, unknown.subgroups_open) == ("insufficient_evidence", ("MM/sex/female",))
    cleared = decide_in_shadow(POLICY, lesions(hit, sex=sex), lesions(hit, sex=sex), days, earlier=earlier)
    assert (cleared.outcome, cleared.subgroups_open) == ("promote", ())


def test_a_decision_in_point_mode_shows_nothing():
    point = GatePolicy(mode="point", guards=Guards(subgroup_fewest=10_000))
    earlier = decide(point, *[lesions({code: first_hit(190, 200) for code in ("MM", "BCC", "Nev")})] * 2)
    assert earlier.outcome == "promote"
    nobody = lesions({"MM": np.zeros(0, dtype=bool)})
    found = decide_in_shadow(POLICY, nobody, nobody, np.zeros(0, dtype=str), earlier=earlier)
    assert {test.verdict for test in found.tests} == {"not_shown"}


def test_what_a_use_that_spent_nothing_showed_is_open_in_practice():
    hits = {code: first_hit(38, 40) for code in ("MM", "BCC", "Nev")}
    earlier = decide(POLICY, *[lesions(hits)] * 2)
    nobody = lesions({"MM": np.zeros(0, dtype=bool)})
    found = {
        spent: decide_in_shadow(POLICY, nobody, nobody, np.zeros(0, dtype=str), earlier=earlier, earlier_spent=spent)
        for spent in (True, False)
    }
    assert "shown" in {test.verdict for test in found[True].tests}
    assert {test.verdict for test in found[False].tests} == {"not_shown"}


@pytest.mark.parametrize(
    ("promotes", "agrees", "test", "second"),
    [("with_test_patients", True, 300, 20), ("with_test_patients", True, 20, 300), ("alone", False, 300, 300)],
    ids=["all lesions are open", "test patients are open", "the deployed model is of another kind"],
)
def test_what_the_policy_asks_of_both_columns_daily_practice_must_show_where_one_left_it_open(
    promotes, agrees, test, second
):
    policy = GatePolicy(all_lesions={"promotes": promotes})
    called = np.array(["MM", "BCC", "Nev", "Nev"] * 10)
    agreed = agreement(policy, called if agrees else called[::-1], np.stack([called, called]))
    of_test, of_all = (lesions({code: np.arange(n) >= n // 20 for code in SENSITIVITY}) for n in (test, second))
    earlier = decide_by_columns(policy, Column(of_test, of_test), SecondColumn(of_all, of_all, None, agreed))
    assert earlier.outcome == "insufficient_evidence"
    nobody = lesions({"MM": np.zeros(0, dtype=bool)})
    found = decide_in_shadow(policy, nobody, nobody, np.zeros(0, dtype=str), earlier=earlier)
    assert found.outcome == "insufficient_evidence"
    assert ("shown" in {each.verdict for each in found.tests}) == agrees


def later(results: LesionResults, name: str) -> LesionResults:
    """The same lesions of other patients."""
    names = np.char.add(name, results.lesion_id)
    return replace(results, lesion_id=names, patient_id=names)


def test_what_earlier_challengers_showed_counts_only_beside_evidence_of_its_own():
    rng = np.random.default_rng(11)
    before = []
    for number in range(3):
        champion, challenger, days = practice(rng, 600)
        before.append(Answers(*(later(one, f"{number}/") for one in (challenger, champion)), None, days.astype(int)))
    champion, challenger, days = practice(rng, 1600)
    alpha = challenger_alpha(POLICY, 20)
    alone = decide_in_shadow(POLICY, challenger, champion, days.astype(int) + 1600, alpha=alpha)
    carried = decide_in_shadow(POLICY, challenger, champion, days.astype(int) + 1600, alpha=alpha, before=before)
    melanoma = {name: next(test for test in found.tests if (test.about, test.against) == ("MM", "champion"))
                for name, found in (("alone", alone), ("carried", carried))}  # fmt: skip
    assert melanoma["alone"].verdict == "not_shown"
    assert melanoma["carried"].on == "daily practice with earlier challengers"
    assert melanoma["carried"].e_value == melanoma["alone"].e_value
    assert melanoma["carried"].series.patients == melanoma["alone"].patients + 3 * 90
    off = GatePolicy(shadow={"carry_over": 0})
    assert {test.series for test in decide_in_shadow(off, challenger, champion, days, before=before).tests} == {None}


def test_a_challenger_that_falls_short_is_not_carried_by_good_ones():
    rng = np.random.default_rng(9)
    champion, challenger, days = practice(rng, 2000)
    before = [Answers(*(later(one, "good/") for one in (challenger, champion)), None, days.astype(int))]
    champion, challenger, days = practice(rng, 600, {"MM": 0.10}, discordance=0.12)
    found = decide_in_shadow(POLICY, challenger, champion, days.astype(int) + 2000, before=before, alpha=0.001)
    melanoma = next(test for test in found.tests if (test.about, test.against) == ("MM", "champion"))
    assert melanoma.series.largest_e_value > melanoma.series.threshold
    assert melanoma.verdict != "shown"
    assert any("so that 164 to 1 of its own is enough" in reason for reason in found.reasons)


def test_an_anchor_that_did_not_answer_beside_an_earlier_challenger_is_not_carried_over():
    champion, challenger, days = practice(np.random.default_rng(10), 400)
    before = [Answers(*(later(one, "first/") for one in (challenger, champion)), None, days.astype(int))]
    found = decide_in_shadow(POLICY, challenger, champion, days.astype(int) + 400, champion, before=before)
    assert {test.against: test.series.patients for test in found.tests if test.about == "MM"}["anchor"] == 0
