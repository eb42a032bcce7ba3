"""Not one module: the stages of dvc.yaml and compare/dvc.yaml name all the code they run and all parameters it reads.

DVC runs a stage again when one of them has changed, so a missing one is a result that is out of date unseen.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dermai.config import Params
from dermai.source_code import source_files
from tests.conftest import REPOSITORY

STAGES = {
    name: stage
    for file in ("dvc.yaml", "compare/dvc.yaml")
    for name, stage in yaml.safe_load((REPOSITORY / file).read_text())["stages"].items()
}


def code_of(stage: dict[str, Any]) -> set[Path]:
    """The files below the repository that `zenml pipeline run NAME` runs, but for packages that are empty."""
    module = stage["cmd"].split()[-1]
    files = {file.relative_to(REPOSITORY) for file in source_files(module)}
    return files - {Path("pipelines/__init__.py")}


def sections_read(files: set[Path]) -> set[str]:
    """Sections of params.yaml that the code takes from something called `params`."""
    trees = [ast.parse((REPOSITORY / file).read_bytes()) for file in files if file.suffix == ".py"]
    attributes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {
        node.attr
        for node in attributes
        if node.attr in Params.model_fields and ast.unparse(node.value).split(".")[-1] == "params"
    }


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_all_the_code_it_runs_and_on_no_other(name: str) -> None:
    code, listed = code_of(STAGES[name]), {Path(path) for path in STAGES[name]["deps"]} - {Path("data")}
    assert {file for file in code if not listed & {file, *file.parents}} == set()
    assert {path for path in listed if not any(path in (file, *file.parents) for file in code)} == set()
    assert Path(STAGES[name]["cmd"].split()[-1] + ".py") in listed


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_the_sections_of_params_that_its_code_reads(name: str) -> None:
    listed = STAGES[name]["params"]
    assert set(listed) == sections_read(code_of(STAGES[name]))
    assert len(listed) == len(set(listed))


def test_a_section_that_only_one_step_reads_is_found() -> None:
    assert sections_read({Path("dermai/training/candidate.py")}) == {
        "clinical", "gate", "model", "training", "triage",
    }  # fmt: skip
    assert "monitoring" in sections_read({Path("monitoring/drift_run.py")})


@pytest.mark.slow
def test_a_run_with_nothing_new_succeeds_and_leaves_the_metrics_as_they_are(tmp_path: Path) -> None:
    stage = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]["incremental_finetune"]
    outputs = [*stage["metrics"], *stage["plots"]]
    (tmp_path / "code").write_text("1")
    stage = {"cmd": "true", "deps": ["code"], "metrics": stage["metrics"], "plots": stage["plots"]}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"incremental_finetune": stage}}))
    for output in outputs:
        (tmp_path / next(iter(output))).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / next(iter(output))).write_text('{"a": 1}' if "json" in next(iter(output)) else "class\nMM\n")

    def run(*command: str) -> None:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=environment)

    environment = {
        **os.environ, "DVC_NO_ANALYTICS": "true", "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }  # fmt: skip
    dvc = (sys.executable, "-m", "dvc")
    run("git", "init", "-q")
    run(*dvc, "init", "-q")
    for number, command in enumerate((("repro",), ("exp", "run"))):
        run("git", "add", "-A")
        run("git", "commit", "-qm", "as it was")
        (tmp_path / "code").write_text(f"another {number}")
        run(*dvc, *command)
        assert all((tmp_path / next(iter(output))).is_file() for output in outputs)


def test_bytecode_that_another_command_wrote_is_no_change_and_no_photograph_is_ignored() -> None:
    bytecode = ["dermai/__pycache__/a.pyc", "dermai/gate/__pycache__/a.pyc", "steps/__pycache__/a.pyc"]
    command = [sys.executable, "-m", "dvc", "check-ignore", *bytecode, "data/images/ab/abc.jpg"]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert found.stdout.split() == bytecode
