"""Whole monitoring runs: a champion, weeks of referrals, verdicts, records, alerts, and the pages that show them."""

import json
import re
import shutil
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest
from typer.testing import CliRunner

from dermai.audit import AuditLog
from dermai.cli.app import application
from dermai.config import MonitoringParams, Overrides
from dermai.errors import DermaiError
from dermai.prediction_log.log import PredictionLog
from dermai.records.after_alarms import AfterAlarms, owed_after_alarms
from dermai.records.incidents import SensitivityAlarm, WindowAlarm
from dermai.records.log import records_of
from dermai.registry.registry import Registry
from dermai.workspace import WORKSPACE_VARIABLE, Workspace
from monitoring import confirmed_cases, drift_run
from monitoring.drift_run import run_monitoring
from monitoring.evidently_report import evidently_folder
from monitoring.follow_up import follow_up
from monitoring.history import SecondReadings, UnbiasedSensitivity, history_file, read_history
from monitoring.judged_rows import JudgedRows
from monitoring.owed_alerts import send_owed_alerts
from monitoring.retraining_workflow import WorkflowNotStarted, open_retraining_workflow
from monitoring.windows import next_windows, read_keys
from tests.monitoring.production import MONDAY, make_champion, quick_params, week
from tests.web.visitors import overview_page


@pytest.fixture(scope="module")
def two_weeks(tmp_path_factory, mlflow_store):
    """A champion, a week like those it knows, and a week of a dark phone at a new site; nothing judged yet."""
    folder = tmp_path_factory.mktemp("two_weeks")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DERMAI_PSEUDONYM_KEY_FILE", str(folder / "pseudonym.key"))
        patched.setenv("DERMAI_AUDIT_KEY_FILE", str(folder / "keys" / "audit.key"))
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        root = folder / "workspace"
        root.mkdir()
        shutil.copy(Path(__file__).parents[2] / "params.yaml", root)
        shutil.copy(mlflow_store, root)
        workspace = Workspace(root)
        make_champion(Registry(workspace, quick_params(workspace)), workspace, folder / "known")
        week(workspace, folder / "week-1", 1)
        week(workspace, folder / "week-2", 2, brightness=0.45, site="Faro")
        shutil.copytree(workspace.state / "audit", folder / "audit")
    return folder


