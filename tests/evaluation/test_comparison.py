from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from dermai.config import Params
from dermai.evaluation.comparison import ModelEvaluation, compare, lesion_predictions
from dermai.evaluation.predictions import CASE_COLUMNS, prediction_table
from tests.packages import CLASSES, make_package


def test_each_model_is_judged_by_its_own_rule_and_says_which_class_has_no_threshold() -> None:
    first = replace(make_package(), operating_points={"BCC": 0.142})
    models = {"candidate": first.with_operating_points(first.operating_points), "champion": first}
    case = pd.DataFrame(
        [["a", "c", "p", "l", "MM", "", "", 50.0, "", "", "dermai", "histology"]], columns=list(CASE_COLUMNS)
    )
    probabilities = np.array([[0.3, 0.2, 0.5]])  # Nev, BCC, MM
    predictions = pd.concat(
        [prediction_table(case, probabilities, CLASSES).assign(role=role) for role in models], ignore_index=True
    )
    found = compare(predictions, models, Params())
    said = {role: table["predicted"].tolist() for role, table in lesion_predictions(predictions, found).items()}
    assert said == {"candidate": ["MM"], "champion": ["BCC"]}
    notes = found.models["candidate"].operating_point_notes
    assert "0 validation cases are too few" in notes["MM"]
    record = found.models["champion"].model_dump(mode="json")
    assert "call_rule" not in record, "records of the first rule stay as they were"
    assert ModelEvaluation.model_validate(record).call_rule == 1
