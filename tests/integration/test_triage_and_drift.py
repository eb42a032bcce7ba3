"""New referrals, diagnoses that come back, and drift, through the real pipelines and commands."""

import json

import pandas as pd
import yaml

SMALL_WINDOWS = {"monitoring.window": 20, "monitoring.fewest_patients": 10, "monitoring.draws": 499}


def test_referrals_become_a_worklist_and_a_judged_window(first_champion, tmp_path):
    clone = first_champion.copy(tmp_path / "there")
    clone.run("dermai", "simulate", "referrals", "--arrival", "3", "--scale", "0.005", "--size", "128")
    clone.run("zenml", "pipeline", "run", "triage_cases", "-c", "profiles/demo.yaml", warm=False)
    reports = clone.root / "reports"
    worklist = pd.read_csv(reports / "triage_cases" / "latest" / "worklist.csv")
    assert len(worklist) >= 20
    page = (reports / "triage_cases" / "latest" / "worklist.html").read_text()
    assert "The software does not decide" in page
    assert "<figcaption>evidence for " in page

    diagnoses = clone.root.parent / "diagnoses.csv"
    worklist[["case_id"]].head(5).assign(diagnosis="Nev").to_csv(diagnoses, index=False)
    assert "5 diagnoses recorded" in clone.run("dermai", "confirm", str(diagnoses)).stdout

    config = clone.root.parent / "small_windows.yaml"
    config.write_text(yaml.safe_dump({"parameters": {"overrides": SMALL_WINDOWS}}))
    said = clone.run("zenml", "pipeline", "run", "monitor_drift", "-c", str(config), warm=False)
    found = json.loads((reports / "monitor_drift" / "latest" / "monitoring.json").read_text())
    assert found["windows"] == 1
    assert found["verdict"] in ("stable", "watch", "act")
    assert "window 1, to" in said.stdout + said.stderr