@pytest.fixture
def service(two_weeks, tmp_path, monkeypatch):
    """The two weeks; judged windows, history, records and Evidently's workspace are each test's own."""
    workspace = Workspace(two_weeks / "workspace")
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(workspace.root))
    monkeypatch.setenv("DERMAI_PSEUDONYM_KEY_FILE", str(two_weeks / "pseudonym.key"))
    keys = shutil.copytree(two_weeks / "keys", tmp_path / "keys")
    monkeypatch.setenv("DERMAI_AUDIT_KEY_FILE", str(keys / "audit.key"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("monitoring", "evidently", "audit"):
        shutil.rmtree(workspace.state / name, ignore_errors=True)
    shutil.copytree(two_weeks / "audit", workspace.state / "audit")
    shutil.rmtree(workspace.prediction_log / "confirmations", ignore_errors=True)
    return workspace


def power_cut(*_):
    raise RuntimeError("the power went")


class TestRun:
    def test_windows_are_judged_once_recorded_alerted_and_shown(self, service, webhook):
        params = quick_params(service, monitoring__webhook=webhook.address + "/alerts")
        found = run_monitoring(service, params, "first")
        assert found.verdicts == ("stable", "act")
        assert "darker" in " ".join(found.changes)
        assert "New site: Faro" in " ".join(found.changes)
        (alarm,) = records_of(AuditLog(service.audit_log), WindowAlarm)
        assert alarm.body.causes[0] == "photography"
        ((path, alert, _),) = webhook.received
        assert path == "/alerts"
        assert "act" in alert["subject"]
        assert json.loads((service.reports / "monitor_drift/first/monitoring.json").read_text())["verdict"] == "act"
        history = read_history(service, found.model_version)
        assert all(record.report.startswith("/projects/") for record in history.windows)
        assert 0 <= history.windows[0].drifted_columns <= history.windows[1].drifted_columns

        again = run_monitoring(service, params, "second")
        assert (again.windows, again.alarms, again.verdict) == (0, 0, "act")
        assert len(AuditLog(service.audit_log).entries("drift_alarm")) == 1
        assert len(webhook.received) == 1

        page = overview_page(service)
        assert "Perhaps not: please act" in page
        assert "<b>Photography, new site" in page
        assert "Faro" in page
        rows = PredictionLog(service.prediction_log).read(found.model_version).table
        written = page + "".join(
            path.read_text(errors="ignore") for path in evidently_folder(service).rglob("*.json")
        ) + json.dumps([alert, alarm.body.to_body()])  # fmt: skip
        for column in ("patient_id", "case_id", "lesion_id"):
            assert not [name for name in rows[column] if name in written], f"{column} stays off every page"

    def test_a_run_that_dies_after_the_record_makes_no_second_one(self, service, monkeypatch):
        params = quick_params(service)
        with monkeypatch.context() as broken:
            broken.setattr(drift_run, "confirmed_so_far", power_cut)
            with pytest.raises(RuntimeError, match="power"):
                run_monitoring(service, params, "first")
        history_file(service, "1").unlink()  # as if it had died before the history was written too
        assert run_monitoring(service, params, "second").verdict == "act"
        assert len(AuditLog(service.audit_log).entries("drift_alarm")) == 1

    def test_an_alert_that_did_not_arrive_is_said_and_sent_by_the_next_run(self, service, webhook):
        webhook.status = 500
        params = quick_params(service, monitoring__webhook=webhook.address)
        assert "status 500" in run_monitoring(service, params, "first").problems[0]
        webhook.status = 200
        assert run_monitoring(service, params, "second").problems == ()
        assert len(webhook.received) == 2

    def test_confirmed_misses_call_to_act_though_no_window_is_new(self, service, tmp_path):
        params = quick_params(service)
        version = run_monitoring(service, params, "first").model_version
        rows = PredictionLog(service.prediction_log).read(version).table
        missed = rows[rows["predicted"] != "BCC"].head(12)
        file = tmp_path / "diagnoses.csv"
        missed[["case_id"]].assign(diagnosis="BCC", confirmed_by="histology").to_csv(file, index=False)
        done = CliRunner().invoke(application, ["confirm", str(file)])
        assert done.exit_code == 0, done.output
        assert "12 diagnoses recorded" in done.output
        found = run_monitoring(service, params, "second")
        assert found.windows == 0
        assert "Of 12 confirmed BCC the model called 0" in found.changes[0]
        assert not [problem for problem in found.problems if "do not count" in problem]
        assert records_of(AuditLog(service.audit_log), SensitivityAlarm)[0].body.causes == ("sensitivity",)
        assert run_monitoring(service, params, "third").alarms == 0

    def test_second_readings_stand_beside_the_naive_sensitivity(self, service, monkeypatch):
        melanoma = UnbiasedSensitivity(
            lesion_class="MM", found=44, missed=3, drawn=1, value=0.77, low=0.4, high=0.93, naive_hits=44,
            naive_cases=48, naive_low=0.8, naive_high=0.98,
        )  # fmt: skip
        found = SecondReadings(
            follow_up_days=180, normal=15_000, asked=310, read_again=300, cancers=0, at_most=0.00994,
            at_most_if_unknown_were=0.054, waiting=7, confidence=0.95, classes=(melanoma,),
        )  # fmt: skip
        monkeypatch.setattr(confirmed_cases, "second_readings_so_far", lambda *_: found)
        params = quick_params(service)
        run_monitoring(service, params, "first")
        page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", overview_page(service))).replace("&nbsp;", " ")
        for said in (
            "15,000 cases sorted as normal have 180 days behind them; 310 of them, drawn at random",
            "Of 300 cases read again none was a cancer: at most 1.0 %",
            "histology for MM, histology for BCC, histology or expert consensus or follow-up for the others",
            "10 drawn cases have none, and were all of these cancers it would be at most 5.4 %",
            "Melanoma 77 % 40 % to 93 %44 of 48 80 % to 98 %".replace("Melanoma", "melanoma"),
        ):
            assert said.replace(" ", "") in page.replace(" ", "").replace("\xa0", ""), said

    def test_misses_that_only_a_reading_confirmed_do_not_count_and_are_named(self, service, tmp_path):
        params = quick_params(service)
        version = run_monitoring(service, params, "first").model_version
        rows = PredictionLog(service.prediction_log).read(version).table
        file = tmp_path / "diagnoses.csv"
        missed = rows[rows["predicted"] != "BCC"].head(12)
        missed[["case_id"]].assign(diagnosis="BCC", confirmed_by="reading").to_csv(file, index=False)
        assert CliRunner().invoke(application, ["confirm", str(file)]).exit_code == 0
        found = run_monitoring(service, params, "second")
        assert "12 confirmed BCC without histology do not count." in found.problems
        assert not records_of(AuditLog(service.audit_log), SensitivityAlarm)

    def test_a_corrupt_part_is_named_and_the_rest_is_judged(self, service, tmp_path):
        log = service.prediction_log / "predictions"
        damaged = next(log.rglob("*.parquet")).with_name("part-damaged.parquet")
        damaged.write_bytes(b"PAR1 nothing PAR1")
        rows = PredictionLog(service.prediction_log).read(damaged.parents[1].name.partition("=")[2]).table.head(1)
        file = tmp_path / "diagnoses.csv"
        rows[["case_id"]].assign(diagnosis="BCC", confirmed_by="histology").to_csv(file, index=False)
        assert CliRunner().invoke(application, ["confirm", str(file)]).exit_code == 0
        (diagnoses,) = (service.prediction_log / "confirmations").glob("*.parquet")
        diagnoses.write_bytes(diagnoses.read_bytes() + b" ")
        try:
            found = run_monitoring(service, quick_params(service), "first")
        finally:
            damaged.unlink()
        assert found.windows == 2
        assert "part-damaged" in found.problems[0]
        assert [said for said in found.problems if said.startswith(diagnoses.name) and "what was recorded" in said]

    def test_without_a_champion_it_says_what_to_run(self, workspace, registry):
        with pytest.raises(DermaiError, match="incremental_finetune"):
            run_monitoring(workspace, quick_params(workspace), "first")

    def test_a_version_that_is_gone_is_said(self, service, monkeypatch):
        monkeypatch.setattr("mlflow.artifacts.download_artifacts", lambda _: "/nowhere")
        with pytest.raises(DermaiError, match="version 1"):
            run_monitoring(service, quick_params(service), "first")

    def test_a_damaged_history_is_said(self, service):
        history_file(service, "1").parent.mkdir(parents=True)
        history_file(service, "1").write_text("{")
        with pytest.raises(DermaiError, match="restore it from a backup"):
            run_monitoring(service, quick_params(service), "first")


class TestWindows:
    def test_windows_follow_one_another_and_the_rest_waits(self, service):
        log, params = PredictionLog(service.prediction_log), MonitoringParams(window=20)
        first = next_windows(log, "1", JudgedRows(), params)
        assert (len(first.windows), first.left, first.backlog) == (2, 8, False)
        later = next_windows(log, "1", first.after(first.judged, first.windows[0]), params)
        assert later.windows[0].last_image == first.windows[1].last_image
        images = [set(window.photographs.table["image"]) for window in first.windows]
        assert not images[0] & images[1]

    def test_only_the_newest_windows_are_judged_when_many_wait(self, service):
        params = MonitoringParams(window=20, most_windows=1)
        log = PredictionLog(service.prediction_log)
        found = next_windows(log, "1", JudgedRows(), params)
        assert (len(found.windows), found.backlog, found.left) == (1, True, 28)
        assert found.windows[0].last_image == read_keys(log.parts("1"))[0]["image"].iloc[-1]

    def test_a_version_that_scored_nothing_has_no_window(self, service):
        found = next_windows(PredictionLog(service.prediction_log), "77", JudgedRows(), MonitoringParams())
        assert (found.windows, found.left) == ((), 0)


class TestFollowUp:
    def alarm(self, service, alarms=1):
        AfterAlarms.read(service).write()
        for _ in range(alarms):
            AuditLog(service.audit_log).append(
                SensitivityAlarm(
                    window=f"1/confirmed {uuid4()}", version="1", run="first", at=MONDAY, lesions=12, verdict="act",
                    classes=(),
                )
            )  # fmt: skip
        return drift_run.MonitoringSummary(
            model_version="1", windows=1, verdicts=("act",), verdict="act", headline="act", changes=(), advice=(),
            waiting=0, alarms=alarms, problems=(),
        )  # fmt: skip

    def test_without_a_new_alarm_nothing_follows(self, service):
        params = quick_params(service, monitoring__on_act="workflow")
        assert "nothing follows" in follow_up(service, params, self.alarm(service, 0), Overrides())

    def test_the_retraining_workflow_is_started(self, service, webhook, monkeypatch):
        monkeypatch.setenv("GITHUB_API_URL", webhook.address)
        monkeypatch.setenv("GITHUB_REPOSITORY", "clinic/dermai")
        monkeypatch.setenv("DERMAI_GITHUB_TOKEN", "token")
        follow_up(service, quick_params(service, monitoring__on_act="workflow"), self.alarm(service), Overrides())
        ((path, body, headers),) = webhook.received
        assert path == "/repos/clinic/dermai/actions/workflows/retrain.yml/dispatches"
        assert body["ref"] == "main"
        assert headers["Authorization"] == "Bearer token"

    def test_a_workflow_that_was_not_started_stays_owed_and_is_started_once(self, service, webhook, monkeypatch):
        for name, value in (("GITHUB_API_URL", webhook.address), ("GITHUB_REPOSITORY", "clinic/dermai")):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DERMAI_GITHUB_TOKEN", "token")
        params = quick_params(service, monitoring__on_act="workflow")
        found = self.alarm(service)
        webhook.status = 503
        with pytest.raises(WorkflowNotStarted, match="status 503"):
            follow_up(service, params, found, Overrides())
        assert "1 follow-up of drift alarms" in " ".join(owed_after_alarms(service))
        webhook.status = 204
        later = self.alarm(service, 0)
        assert "was started" in follow_up(service, params, later, Overrides())
        assert "nothing follows" in follow_up(service, params, later, Overrides())
        assert len(webhook.received) == 2

    def test_alerts_of_a_version_that_is_no_longer_champion_are_sent_once(self, service, webhook):
        self.alarm(service)  # of version 1, confirmed misses
        params = quick_params(service, monitoring__webhook=webhook.address).monitoring
        webhook.status = 500
        assert "status 500" in send_owed_alerts(service, params)[0]
        assert "1 alert of drift alarms (model version 1)" in owed_after_alarms(service)[0]
        page = overview_page(service)
        assert "1 alert of drift alarms (model version 1) still owed" in page
        webhook.status = 200
        assert send_owed_alerts(service, params) == send_owed_alerts(service, params) == []
        assert len(webhook.received) == 2

    def test_an_update_is_started_in_the_workspace_and_one_that_fails_is_said(self, service, monkeypatch):
        params = quick_params(service, monitoring__on_act="incremental_finetune")
        program = "import os, pathlib; pathlib.Path('started').write_text(os.environ['DERMAI_WORKSPACE'])"
        monkeypatch.setattr("monitoring.follow_up.UPDATE", ("python", "-c", program))
        assert "incremental_finetune has run" in follow_up(service, params, self.alarm(service), Overrides())
        assert (service.root / "started").read_text() == str(service.root)
        monkeypatch.setattr("monitoring.follow_up.UPDATE", ("python", "-c", "raise SystemExit(1)"))
        with pytest.raises(DermaiError, match="run it by hand"):
            follow_up(service, params, self.alarm(service), Overrides())

    def test_the_update_works_with_the_parameters_of_the_run_that_found_the_alarm(self, service, monkeypatch):
        params = quick_params(service, monitoring__on_act="incremental_finetune")
        program = "import pathlib, sys; pathlib.Path('given').write_text(pathlib.Path(sys.argv[2]).read_text())"
        monkeypatch.setattr("monitoring.follow_up.UPDATE", ("python", "-c", program))
        laid_over = Overrides(profile="gpu", values={"training.first_epochs": 20})
        follow_up(service, params, self.alarm(service), laid_over)
        given = json.loads((service.root / "given").read_text())
        assert given == {"parameters": {"profile": "gpu", "overrides": {"training.first_epochs": 20}}}

    def test_a_workflow_without_a_token_is_refused(self, monkeypatch):
        monkeypatch.delenv("DERMAI_GITHUB_TOKEN", raising=False)
        with pytest.raises(WorkflowNotStarted, match="DERMAI_GITHUB_TOKEN"):
            open_retraining_workflow("drift")


class TestConfirmCommand:
    def test_the_senders_own_case_numbers_are_known_and_bad_rows_are_named(self, service, tmp_path):
        file = tmp_path / "diagnoses.csv"
        pd.DataFrame({"case_id": ["1-0", "1-1", "nobody"], "diagnosis": ["MM", "Nev", "MM"]}).to_csv(file, index=False)
        first = CliRunner().invoke(application, ["confirm", str(file), "--json"])
        result = json.loads(first.stdout)
        assert result["accepted"] == 2
        assert "no photograph of this case was triaged" in result["refused"][0]["reason"]
        assert isinstance(first.exception, DermaiError)
        again = json.loads(CliRunner().invoke(application, ["confirm", str(file), "--json"]).stdout)
        assert (again["accepted"], again["known"]) == (0, 2)
