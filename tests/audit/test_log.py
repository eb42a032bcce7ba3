"""The audit log finds every change, loses no line, and repairs what a crash leaves."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from dermai.audit import AuditLog, SigningKey, load_public_key
from dermai.audit.entries import parse_entry, sign_entry
from dermai.audit.verification import verify
from dermai.errors import AuditLogDamaged, DermaiError
from tests.audit.any_event import AnyEvent


@pytest.fixture(autouse=True)
def key(tmp_path, monkeypatch):
    monkeypatch.setenv("DERMAI_AUDIT_KEY_FILE", str(tmp_path / "keys" / "audit.key"))
    return SigningKey.load_or_create()


@pytest.fixture
def log(tmp_path):
    log = AuditLog(tmp_path / "workspace" / "audit" / "updates.jsonl")
    for number in range(12):
        log.append(AnyEvent(event="update_attempt", candidate=number, reason="São João", sensitivity=float("nan")))
    return log


def _change(content: bytes, chance: random.Random) -> bytes:
    """One random edit, deletion, reordering, duplication, insertion or truncation of a log."""
    lines = content.split(b"\n")[:-1]
    kind = chance.choice(["flip", "insert", "cut", "drop", "swap", "twice", "rewrite", "truncate", "shorten", "blank"])
    place = chance.randrange(len(content))
    line = chance.randrange(len(lines))
    if kind == "flip":
        return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]
    if kind == "insert":
        return content[:place] + bytes([chance.randrange(256)]) + content[place:]
    if kind == "cut":
        return content[:place] + content[place + chance.randint(1, 40) :]
    if kind == "truncate":
        return content[:place]
    if kind == "drop":
        del lines[line]
    elif kind == "shorten":
        del lines[-chance.randint(1, len(lines)) :]
    elif kind == "swap":
        other = (line + chance.randint(1, len(lines) - 1)) % len(lines)
        lines[line], lines[other] = lines[other], lines[line]
    elif kind == "twice":
        lines.insert(chance.randrange(len(lines) + 1), lines[line])
    elif kind == "blank":
        lines.insert(line, b"")
    else:
        values = json.loads(lines[line])
        values["body"]["candidate"] = 99
        lines[line] = json.dumps(values, separators=(",", ":")).encode()
    return b"".join(line + b"\n" for line in lines)


@pytest.mark.slow
def test_1000_random_changes_are_all_found(log, key):
    content, head = log.path.read_bytes(), log.head_file.read_bytes()
    assert verify(content, head, key.public).ok
    chance, missed, tried = random.Random(20211003), [], 0
    while tried < 1000:
        changed = _change(content, chance)
        if changed == content:
            continue
        tried += 1
        if verify(changed, head, key.public).ok:
            missed.append(changed)
    assert missed == []


def test_a_line_is_read_once_however_often_the_log_is_asked(log):
    first, again = log.entries(), log.entries("update_attempt")
    assert all(one is other for one, other in zip(first, again, strict=True))


def test_a_change_of_the_head_is_found(log, key):
    content, head, chance = log.path.read_bytes(), log.head_file.read_bytes(), random.Random(1)
    for _ in range(200):
        place = chance.randrange(len(head))
        changed = head[:place] + bytes([head[place] ^ 1 << chance.randrange(8)]) + head[place + 1 :]
        assert not verify(content, changed, key.public).ok
    assert not verify(content, None, key.public).ok


def test_a_writer_of_the_file_without_the_key_cannot_forge_a_good_chain(log, key, tmp_path):
    forger = SigningKey.load_or_create(tmp_path / "other.key")
    entries = log.entries()
    previous, lines = entries[0].previous, []
    for entry in entries:
        forged = sign_entry(forger, entry.log, entry.sequence, entry.time, entry.event, {"candidate": 0}, previous)
        lines.append(forged.to_line() + b"\n")
        previous = forged.hash
    found = verify(b"".join(lines), log.head_file.read_bytes(), key.public)
    assert len(found.problems) > len(entries)


def test_an_older_log_put_back_with_its_own_head_is_found_beside_the_key(log):
    content, head = log.path.read_bytes(), log.head_file.read_bytes()
    log.append(AnyEvent(event="rejection", version=3))
    log.path.write_bytes(content)
    log.head_file.write_bytes(head)
    assert log.verify().problems == ["record 13, known beside the key, is missing: an older log was put back"]


def test_an_auditor_needs_the_public_key_only(log, monkeypatch, tmp_path):
    public = load_public_key(log.public_key_file)
    monkeypatch.setenv("DERMAI_AUDIT_KEY_FILE", str(tmp_path / "auditor" / "none.key"))
    assert log.verify(public).ok
    assert log.verify(public).notes == []
    assert "--public-key" in log.verify().notes[0]
    assert not (tmp_path / "auditor").exists()


def test_records_keep_text_and_turn_numbers_that_are_not_finite_into_null(log):
    entry = log.entries()[3]
    assert entry.body == {"candidate": 3, "reason": "São João", "sensitivity": None}
    assert entry.sequence == 4
    assert parse_entry(entry.to_line()) == entry


def test_the_key_is_made_once_for_its_owner_only_and_said_aloud(tmp_path, caplog):
    path = tmp_path / "new" / "audit.key"
    first = SigningKey.load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(path) in caplog.text
    assert SigningKey.load_or_create(path).sign(b"x") == first.sign(b"x")


def test_a_key_that_others_can_read_is_said_aloud(key, caplog):
    key.path.chmod(0o644)
    SigningKey.load_or_create()
    assert "chmod 600" in caplog.text


def test_a_file_that_is_no_key_is_refused(tmp_path, monkeypatch, log):
    (tmp_path / "text").write_text("not a key")
    monkeypatch.setenv("DERMAI_AUDIT_KEY_FILE", str(tmp_path / "text"))
    with pytest.raises(DermaiError, match="not an unencrypted Ed25519"):
        log.append(AnyEvent(event="failure"))


def test_another_key_cannot_continue_the_log(log, tmp_path, monkeypatch):
    content = log.path.read_bytes()
    monkeypatch.setenv("DERMAI_AUDIT_KEY_FILE", str(tmp_path / "other.key"))
    with pytest.raises(AuditLogDamaged, match="the key that the log was begun with"):
        log.append(AnyEvent(event="failure"))
    assert log.path.read_bytes() == content


def test_a_torn_last_line_is_moved_aside_and_said_aloud(log, caplog):
    torn = log.entries()[0].to_line()[:57]
    with log.path.open("ab") as stream:
        stream.write(torn)
    assert log.verify().problems == ["line 13 is not whole (57 bytes)"]
    log.append(AnyEvent(event="failure", what="out of memory"))
    assert "torn line of 57 bytes after record 12" in caplog.text
    assert [entry.event for entry in log.entries()[12:]] == ["repair", "failure"]
    assert next(log.path.parent.glob("updates.torn-after-12-*")).read_bytes() == torn
    assert log.verify().ok


def test_a_crash_between_line_and_head_is_repaired_and_said_aloud(log, caplog):
    head = log.head_file.read_bytes()
    log.append(AnyEvent(event="promotion", version=5))
    log.head_file.write_bytes(head)
    assert log.verify().notes == ["the last record is newer than the head: a write was interrupted"]
    log.append(AnyEvent(event="failure"))
    assert "record 13 (promotion)" in caplog.text
    assert [entry.event for entry in log.entries()[12:]] == ["promotion", "repair", "failure"]
    assert log.verify().ok


def test_a_crash_within_the_very_first_write_is_repaired(tmp_path):
    log = AuditLog(tmp_path / "audit" / "updates.jsonl")
    log.append(AnyEvent(event="failure"))
    log.head_file.unlink()
    log.append(AnyEvent(event="failure"))
    assert [entry.event for entry in log.entries()] == ["failure", "repair", "failure"]
    assert log.verify().ok


@pytest.mark.parametrize("keep", [0, 1, 7, 11])
def test_nothing_is_appended_to_a_shortened_log(log, keep):
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:keep]))
    with pytest.raises(AuditLogDamaged, match="does not end as its head says"):
        log.append(AnyEvent(event="promotion", version=9))
    assert len(log.path.read_bytes().splitlines()) == keep


def test_an_unknown_event_is_a_programming_error(log):
    with pytest.raises(ValueError, match="unknown audit event"):
        log.append(AnyEvent(event="promoted"))


WRITER = """
import sys
from pathlib import Path
from dermai.audit import AuditLog
from tests.audit.any_event import AnyEvent
log = AuditLog(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    log.append(AnyEvent(event="drift_alarm", writer=sys.argv[2], number=number))
    print(number, flush=True)
"""


def _writer(log: AuditLog, name: str, count: int) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(log.path), name, str(count)], stdout=subprocess.PIPE)


def test_two_writers_at_once_lose_no_line(log):
    writers = [_writer(log, name, 60) for name in "ab"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    written = [(entry.body["writer"], entry.body["number"]) for entry in log.entries("drift_alarm")]
    assert sorted(written) == [(name, number) for name in "ab" for number in range(60)]
    assert log.verify().ok


def test_a_killed_writer_loses_no_line_that_it_was_told_is_written(log):
    for attempt in range(4):
        writer = _writer(log, f"killed{attempt}", 100_000)
        for _ in range(5 + attempt):
            writer.stdout.readline()
        time.sleep(0.003 * attempt)
        os.kill(writer.pid, signal.SIGKILL)
        told = 5 + attempt + len(writer.stdout.read().splitlines())
        writer.wait()
        log.append(AnyEvent(event="failure", attempt=attempt))
        kept = [entry for entry in log.entries("drift_alarm") if entry.body["writer"] == f"killed{attempt}"]
        assert len(kept) >= told
        assert log.verify().ok


WHO = {"approver": "Ana Silva", "role": "security officer", "reason": "a keeper left"}


def test_a_new_key_takes_over_and_every_record_still_verifies(log, key):
    before, auditors_copy = key.path.read_bytes(), key.public
    log.rotate_key(**WHO)
    log.append(AnyEvent(event="failure", why="after the rotation"))
    assert key.path.read_bytes() != before
    assert log.verify().ok
    assert log.verify(auditors_copy).ok
    assert [entry.event for entry in log.entries()[12:]] == ["key_rotation", "failure"]
    assert load_public_key(log.public_key_file) == SigningKey.load_or_create().public
    log.rotate_key(**WHO)
    assert log.verify().ok
    assert log.verify(auditors_copy).ok


def test_the_old_key_signs_nothing_after_its_rotation(log, key):
    log.rotate_key(**WHO)
    last = log.entries()[-1]
    forged = sign_entry(key, last.log, last.sequence + 1, last.time, "promotion", {"version": "9"}, last.hash)
    log.path.write_bytes(log.path.read_bytes() + forged.to_line() + b"\n")
    assert log.verify().problems == ["line 14: its signature is not by this key"]


def test_changes_of_a_log_with_two_keys_are_all_found(log, key, tmp_path):
    log.rotate_key(**WHO)
    log.append(AnyEvent(event="failure"))
    content, head, current = log.path.read_bytes(), log.head_file.read_bytes(), SigningKey.load_or_create().public
    chance, tried = random.Random(7), 0
    while tried < 150:
        changed = _change(content, chance)
        if changed != content:
            tried += 1
            assert not verify(changed, head, current).ok
    stranger = SigningKey.load_or_create(tmp_path / "stranger.key")
    assert not verify(content, head, stranger.public).ok


@pytest.mark.parametrize("point", ["dermai.audit.log.sign_head", "dermai.audit.log.public_pem", "pathlib.Path.replace"])
def test_a_rotation_that_was_killed_is_finished_by_the_next_write(log, key, monkeypatch, point):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(point, killed)
        with pytest.raises(KeyboardInterrupt):
            log.rotate_key(**WHO)
    assert log.verify().ok
    log.append(AnyEvent(event="failure"))
    assert log.verify().ok
    assert len(log.entries("failure")) == 1
    assert len(log.entries("key_rotation")) <= 1


def test_a_line_that_was_found_sound_is_missed_as_soon_as_it_is_edited(log):
    assert log.verify().ok
    sound = log.path.read_bytes()
    place = sound.index(b'"body"') + 12
    log.path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
    assert "line 1" in log.verify().problems[0]
    log.path.write_bytes(sound)
    assert log.verify().ok
