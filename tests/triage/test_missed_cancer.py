"""A cancer that was sorted as normal: an incident at once, with a page, acknowledged by name."""

import json
from datetime import timedelta
from itertools import cycle

import pandas as pd
import pytest
from typer.testing import CliRunner

from dermai.audit import AuditLog
from dermai.cli.app import application
from dermai.config import load_params
from dermai.errors import Refused
from dermai.files import sha256_file
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.acknowledgement import acknowledge, open_incidents
from dermai.promotion.status import read_status
from dermai.records.incidents import IncidentAcknowledged, MissedCancer
from dermai.records.log import records_of
from dermai.taxonomy import RiskLevel
from dermai.triage.missed_cancer import incidents_folder, raise_incidents
from dermai.triage.run import run_triage
from monitoring.notices import incident_notices, send_notices
from monitoring.waiting_list import keep_waiting_list
from tests.monitoring.conftest import webhook  # noqa: F401
from tests.report.browser import chromium, open_page
from tests.triage.champion import make_champion
from tests.triage.referrals import write_referrals
from tests.triage.test_run import WHEN
from tests.web.visitors import running, show
from web.application import create_application

NAMED = {"approver": "Ana Silva", "role": "dermatologist", "reason": "the patient was called"}


@pytest.fixture
def service(workspace, registry, tmp_path, monkeypatch):
    """Twelve cases, every second one sorted as normal; a second folder a week later."""
    levels = cycle([RiskLevel.NORMAL, RiskLevel.HIGH_PRIORITY])
    monkeypatch.setattr("dermai.triage.scoring.risk_level", lambda *_: next(levels))
    make_champion(registry, tmp_path)
    params = load_params(workspace.params_file)
    for number in range(2):
        folder = write_referrals(tmp_path / f"new-{number}", 6, seed=number)
        run_triage(workspace, params, folder, workspace.root / "out", WHEN + timedelta(days=7 * number))
    return workspace


def cases(service, risk):
    rows = PredictionLog.of(service).read("1").table
    return list(rows["case_id"][rows["risk"] == risk])


