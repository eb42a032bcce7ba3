"""Whoever holds the key finds the number of a pseudonym, the pseudonym of a number, and where the case is."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.config import load_params
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.errors import DermaiError
from dermai.prediction_log.confirmations import confirm
from dermai.prediction_log.log import PredictionLog
from dermai.registry.registry import Registry
from dermai.report.publication import point_latest_at
from dermai.triage.lookup import find
from dermai.triage.run import received_time, run_triage
from dermai.workspace import WORKSPACE_VARIABLE, Workspace
from tests.conftest import REPOSITORY
from tests.triage.champion import make_champion
from tests.triage.referrals import paint, write_referrals


@pytest.fixture(scope="module")
def triaged(tmp_path_factory, mlflow_store):
    """A workspace with a triaged folder: five cases of Porto, one of them confirmed, one to photograph again."""
    here = tmp_path_factory.mktemp("triaged")
    workspace = Workspace(here / "workspace")
    workspace.root.mkdir()
    shutil.copy(REPOSITORY / "params.yaml", workspace.root)
    shutil.copy(mlflow_store, workspace.root)
    params = load_params(workspace.params_file, {"triage.heat_maps": False})
    make_champion(Registry(workspace, params), here)
    folder = write_referrals(workspace.root / "referrals", 5)
    paint(np.random.default_rng(0), lesion=False).save(folder / "0.jpg")
    output = workspace.reports / "triage_cases" / "run-1"
    with pytest.MonkeyPatch.context() as set_key:
        set_key.setenv("DERMAI_PSEUDONYM_KEY_FILE", str(here / "pseudonym.key"))
        run_triage(workspace, params, folder, output, received_time("2026-03-01"))
        point_latest_at(output)
        (here / "histology.csv").write_text("case_id,diagnosis\n0-3,Naevus\n")
        confirm(PredictionLog(workspace.prediction_log), here / "histology.csv", numbers=numbers(workspace))
    return here


@pytest.fixture
def service(triaged, tmp_path, monkeypatch):
    """A copy of that workspace, with its key."""
    monkeypatch.setenv("DERMAI_PSEUDONYM_KEY_FILE", str(triaged / "pseudonym.key"))
    root = shutil.copytree(triaged / "workspace", tmp_path / "workspace", symlinks=True)
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(root))
    return Workspace(root)


def numbers(workspace):
    return SenderNumbers(load_pseudonyms(workspace))


def test_from_a_pseudonym_to_the_number_and_where_the_case_is(service):
    case = numbers(service).case("0-3")
    found = find(service, load_pseudonyms(service), case)
    assert [(row.case, row.patient, row.line) for row in found.rows] == [("0-3", "0-3", 5)]
    said = "\n".join(found.places)
    package = Registry(service, load_params(service.params_file)).get("1").sha256[:12]
    for place in (
        f"triaged on 2026-03-01 by model version 1 (package {package})",
        "on the worklist of run-1",
        "confirmed as Nev",
        "site Porto",
    ):
        assert place in said
    listed = pd.read_csv(service.reports / "triage_cases" / "run-1" / "worklist.csv", keep_default_na=False)
    (line,) = listed[listed["case_id"] == case].to_dict("records")
    (called,) = PredictionLog(service.prediction_log).read("1", only=("case_id", {case})).table["predicted"]
    assert f"which calls {called} ({line['risk']})" in said
    assert line["model_answer"] in (called, "")
    assert f"on the worklist of run-1: {line['model_answer']}, {line['reason']}" in said or not line["reason"]


def test_from_a_number_to_the_pseudonym_even_when_the_folder_is_gone(service):
    (service.root / "referrals").rename(service.root.parent / "archive")
    found = find(service, load_pseudonyms(service), "0-0")
    assert numbers(service).case("0-0") in found.pseudonyms
    assert "to photograph again since 2026-03-01" in found.places[0]
    again = find(service, load_pseudonyms(service), numbers(service).case("0-0"), [service.root.parent / "archive"])
    assert again.rows[0].case == "0-0"


@pytest.mark.parametrize("hide", ["patient", "lesion"])
def test_patients_and_lesions_are_found_too(service, hide):
    pseudonym = getattr(numbers(service), hide)(*(("0-2",) if hide == "patient" else ("0-2", "0-2")))
    found = find(service, load_pseudonyms(service), pseudonym)
    assert found.rows[0].patient == "0-2"


def test_a_number_is_found_in_another_spelling(service):
    assert find(service, load_pseudonyms(service), "0\u20112").rows[0].patient == "0-2"


def test_what_nobody_knows_says_where_it_was_searched(service):
    with pytest.raises(DermaiError, match="name the folder with --in"):
        find(service, load_pseudonyms(service), "c" + 20 * "0")


def test_the_command_prints_it_and_leaves_no_trace_of_the_numbers(service):
    before = {path: path.stat().st_mtime_ns for path in service.root.rglob("*")}
    done = CliRunner().invoke(application, ["find", "0-2", "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["rows"][0]["case_id"] == numbers(service).case("0-2")
    assert {path: path.stat().st_mtime_ns for path in service.root.rglob("*")} == before


def test_without_the_key_nothing_is_found_and_no_key_is_made(service, monkeypatch, tmp_path):
    monkeypatch.setenv("DERMAI_PSEUDONYM_KEY_FILE", str(tmp_path / "other.key"))
    done = CliRunner().invoke(application, ["find", "0-2"])
    assert "no pseudonym key" in str(done.exception)
    assert not (tmp_path / "other.key").exists()


class TestRetakeSheets:
    def test_a_site_gets_a_sheet_in_pseudonyms(self, service, tmp_path):
        done = CliRunner().invoke(application, ["retakes", "--output", str(tmp_path / "s")], catch_exceptions=False)
        sheet = pd.read_csv(done.stdout.strip())
        assert sheet["case_id"].tolist() == [numbers(service).case("0-0")]
        assert "no lesion in view" in sheet["reason"][0]
        assert "0-0" not in (tmp_path / "s" / "retakes-Porto.csv").read_text()

    def test_with_numbers_it_names_whom_to_call_and_is_private(self, service, tmp_path):
        arguments = ["retakes", "--numbers", "--output", str(tmp_path / "s")]
        CliRunner().invoke(application, arguments, catch_exceptions=False)
        sheet = pd.read_csv(tmp_path / "s" / "retakes-Porto.csv", dtype=str)
        assert sheet[["case_number", "patient_number", "photograph"]].to_numpy().tolist() == [["0-0", "0-0", "0.jpg"]]
        assert (tmp_path / "s" / "retakes-Porto.csv").stat().st_mode & 0o077 == 0

    def test_numbers_are_not_written_into_the_repository(self, service):
        arguments = ["retakes", "--numbers", "--output", str(service.root / "sheets")]
        done = CliRunner().invoke(application, arguments)
        assert "inside the repository" in str(done.exception)
        assert not (service.root / "sheets").exists()
