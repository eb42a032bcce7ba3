"""One update at a time, and whoever waits knows for whom."""

from __future__ import annotations

import subprocess
import sys

from dermai.promotion.one_update import begin_update, end_update
from dermai.workspace import Workspace

BEGIN = """
from dermai.promotion.one_update import begin_update
from dermai.workspace import find_workspace
begin_update(find_workspace())
print("begun", flush=True)
input()
"""


def start() -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", BEGIN], text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def test_an_update_waits_for_another_process_until_that_is_done_or_dead(workspace: Workspace) -> None:
    begin_update(workspace)
    second = start()
    assert second.stderr
    assert second.stdout
    assert "another update runs in this workspace (" in second.stderr.readline()
    end_update()
    assert second.stdout.readline() == "begun\n"
    second.kill()
    second.wait()
    begin_update(workspace)
    end_update()


def test_a_process_begins_anew_where_its_last_update_never_ended(workspace: Workspace) -> None:
    begin_update(workspace)
    begin_update(workspace)
    end_update()
    end_update()
