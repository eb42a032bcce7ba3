"""Sheets for the sites, with what readers asked for in the browser."""

from datetime import UTC, datetime

import pandas as pd
import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.errors import DermaiError
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import ask_for_photograph
from dermai.triage.retake_sheets import write_retake_sheets
from tests.web.reading.referred import NORTH, refer


def test_a_wish_of_a_reader_is_on_the_sheet_of_its_practice_until_it_is_met(workspace, tmp_path):
    refer(workspace)
    ask_for_photograph(PredictionLog.of(workspace), "c2", NORTH, "not in focus", "ana", datetime.now(UTC))
    done = CliRunner().invoke(application, ["retakes", "--output", str(tmp_path / "sheets")])
    assert done.exit_code == 0, done.output
    (sheet,) = (tmp_path / "sheets").iterdir()
    assert sheet.name == "retakes-simulated-north.csv"
    assert pd.read_csv(sheet, dtype=str).to_dict("records") == [
        {"case_id": "c2", "to_do": "photograph again", "reason": "a dermatologist asks: not in focus"}
    ]


def test_a_wish_stands_beside_what_the_triage_wants_again(workspace, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "retakes.csv").write_text("case_id,site,reason\nc1,Porto,blurred\n")
    (run / "set_aside.csv").write_text("case_id,site,reason,line\nc3,,no patient,4\n")
    wishes = pd.DataFrame([("c2", "Porto", "too dark")], columns=["case_id", "site", "reason"])
    porto, unknown = write_retake_sheets(workspace, run, tmp_path / "sheets", wishes=wishes)
    assert pd.read_csv(porto)["case_id"].tolist() == ["c1", "c2"]
    assert pd.read_csv(unknown)["reason"].tolist() == ["line 4 of cases.csv: no patient"]


def test_without_a_run_or_a_wish_there_is_no_sheet(workspace, tmp_path):
    with pytest.raises(DermaiError, match=r"holds no retakes\.csv"):
        write_retake_sheets(workspace, tmp_path / "nowhere", tmp_path / "sheets")