def confirm(service, tmp_path, rows, *options):
    file = tmp_path / "diagnoses.csv"
    pd.DataFrame(rows, columns=["case_id", "diagnosis", "confirmed_by"]).to_csv(file, index=False)
    done = CliRunner().invoke(application, ["confirm", str(file), *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_melanoma_that_was_sorted_as_normal_is_an_incident_at_once_and_only_once(service, tmp_path):
    missed, other = cases(service, "normal")[:2]
    urgent = cases(service, "high_priority")[0]
    rows = [(missed, "MM", "histology"), (urgent, "MM", "histology"), (other, "Nev", "consensus")]
    said = confirm(service, tmp_path, rows)
    audit = AuditLog(service.audit_log)
    (record,) = records_of(audit, MissedCancer)
    assert f"INCIDENT {record.body.incident}: a MM was sorted as normal by version 1" in said
    assert (record.body.version, record.body.lesion_class, record.body.confirmed_by) == ("1", "MM", "histology")
    file = incidents_folder(service) / f"{record.body.incident}.json"
    assert sha256_file(file) == record.body.file_sha256
    kept = json.loads(file.read_bytes())
    assert kept["case_id"] == missed
    assert kept["probabilities"].keys() == {"MM", "Nev", "BCC"}
    open_and_normal = set(cases(service, "normal")) - {missed, other}
    assert {case["case_id"] for case in kept["similar"]} == open_and_normal
    distances = [case["distance"] for case in kept["similar"]]
    assert distances == sorted(distances)
    assert len(distances) == record.body.similar == 4
    assert missed not in service.audit_log.read_text(), "no patient is in the log"
    assert "INCIDENT" not in confirm(service, tmp_path, rows)
    assert raise_incidents(service, load_params(service.params_file)) == []


def test_a_reading_alone_raises_none_and_histology_after_it_does(service, tmp_path):
    missed = cases(service, "normal")[0]
    assert "INCIDENT" not in confirm(service, tmp_path, [(missed, "BCC", "reading")])
    assert "INCIDENT" in confirm(service, tmp_path, [(missed, "BCC", "histology")])


def test_the_status_names_it_first_until_somebody_has_acknowledged_it(service, tmp_path):
    params = load_params(service.params_file)
    found = json.loads(confirm(service, tmp_path, [(cases(service, "normal")[0], "MM", "histology")], "--json"))
    (name,) = found["incidents"]
    status = read_status(service, params)
    assert name in status.open_incidents[0]
    assert status.next_command.startswith(f"dermai acknowledge {name}")
    audit = AuditLog(service.audit_log)
    with pytest.raises(Refused, match=f"no incident 'x' is open; open: {name}"):
        acknowledge(audit, "x", **NAMED)
    with pytest.raises(Refused, match="--reason is empty"):
        acknowledge(audit, name, **NAMED | {"reason": " "})
    options = [text for key, value in NAMED.items() for text in (f"--{key}", value)]
    done = CliRunner().invoke(application, ["acknowledge", name, *options])
    assert f"incident {name} acknowledged by Ana Silva" in done.output
    assert records_of(audit, IncidentAcknowledged)[0].body.version == "1"
    assert open_incidents(audit) == []
    assert read_status(service, params).open_incidents == ()


def test_it_is_alerted_once_a_day_and_names_no_case(service, tmp_path, webhook, monkeypatch):  # noqa: F811
    monkeypatch.setenv("DERMAI_ALERT_WEBHOOK", webhook.address)
    missed = cases(service, "normal")[0]
    webhook.status = 500
    assert "not alerted: " in confirm(service, tmp_path, [(missed, "MM", "histology")])
    webhook.status = 204
    params = load_params(service.params_file).monitoring
    assert send_notices(service, params, incident_notices(service)) == []
    assert send_notices(service, params, incident_notices(service)) == []
    assert len(webhook.received) == 2, "one that failed and one that was taken"
    body = webhook.received[-1][1]
    assert body["causes"] == ["missed cancer"]
    assert missed not in json.dumps(body)
    file = service.state / "monitoring" / "notices.json"
    yesterday = json.loads(file.read_bytes()) | {"day": "2026-01-01"}
    file.write_text(json.dumps(yesterday))
    assert send_notices(service, params, incident_notices(service)) == []
    assert len(webhook.received) == 3, "again the next day"


@pytest.mark.parametrize("width", [1100, 390])
def test_its_page_opens_without_a_network_and_says_what_to_do(service, tmp_path, width):
    missed = cases(service, "normal")[0]
    confirm(service, tmp_path, [(missed, "MM", "histology")])
    (record,) = open_incidents(AuditLog(service.audit_log))
    page = service.reports / "incidents" / record.body.incident / "incident.html"
    with chromium(tmp_path / "browser") as driver:
        open_page(driver, page, width)
        text = driver.find_element("tag name", "body").text
        assert "Malignant melanoma (MM) was sorted as normal" in text
        assert missed in text
        assert "What to do now" in text
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        pictures = driver.find_elements("css selector", ".pictures img")
        assert len(pictures) == 1 + record.body.similar
        driver.save_screenshot(str(tmp_path / "incident.png"))


def test_the_start_page_names_it_first_and_leads_to_its_page(service, tmp_path):
    missed = cases(service, "normal")[0]
    confirm(service, tmp_path, [(missed, "MM", "histology")])
    (record,) = open_incidents(AuditLog(service.audit_log))
    params = load_params(service.params_file)
    keep_waiting_list(service, params)
    with running(create_application(service)) as live, chromium(tmp_path / "browser") as driver:
        show(driver, 390)
        live.enter(driver, live.add("clinical lead"), "/overview")
        first = driver.find_elements("css selector", "main section")[0]
        assert "1 cancer was sorted as normal" in first.text
        assert f"dermai acknowledge {record.body.incident}" in first.text
        link = first.find_element("tag name", "a").get_attribute("href")
        assert link.endswith(f"/reports/incidents/{record.body.incident}/incident.html")
        text = driver.find_element("tag name", "body").text
        assert "Who waits?" in text
        assert missed not in text, "no case is named"
        assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
        driver.save_screenshot(str(tmp_path / "start.png"))
