"""A push asks for an update when it changes the data or the parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from dermai.ci.changes import INPUTS, changed_inputs, check_state_is_kept
from dermai.errors import DermaiError
from dermai.workspace import Workspace, is_ancestor
from tests.ci.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def test_the_whole_push_counts_not_only_its_last_commit(repository: Repository) -> None:
    repository.commit("data.dvc")
    last = repository.commit("README.md")
    assert changed_inputs(repository.workspace, repository.start) == ("data.dvc",)
    repository.commit("README.md")
    assert changed_inputs(repository.workspace, last) == ()


def test_the_profile_that_is_chosen_counts_and_no_other(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository.workspace.root / "profiles").mkdir()
    repository.commit("profiles/gpu.yaml")
    monkeypatch.delenv("DERMAI_PROFILE", raising=False)
    assert changed_inputs(repository.workspace, repository.start) == ()
    monkeypatch.setenv("DERMAI_PROFILE", "gpu")
    assert changed_inputs(repository.workspace, repository.start) == ("profiles/gpu.yaml",)


@pytest.mark.parametrize("before", ["", "0" * 40, "d" * 40])
def test_where_git_does_not_know_the_commit_before_everything_counts(repository: Repository, before: str) -> None:
    assert changed_inputs(repository.workspace, before) == INPUTS


def test_which_commit_was_built_on_which(repository: Repository) -> None:
    later = repository.commit("README.md")
    assert is_ancestor(repository.workspace, repository.start, later)
    assert not is_ancestor(repository.workspace, later, repository.start)
    assert not is_ancestor(repository.workspace, later, "d" * 40)


def test_a_job_without_a_lasting_state_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path / "checkout")
    monkeypatch.delenv("DERMAI_STATE", raising=False)
    with pytest.raises(DermaiError, match="DERMAI_STATE is not set"):
        check_state_is_kept(workspace)
    monkeypatch.setenv("DERMAI_STATE", str(workspace.root / "state"))
    with pytest.raises(DermaiError, match="inside the checkout"):
        check_state_is_kept(workspace)
    monkeypatch.setenv("DERMAI_STATE", str(tmp_path / "kept"))
    check_state_is_kept(workspace)
    assert workspace.audit_log.is_relative_to(tmp_path / "kept")
    assert str(tmp_path / "kept" / "mlflow.db") in workspace.tracking_uri
