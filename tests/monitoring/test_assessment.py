"""Verdicts and words: the same kinds of week that the simulated production holds, many times over."""

from dataclasses import replace

import numpy as np
import pytest

from dermai.config import MonitoringParams
from monitoring.assessment import assess
from monitoring.findings import find
from tests.monitoring.synthetic import SHARES, photographs, without_diagnoses

pytestmark = pytest.mark.slow  # simulated many times

PARAMS = MonitoringParams(draws=999)
RISEN = {"MM": 0.45, "BCC": 0.08, "Nev": 0.29, "SebKer": 0.18}
WEEKS = {
    "nothing": {},
    "new phone": {"dark": 1.0},
    "new site, older patients": {"sites": ("Porto", "Faro"), "older": 15.0},
    "new class": {"new_class": 0.3},
    "more melanoma": {"shares": RISEN},
}
REFERENCE = photographs(1, 220)


def judged(seed, **changes):
    window = without_diagnoses(photographs(seed, 100, **changes))
    return assess(window, REFERENCE, ("MM", "BCC"), PARAMS, np.random.default_rng(seed), floors={"MM": 0.7, "BCC": 0.6})


@pytest.mark.parametrize(
    ("week", "verdicts", "cause"),
    [
        ("new phone", {"act"}, "photography"),
        ("new site, older patients", {"watch"}, "new_site"),
        ("new class", {"watch", "act"}, "new_kind"),
        ("more melanoma", {"watch"}, "diagnoses"),
    ],
)
def test_each_kind_of_week_is_told_apart_and_named(week, verdicts, cause):
    for seed in range(10, 13):
        found = judged(seed, **WEEKS[week])
        assert found.verdict in verdicts
        assert cause in find(found).causes


def test_weeks_in_which_nothing_changed_are_stable():
    verdicts = [judged(seed).verdict for seed in range(20, 36)]
    assert verdicts.count("stable") >= 12  # 5 % are marked by chance: fewer than this in 1 of 500 runs
    assert "act" not in verdicts


@pytest.mark.parametrize("unknown", ["", None], ids=["an empty column", "no column"])
def test_referrals_that_name_no_device_are_like_those_that_do(unknown):
    for seed in range(20, 26):
        named = without_diagnoses(photographs(seed, 100))
        unnamed = replace(named, table=named.table.assign(device=unknown))
        found, without = (
            assess(window, REFERENCE, ("MM", "BCC"), PARAMS, np.random.default_rng(seed)) for window in (named, unnamed)
        )
        assert without.verdict == found.verdict
        assert "device" not in [change.column for change in without.categories]


def test_a_new_phone_is_described_in_words():
    words = find(judged(10, **WEEKS["new phone"]))
    assert "darker" in words.changes[0]
    assert "blurrier" in words.changes[0]
    assert "phone" in words.advice[0]


def test_the_newest_photographs_of_a_new_class_are_those_of_the_new_class():
    window = photographs(11, 100, new_class=0.3)
    new = set(window.table["image"][window.embeddings[:, 20] > 5])
    found = assess(without_diagnoses(window), REFERENCE, ("MM", "BCC"), PARAMS, np.random.default_rng(0))
    assert len(new & set(found.newest)) >= 7


def test_a_few_patients_are_too_few_to_judge():
    window = without_diagnoses(photographs(3, 20))
    found = assess(window, REFERENCE, ("MM", "BCC"), PARAMS, np.random.default_rng(0))
    assert found.verdict == "too_few"
    assert "20 patients" in find(found).changes[0]


def test_an_empty_window_is_too_few():
    empty = without_diagnoses(photographs(3, 1)).rows(np.array([], dtype=int))
    assert assess(empty, REFERENCE, ("MM", "BCC"), PARAMS, np.random.default_rng(0)).verdict == "too_few"


def test_a_window_of_one_class_is_judged_and_said():
    only = {name: float(name == "Nev") for name in SHARES}
    found = judged(12, shares=only)
    assert found.verdict in {"watch", "act"}
    assert all(one.unknown for one in found.estimated)


def test_missed_melanomas_call_to_act_once_they_are_confirmed():
    window = photographs(13, 100, shares=RISEN)
    missed = window.table.assign(predicted=window.table["predicted"].replace("MM", "Nev"))
    found = assess(
        type(window)(missed, window.embeddings), REFERENCE, ("MM", "BCC"), PARAMS, np.random.default_rng(0),
        floors={"MM": 0.7, "BCC": 0.6},
    )  # fmt: skip
    assert found.verdict == "act"
    assert "approved for at least 70\u00a0%" in " ".join(find(found).changes)


def test_estimates_are_withheld_with_the_reason_where_the_photographs_changed():
    found = judged(10, **WEEKS["new phone"])
    assert all("may not mean what it meant" in one.unknown for one in found.estimated)


def test_a_rare_class_is_learnt_from_photographs_of_other_sources():
    own = photographs(1, 220).rows(np.flatnonzero(photographs(1, 220).table["diagnosis"] != "MM"))
    window = without_diagnoses(photographs(14, 100, shares=RISEN))
    alone = assess(window, own, ("MM", "BCC"), PARAMS, np.random.default_rng(0))
    helped = assess(window, own, ("MM", "BCC"), PARAMS, np.random.default_rng(0), known=REFERENCE)
    assert "of MM; 10 are needed" in alone.label_shift.refused
    assert helped.label_shift.moved()
    assert "diagnoses" in find(helped).causes
