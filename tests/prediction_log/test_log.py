"""The log under ordinary use and under damage: nothing that was written may be lost."""

import errno
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from dermai import files
from dermai.errors import InvalidCases
from dermai.prediction_log.confirmations import confirm, read_confirmations, with_diagnoses
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import PredictionLogError
from dermai.prediction_log.retakes import read_retakes, record_retakes


def predictions(first: int, count: int, day: str = "2026-03-02", **columns) -> pd.DataFrame:
    numbers = range(first, first + count)
    return pd.DataFrame(
        {
            "image": [f"{number:064x}" for number in numbers],
            "case_id": [f"case-{number}" for number in numbers],
            "lesion_id": [f"lesion-{number}" for number in numbers],
            "predicted_at": pd.to_datetime(day, utc=True) + pd.to_timedelta(range(count), unit="s"),
            "p_MM": np.linspace(0, 1, count),
            **columns,
        }
    )


def embeddings(count: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, 8)).astype(np.float32)


@pytest.fixture
def log(tmp_path):
    return PredictionLog(tmp_path / "log")


class TestAppend:
    def test_rows_come_back_in_order_of_time_whatever_the_order_of_appends(self, log):
        log.append(predictions(5, 5, "2026-03-03"), embeddings(5), "2")
        log.append(predictions(0, 5, "2026-03-02"), embeddings(5), "2")
        rows = log.read("2")
        assert rows.table["case_id"].tolist() == [f"case-{number}" for number in range(10)]

    def test_versions_are_kept_apart(self, log):
        log.append(predictions(0, 3), embeddings(3), "1")
        log.append(predictions(0, 2), embeddings(2), "2")
        assert log.model_versions() == ("1", "2")
        assert len(log.images("1")) == 3

    def test_a_version_that_never_predicted_has_no_rows(self, log):
        rows = log.read("gone", ["image", "age"], with_embeddings=True)
        assert rows.table.empty
        assert rows.damaged == ()

    def test_the_newest_rows_are_read_without_touching_older_days(self, log):
        for day in range(1, 6):
            log.append(predictions(day * 10, 4, f"2026-03-0{day}"), embeddings(4), "1")
        for part in (log.predictions / "model_version=1" / "day=2026-03-01").iterdir():
            part.write_bytes(b"damaged")
        rows = log.read("1", ["case_id"], newest=6, with_embeddings=True)
        assert len(rows.table) == 6
        assert rows.embeddings.shape == (6, 8)
        assert rows.damaged == ()

    def test_only_the_photographs_asked_for_are_read(self, log):
        for day in range(1, 4):
            log.append(predictions(day * 10, 4, f"2026-03-0{day}"), embeddings(4), "1")
        wanted = {f"{number:064x}" for number in (11, 32, 99)}
        assert log.read("1", only=("image", wanted)).table["case_id"].tolist() == ["case-11", "case-32"]
        assert log.images("1", wanted) == wanted - {f"{99:064x}"}
        assert log.read("1", only=("case_id", ())).table.empty

    def test_embeddings_keep_their_width_where_no_row_fits(self, log):
        log.append(predictions(0, 4), embeddings(4), "1")
        rows = log.read("1", ["case_id"], with_embeddings=True, only=("case_id", ["another"]))
        assert rows.table.empty
        assert rows.embeddings.shape == (0, 8)

    def test_rows_after_a_time_leave_out_that_time(self, log):
        log.append(predictions(0, 5), embeddings(5), "1")
        after = datetime(2026, 3, 2, 0, 0, 2, tzinfo=UTC)
        assert log.read("1", after=after).table["case_id"].tolist() == ["case-3", "case-4"]

    def test_pandas_and_duckdb_read_it(self, log):
        log.append(predictions(0, 5, site=["Porto"] * 5), embeddings(5), "1")
        found = duckdb.sql(
            f"select site, count(*), avg(p_MM), len(any_value(embedding)) "
            f"from read_parquet('{log.predictions}/**/*.parquet', hive_partitioning=true) "
            "where model_version = 1 group by site"
        ).fetchall()
        assert found == [("Porto", 5, 0.5, 8)]
        assert pd.read_parquet(log.predictions)["p_MM"].sum() == pytest.approx(2.5)

    def test_a_class_that_older_parts_do_not_know_is_empty_there(self, log):
        log.append(predictions(0, 2), embeddings(2), "1")
        log.append(predictions(2, 2, p_BCC=[0.5, 0.5]), embeddings(2), "1")
        rows = log.read("1").table.sort_values("case_id")
        assert rows["p_BCC"].isna().tolist() == [True, True, False, False]

    @pytest.mark.parametrize(
        ("rows", "vectors", "said"),
        [
            (predictions(0, 2).drop(columns="case_id"), embeddings(2), "lacks case_id"),
            (predictions(0, 2), embeddings(3), r"shape \(3, 8\)"),
            (predictions(0, 2), embeddings(2) * np.nan, "embeddings"),
            (pd.concat([predictions(0, 1)] * 2), embeddings(2), "logged twice"),
            (predictions(0, 2).assign(predicted_at=pd.Timestamp("2026-01-01")), embeddings(2), "time zone"),
        ],
        ids=["no case", "shape", "not a number", "twice", "no time zone"],
    )
    def test_rows_that_break_the_form_are_refused(self, log, rows, vectors, said):
        with pytest.raises(PredictionLogError, match=said):
            log.append(rows, vectors, "1")

    def test_a_version_cannot_climb_out_of_the_folder(self, log):
        with pytest.raises(PredictionLogError, match="letters"):
            log.append(predictions(0, 1), embeddings(1), "../x")


