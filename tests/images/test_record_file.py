"""Record files: appended to by several processes, read again after any crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dermai.images.record_file import DamagedCache, RecordFile

SHAPE = (4, 3)


def records(first: int, count: int) -> np.ndarray:
    return np.stack([np.full(SHAPE, first + n, "uint8") for n in range(count)])


def open_file(folder: Path) -> RecordFile:
    return RecordFile(folder / "file", SHAPE, "uint8")


def test_records_are_found_again(tmp_path: Path) -> None:
    file = open_file(tmp_path)
    file.append(["a", "b"], records(0, 2))
    file.append(["b", "c"], records(10, 2))  # b keeps its first record
    again = open_file(tmp_path)
    assert again.read(["c", "a", "b"])[:, 0, 0].tolist() == [11, 0, 1]
    assert again.missing(["d", "a", "d"]) == ["d"]
    with pytest.raises(KeyError):
        again.read(["d"])


@pytest.mark.parametrize("torn_index", [b"", b"c 0000", b"c\x00\x00\x00\x00\x00\x00\x00\x00\x00\n", b"c 00000000\n"])
def test_a_torn_append_is_redone(tmp_path: Path, torn_index: bytes) -> None:
    file = open_file(tmp_path)
    file.append(["a", "b"], records(0, 2))
    with file.data_file.open("ab") as stream:
        stream.write(b"\x07" * 5)  # half a record
    with file.index_file.open("ab") as stream:
        stream.write(torn_index)
    again = open_file(tmp_path)
    assert again.missing(["a", "b", "c"]) == ["c"]
    again.append(["c"], records(2, 1))
    assert open_file(tmp_path).read(["a", "b", "c"])[:, 0, 0].tolist() == [0, 1, 2]


def test_deleted_files_start_anew(tmp_path: Path) -> None:
    open_file(tmp_path).append(["a"], records(0, 1))
    open_file(tmp_path).data_file.unlink()
    file = open_file(tmp_path)
    assert len(file) == 0
    file.append(["b"], records(5, 1))
    assert open_file(tmp_path).read(["b"])[0, 0, 0] == 5


def test_changed_bytes_are_an_error(tmp_path: Path) -> None:
    file = open_file(tmp_path)
    file.append(["a", "b"], records(0, 2))
    content = bytearray(file.data_file.read_bytes())
    content[3] ^= 1
    file.data_file.write_bytes(content)
    with pytest.raises(DamagedCache, match="delete it"):
        open_file(tmp_path).read(["a"])


def test_a_forgotten_record_leaves_the_disk(tmp_path: Path) -> None:
    file = open_file(tmp_path)
    file.append(["a", "b", "c"], records(100, 3))
    file.forget(["b", "unknown"])
    assert open_file(tmp_path).read(["a", "c"])[:, 0, 0].tolist() == [100, 102]
    assert 101 not in file.data_file.read_bytes()


def test_processes_append_side_by_side(tmp_path: Path) -> None:
    code = """
import sys, numpy as np
from pathlib import Path
from dermai.images.record_file import RecordFile
file = RecordFile(Path(sys.argv[1]), (4, 3), "uint8")
for n in range(20):
    file.append([f"{sys.argv[2]}{n}", f"both{n}"], np.full((2, 4, 3), n, "uint8"))
"""
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "file"), name]) for name in "xyz"]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    file = open_file(tmp_path)
    assert len(file) == 80
    for name in ("x", "y", "z", "both"):
        assert file.read([f"{name}{n}" for n in range(20)])[:, 0, 0].tolist() == list(range(20))
