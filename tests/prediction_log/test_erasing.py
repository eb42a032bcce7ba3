"""Rows leave a signed part: the others stay where they were, and a run that died in it is done again."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from dermai.prediction_log.erasing import replace_parts, without_rows
from dermai.prediction_log.log import LOCK, PredictionLog
from dermai.prediction_log.order_of_writing import name_without_rows, order_of
from dermai.prediction_log.signed_folder import pending_of
from monitoring.judged_rows import JudgedRows

WHO = {"approver": "Ana Silva", "role": "data protection officer", "reason": "consent withdrawn"}


@pytest.fixture
def log(workspace):
    log = PredictionLog.of(workspace)
    for first in (0, 3):
        rows = pd.DataFrame(
            [
                {"image": f"i{n}", "case_id": f"c{n}", "patient_id": f"p{n % 2}", "predicted_at": datetime.now(UTC),
                 "p_MM": 0.5}
                for n in range(first, first + 3)
            ]
        )  # fmt: skip
        log.append(rows, np.ones((3, 4), dtype=np.float32), "1")
    return log


def erase(log, part):
    erased = without_rows(part, {"p0"})
    replace_parts(log.answers, log.folder / LOCK, {part: erased.content}, **WHO)
    return erased.gone


def test_the_other_rows_stay_with_their_vectors_and_the_part_keeps_its_place(log):
    first, second = sorted(log.parts("1"))
    assert list(erase(log, first)) == [True, False, True]
    read = log.read("1", with_embeddings=True)
    assert sorted(read.table["image"]) == ["i1", "i3", "i4", "i5"]
    assert read.embeddings.shape == (4, 4)
    assert log.problems() == ()
    other = next(part for part in log.parts("1") if part != second)
    assert order_of(other.name) == order_of(first.name)


def test_a_part_without_any_row_left_is_gone_and_nothing_is_missed(log):
    first, _ = sorted(log.parts("1"))
    replace_parts(log.answers, log.folder / LOCK, {first: None}, **WHO)
    assert len(log.parts("1")) == 1
    assert log.problems() == ()


def test_killed_between_the_record_and_the_new_file_the_next_run_ends_the_same(log):
    first, _ = sorted(log.parts("1"))
    content = first.read_bytes()
    erase(log, first)
    other = first.with_name(name_without_rows(first.name))
    other.rename(pending_of(other))
    first.write_bytes(content)  # as it lay there before the record was carried out
    assert log.problems(), "no evidence is made of it meanwhile"
    erase(log, first)
    assert log.problems() == ()
    assert sorted(log.read("1").table["image"]) == ["i1", "i3", "i4", "i5"]


def test_what_was_judged_of_a_part_is_judged_of_the_one_that_takes_its_place():
    judged = JudgedRows(whole=frozenset({"a"}), rows={"b": (0, 2, 3)})
    gone = np.array([False, True, True, False, False])
    found = judged.without_rows("a", "a2", gone).without_rows("b", "b2", gone)
    assert "a2" in found.whole
    assert found.rows["b2"] == (0, 1)
    assert found.without_rows("b", "b2", gone) == found
    all_left = judged.without_rows("b", "b3", np.array([False, True, False, False]))
    assert "b3" in all_left.whole


def test_a_note_about_another_case_stays_without_the_name_in_it(tmp_path):
    rows = pd.DataFrame({"case_id": ["c1", "c2"], "note": ["mine", "as in c1, see there"], "site": ["c1x", "c1x"]})
    rows.to_parquet(tmp_path / "part.parquet", index=False)
    erased = without_rows(tmp_path / "part.parquet", {"c1"}, ["c1"])
    left = pd.read_parquet(io.BytesIO(erased.content))
    assert left.to_dict("records") == [{"case_id": "c2", "note": "as in withdrawn, see there", "site": "c1x"}]
    assert not without_rows(tmp_path / "part.parquet", {"c3"}, ["c3"]).changed
