"""A new service under the shipped policy: from a first model that cannot show its floors to a regular champion.

Its patients have lesions that are easy to tell apart, so that a model trained in seconds finds nearly all melanomas
and carcinomas: with none missed, 18 confirmed melanomas and 13 carcinomas would show the floors. The referrals came in
half a year ago, so that their follow-up is over: days given for simulated patients count.
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.integration.conftest import Clone
from tests.integration.test_incremental_finetune import decision_of

WHO = ("--approver", "A test", "--role", "head of dermatology", "--reason", "every case is read for now")
RECEIVED = datetime.now(UTC) - timedelta(days=190)
CONFIRMED = RECEIVED + timedelta(days=20)
EASY = ("--spread", "0.1", "--atypical", "0", "--size", "72")


def triage(clone: Clone) -> tuple[pd.DataFrame, str]:
    """The worklist of the folder `referrals`, and its page."""
    config = clone.root.parent / "triage.yaml"
    config.write_text(yaml.safe_dump({"parameters": {"received_on": f"{RECEIVED:%Y-%m-%d}"}}))
    clone.run("zenml", "pipeline", "run", "triage_cases", "-c", str(config))
    latest = clone.root / "reports" / "triage_cases" / "latest"
    table = pd.read_csv(latest / "worklist.csv", dtype=str, keep_default_na=False)
    return table, (latest / "worklist.html").read_text()


def with_patients_of_its_own(clone: Clone) -> None:
    """The first dataset version of a new service, in the place of the one that comes with the repository."""
    shutil.rmtree(clone.root / "data")
    (clone.root / "data.dvc").unlink()
    clone.run("dermai", "simulate", "incoming", *EASY, "--scale", "0.015",
              "--prevalence", "MM=18", "--prevalence", "BCC=25", "--prevalence", "Nev=2")  # fmt: skip
    clone.run("dermai", "ingest", "incoming", "--track")
    clone.write_quick_params()
    clone.commit("data.dvc", "params.yaml")


@pytest.mark.timeout(1800)  # a training and two triages, perhaps beside other tests
def test_the_loop_starts_and_diagnoses_make_its_first_model_a_regular_champion(
    fresh_clone: Clone, tmp_path: Path
) -> None:
    clone = fresh_clone.copy(tmp_path / "there")
    with_patients_of_its_own(clone)

    # A first model: ten melanomas are too few to show its floors, and status says what can be done.
    clone.run("zenml", "pipeline", "run", "incremental_finetune")
    assert decision_of(clone)["outcome"] == "insufficient_evidence"
    assert clone.status()["next_command"].startswith("dermai promote 1 --provisional")

    # Nobody has to answer for it yet: referrals are read without a model's answers.
    clone.run("dermai", "simulate", "referrals", *EASY, "--arrival", "3", "--scale", "0.02",
              "--prevalence", "MM=60", "--prevalence", "BCC=60")  # fmt: skip
    cases = clone.root / "referrals" / "cases.csv"
    truth = pd.read_csv(cases, dtype=str, keep_default_na=False)
    truth.drop(columns=["diagnosis", "confirmed_by"]).to_csv(cases, index=False)
    unanswered, page = triage(clone)
    assert set(unanswered["model_answer"]) == {""}
    assert "No model's answers are shown" in page

    # A named person lets it answer.
    clone.run("dermai", "promote", "--provisional", *WHO)
    answered, page = triage(clone)
    assert set(answered["case_id"]) == set(unanswered["case_id"])
    assert "normal" not in set(answered["risk"])
    assert "The model is provisional until" in page
    status = clone.status()
    assert status["champion"]["provisional_until"]
    assert status["anchor"] is None

    # The diagnoses come back, and are the evidence that was missing: it is a regular champion, and the anchor.
    diagnoses = tmp_path / "diagnoses.csv"
    truth = truth[["case_id", "lesion_id", "diagnosis"]]
    truth.assign(confirmed_by="histology", confirmed_on=f"{CONFIRMED:%Y-%m-%d}").to_csv(diagnoses, index=False)
    said = clone.run("dermai", "confirm", str(diagnoses), check=False).stdout  # what was not triaged is set aside
    assert "Version 1 is now a regular champion" in said
    recorded = json.loads(clone.run("dermai", "audit", "show", "--event", "shadow_decision", "--json").stdout)
    tests = recorded[-1]["body"]["decision"]["tests"]
    assert {test["against"] for test in tests} == {"floor"}
    # All confirmed lesions may have shown the carcinomas' floor at the update already; never that of 18 melanomas.
    assert {test["about"]: test["on"] for test in tests}["MM"] == "daily practice"
    status = clone.status()
    assert status["champion"]["version"] == status["anchor"]["version"] == "1"
    assert status["champion"]["provisional_until"] is None
    assert "nothing to do" in status["next_step"]
    assert "as they were written" in clone.run("dermai", "audit", "verify").stdout
