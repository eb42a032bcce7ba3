from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dermai.ingest import separate_process
from dermai.ingest.photographs import sanitise
from dermai.ingest.sanitising import Photograph, sanitised
from dermai.ingest.separate_process import sanitised_apart
from dermai.ingest.unusable import UnusablePhotograph
from tests.ingest.heif_files import heic


@pytest.fixture
def photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A HEIC, and no decoder waiting for one."""
    monkeypatch.setattr(separate_process, "_idle", [])
    (tmp_path / "a.heic").write_bytes(heic())
    return tmp_path / "a.heic"


def read(path: Path) -> Photograph:
    return sanitised_apart(path, 448, 92)


def test_another_process_gives_the_same_bytes_and_is_used_again(photograph: Path) -> None:
    assert read(photograph) == sanitised(photograph, 448, 92)
    (waiting,) = separate_process._idle
    assert read(photograph) == sanitised(photograph, 448, 92)
    assert separate_process._idle == [waiting]


def test_an_idle_process_that_was_killed_loses_no_photograph(photograph: Path) -> None:
    expected = read(photograph)
    os.kill(separate_process._idle[0].process.pid, signal.SIGKILL)
    assert read(photograph) == expected
    separate_process._idle[0].process.kill()
    time.sleep(0.2)
    assert read(photograph) == expected


def crashing(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let each new process run this when it starts: a decoder with a fault cannot be had otherwise."""
    (folder / "startup").mkdir()
    (folder / "startup" / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.orig_argv[-1] == 'dermai.ingest.separate_process':\n"
        "    import dermai.ingest.heif as heif\n"
        f"    def faulty(path, kind):\n        {code}\n"
        "    heif._opened = faulty\n"
    )
    root = str(Path(separate_process.__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", f"{folder / 'startup'}{os.pathsep}{root}")


@pytest.mark.parametrize("code", ["import os; os.abort()", "import time; time.sleep(60)"])
def test_a_decoder_that_crashes_or_hangs_costs_only_its_photograph(
    photograph: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(separate_process, "LONGEST", 2.0)
        crashing(photograph.parent, changed, code)
        with pytest.raises(UnusablePhotograph, match="the HEIC is damaged: its decoder crashed"):
            sanitise(photograph, 448, 92)
    assert read(photograph) == sanitised(photograph, 448, 92)


def test_a_decoder_that_takes_too_much_memory_costs_only_its_photograph(
    photograph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as changed:
        crashing(photograph.parent, changed, "bytearray(5 * 2**30)")
        with pytest.raises(UnusablePhotograph, match="the HEIC is damaged"):
            sanitise(photograph, 448, 92)
    assert separate_process._idle  # it said so itself, and lives


def test_photographs_are_decoded_side_by_side(photograph: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(read, [photograph] * 12))) == 1
    assert 1 <= len(separate_process._idle) <= 4


def test_a_forked_process_does_not_speak_with_its_parents_decoder(photograph: Path) -> None:
    expected = read(photograph)
    child = os.fork()
    if not child:
        os._exit(0 if read(photograph) == expected else 1)
    assert read(photograph) == expected
    assert os.waitpid(child, 0)[1] == 0


def test_a_name_that_is_no_utf_8_reaches_the_other_process(photograph: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(photograph.parent) + b"/\xff\n.heic"))
    odd.write_bytes(photograph.read_bytes())
    assert read(odd) == sanitised(photograph, 448, 92)


def test_the_process_ends_when_nobody_asks_any_more(photograph: Path) -> None:
    read(photograph)
    process = separate_process._idle[0].process
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(10) == 0
