"""Which cases first: sooner decided, and as rarely wrong."""

import numpy as np
import pytest

from benchmarks.gate.confirm_first import ALPHA, AT_THE_MARGIN, EQUAL, simulate
from dermai.gate.confirm_first import called_by_any, drawing_probabilities
from dermai.gate.policy import GatePolicy
from dermai.gate.results import LesionResults

POLICY = GatePolicy()


def model(*called: str) -> LesionResults:
    names = [str(number) for number in range(len(called))]
    return LesionResults(np.array(names), np.array(names), np.array([""] * len(called)), np.array(called))


def test_a_case_counts_as_called_whichever_of_the_models_calls_it():
    challenger, champion = model("MM", "Nev", "Nev", "BCC"), model("Nev", "MM", "Nev", "BCC")
    found = called_by_any(POLICY, [challenger, champion])
    assert found.tolist() == [True, True, False, True]
    assert found.tolist() == called_by_any(POLICY, [champion, challenger]).tolist()


@pytest.mark.parametrize("number", [1, 20, 80, 500])
def test_about_so_many_are_drawn_and_none_is_impossible(number):
    called = np.arange(300) % 10 == 0
    found = drawing_probabilities(called, number)
    assert found.sum() == pytest.approx(min(number, 300))
    assert found.min() > 0
    assert found[called].min() >= found[~called].max()


def test_without_a_case_nothing_is_drawn():
    assert drawing_probabilities(np.zeros(0, dtype=bool), 20).tolist() == []
    assert drawing_probabilities(np.zeros(4, dtype=bool), 2).tolist() == [0.5] * 4


def test_an_equal_challenger_is_shown_sooner_than_by_confirming_at_random():
    assert simulate(EQUAL, True, 60)[0] < simulate(EQUAL, False, 60)[0] / 3


def test_a_challenger_that_is_worse_by_the_margin_is_hardly_ever_shown():
    runs = 300
    assert simulate(AT_THE_MARGIN, True, runs)[1] <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / runs)
