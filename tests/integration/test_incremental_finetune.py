"""The main job, run as its users run it: literal commands in a clone of the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from tests.integration.conftest import Clone, keep_patients

LATEST = "reports/incremental_finetune/latest"


def decision_of(clone: Clone) -> dict[str, object]:
    decision: dict[str, object] = json.loads((clone.root / LATEST / "decision.json").read_text())
    return decision


def words(log: str) -> str:
    """A log without its colours, quotes and line breaks."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|`", "", log).split())


def simulated_arrival(clone: Clone, number: int, *more: str) -> None:
    clone.run("dermai", "simulate", f"incoming/{number}", "--arrival", str(number), "--size", "72", *more)
    clone.run("dermai", "ingest", f"incoming/{number}")


def kill_once(clone: Clone, folder: Path, path: str, *command: str) -> None:
    """Start a command, kill all its processes once the folder has a file that matches and was not there before."""
    known = set(folder.glob(path))
    process = clone.start(*command)
    deadline = time.monotonic() + 300
    while set(folder.glob(path)) <= known:
        assert process.poll() is None, process.communicate()[0][-4000:]
        assert time.monotonic() < deadline, f"{path} never appeared"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


class TestTheLoop:
    def test_the_first_model_becomes_champion_and_anchor(self, first_champion: Clone) -> None:
        status = first_champion.status()
        assert status["champion"]["version"] == status["anchor"]["version"] == "1"
        assert decision_of(first_champion)["outcome"] == "promote"
        page = (first_champion.root / LATEST / "report.html").read_text()
        assert "<script src=" not in page
        assert "http://" not in page.replace("http://www.w3.org/", "")
        assert "No logged referral was scored: none is logged." in page

    def test_nothing_new_trains_nothing_and_says_so_in_a_record(self, first_champion: Clone, tmp_path: Path) -> None:
        clone = first_champion.copy(tmp_path / "copy")
        before = (clone.root / "metrics" / "metrics.json").read_bytes()
        shutil.rmtree(clone.root / "metrics")  # as in another clone: they are no part of the dataset
        assert "finetune_candidate" not in clone.update().stderr
        assert (clone.root / "metrics" / "metrics.json").read_bytes() == before
        shown = json.loads(clone.run("dermai", "audit", "show", "--json").stdout)
        assert shown[-1]["event"] == "nothing_new"
        assert clone.status()["champion"]["version"] == "1"

        # What came after that run is seen by the next one, whatever ZenML remembers of the steps in between.
        cases = pd.read_csv(clone.root / "data" / "cases.csv", dtype=str, keep_default_na=False)
        lesion = cases[(cases["split"] == "train") & (cases["diagnosis"] == "Nev")]["lesion_id"].iloc[0]
        cases.loc[cases["lesion_id"] == lesion, "diagnosis"] = "MM"
        cases.to_csv(clone.root / "data" / "cases.csv", index=False)
        assert "finetune_candidate has finished" in words(clone.update().stderr)
        shown = json.loads(clone.run("dermai", "audit", "show", "--json").stdout)
        assert "data differs from data.dvc" in json.dumps(shown[-3:])
        assert clone.status()["champion"]["version"] == "1"
        assert "cached version of step finetune_candidate" in words(clone.update().stderr)

    @pytest.mark.long  # two more runs of the pipeline
    def test_test_labels_that_changed_are_named_and_the_champion_is_judged_on_them(
        self, first_champion: Clone, tmp_path: Path
    ) -> None:
        clone = first_champion.copy(tmp_path / "copy")
        cases = pd.read_csv(clone.root / "data" / "cases.csv", dtype=str, keep_default_na=False)
        melanomas = cases[(cases["split"] == "test") & (cases["diagnosis"] == "MM")]["lesion_id"].unique()
        changed = melanomas[: len(melanomas) // 2]
        cases.loc[cases["lesion_id"].isin(changed), "diagnosis"] = "Nev"
        cases.to_csv(clone.root / "data" / "cases.csv", index=False)
        ran = clone.update()
        said = f"{len(changed)} test lesion{'s' if len(changed) > 1 else ''} from MM to Nev"
        assert f"test labels changed: {said}" in words(ran.stdout + ran.stderr)
        assert "finetune_candidate" not in ran.stderr
        record = json.loads(clone.run("dermai", "audit", "show", "--json").stdout)[-1]
        assert record["event"] == "nothing_new"
        assert record["body"]["champion_again"]["champion"]["version"] == "1"
        assert "test_set" not in record["body"] or not record["body"]["test_set"]
        assert said in words((clone.root / LATEST / "report.html").read_text())
        clone.update()
        assert "champion_again" not in json.loads(clone.run("dermai", "audit", "show", "--json").stdout)[-1]["body"]

    def test_new_cases_lead_to_an_update_from_the_champion_and_a_decision_that_dvc_shows(
        self, first_champion: Clone, tmp_path: Path
    ) -> None:
        clone = first_champion.copy(tmp_path / "copy")
        clone.commit("metrics")
        simulated_arrival(clone, 2, "--scale", "0.05")
        clone.run("dvc", "add", "--quiet", "data")
        clone.write_quick_params()
        clone.commit("data.dvc", "params.yaml")
        clone.run("dermai", "simulate", "referrals", "--arrival", "3", "--scale", "0.005", "--size", "128")
        clone.run("zenml", "pipeline", "run", "triage_cases")
        clone.run("dvc", "repro", "--quiet")
        record = json.loads(clone.run("dermai", "audit", "show", "--json", "--event", "update_attempt").stdout)[-1]
        scored = record["body"]["referral_replay"]["not_learnt"]["moves"]
        assert sum(number for row in scored.values() for number in row.values()) >= 20
        assert '<a href="replay.html">' in (clone.root / LATEST / "report.html").read_text()
        assert "decides nothing: the gate does" in (clone.root / LATEST / "replay.html").read_text()
        assert decision_of(clone)["outcome"] in {"promote", "reject", "insufficient_evidence"}
        assert "as they were written" in clone.run("dermai", "audit", "verify").stdout
        manifest = pd.read_csv(next((clone.root / "state/cache/training").glob("*/package/manifest.csv")))
        assert "test" not in set(manifest["split"])

        changed = json.loads(clone.run("dvc", "metrics", "diff", "--json").stdout)["metrics/metrics.json"]
        assert {"old", "new"} <= set(changed["candidate.accuracy"])
        clone.run("dvc", "plots", "diff", "HEAD")
        page = (clone.root / "dvc_plots" / "index.html").read_text()
        assert all(name in page for name in ("sensitivity", "confusion", "calibration"))
        assert "up to date" in clone.run("dvc", "repro").stdout


@pytest.fixture(scope="module")
def few_patients(fresh_clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with a twentieth of the patients, for runs that never train. Copy it before changing it."""
    clone = fresh_clone.copy(tmp_path_factory.mktemp("few") / "there")
    keep_patients(clone, 0.05)
    return clone


class TestBadData:
    def test_a_patient_in_two_splits_stops_the_run_before_training(self, few_patients: Clone, tmp_path: Path) -> None:
        clone = few_patients.copy(tmp_path / "copy")
        file = clone.root / "data" / "cases.csv"
        cases = pd.read_csv(file, dtype=str, keep_default_na=False)
        patient = cases["patient_id"].value_counts().index[0]
        row = cases.index[cases["patient_id"] == patient][0]
        cases.loc[row, "split"] = "test" if cases.loc[row, "split"] == "train" else "train"
        file.unlink()  # DVC may have linked it from its cache
        cases.to_csv(file, index=False)
        result = clone.update(check=False)
        assert result.returncode != 0
        assert patient in result.stdout + result.stderr
        assert not (clone.root / "state" / "cache" / "training").exists()
        shown = json.loads(clone.run("dermai", "audit", "show", "--json").stdout)
        assert shown[-1]["event"] == "failure"
        assert patient not in json.dumps(shown[-1])  # a record cannot be erased when the patient withdraws

    def test_a_damaged_photograph_stops_the_run_and_is_named(self, few_patients: Clone, tmp_path: Path) -> None:
        clone = few_patients.copy(tmp_path / "copy")
        photograph = sorted((clone.root / "data" / "images").rglob("*.jpg"))[0]
        content = photograph.read_bytes()
        photograph.unlink()
        photograph.write_bytes(content[: len(content) // 2])
        result = clone.update(check=False)
        assert result.returncode != 0
        assert photograph.stem[:12] in result.stdout + result.stderr

    def test_an_empty_case_table_is_one_clear_error(self, few_patients: Clone, tmp_path: Path) -> None:
        clone = few_patients.copy(tmp_path / "copy")
        file = clone.root / "data" / "cases.csv"
        file.unlink()
        file.write_bytes(b"")
        result = clone.update(check=False)
        assert result.returncode != 0
        assert "cases.csv is empty" in result.stdout + result.stderr

    def test_a_corrupted_dvc_cache_is_a_clear_error(self, fresh_clone: Clone, tmp_path: Path) -> None:
        clone = fresh_clone.copy(tmp_path / "copy")
        shutil.rmtree(clone.root / "data")
        stored = sorted((clone.root / "demo-remote").rglob("*"), key=lambda path: path.stat().st_size)[-1]
        shutil.rmtree(clone.root / ".dvc" / "cache")
        stored.unlink()  # it is linked from other clones
        stored.write_bytes(b"damaged")
        assert clone.run("dvc", "pull", check=False).returncode != 0
        result = clone.update(check=False)
        assert result.returncode != 0
        assert "dvc pull" in result.stdout + result.stderr


class TestAKilledRun:
    @pytest.mark.parametrize(
        "point",
        [
            pytest.param("state/cache/features/seen/*.index", id="training has begun", marks=pytest.mark.long),
            pytest.param("state/cache/training/*/package/checksums.json", id="trained", marks=pytest.mark.long),
            pytest.param("mlartifacts/**/checksums.json", id="registration under way"),
        ],
    )
    def test_leaves_the_champion_and_the_data_and_the_next_run_succeeds(
        self, first_champion: Clone, tmp_path: Path, point: str
    ) -> None:
        clone = first_champion.copy(tmp_path / "copy")
        for begun in ("training", "features/seen"):
            shutil.rmtree(clone.root / "state" / "cache" / begun)
        simulated_arrival(clone, 2, "--scale", "0.05")
        clone.run("dvc", "add", "--quiet", "data")
        clone.commit("data.dvc")
        before = (clone.root / "data" / "cases.csv").read_bytes()
        kill_once(clone, clone.root, point, *clone.update_command())
        assert clone.status()["champion"]["version"] == "1"
        assert (clone.root / "data" / "cases.csv").read_bytes() == before
        clone.update()
        assert decision_of(clone)["outcome"] in {"promote", "reject", "insufficient_evidence"}
        assert "as they were written" in clone.run("dermai", "audit", "verify").stdout


def test_the_registered_model_is_loaded_and_asked_through_pyfunc(first_champion: Clone) -> None:
    script = (
        "import base64, sys, mlflow, pandas as pd;"
        "mlflow.set_tracking_uri('sqlite:///mlflow.db');"
        "model = mlflow.pyfunc.load_model('models:/dermai@champion');"
        "photograph = base64.b64encode(open(sys.argv[1], 'rb').read()).decode();"
        "print(model.predict(pd.DataFrame({'photograph': [photograph]})).to_json(orient='records'))"
    )
    photograph = first_champion.root.parent / "one.png"
    Image.new("RGB", (90, 70), (200, 150, 130)).save(photograph)
    answer = json.loads(first_champion.run("python", "-c", script, str(photograph)).stdout.splitlines()[-1])
    assert answer[0]["risk"] in {"high_priority", "priority", "normal"}
