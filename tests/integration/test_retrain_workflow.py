"""The retraining workflow's own lines, in fresh clones of a bare origin, on a state that outlives them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.integration.conftest import QUICK, WARM, Clone
from tests.integration.workflow_job import Job, evaluate, run_job

DECISIONS = {"promoted", "rejected", "insufficient_evidence", "held_back"}


@dataclass(frozen=True)
class Hospital:
    """A desk at which data is committed, the bare origin it is pushed to, and the folder with registry and records."""

    desk: Clone
    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "kept" / "state"

    @property
    def head(self) -> str:
        return self.desk.run("git", "rev-parse", "HEAD").stdout.strip()

    def push(self, *paths: str) -> str:
        """Commit and push; the commit. Data goes to the DVC remote first."""
        if "data.dvc" in paths:
            self.desk.run("dvc", "add", "--quiet", "data")
            self.desk.run("dvc", "push", "--quiet")
        self.desk.commit(*paths)
        self.desk.run("git", "push", "--quiet", "origin", "main")
        return self.head

    def runner(self, commit: str) -> Clone:
        """A checkout on a runner, with an environment that `make setup` finds to be ready."""
        root = self.folder / "runners" / commit
        environment = {**self.desk.environment, "PYTHONPATH": str(root), "DERMAI_STATE": str(self.state)}
        subprocess.run(["git", "clone", "--quiet", str(self.folder / "origin.git"), str(root)], check=True)
        subprocess.run(["git", "-C", str(root), "checkout", "--quiet", commit], check=True)
        (root / ".venv").mkdir()
        (root / ".venv" / "bin").symlink_to(WARM[0])
        (root / ".venv" / ".ready").touch()
        return Clone(root, environment)

    def retrain(self, before: str, commit: str) -> tuple[Clone, Job]:
        """The job `update`, as a push of this commit starts it."""
        runner = self.runner(commit)
        values = {"github.event.before": before, "github.sha": commit}
        return runner, run_job(runner, "retrain.yml", "update", values)

    def records(self, *events: str) -> list[dict[str, Any]]:
        lines = (self.state / "audit" / "updates.jsonl").read_text().splitlines()
        return [entry for entry in map(json.loads, lines) if not events or entry["event"] in events]


@pytest.fixture
def hospital(first_champion: Clone, tmp_path: Path) -> Hospital:
    desk = first_champion.copy(tmp_path / "desk")
    shutil.copytree(desk.root / "state", tmp_path / "kept" / "state", ignore=shutil.ignore_patterns("training"))
    shutil.copy(desk.root / "mlflow.db", tmp_path / "kept" / "state")
    shutil.copytree(desk.root / "demo-remote", tmp_path / "dvc-remote")
    desk.run("dvc", "remote", "modify", "demo", "url", str(tmp_path / "dvc-remote"))
    params = yaml.safe_load((desk.root / "params.yaml").read_text())
    for dotted, value in QUICK.items():
        section, key = dotted.split(".")
        params[section][key] = value
    (desk.root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    desk.commit(".dvc/config", "params.yaml")
    desk.run("git", "clone", "--quiet", "--bare", str(desk.root), str(tmp_path / "origin.git"))
    desk.run("git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    return Hospital(desk, tmp_path)


def new_cases(desk: Clone, arrival: int) -> None:
    desk.run("dermai", "simulate", f"incoming/{arrival}", "--arrival", str(arrival), "--size", "72", "--scale", "0.03")
    desk.run("dermai", "ingest", f"incoming/{arrival}")


def test_a_commit_of_neither_data_nor_parameters_does_nothing(hospital: Hospital) -> None:
    before, records = hospital.head, len(hospital.records())
    (hospital.desk.root / "README.md").write_text("# Another text\n")
    _, job = hospital.retrain(before, hospital.push("README.md"))
    assert not job.failed, job.log
    assert "Update" not in job.ran
    assert "Validate" not in job.ran
    assert job.outputs["result"] == job.summary == ""
    assert len(hospital.records()) == records


def test_a_commit_of_invalid_data_fails_before_training(hospital: Hospital) -> None:
    before, file = hospital.head, hospital.desk.root / "data" / "cases.csv"
    cases = pd.read_csv(file, dtype=str, keep_default_na=False)
    patient = cases["patient_id"].value_counts().index[0]
    row = cases.index[cases["patient_id"] == patient][0]
    cases.loc[row, "split"] = "test" if cases.loc[row, "split"] == "train" else "train"
    file.unlink()
    cases.to_csv(file, index=False)
    commit = hospital.push("data.dvc")
    _, job = hospital.retrain(before, commit)
    assert job.failed == "Validate", job.log
    assert "Update" not in job.ran
    assert not (hospital.state / "cache" / "training").exists()
    assert job.outputs["result"] == "failed"
    assert "The update failed" in job.summary
    assert patient in job.log
    assert patient not in job.summary
    failure = hospital.records("failure")[-1]["body"]
    assert (failure["code"]["commit"], failure["step"]) == (commit, "validate_cases")
    assert len(hospital.records("promotion")) == 1


@pytest.mark.timeout(1800)  # two whole updates, one after the other
def test_two_pushes_in_quick_succession_end_with_one_champion_and_a_full_record(hospital: Hospital) -> None:
    commits = [hospital.head]
    for arrival in (2, 3):
        new_cases(hospital.desk, arrival)
        commits.append(hospital.push("data.dvc"))
    with ThreadPoolExecutor() as pool:  # as on two runners, where GitHub would let one wait
        done = list(pool.map(hospital.retrain, commits, commits[1:]))
    results = [job.outputs["result"] for _, job in done]
    logs = "\n".join(job.log for _, job in done)
    assert not any(job.failed for _, job in done), logs
    assert results[1] in DECISIONS, logs
    assert results[0] in DECISIONS | {"superseded"}, logs
    check_the_record(hospital, commits[1:], results)
    for (runner, job), result in zip(done, results, strict=True):
        if result in DECISIONS:
            check_what_was_published(runner, job)


def check_the_record(hospital: Hospital, commits: Sequence[str], results: Sequence[str]) -> None:
    attempts = {entry["body"]["code"]["commit"]: entry["body"] for entry in hospital.records("update_attempt")}
    refused = {entry["body"]["code"]["commit"] for entry in hospital.records("refusal") if "code" in entry["body"]}
    for commit, result in zip(commits, results, strict=True):
        assert commit in (refused if result == "superseded" else attempts)
    assert attempts[commits[-1]]["trigger"] == {"kind": "new_data", "evidence": commits[-1]}
    runner = next((hospital.folder / "runners").iterdir())
    clone = Clone(runner, {**hospital.desk.environment, "DERMAI_STATE": str(hospital.state)})
    assert "as they were written" in clone.run("dermai", "audit", "verify").stdout
    promotions = [entry["body"]["version"] for entry in hospital.records("promotion")]
    assert clone.status()["champion"]["version"] == promotions[-1]
    assert len(promotions) == 1 + results.count("promoted")


def check_what_was_published(runner: Clone, job: Job) -> None:
    assert "| what must hold | found | asked | verdict |" in job.summary
    assert "MM found, against the champion" in job.summary
    published = runner.root / "job-report"
    assert (published / "summary.md").read_text() == job.summary
    assert json.loads((published / "decision.json").read_text())["outcome"]
    assert "data:image/jpeg" not in (published / "report.html").read_text()
    assert not (published / "test_predictions.parquet").exists()


def test_expressions_mean_what_they_mean_on_github() -> None:
    known = {"steps.plan.outputs.update": "true", "inputs.reason": ""}
    assert evaluate(" steps.plan.outputs.update == 'true' ", known) is True
    assert evaluate("!cancelled() && steps.plan.outputs.update == 'true'", known, failed=True) is True
    assert evaluate("inputs.reason || github.sha || 'by hand'", known) == "by hand"
    assert evaluate("needs.update.outputs.result != ''", known) is False
