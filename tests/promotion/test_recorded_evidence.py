"""Who is told of answers and diagnoses that are not as they were signed: status, verify, doctor and shadow mode."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.doctor.records import check_records
from dermai.promotion.recorded_evidence import verify_evidence
from dermai.promotion.shadow_mode import settle_challenger
from dermai.promotion.status import read_status
from tests.promotion.test_shadow_mode import confirm_all, log_answers

FOLDERS = {"confirmations": "dermai audit adopt-diagnoses", "predictions": "dermai audit adopt-predictions"}


@pytest.fixture
def waiting(fleet):
    """A challenger that practice would promote now."""
    fleet.champions(1)
    fleet.candidate("insufficient_evidence")
    for version in ("1", "2"):
        diagnoses = log_answers(fleet, version)
    confirm_all(fleet, diagnoses)
    return fleet


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_names_the_file_and_nothing_is_decided(waiting, folder):
    workspace, params = waiting.workspace, waiting.params
    part = sorted((workspace.prediction_log / folder).rglob("*.parquet"))[0]
    part.write_bytes(part.read_bytes() + b" ")
    status = read_status(workspace, params)
    told = {
        "status": " ".join(status.problems),
        "audit verify": " ".join(verify_evidence(workspace, params).problems),
        "doctor": " ".join(found.what for found in check_records(workspace, params) if found.state == "problem"),
        "shadow mode": settle_challenger(workspace, params),
    }
    assert [who for who, said in told.items() if part.name not in said] == []
    assert status.next_command.startswith(FOLDERS[folder])
    assert waiting.aliases()["champion"] == "1"
    verified = CliRunner().invoke(application, ["audit", "verify", "--json"])
    assert verified.exit_code == 1
    assert not json.loads(verified.stdout)["ok"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_once_a_person_answers_for_the_files_it_is_decided(waiting, folder):
    part = sorted((waiting.workspace.prediction_log / folder).rglob("*.parquet"))[0]
    part.write_bytes(part.read_bytes())
    part.rename(part.with_name(f"{part.stem}x.parquet"))
    assert "shadow mode decides nothing" in settle_challenger(waiting.workspace, waiting.params)
    command = FOLDERS[folder].split()[1:]
    done = CliRunner().invoke(
        application, [*command, "--approver", "Ana Silva", "--role", "data manager", "--reason", "seen"]
    )
    assert done.exit_code == 0, done.output
    assert verify_evidence(waiting.workspace, waiting.params).ok
    assert "Version 2 is the champion" in settle_challenger(waiting.workspace, waiting.params)
