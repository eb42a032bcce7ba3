"""What second readings show on the team's page: the bound, and sensitivities beside the naive ones."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from dermai.config import load_params
from dermai.prediction_log.confirmations import confirm
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.sortings import record_sortings
from monitoring.second_readings import second_readings_so_far

LONG_AGO = datetime.now(UTC) - timedelta(days=400)
SITE = "simulated clinic"  # so that the days which are given count


@pytest.fixture
def log(workspace):
    return PredictionLog.of(workspace)


@pytest.fixture
def params(workspace):
    return load_params(workspace.params_file)


def service(log, tmp_path, groups, when=LONG_AGO, site=SITE):
    """`groups`: number of cases, risk, whether drawn, what the model calls, the diagnosis and how it was confirmed."""
    rows, diagnoses = [], []
    for count, risk, drawn, called, diagnosis, by in groups:
        for _ in range(count):
            number = len(rows)
            rows.append(
                {
                    "image": f"{number:064x}", "case_id": f"c{number}", "lesion_id": f"l{number}",
                    "patient_id": f"p{number}", "predicted": called, "risk": risk, "site": site, "drawn": drawn,
                    "model_version": "1", "probability": 0.1 if risk == "normal" else 1.0, "predicted_at": when,
                }
            )  # fmt: skip
            if diagnosis:
                diagnoses.append({"case_id": f"c{number}", "diagnosis": diagnosis, "confirmed_by": by})
    table = pd.DataFrame(rows).astype({"predicted_at": "datetime64[us, UTC]"})
    log.append(table.drop(columns=["drawn", "model_version", "probability"]), np.zeros((len(rows), 4), np.float32), "1")
    record_sortings(log, table, when)
    file = tmp_path / "diagnoses.csv"
    pd.DataFrame(diagnoses).to_csv(file, index=False)
    assert confirm(log, file).refused.empty


def test_none_of_300_is_said_as_at_most_one_per_cent(log, params, tmp_path):
    service(log, tmp_path, [(300, "normal", True, "Nev", "Nev", "follow_up"), (40, "normal", False, "Nev", "", "")])
    found = second_readings_so_far(log, "1", params)
    assert (found.normal, found.asked, found.read_again, found.cancers) == (340, 300, 300, 0)
    assert found.at_most == pytest.approx(0.00994, abs=1e-5)
    assert found.at_most_if_unknown_were == found.at_most


def test_a_drawn_cancer_stands_for_those_that_were_not_drawn(log, params, tmp_path):
    service(
        log,
        tmp_path,
        [
            (44, "high_priority", True, "MM", "MM", "histology"),
            (3, "priority", True, "ActKer", "MM", "histology"),
            (1, "normal", True, "Nev", "MM", "histology"),
            (99, "normal", True, "Nev", "Nev", "consensus"),
            (900, "normal", False, "Nev", "", ""),
            (1, "normal", False, "Nev", "MM", "histology"),  # came back by itself
        ],
    )
    found = second_readings_so_far(log, "1", params)
    melanoma = found.classes[0]
    assert (melanoma.lesion_class, melanoma.found, melanoma.missed, melanoma.drawn) == ("MM", 44, 3, 1)
    assert melanoma.value == pytest.approx(44 / (44 + 3 + 10))
    assert (melanoma.naive_hits, melanoma.naive_cases) == (44, 49)
    assert melanoma.low < melanoma.naive_low
    assert found.classes[1].value is None


def test_what_was_drawn_and_has_no_diagnosis_that_counts_is_named_and_weighted(log, params, tmp_path):
    service(
        log,
        tmp_path,
        [
            (10, "high_priority", True, "MM", "MM", "histology"),
            (1, "normal", True, "Nev", "MM", "histology"),
            (49, "normal", True, "Nev", "Nev", "follow_up"),
            (50, "normal", True, "Nev", "Nev", "reading"),  # which is no reference standard
        ],
    )
    found = second_readings_so_far(log, "1", params)
    assert (found.asked, found.read_again, found.cancers) == (100, 50, 1)
    assert found.at_most_if_unknown_were > 0.5
    assert found.classes[0].value == pytest.approx(10 / (10 + 1 / (0.1 * 0.5)))


def test_before_the_follow_up_time_is_over_they_wait(log, params, tmp_path):
    rows = [(5, "normal", True, "Nev", "Nev", "follow_up")]
    service(log, tmp_path, rows, when=datetime.now(UTC) - timedelta(days=10))
    found = second_readings_so_far(log, "1", params)
    assert (found.asked, found.waiting, found.at_most) == (0, 5, None)


def test_for_patients_who_exist_the_time_of_writing_counts(log, params, tmp_path):
    service(log, tmp_path, [(5, "normal", True, "Nev", "Nev", "follow_up")], site="Porto")
    assert second_readings_so_far(log, "1", params).waiting == 5


def test_where_nothing_was_sorted_as_normal_nothing_is_said(log, params):
    assert second_readings_so_far(log, "1", params) is None
