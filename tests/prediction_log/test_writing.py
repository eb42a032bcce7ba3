"""No answer in the prediction log is edited, removed, exchanged, renamed or added unseen; one record a triage."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dermai.errors import AuditLogDamaged, DermaiError
from dermai.files import sha256_file
from dermai.prediction_log import writing
from dermai.prediction_log.log import PredictionLog
from tests.prediction_log.test_log import embeddings, predictions

WHO = {"approver": "Ana Silva", "role": "data manager", "reason": "upgrade"}


@pytest.fixture
def log(tmp_path):
    log = PredictionLog(tmp_path / "state" / "predictions")
    with log.writing() as append:
        append(predictions(0, 3, "2026-03-01"), embeddings(3), "1")
        append(predictions(0, 4, "2026-03-01"), embeddings(4), "2")
    return log


@pytest.fixture
def parts(log):
    return sorted(log.predictions.rglob("*.parquet"))


def edited(parts):
    parts[0].write_bytes(parts[0].read_bytes() + b" ")


def removed(parts):
    parts[1].unlink()


def exchanged(parts):
    first, second = parts[0].read_bytes(), parts[1].read_bytes()
    parts[0].write_bytes(second)
    parts[1].write_bytes(first)


def added(parts):
    shutil.copy(parts[0], parts[0].with_name("part-20250101T000000000000-00000000.parquet"))


def dated_earlier(parts):
    parts[0].rename(parts[0].with_name("part-20250101T000000000000-00000000.parquet"))


CHANGES = [edited, removed, exchanged, added, dated_earlier]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_part_is_named_until_a_person_answers_for_it(log, parts, change):
    assert log.problems() == ()
    change(parts)
    assert "dermai audit adopt-predictions" in log.problems()[0]
    log.adopt(**WHO)
    assert log.problems() == ()
    assert log.audit.entries()[-1].body["approver"] == "Ana Silva"
    with pytest.raises(DermaiError, match="nothing to adopt"):
        log.adopt(**WHO)


def test_a_triage_is_one_record_with_the_hash_of_every_part(log, parts):
    (entry,) = log.audit.entries("predictions")
    assert entry.body == {
        "parts": {str(part.relative_to(log.predictions)): sha256_file(part) for part in parts},
        "rows": 7,
    }


def test_a_long_triage_is_recorded_every_minute(log, monkeypatch):
    monkeypatch.setattr(writing, "SECONDS", 0.0)
    with log.writing() as append:
        append(predictions(3, 3), embeddings(3), "1")
        assert len(log.read("1").table) == 6
    assert len(log.audit.entries("predictions")) == 2


def test_an_error_keeps_what_was_written_before_it(log):
    def fails():
        with log.writing() as append:
            append(predictions(3, 3), embeddings(3), "1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert len(log.read("1").table) == 6
    assert log.problems() == ()


def test_what_a_killed_triage_had_not_recorded_is_gone_and_raises_no_alarm(log):
    here = str(Path(__file__).parents[2])
    program = (
        f"import os, sys; sys.path.insert(0, {here!r}); from tests.prediction_log.test_log import *\n"
        f"with PredictionLog(Path({str(log.folder)!r})).writing() as append:\n"
        "    append(predictions(3, 3), embeddings(3), '1'); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    assert log.problems() == ()
    assert len(list(log.predictions.rglob("*.pending"))) == 1
    log.append(predictions(3, 3), embeddings(3), "1")
    assert len(log.read("1").table) == 6
    assert list(log.predictions.rglob("*.pending")) == []


def test_a_part_whose_record_was_written_before_the_kill_is_taken(log, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            log.append(predictions(3, 3), embeddings(3), "1")
    assert log.problems() == ()
    with log.writing():
        assert len(log.read("1").table) == 6


def test_nothing_is_compared_with_a_log_that_was_changed(log):
    log.audit.path.write_bytes(log.audit.path.read_bytes().replace(b'"rows":7', b'"rows":8'))
    with pytest.raises(AuditLogDamaged):
        log.problems()
