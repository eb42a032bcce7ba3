"""A clone of the repository as a user would have it, with stores and keys of its own, driven by the real commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from zenml.utils.source_utils import set_custom_source_root

from dermai.environment import TELEMETRY_OFF
from dermai.files import locked
from tests.conftest import REPOSITORY
from tests.integration import warm_process

set_custom_source_root(str(REPOSITORY))  # a process that runs tests beside others has no main file to tell it by

TRUE_PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
WARM: list[Path] = []  # the folder of the commands that the warm process answers, once it is there

# Small and quick, but the real thing: the shipped learner with ImageNet weights, its sisters, the gate.
QUICK = {"model.image_size": 64, "validation.smallest_side": 32}


def quick(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The quick parameters and others, whose names hold `__` where the parameter has a dot."""
    return QUICK | {name.replace("__", "."): value for name, value in overrides.items()}


@dataclass(frozen=True)
class Clone:
    """A working copy of the repository and the environment its commands run in."""

    root: Path
    environment: dict[str, str]

    def run(
        self, *command: str, check: bool = True, timeout: float = 900, warm: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone's root; a Python program in a fork of the warm process, or with its own start."""
        environment = self.environment if warm else self.cold_environment
        result = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        if check and result.returncode:
            raise AssertionError(f"{' '.join(command)} failed\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}")
        return result

    @property
    def cold_environment(self) -> dict[str, str]:
        """The environment without the commands that the warm process answers."""
        return self.environment | {"PATH": TRUE_PATH}

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own, so that a test can kill it whole."""
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.cold_environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def update(self, check: bool = True, **overrides: Any) -> subprocess.CompletedProcess[str]:
        """`zenml pipeline run incremental_finetune` with quick parameters."""
        return self.run(*self.update_command(**overrides), check=check)

    def update_command(self, **overrides: Any) -> tuple[str, ...]:
        """The command line of `update`; keyword names hold `__` where the parameter has a dot."""
        config = self.root.parent / "quick.yaml"
        config.write_text(yaml.safe_dump({"parameters": {"overrides": quick(overrides)}}))
        return ("zenml", "pipeline", "run", "incremental_finetune", "-c", str(config))

    def write_quick_params(self, **overrides: Any) -> None:
        """The quick parameters in params.yaml itself, for commands that take no overrides."""
        file = self.root / "params.yaml"
        values = yaml.safe_load(file.read_text())
        for dotted, value in quick(overrides).items():
            section, key = dotted.split(".")
            values[section][key] = value
        file.write_text(yaml.safe_dump(values, sort_keys=False))

    def status(self) -> dict[str, Any]:
        """`dermai status --json`."""
        status: dict[str, Any] = json.loads(self.run("dermai", "status", "--json").stdout)
        return status

    def commit(self, *paths: str) -> None:
        """Commit tracked files as a user would."""
        self.run("git", "add", *paths)
        self.run("git", "commit", "--quiet", "-m", "Change the data")

    def copy(self, folder: Path) -> Clone:
        """The same working copy, with everything in it, in another folder."""
        shutil.copytree(self.root.parent, folder, symlinks=True, copy_function=_linked_where_nothing_writes)
        return clone_in(folder)


def _linked_where_nothing_writes(source: str, target: str) -> str:
    """Link a file that is named by its content, which DVC never writes to again; copy any other."""
    if any(part in source for part in ("/demo-remote/", "/.dvc/cache/files/")):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)


def common_environment() -> dict[str, str]:
    """What all clones have in their environment, and nothing of a single test."""
    of_a_test = ("DERMAI_", "MLFLOW_", "PYTEST_", "PYTHONPATH", "ZENML_CONFIG_PATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(of_a_test)} | TELEMETRY_OFF


def clone_in(folder: Path) -> Clone:
    """The clone below a folder, with all its stores and keys below the same folder."""
    environment = common_environment() | {
        "PATH": os.pathsep.join([*map(str, WARM), TRUE_PATH]),
        "PYTHONPATH": str(folder / "clone"),  # the clone's own code, not the repository's
        "DERMAI_PSEUDONYM_KEY_FILE": str(folder / "keys" / "pseudonym.key"),
        "DERMAI_AUDIT_KEY_FILE": str(folder / "keys" / "audit.key"),
        "ZENML_CONFIG_PATH": str(folder / "zenml"),
        "HOME": str(folder / "home"),
        "GIT_AUTHOR_NAME": "A test",
        "GIT_AUTHOR_EMAIL": "test@localhost",
        "GIT_COMMITTER_NAME": "A test",
        "GIT_COMMITTER_EMAIL": "test@localhost",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    (folder / "home").mkdir(exist_ok=True)
    return Clone(folder / "clone", environment)


@pytest.fixture(scope="session")
def warm_commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The warm process, one for all processes that run tests side by side."""
    folder = shared_by_workers(
        tmp_path_factory, "warm", lambda folder: warm_process.start(folder, common_environment())
    )
    held = warm_process.hold(folder)
    WARM[:] = [folder]
    yield
    for connection in held:
        connection.close()


def shared_by_workers(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that one of the processes that run tests side by side makes, while the others that ask for it wait."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with locked(folder.with_suffix(".lock")):
        if not (folder / "made").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "made").touch()
    return folder


@pytest.fixture(scope="session")
def fresh_clone(warm_commands: None, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The repository's files as they are now, committed, with the demo dataset pulled. Copy it before changing it."""
    return clone_in(shared_by_workers(tmp_path_factory, "fresh", _clone_repository))


def _clone_repository(folder: Path) -> None:
    clone = clone_in(folder)
    clone.root.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source = REPOSITORY / name
        if source.is_file():
            (clone.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, clone.root / name)
    clone.run("git", "init", "--quiet", "--initial-branch", "main")
    clone.run("git", "add", "--all", "--force")
    clone.run("git", "commit", "--quiet", "-m", "A clone")
    clone.run("dvc", "pull", "--quiet")


def keep_patients(clone: Clone, share: float, share_of_test: float = 1.0) -> None:
    """Make a smaller dataset version of the first patients in the order of their pseudonyms.

    Of the test patients among them only a share is kept, as in a service that is new.
    """
    data = clone.root / "data"
    cases = pd.read_csv(data / "cases.csv", dtype=str, keep_default_na=False)
    patients = sorted(cases["patient_id"].unique())
    kept = cases["patient_id"].isin(patients[: round(share * len(patients))])
    test = sorted(cases.loc[kept & (cases["split"] == "test"), "patient_id"].unique())
    kept &= ~cases["patient_id"].isin(test[round(share_of_test * len(test)) :])
    for image in set(cases.loc[~kept, "image"]):
        (data / "images" / image[:2] / f"{image}.jpg").unlink()
    (data / "cases.csv").unlink()  # DVC may have linked it from its cache
    cases[kept].to_csv(data / "cases.csv", index=False)
    clone.run("dvc", "add", "--quiet", "data")
    clone.commit("data.dvc")


@pytest.fixture(scope="session")
def first_champion(fresh_clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with fewer patients, whose first model was promoted by an approved policy that a quick training can meet.

    Copy it too.
    """

    def make(folder: Path) -> None:
        clone = fresh_clone.copy(folder / "there")
        keep_patients(clone, 0.4)
        params = clone.root / "params.yaml"
        params.write_text(params.read_text().replace("floors: {MM: 0.70, BCC: 0.60}", "floors: {MM: 0.05, BCC: 0.05}"))
        clone.commit("params.yaml")
        who = ("--approver", "A test", "--role", "engineer", "--reason", "quick models")
        clone.run("dermai", "gate", "approve-policy", *who)
        clone.run(*clone.update_command(), warm=False)

    return clone_in(shared_by_workers(tmp_path_factory, "champion", make) / "there")
