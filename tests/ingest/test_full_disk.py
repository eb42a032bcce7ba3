"""Not one module: a delivery that finds no room is taken in whole or not at all, and one line says what to do."""

from __future__ import annotations

import io
import os
import resource
import signal
import sys
import traceback
from pathlib import Path

import pandas as pd
import pytest

from dermai.cli import app
from dermai.data.cases import photograph_path, read_cases
from dermai.files import sha256_file
from dermai.workspace import Workspace
from tests.ingest.deliveries import deliver, draw, ingest, row
from tests.ingest.test_interruption import in_another_process

ROOM = (0, 700, 2_000, 4_000, 6_000, 9_000, 30_000, 1_000_000)  # bytes that a file may have


def dermai(arguments: list[str], room: int, said: Path) -> int:
    """The command's exit status where no file may grow beyond so many bytes; what it said on standard error."""

    def run() -> None:
        errors = io.BytesIO()
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())  # else it may be a file
        sys.stdout = sys.__stdout__
        sys.stderr, sys.argv = io.TextIOWrapper(errors, "utf-8"), ["dermai", *arguments]
        sys.dont_write_bytecode = True  # Python would leave half a file of what it imports
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        status = 0
        try:
            app()
        except SystemExit as ended:
            status = int(ended.code or 0)
        except BaseException:
            traceback.print_exc()
            status = 2
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        sys.stderr.flush()
        said.write_bytes(errors.getvalue())
        os._exit(status)

    process = in_another_process(run)
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def ham10000(folder: Path) -> Path:
    """A delivery in the publisher's layout, with a photograph that is not there."""
    folder.mkdir()
    for number in range(40, 52):
        draw(number).save(folder / f"ISIC_{number}.jpg")
    pd.DataFrame(
        {"lesion_id": f"HAM_{number}", "image_id": f"ISIC_{number}", "dx": "nv", "dx_type": "histo", "age": "50.0",
         "sex": "male", "localization": "back"} for number in range(40, 53)
    ).to_csv(folder / "HAM10000_metadata.csv", index=False)  # fmt: skip
    return folder


def photographs(workspace: Workspace) -> set[Path]:
    return {path for path in (workspace.data / "images").rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("command", ["ingest", "import"])
def test_whatever_room_there_is_nothing_is_half_written(workspace: Workspace, tmp_path: Path, command: str) -> None:
    ingest(deliver(tmp_path / "first", [row(number) for number in range(4)]), workspace)
    before, said = workspace.cases_file.read_bytes(), tmp_path / "said.txt"
    if command == "ingest":
        rows = [*(row(number) for number in range(4, 30)), row(30, age="400")]
        arguments = ["ingest", str(deliver(tmp_path / "second", rows))]
    else:
        arguments = ["import", "ham10000", str(ham10000(tmp_path / "second"))]
    refused = 0
    for room in ROOM:
        if dermai(arguments, room, said) == 0:
            break
        refused += 1
        (line,) = said.read_text().splitlines()
        assert line.startswith("dermai: File too large")
        assert "make room and take the delivery in again" in line or "see to it and run this again" in line
        cases = read_cases(workspace.cases_file)
        assert (workspace.cases_file.read_bytes() == before) == (len(cases) == 4)
        assert photographs(workspace) == {photograph_path(workspace.data, image) for image in cases["image"]}
        assert not list(workspace.root.rglob("*.tmp"))
    assert refused >= 3
    cases = read_cases(workspace.cases_file)
    assert len(cases) == (30 if command == "ingest" else 16)
    assert all(sha256_file(photograph_path(workspace.data, image)) == image for image in cases["image"])
