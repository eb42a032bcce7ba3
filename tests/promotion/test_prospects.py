"""What the gate can show with the patients of the dataset."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from dermai.audit import AuditLog
from dermai.cli import application
from dermai.config import Params
from dermai.data.cases import read_cases, write_cases
from dermai.gate.policy import GatePolicy
from dermai.promotion.prospects import counted_patients, months_of_a_provisional_champion, next_level, prospects
from dermai.workspace import Workspace
from tests.training.training_data import make_cases


@pytest.fixture
def service(workspace: Workspace) -> Workspace:
    """Six melanomas, of which two are of test patients; how they were confirmed is known of the melanomas alone."""
    cases = make_cases(workspace.data, {"train": {"MM": 4, "BCC": 3, "Nev": 5}, "test": {"MM": 2, "Nev": 1}})
    cases["fold"] = cases["split"].map({"train": "0", "test": ""})
    cases["confirmed_by"] = cases["diagnosis"].map({"MM": "histology", "BCC": "", "Nev": "consensus"})
    write_cases(workspace.cases_file, cases)
    return workspace


def test_patients_are_counted_whose_lesions_count(service: Workspace) -> None:
    cases = read_cases(service.cases_file)
    assert counted_patients(GatePolicy(), cases, test_only=False) == {"MM": 6, "BCC": 0, "benign": 6}
    assert counted_patients(GatePolicy(), cases, test_only=True) == {"MM": 2, "BCC": 0, "benign": 1}


def test_both_columns_are_shown_at_the_level_of_a_first_use(service: Workspace) -> None:
    params = Params()
    patients = {"MM": 52, "BCC": 56, "benign": 300}
    columns = prospects(service, params, patients, {"MM": 10, "BCC": 11, "benign": 60}, {})
    assert [column.level for column in columns] == [
        pytest.approx(next_level(params.gate, AuditLog(service.audit_log)))
    ] * 2
    everything, tested = columns
    assert everything.attainable[0].margin < 0.10 < tested.attainable[0].margin
    assert everything.power[0.05] > 0.3
    assert tested.power[0.05] == 0
    assert everything.months is None, "no rate was given"


def test_a_provisional_champion_waits_for_melanomas_and_carcinomas(service: Workspace) -> None:
    params = Params()
    assert months_of_a_provisional_champion(service, params, {"MM": 2.0, "BCC": 0.0}) is None
    months = months_of_a_provisional_champion(service, params, {"MM": 2.0, "BCC": 2.0})
    assert months is not None
    assert 5 < months < 40
    assert months > (months_of_a_provisional_champion(service, params, {"MM": 4.0, "BCC": 4.0}) or 0)


def test_the_command_names_what_is_asked_and_what_was_wrong_with_a_number(
    service: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(service.root)
    (service.root / "params.yaml").write_text("seed: 1\n")
    given = ["gate", "plan", "--patients", "MM=52", "--patients", "BCC=56", "--per-month", "MM=2"]
    answer = CliRunner().invoke(application, given)
    assert answer.exit_code == 0, answer.output
    assert "MM: 52 patients; at best a loss of" in answer.output
    assert "chance of a promotion" in answer.output
    assert (
        "MM: 84 (48 months) where every case is read, 2,930 (more than ten years) with second readings of 2"
        in " ".join(answer.output.replace("\u00a0", " ").split())
    )
    wrong = CliRunner().invoke(application, ["gate", "plan", "--patients", "melanoma=52"])
    assert wrong.exit_code != 0
    assert "write CLASS=NUMBER" in str(wrong.output) + str(wrong.exception)


@pytest.mark.parametrize(("promotes", "columns"), [("alone", 2), ("never", 1)])
def test_a_column_that_never_decides_is_not_planned_with(workspace: Workspace, promotes: str, columns: int) -> None:
    params = Params(gate=GatePolicy(all_lesions={"promotes": promotes}))
    found = prospects(workspace, params, {"MM": 9, "BCC": 9, "benign": 9}, {"MM": 2, "BCC": 2, "benign": 2}, {})
    assert [column.column for column in found][-1] == "test patients alone"
    assert len(found) == columns
