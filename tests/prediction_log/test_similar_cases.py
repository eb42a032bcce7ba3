"""Cases that look like a given one, among those that were sorted as normal."""

import numpy as np
import pandas as pd
import pytest

from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.similar_cases import embeddings_of, similar_normal_cases


@pytest.fixture
def log(tmp_path):
    """Cases at angles of 0, 10, 20 ... degrees; that at 20 has a second, urgent photograph."""
    found = PredictionLog(tmp_path / "log" / "predictions")
    angles = np.radians([0, 10, 20, 30, 40, 25])
    rows = pd.DataFrame(
        {
            "image": [f"{number:064x}" for number in range(6)],
            "case_id": ["c0", "c1", "c2", "c3", "c4", "c2"],
            "lesion_id": "l",
            "risk": ["normal"] * 5 + ["priority"],
            "predicted_at": pd.Timestamp("2026-03-01", tz="UTC"),
        }
    )
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found.append(rows.iloc[:3], vectors[:3], "1")
    found.append(rows.iloc[3:], 5 * vectors[3:], "1")
    return found


def test_the_nearest_come_first_whatever_the_length_of_their_vectors(log):
    like = embeddings_of(log, "1", [f"{0:064x}"])
    found = similar_normal_cases(log, "1", like, {"c0"}, most=10)
    assert [case.case_id for case in found] == ["c1", "c3", "c4"], "c2 has a photograph that is urgent"
    assert found[0].distance == pytest.approx(1 - np.cos(np.radians(10)), abs=1e-3)


def test_no_more_are_named_than_are_asked_for_and_none_of_those_left_out(log):
    like = embeddings_of(log, "1", [f"{0:064x}"])
    assert [case.case_id for case in similar_normal_cases(log, "1", like, {"c0", "c1"}, most=1)] == ["c3"]


def test_without_a_photograph_nothing_is_alike(log):
    assert similar_normal_cases(log, "1", embeddings_of(log, "1", ["f" * 64]), set(), most=3) == []
