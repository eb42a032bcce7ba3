"""One update at a time, and whoever waits knows for whom."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dermai.promotion.one_update import taking_its_turn
from dermai.workspace import Workspace
from pipelines.incremental_finetune import incremental_finetune

BEGIN = """
from dermai.promotion.one_update import taking_its_turn
from dermai.workspace import find_workspace
with taking_its_turn(find_workspace()):
    print("begun", flush=True)
    input()
"""


def start() -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", BEGIN], text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def test_an_update_waits_for_another_process_until_that_is_done_or_dead(workspace: Workspace) -> None:
    with taking_its_turn(workspace):
        second = start()
        assert second.stderr
        assert second.stdout
        assert "another update runs in this workspace (" in second.stderr.readline()
    assert second.stdout.readline() == "begun\n"
    second.kill()
    second.wait()
    with taking_its_turn(workspace):
        pass


def test_an_update_that_cannot_take_its_turn_does_not_run(workspace: Workspace) -> None:
    (workspace.state / "incremental_finetune.lock").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        incremental_finetune.entrypoint()
