"""Not one module: a delivery that is killed anywhere, and two that arrive at once, through all of `dermai.ingest`."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import pytest

from dermai.data.cases import photograph_path, read_cases
from dermai.files import sha256_file
from dermai.ingest import decoding, intake
from dermai.workspace import Workspace
from tests.ingest.deliveries import deliver, ingest, row, snapshot

# Where a process dies by SIGKILL: the function of the intake, its how manieth call, and whether the call still runs
BEFORE = {
    "before the first photograph": ("store_photograph", 0, False),
    "among the photographs": ("store_photograph", 5, True),
    "before the rejections": ("quarantine", 0, False),
    "before the case table": ("write_cases", 0, False),
}
AFTER = {"after the case table": ("write_cases", 0, True), "after the sweep": ("sweep", 0, True)}


def in_another_process(work: Callable[[], object]) -> ForkProcess:
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def dying(work: Callable[..., Any], skip: int, after: bool) -> Callable[..., Any]:
    calls = iter(range(1000))

    def killed(*arguments: object) -> object:
        last = next(calls) == skip
        result = work(*arguments) if after or not last else None
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return killed


def check(workspace: Workspace) -> int:
    cases = read_cases(workspace.cases_file)
    assert all(sha256_file(photograph_path(workspace.data, image)) == image for image in cases["image"])
    return len(cases)


@pytest.mark.slow
@pytest.mark.parametrize("point", [*BEFORE, *AFTER])
def test_a_killed_intake_leaves_the_dataset_as_before_or_complete(
    workspace: Workspace, tmp_path: Path, point: str
) -> None:
    first = deliver(tmp_path / "first", [row(n) for n in range(4)])
    second = deliver(tmp_path / "second", [*(row(n) for n in range(4, 16)), row(16, age="400")])
    ingest(first, workspace, batch="first")
    old = workspace.cases_file.read_bytes()

    def die() -> None:
        name, skip, after = {**BEFORE, **AFTER}[point]
        module = decoding if name == "store_photograph" else intake
        setattr(module, name, dying(getattr(module, name), skip, after))
        ingest(second, workspace, batch="second")

    process = in_another_process(die)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert check(workspace) == (4 if point in BEFORE else 16)
    assert (workspace.cases_file.read_bytes() == old) == (point in BEFORE)

    ingest(second, workspace, batch="second")
    undisturbed = Workspace(tmp_path / "undisturbed")
    undisturbed.root.mkdir()
    undisturbed.params_file.write_bytes(workspace.params_file.read_bytes())
    ingest(first, undisturbed, batch="first")
    ingest(second, undisturbed, batch="second")
    assert snapshot(workspace) == snapshot(undisturbed)


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_readable_dataset(workspace: Workspace, tmp_path: Path) -> None:
    ingest(deliver(tmp_path / "first", [row(n) for n in range(4)]), workspace, batch="first")
    second = deliver(tmp_path / "second", [row(n) for n in range(4, 150)])
    for photographs in (1, 40, 100, 146):
        process = in_another_process(lambda: ingest(second, workspace))
        while process.is_alive() and len(list(workspace.data.rglob("*.jpg"))) < photographs + 4:
            os.sched_yield()
        process.kill()
        process.join()
        assert check(workspace) in (4, 150)
    ingest(second, workspace)
    assert len(list(workspace.data.rglob("*.jpg"))) == check(workspace) == 150
