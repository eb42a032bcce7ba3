"""An update runs alone, and only forwards."""

from __future__ import annotations

import socket
import threading
from typing import Any

from dermai.ci.exclusive import run_alone
from dermai.ci.outcome import job_outcome
from dermai.ci.summary import summary
from dermai.files import taking_turns
from tests.ci.repository import Repository


def test_a_commit_that_the_champion_s_commit_follows_is_not_run(fleet: Any) -> None:
    root = fleet.workspace.root
    repository = Repository(root)
    later = repository.commit("data.dvc")
    version = fleet.candidate()
    fleet.promote(version)
    fleet.registry.set_tag(version, "git_commit", later)
    assert run_alone(fleet.workspace, fleet.params, ["touch", "later"]) == 0
    assert (root / "later").exists()  # the same commit once more is not a step back

    repository.git("checkout", "--quiet", repository.start)
    records = len(fleet.audit.entries())
    assert run_alone(fleet.workspace, fleet.params, ["touch", "earlier"]) == 0
    assert not (root / "earlier").exists()
    found = job_outcome(fleet.audit.entries()[records:], repository.start)
    assert found.result == "superseded"
    assert later[:12] in summary(found)


def test_it_waits_for_another_update_says_whose_and_hands_its_exit_code_on(fleet: Any, capsys: Any) -> None:
    codes: list[int] = []
    with taking_turns(fleet.workspace.state / "update.lock"):
        other = threading.Thread(
            target=lambda: codes.append(run_alone(fleet.workspace, fleet.params, ["bash", "-c", "exit 3"]))
        )
        other.start()
        other.join(0.5)
        assert not codes
        assert f"({socket.gethostname()}, process " in capsys.readouterr().err
    other.join(60)
    assert codes == [3]
