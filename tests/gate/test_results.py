"""What the gate is given: one answer a lesion, with what is known of its patient."""

import numpy as np
import pandas as pd
import pytest

from dermai.gate.policy import GatePolicy
from dermai.gate.results import IncomparableResults, LesionResults


def test_a_lesion_has_one_answer():
    with pytest.raises(IncomparableResults, match="lesion 1 is there more than once"):
        LesionResults(*(np.array(values) for values in (["1", "1"], ["a", "b"], ["MM", "MM"], ["MM", "Nev"])))
    with pytest.raises(IncomparableResults, match="predicted has 1 values for 2 lesions"):
        LesionResults(*(np.array(values) for values in (["1", "2"], ["a", "b"], ["MM", "MM"], ["MM"])))


def test_a_hit_is_the_class_itself_or_any_malignant_one_as_the_policy_says():
    names = np.array(["1", "2", "3"])
    found = LesionResults(names, names, np.array(["MM"] * 3), np.array(["MM", "BCC", "Nev"]))
    assert found.hits("MM", GatePolicy()).tolist() == [True, False, False]
    assert found.hits("MM", GatePolicy(hit="malignant")).tolist() == [True, True, False]
    assert found.not_called_malignant().tolist() == [False, False, True]


def test_unknown_attributes_form_no_group():
    table = pd.DataFrame({
        "lesion_id": ["1", "2", "3", "4"], "patient_id": list("abcd"), "diagnosis": "MM", "predicted": "MM",
        "sex": ["female", None, "", "male"], "age": [39, 40, np.nan, 95], "skin_type": None, "site": "Lisboa",
    })  # fmt: skip
    found = LesionResults.from_table(table)
    assert found.groups("age_band", (40, 60, 80)).tolist() == ["0 to 39", "40 to 59", "", "80 and over"]
    assert found.groups("sex", ()).tolist() == ["female", "", "", "male"]
    assert found.groups("skin_type", ()).tolist() == [""] * 4
