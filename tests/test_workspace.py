"""The working folder is the same from wherever a command is run, whoever owns it and whatever the environment says."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dermai.config import load_params
from dermai.doctor import examine
from dermai.errors import UntrustedClone
from dermai.records.failures import write_failure
from dermai.workspace import Workspace, code_version, dataset_version
from tests.conftest import REPOSITORY
from tests.ingest.deliveries import deliver, row


def run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.mark.slow
def test_the_dataset_has_its_version_from_any_folder(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_NO_ANALYTICS", "true")
    workspace.data.mkdir()
    workspace.cases_file.write_text("a table")
    run(workspace.root, "git", "init", "-q")
    run(workspace.root, sys.executable, "-m", "dvc", "init", "-q")
    run(workspace.root, sys.executable, "-m", "dvc", "add", "-q", "data")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = dataset_version(workspace)
    assert found.hash.endswith(".dir")
    assert not found.dirty
    with monkeypatch.context() as patched:  # nothing was written since: DVC is not asked again
        patched.setitem(sys.modules, "dvc.repo", None)
        assert dataset_version(workspace) == found
    workspace.cases_file.write_text("b table")  # of the same length
    assert dataset_version(workspace).dirty
    workspace.cases_file.write_text("a table")
    assert dataset_version(workspace) == found
    (workspace.data / "another").touch()
    assert dataset_version(workspace).dirty
    (workspace.data / "another").unlink()
    assert dataset_version(workspace) == found
    pin = workspace.root / "data.dvc"
    pin.write_text(pin.read_text().replace("md5: ", "md5: 0", 1))
    assert dataset_version(workspace).dirty
    workspace.cases_file.unlink()
    assert dataset_version(workspace).dirty


@pytest.fixture
def untrusted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A clone that git takes for another user's."""
    run(workspace.root, "git", "init", "-q")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("LANG", "pt_PT.UTF-8")
    return workspace


def test_a_clone_of_another_owner_is_refused_with_the_fix_and_never_called_unversioned(untrusted: Workspace) -> None:
    with pytest.raises(UntrustedClone, match=r"git config --global --add safe\.directory"):
        code_version(untrusted)


def test_the_doctor_names_a_clone_of_another_owner(untrusted: Workspace) -> None:
    found = [f for f in examine(untrusted, load_params(untrusted.params_file)) if f.check == "code"]
    assert [(f.state, "safe.directory" in f.fix) for f in found] == [("problem", True)]


def test_the_failure_of_an_update_in_such_a_clone_is_still_recorded(untrusted: Workspace) -> None:
    entry = write_failure(untrusted, UntrustedClone("git does not trust it"), "load_cases")
    assert entry.body["why"] == "git does not trust it"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("sqlite:///mlflow.db", "sqlite:///{root}/mlflow.db"),
        ("sqlite:////srv/mlflow.db", "sqlite:////srv/mlflow.db"),
        ("mlruns", "{root}/mlruns"),
        ("http://mlflow:5000", "http://mlflow:5000"),
        ("postgresql://u@h/mlflow", "postgresql://u@h/mlflow"),
    ],
)
def test_a_relative_address_of_the_registry_is_one_in_the_workspace(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, named: str, expected: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", named)
    assert workspace.tracking_uri == expected.format(root=workspace.root)


def test_files_are_as_private_as_the_umask_says(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.umask(0o077); from pathlib import Path; from dermai.files import write_text\n"
        "write_text(Path(sys.argv[1]), 'x')"
    )
    run(REPOSITORY, sys.executable, "-c", code, str(tmp_path / "private"))
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600


@pytest.mark.parametrize("encoding", ["ascii", "cp437"])
def test_a_terminal_that_is_not_utf_8_ends_no_command(workspace: Workspace, tmp_path: Path, encoding: str) -> None:
    deliver(tmp_path / "delivery", [row(1, Größe表="1")])
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "DERMAI_WORKSPACE": str(workspace.root)}
    command = [sys.executable, "-c", "from dermai.cli import app; app()", "ingest", str(tmp_path / "delivery")]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"\\u8868" in done.stdout
