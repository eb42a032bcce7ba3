"""No part with confirmed diagnoses is edited, removed, exchanged or added unseen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dermai.audit import AuditLog
from dermai.errors import AuditLogDamaged, DermaiError
from dermai.files import sha256_file
from dermai.prediction_log.confirmations import confirm, confirmation_problems, read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.signed_parts import adopt_parts
from tests.prediction_log.test_log import embeddings, predictions

WHO = {"approver": "Ana Silva", "role": "data manager", "reason": "upgrade"}


def give(log, *lines):
    file = log.folder / "diagnoses.csv"
    file.write_text("\n".join(["case_id,diagnosis", *lines]) + "\n", encoding="utf-8")
    return confirm(log, file)


@pytest.fixture
def log(tmp_path):
    log = PredictionLog(tmp_path / "state" / "predictions")
    log.append(predictions(0, 6), embeddings(6), "1")
    give(log, "case-1,MM")
    give(log, "case-2,BCC")
    return log


@pytest.fixture
def parts(log):
    return sorted((log.folder / "confirmations").glob("*.parquet"))


def edited(log, parts):
    parts[0].write_bytes(parts[0].read_bytes() + b" ")


def removed(log, parts):
    parts[1].unlink()


def exchanged(log, parts):
    first, second = parts[0].read_bytes(), parts[1].read_bytes()
    parts[0].write_bytes(second)
    parts[1].write_bytes(first)


def added(log, parts):
    shutil.copy(parts[0], parts[0].with_name("part-20990101T000000000000-00000000.parquet"))


def renamed(log, parts):
    parts[0].rename(parts[0].with_name("part-20990101T000000000000-00000000.parquet"))


@pytest.mark.parametrize("change", [edited, removed, exchanged, added, renamed], ids=lambda change: change.__name__)
def test_a_changed_part_is_named_not_read_and_goes_on_counting_when_a_person_answers_for_it(log, parts, change):
    assert confirmation_problems(log) == ()
    change(log, parts)
    problems = confirmation_problems(log)
    assert problems
    assert "dermai audit adopt-diagnoses" in problems[0]
    read = read_confirmations(log)[0]
    assert set(read["case_id"]) <= {"case-1", "case-2"}
    adopt_parts(log, **WHO)
    assert confirmation_problems(log) == ()
    assert log.audit.entries()[-1].body["approver"] == "Ana Silva"


def test_diagnoses_of_an_earlier_release_are_taken_once_by_a_recorded_command(log, parts):
    for file in (log.folder.parent / "audit").iterdir():
        file.unlink()
    shutil.rmtree(log.folder.parent.parent / "keys", ignore_errors=True)
    log.audit.begin_anew(**WHO)
    assert len(confirmation_problems(log)) == 2
    assert read_confirmations(log)[0].empty
    entry = adopt_parts(log, **WHO)
    assert entry.body["parts"] == {part.name: sha256_file(part) for part in parts}
    assert len(read_confirmations(log)[0]) == 2
    with pytest.raises(DermaiError, match="nothing to adopt"):
        adopt_parts(log, **WHO)


def test_nothing_is_read_beside_a_log_that_was_changed(log):
    log.audit.path.write_bytes(log.audit.path.read_bytes().replace(b'"rows":1', b'"rows":2'))
    with pytest.raises(AuditLogDamaged):
        read_confirmations(log)
    with pytest.raises(AuditLogDamaged):
        give(log, "case-3,Nev")


@pytest.mark.parametrize("place", ["append", "rename"])
def test_an_intake_that_is_killed_is_whole_or_not_there_and_raises_no_alarm(log, monkeypatch, place):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        target = AuditLog if place == "append" else Path
        patched.setattr(target, place, killed)
        with pytest.raises(KeyboardInterrupt):
            give(log, "case-3,Nev")
    assert confirmation_problems(log) == ()
    assert len(read_confirmations(log)[0]) == (2 if place == "append" else 3)
    assert give(log, "case-3,Nev").accepted == (1 if place == "append" else 0)
    assert len(read_confirmations(log)[0]) == 3
    assert list(log.folder.rglob("*.pending")) == []
