"""Each line of a decision says whether it speaks for the candidate, and one number says how many cases would decide."""

import re

import numpy as np
import pytest

from dermai.gate.decision import decide
from dermai.gate.explain import asked_of, drops_beyond_chance
from dermai.gate.findings import GateDecision, ShadowDecision
from dermai.gate.marks import marked, objections
from dermai.gate.policy import GatePolicy
from dermai.gate.shadow import decide_in_shadow
from tests.gate.simulated import first_hit, lesions

POLICY = GatePolicy()
CLASSES = ("MM", "BCC", "Nev", "SebKer")
NOBODY = lesions({"MM": np.zeros(0, dtype=bool)})


def model(size=60, **found):
    """A model that finds 9 of 10 lesions of each class, or as many as are named."""
    return lesions({code: first_hit(found.get(code, 9 * size // 10), size) for code in CLASSES})


def waiting() -> GateDecision:
    """Of a candidate that is not shown to be good enough, on few lesions."""
    return decide(POLICY, model(24, MM=20), model(24), model(24))


def in_shadow(earlier: GateDecision | None, policy: GatePolicy = POLICY) -> ShadowDecision:
    return decide_in_shadow(policy, NOBODY, NOBODY, np.zeros(0, dtype=str), NOBODY, earlier=earlier)


@pytest.mark.parametrize("decision", [waiting(), in_shadow(waiting())])
def test_what_is_open_stands_before_what_passed(decision):
    marks = [line.mark for line in marked(decision)]
    assert {"open", "passed"} <= set(marks)
    assert marks == sorted(marks, key=["failed", "open", "passed"].index)
    assert all(line.mark == "open" and str(line).startswith("? ") for line in objections(decision))


def test_what_failed_stands_first_and_what_passed_is_no_objection():
    decision = decide(POLICY, model(100, MM=60), model(100), model(100))
    assert decision.outcome == "reject"
    assert str(marked(decision)[0]).startswith("✗ ")
    assert {line.mark for line in objections(decision)} <= {"failed", "open"}
    assert len(objections(decision)) < len(marked(decision))


def test_no_test_of_a_promotion_is_an_objection():
    assert objections(decide(POLICY, model(200), model(200), model(200))) == ()


def test_page_and_status_name_the_same_number_of_further_cases():
    """Before a diagnosis has come back, shadow mode knows what the test patients showed, and nothing else."""
    decision = waiting()
    shadow = in_shadow(decision)
    assert decision.further_cases["MM"] > 0
    assert shadow.further_cases == decision.further_cases
    wanted = [found.summary.partition("; probably")[2] for found in (decision, shadow)]
    assert wanted[0] == wanted[1] != ""
    said = [line.text for found in (decision, shadow) for line in marked(found)]
    assert not any("further" in text for text in said)  # the summary alone names it


def test_where_no_number_would_do_none_is_promised():
    decision = decide(POLICY, model(40, MM=26), model(40, MM=26))
    assert decision.further_cases["MM"] is None
    assert "as things look, no number decides on MM" in decision.summary
    assert "confirmed MM" not in decision.summary


def test_the_same_limits_are_named_beside_every_comparison():
    decision = decide(POLICY, model(), model())
    asked = {asked_of(found, decision.mode) for of_class in decision.classes for found in of_class.comparisons}
    assert asked == {"loss of 10 points ruled out, drop of at most 3 points"}
    assert asked_of(decision.specificity.comparisons[0], "statistical") == "loss of 10 points ruled out"
    assert asked_of(decision.classes[0].comparisons[0], "point") == "drop of at most 3 points"


def test_a_drop_beyond_chance_is_not_called_a_lack_of_cases():
    """Of 100 MM six are lost: the interval lies below zero, but not at the level at which harm is found."""
    before = lesions({code: np.arange(200) >= 20 for code in CLASSES})
    candidate = lesions({code: np.arange(200) >= (27 if code == "MM" else 20) for code in CLASSES})
    decision = decide(POLICY, candidate, before, before)
    assert decision.outcome == "insufficient_evidence"
    assert drops_beyond_chance(decision) == ("MM",)
    assert "probably does worse on MM" in decision.summary


@pytest.mark.parametrize(("found", "words"), [
    (np.array([1, 0, 0, 1, 0]), "speaks against it rather than for it so far"),
    (np.ones(5), "speaks for it, but not clearly enough"),
    (np.zeros(0), "no diagnosis of such a lesion has come back since"),
])  # fmt: skip
def test_evidence_is_told_in_words(found, words):
    results = lesions({"MM": found.astype(bool)})
    shadow = decide_in_shadow(POLICY, results, results, np.arange(len(found)).astype(str))
    text = next(line.text for line in marked(shadow) if line.text.startswith("MM, sensitivity above the floor"))
    assert words in text
    assert "164 to 1 is asked" in text
    assert re.search(r"evidence is|\be-value\b", text) is None
