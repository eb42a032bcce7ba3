"""What must not be lost while sensitivity is kept: macro-F1, and sensitivity in groups of patients."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from dermai.gate.guards import compare_macro_f1, subgroups
from dermai.gate.policy import GatePolicy
from tests.gate.simulated import first_hit, fleet, lesions

SIZES = {"MM": 40, "BCC": 60, "Nev": 120, "SebKer": 90}
SENSITIVITY = dict.fromkeys(SIZES, 0.85)


def test_macro_f1_is_that_of_scikit_learn():
    champion, candidate = fleet(np.random.default_rng(1), SIZES, SENSITIVITY, {"MM": 0.05})
    found = compare_macro_f1(candidate, champion)
    for results, value in ((candidate, found.candidate), (champion, found.champion)):
        assert value == pytest.approx(f1_score(results.truth, results.predicted, average="macro", labels=list(SIZES)))


def test_the_jackknifes_standard_error_is_the_spread_of_the_difference():
    rng = np.random.default_rng(2)
    found = [compare_macro_f1(*fleet(rng, SIZES, SENSITIVITY, {})) for _ in range(200)]
    spread = np.std([one.difference for one in found])
    assert np.mean([one.standard_error for one in found]) == pytest.approx(spread, rel=0.2)


def test_groups_with_few_lesions_are_not_looked_at():
    sex = np.where(np.arange(100) < 30, "female", "male")
    champion = lesions({"MM": first_hit(90, 100)}, sex=sex)
    assert [group.group for group in subgroups(champion, champion, GatePolicy())] == ["female", "male"]
    sex[0] = ""
    champion = lesions({"MM": first_hit(90, 100)}, sex=sex)
    assert [group.group for group in subgroups(champion, champion, GatePolicy())] == ["male"]


def test_one_patient_has_no_macro_f1_to_compare():
    alone = lesions({"MM": first_hit(3, 4)}, patient_id=np.array(["a"] * 4))
    assert compare_macro_f1(alone, alone) is None
