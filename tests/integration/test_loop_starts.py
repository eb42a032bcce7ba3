"""A new service under the shipped policy: from a first model that cannot show its floors to evidence on it.

The referrals came in half a year ago, so that their follow-up is over: days given for simulated patients count.
A model trained in seconds misses too many melanomas to pass; tests/promotion/test_standing.py goes on from here.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.integration.conftest import Clone, keep_patients
from tests.integration.test_incremental_finetune import decision_of

WHO = ("--approver", "A test", "--role", "head of dermatology", "--reason", "every case is read for now")
RECEIVED = datetime.now(UTC) - timedelta(days=190)
CONFIRMED = RECEIVED + timedelta(days=20)


def triage(clone: Clone) -> tuple[pd.DataFrame, str]:
    """The worklist of the folder `referrals`, and its page."""
    config = clone.root.parent / "triage.yaml"
    config.write_text(yaml.safe_dump({"parameters": {"received_on": f"{RECEIVED:%Y-%m-%d}"}}))
    clone.run("zenml", "pipeline", "run", "triage_cases", "-c", str(config))
    latest = clone.root / "reports" / "triage_cases" / "latest"
    table = pd.read_csv(latest / "worklist.csv", dtype=str, keep_default_na=False)
    return table, (latest / "worklist.html").read_text()


@pytest.mark.timeout(1800)  # a training and three triages, perhaps beside other tests
def test_the_loop_starts_without_a_champion_and_diagnoses_become_evidence(fresh_clone: Clone, tmp_path: Path) -> None:
    clone = fresh_clone.copy(tmp_path / "there")
    keep_patients(clone, 0.4, share_of_test=0.25)

    # A first model: the test patients are too few to show its floors, and status says what can be done.
    clone.update(training__first_epochs=4)
    assert decision_of(clone)["outcome"] == "insufficient_evidence"
    assert clone.status()["next_command"].startswith("dermai promote 1 --provisional")

    # Nobody has to answer for it yet: referrals are read without a model's answers, and it scores unseen.
    clone.run("dermai", "simulate", "referrals", "--arrival", "3", "--scale", "0.02", "--size", "128",
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

    # The diagnoses come back, and are evidence on its own answers.
    diagnoses = tmp_path / "diagnoses.csv"
    truth = truth[["case_id", "lesion_id", "diagnosis"]]
    truth.assign(confirmed_by="histology", confirmed_on=f"{CONFIRMED:%Y-%m-%d}").to_csv(diagnoses, index=False)
    said = clone.run("dermai", "confirm", str(diagnoses), check=False).stdout  # what was not triaged is set aside
    assert "provisional champion 1, " in said
    recorded = json.loads(clone.run("dermai", "audit", "show", "--event", "shadow_decision", "--json").stdout)
    assert {test["against"] for test in recorded[-1]["body"]["decision"]["tests"]} == {"floor"}
    assert min(test["patients"] for test in recorded[-1]["body"]["decision"]["tests"]) >= 20
    assert "as they were written" in clone.run("dermai", "audit", "verify").stdout
