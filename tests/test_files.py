import json
import multiprocessing
import os
import re
import socket
import threading
from pathlib import Path

import pytest

from dermai.files import create_private, locked, sha256_file, sha256_json, taking_turns, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    write_json(file, {"version": 1})
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(file, {"version": float("nan")})
    assert json.loads(file.read_text()) == {"version": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_a_private_file_is_its_owners_alone_and_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "audit.key"
    assert create_private(file, b"the first")
    assert not create_private(file, b"of a slower process")
    assert file.read_bytes() == b"the first"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_folders_are_made_and_text_is_utf_8(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.txt", "São João")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "São João".encode()


def test_the_hash_of_a_value_does_not_depend_on_the_order_of_its_keys(tmp_path: Path) -> None:
    assert sha256_json({"a": 1, "b": [2]}) == sha256_json({"b": [2], "a": 1})
    (tmp_path / "empty").write_bytes(b"")
    assert sha256_file(tmp_path / "empty").startswith("e3b0c44298fc1c14")


def _hold(path: Path, held: "multiprocessing.synchronize.Event") -> None:
    with locked(path):
        held.set()
        multiprocessing.Event().wait(30)


def test_a_lock_is_refused_while_held_and_free_once_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    context = multiprocessing.get_context("fork")
    held = context.Event()
    holder = context.Process(target=_hold, args=(path, held))
    holder.start()
    assert held.wait(10)
    with pytest.raises(BlockingIOError), locked(path, blocking=False):
        pass
    holder.kill()
    holder.join()
    with locked(path, blocking=False):
        pass


def test_whoever_takes_turns_says_who_it_is_while_it_does(tmp_path: Path) -> None:
    path, told = tmp_path / "state" / "turn.lock", list[str]()
    done = threading.Event()

    def wait() -> None:
        with taking_turns(path, waiting=told.append):
            done.set()

    with taking_turns(path):
        with pytest.raises(BlockingIOError) as refused, taking_turns(path):
            pass
        other = threading.Thread(target=wait)
        other.start()
        assert not done.wait(0.2)
    other.join(10)
    assert done.is_set()
    assert told == [str(refused.value)]
    here = f"{socket.gethostname()}, process {os.getpid()}"
    assert re.fullmatch(rf"{re.escape(here)}, since \d{{4}}-\d\d-\d\d \d\d:\d\d UTC", told[0])
    assert path.read_text() == ""
