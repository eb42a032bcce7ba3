from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dermai.models.called_class import CalledClass, called_class
from dermai.models.operating_points import predict

CLASSES = ("SebKer", "Nev", "OtMalNeop", "BCC", "MM")
probability_rows = st.lists(st.floats(0.001, 1), min_size=5, max_size=5).map(lambda row: np.array(row) / sum(row))
thresholds = st.fixed_dictionaries({}, optional={code: st.floats(0.01, 0.5) for code in ("MM", "BCC")})


@given(row=probability_rows, points=thresholds)
def test_the_reason_is_the_rule_that_made_the_call(row: np.ndarray, points: dict[str, float]) -> None:
    code = CLASSES[predict(row[None], CLASSES, points)[0]]
    answer = called_class(code, dict(zip(CLASSES, map(float, row), strict=True)), points)
    assert answer.code == code
    if answer.probability == row.max():
        assert answer.reason.endswith("the most probable")
    else:
        assert row[CLASSES.index(answer.reached)] >= points[answer.reached] == answer.threshold
        assert "called from" in answer.reason


def test_a_probability_just_above_its_threshold_is_not_rounded_below_it() -> None:
    assert CalledClass("MM", 0.1423, "MM", 0.142).reason == "14.2\u00a0%, called from 14.2\u00a0% on"