class TestDamage:
    def test_a_corrupt_part_is_named_and_the_others_are_read(self, log):
        (first,) = log.append(predictions(0, 3), embeddings(3), "1")
        log.append(predictions(3, 4), embeddings(4), "1")
        first.write_bytes(first.read_bytes()[:-20])
        rows = log.read("1")
        assert len(rows.table) == 4
        assert first.name in str(rows.damaged[0])
        assert first.is_file()

    def test_a_full_disk_is_said_and_leaves_no_part(self, log, monkeypatch):
        log.append(predictions(0, 3), embeddings(3), "1")

        def full(descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(files.os, "fsync", full)
        with pytest.raises(PredictionLogError, match="the disk is full"):
            log.append(predictions(3, 3), embeddings(3), "1")
        monkeypatch.undo()
        assert len(log.read("1").table) == 3
        left = [path.suffix for path in log.folder.rglob("*") if path.is_file()]
        assert [suffix for suffix in left if suffix != ".lock"] == [".parquet"]

    def test_a_full_disk_takes_no_diagnosis_and_says_so(self, log, monkeypatch):
        log.append(predictions(0, 3), embeddings(3), "1")
        file = log.folder / "diagnoses.csv"
        file.write_text("case_id,diagnosis\ncase-1,MM\n", encoding="utf-8")

        def full(descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as broken:
            broken.setattr(files.os, "fsync", full)
            with pytest.raises(PredictionLogError, match="no diagnosis was recorded: the disk is full"):
                confirm(log, file)
        assert confirm(log, file).accepted == 1

    def test_a_corrupt_part_of_retakes_is_named(self, log):
        retakes = pd.DataFrame([{"file": "1.jpg", "case_id": "c", "site": "", "device": "", "reason": "blurred"}])
        record_retakes(log, retakes, datetime(2026, 3, 2, tzinfo=UTC))
        damaged = log.folder / "retakes" / "part-damaged.parquet"
        damaged.write_bytes(b"PAR1 nothing PAR1")
        rows, parts = read_retakes(log)
        assert len(rows) == 1
        assert parts[0].path == damaged

    def test_an_append_that_is_killed_loses_no_row_and_shows_no_half_part(self, log):
        here = str(Path(__file__).parents[2])
        program = "\n".join(
            [
                f"import sys; sys.path.insert(0, {here!r})",
                "from tests.prediction_log.test_log import *",
                f"log, number = PredictionLog(Path({str(log.folder)!r})), 0",
                "while True:",
                "    log.append(predictions(number, 50), embeddings(50), '1')",
                "    number += 50",
                "    print(number, flush=True)",
            ]
        )
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        for _ in range(5):
            said = int(process.stdout.readline())
        time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0].split()
        said = int(rest[-1]) if rest else said
        rows = log.read("1")
        assert rows.damaged == ()
        assert len(rows.table) in (said, said + 50)
        log.append(predictions(10_000, 5), embeddings(5), "1")
        assert len(log.read("1").table) == len(rows.table) + 5


class TestConfirm:
    @pytest.fixture
    def triaged(self, log):
        log.append(predictions(0, 4), embeddings(4), "1")
        return log

    @staticmethod
    def csv(log, *lines, header="case_id,diagnosis,confirmed_by"):
        file = log.folder / "diagnoses.csv"
        file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return file

    def test_diagnoses_join_their_predictions(self, triaged):
        done = confirm(triaged, self.csv(triaged, "case-1,mm,histology", "case-2,BCC,histology"))
        assert (done.accepted, done.known, len(done.refused)) == (2, 0, 0)
        assert with_diagnoses(triaged, triaged.read("1").table)["diagnosis"].tolist() == ["", "MM", "BCC", ""]

    def test_the_same_file_twice_records_nothing_new(self, triaged):
        file = self.csv(triaged, "case-1,MM,histology")
        confirm(triaged, file)
        again = confirm(triaged, file)
        assert (again.accepted, again.known) == (0, 1)
        assert len(read_confirmations(triaged)[0]) == 1

    def test_an_unknown_case_is_set_aside_and_the_others_are_recorded(self, triaged):
        done = confirm(triaged, self.csv(triaged, "case-77,MM,histology", "case-1,Nev,dermatologist"))
        assert done.accepted == 1
        assert done.refused["reason"].tolist() == ["no photograph of this case was triaged: check the case number"]
        assert pd.read_csv(done.refused_file)["case_id"].tolist() == ["case-77"]

    def test_an_unknown_kind_of_confirmation_is_set_aside_with_those_that_are_known(self, triaged):
        done = confirm(triaged, self.csv(triaged, "case-1,MM,biopsy?", "case-2,Nev,Follow-up", "case-3,Nev,"))
        assert done.accepted == 2
        assert "use histology, confocal, consensus, follow_up, reading" in done.refused["reason"][0]
        assert read_confirmations(triaged)[0]["confirmed_by"].tolist() == ["follow_up", ""]

    def test_a_stronger_confirmation_of_the_same_diagnosis_is_recorded_and_a_weaker_one_is_not(self, triaged):
        for kind, accepted in (("reading", 1), ("histology", 1), ("reading", 0), ("", 0)):
            assert confirm(triaged, self.csv(triaged, f"case-1,MM,{kind}")).accepted == accepted
        assert read_confirmations(triaged)[0]["confirmed_by"].tolist() == ["histology"]

    def test_two_rows_that_disagree_are_both_set_aside(self, triaged):
        done = confirm(triaged, self.csv(triaged, "case-1,MM,histology", "case-1,Nev,dermatologist"))
        assert done.accepted == 0
        assert len(done.refused) == 2
        assert "disagree" in done.refused["reason"][0]

    def test_a_diagnosis_that_disagrees_with_the_record_needs_correct(self, triaged):
        confirm(triaged, self.csv(triaged, "case-1,MM,histology"))
        file = self.csv(triaged, "case-1,Nev,histology")
        done = confirm(triaged, file)
        assert "recorded as MM before" in done.refused["reason"][0]
        assert confirm(triaged, file, correct=True).accepted == 1
        assert read_confirmations(triaged)[0]["diagnosis"].tolist() == ["Nev"]
        assert len(list((triaged.folder / "confirmations").glob("*.parquet"))) == 2, "the first one stays in the log"

    def test_a_case_with_two_lesions_needs_to_say_which(self, log):
        log.append(predictions(0, 2).assign(case_id="case-0"), embeddings(2), "1")
        done = confirm(log, self.csv(log, "case-0,MM,histology"))
        assert "say which in lesion_id" in done.refused["reason"][0]
        named = self.csv(log, "case-0,lesion-1,MM", header="case_id,lesion_id,diagnosis")
        assert confirm(log, named).accepted == 1

    def test_a_diagnosis_outside_the_taxonomy_is_set_aside(self, triaged):
        done = confirm(triaged, self.csv(triaged, "case-1,monkeypox,histology"))
        assert "not in the taxonomy" in done.refused["reason"][0]

    def test_a_table_without_diagnoses_is_refused_as_a_whole(self, triaged):
        with pytest.raises(InvalidCases, match="lacks the columns"):
            confirm(triaged, self.csv(triaged, "case-1", header="case_id"))

    def test_a_corrupt_confirmation_part_is_named(self, triaged):
        confirm(triaged, self.csv(triaged, "case-1,MM,histology"))
        confirm(triaged, self.csv(triaged, "case-2,MM,histology"))
        first = min((triaged.folder / "confirmations").glob("*.parquet"))
        first.write_bytes(b"PAR1 nothing PAR1")
        rows, damaged = read_confirmations(triaged)
        assert rows["case_id"].tolist() == ["case-2"]
        assert damaged[0].path == first
