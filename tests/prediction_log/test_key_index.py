"""The index of the log's keys: it saves reading, and what is found is what reading every part finds."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dermai.prediction_log import key_index
from dermai.prediction_log import log as log_module
from dermai.prediction_log.log import PredictionLog

NUMBERS = st.integers(0, 6)
ROW = st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
PARTS = st.lists(st.tuples(st.sampled_from(["1", "2"]), st.lists(ROW, min_size=1, max_size=4)), max_size=5)
COLUMNS = ("image", "case_id", "patient_id", "lesion_id")
WANTED = st.dictionaries(st.sampled_from(COLUMNS), st.sets(st.integers(0, 9), max_size=3), min_size=1)


def table(rows):
    named = pd.DataFrame([[f"{name[0]}{n}" for name, n in zip(COLUMNS, row, strict=True)] for row in rows])
    named.columns = COLUMNS
    named = named.drop_duplicates(["image", "case_id", "lesion_id"])
    return named.assign(predicted_at=pd.Timestamp("2026-03-02", tz="UTC"))


def append(log, rows, version="1"):
    rows = table(rows)
    return log.append(rows, np.zeros((len(rows), 2), dtype=np.float32), version)[0]


@pytest.fixture
def log(tmp_path):
    return PredictionLog(tmp_path / "log", tmp_path / "cache")


def parts_read(log, monkeypatch, **any_of):
    """How many parts a question opens."""
    opened = []
    plain = log_module.read_part
    with monkeypatch.context() as counted:
        counted.setattr(log_module, "read_part", lambda part, *rest: opened.append(part) or plain(part, *rest))
        found = log.referred(**any_of)
    return len(opened), len(found)


class TestKeyIndex:
    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(parts=PARTS, wanted=WANTED)
    def test_what_is_found_is_what_reading_every_part_finds(self, tmp_path, parts, wanted):
        folder = Path(tempfile.mkdtemp(dir=tmp_path)) / "log"
        indexed, plain = PredictionLog(folder, tmp_path / "cache"), PredictionLog(folder)
        any_of = {name: {f"{name[0]}{number}" for number in numbers} for name, numbers in wanted.items()}
        for version, rows in parts:
            append(plain, rows, version)
            pd.testing.assert_frame_equal(indexed.referred(**any_of), plain.referred(**any_of))
            for only in any_of.items():
                pd.testing.assert_frame_equal(
                    indexed.read(version, only=only).table, plain.read(version, only=only).table
                )

    def test_only_the_parts_that_hold_what_is_asked_for_are_read(self, log, monkeypatch):
        for number in range(20):
            append(log, [(number, number, number, number)])
        assert parts_read(log, monkeypatch, image=["i3"], case_id=["c7"]) == (2, 2)
        assert parts_read(log, monkeypatch, patient_id=["nobody"]) == (0, 0)
        append(log, [(20, 20, 20, 20)])
        assert parts_read(log, monkeypatch, lesion_id=["l20"]) == (1, 1)

    def test_a_part_that_is_replaced_or_removed_is_known_as_it_is_now(self, log):
        part, other = append(log, [(1, 1, 1, 1)]), append(log, [(2, 2, 2, 2), (3, 3, 3, 3), (4, 4, 4, 4)])
        assert len(log.referred(image=["i1"])) == 1
        other.replace(part)
        assert log.referred(image=["i1"]).empty
        assert len(log.referred(image=["i2"])) == 1

    def test_a_part_that_cannot_be_read_is_still_named(self, log):
        part = append(log, [(1, 1, 1, 1)])
        append(log, [(2, 2, 2, 2)])
        part.write_bytes(b"PAR1 nothing")
        for _ in range(2):
            found = log.read("1", only=("image", ["i2"]))
            assert (len(found.table), [damaged.path for damaged in found.damaged]) == (1, [part])

    @pytest.mark.parametrize("harm", ["damaged", "other hashes", "no folder"])
    def test_an_index_that_is_of_no_use_is_made_anew(self, log, monkeypatch, harm):
        append(log, [(1, 1, 1, 1)])
        if harm == "no folder":
            log.cache.write_text("a file where the cache should be")
        elif harm == "damaged":
            log.referred(image=["i1"])
            next(log.cache.iterdir()).write_bytes(b"ARROW1 nothing")
        else:
            with monkeypatch.context() as older:
                older.setattr(key_index, "hashes", lambda texts: np.arange(len(texts), dtype=np.uint64))
                log.referred(image=["i1"])
        assert len(log.referred(image=["i1"])) == 1
