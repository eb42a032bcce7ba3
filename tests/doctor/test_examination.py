"""The doctor is quick on a sound machine, and names each thing that is not."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from dermai.audit import AuditLog, SigningKey
from dermai.cli.app import application
from dermai.config import load_params
from dermai.doctor import examine
from dermai.doctor.versions import installed_versions, locked_versions
from dermai.files import write_text
from tests.conftest import REPOSITORY
from tests.records.made import failure


@pytest.fixture
def sound(workspace, monkeypatch):
    """A workspace with a lock of its own and nothing remote."""
    for name in ("MLFLOW_TRACKING_URI", "ZENML_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(workspace.root.parent / "zenml"))
    write_text(workspace.root.parent / "zenml" / "config.yaml", "analytics_opt_in: false\n")
    write_text(workspace.root / "requirements.txt", f"numpy=={installed_versions()['numpy']} \\\n    --hash=sha256:0\n")
    return workspace


def problems(workspace, check):
    found = list(examine(workspace, load_params(workspace.params_file)))
    return [finding for finding in found if finding.check == check and finding.state == "problem"]


def test_a_sound_machine_has_no_problem_and_the_command_says_so(sound):
    started = time.process_time()
    answer = CliRunner().invoke(application, ["doctor", "--json"])
    assert time.process_time() - started < 5
    assert answer.exit_code == 0, answer.output
    examined = json.loads(answer.stdout)
    assert examined["ok"]
    checks = {finding["check"] for finding in examined["findings"]}
    assert {"versions", "telemetry", "disk", "keys", "registry", "data remote", "ZenML server", "clock"} <= checks


def test_every_problem_says_how_to_fix_it_and_the_exit_code_is_1(sound, monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("ZENML_STORE_URL", "http://127.0.0.1:9")
    write_text(sound.root / "requirements.txt", "numpy==0.0.1\nno-such-package==1.0\n")
    SigningKey.load_or_create().path.chmod(0o644)
    answer = CliRunner().invoke(application, ["doctor", "--json"])
    found = [finding for finding in json.loads(answer.stdout)["findings"] if finding["state"] == "problem"]
    assert {finding["check"] for finding in found} == {"versions", "telemetry", "registry", "ZenML server", "keys"}
    assert all(finding["fix"] for finding in found)
    assert "numpy" in json.dumps(found)
    assert answer.exit_code == 1


def test_the_lock_is_read_for_this_machine():
    pinned = locked_versions(REPOSITORY / "requirements.txt")
    assert pinned["zenml"] == "0.98.0"
    assert len(pinned) > 200


def test_a_key_that_is_gone_or_in_the_repository_is_a_problem(sound, monkeypatch):
    write_text(sound.state / "pseudonym_key.json", '{"fingerprint": "abc"}')
    assert "is gone" in problems(sound, "keys")[0].what
    monkeypatch.setenv("DERMAI_AUDIT_KEY_FILE", str(sound.root / "audit.key"))
    assert "lies inside the repository" in problems(sound, "keys")[0].what


def test_a_clock_behind_the_newest_record_is_a_problem(sound, monkeypatch):
    class Tomorrow(datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime.now(zone or UTC) + timedelta(days=1)

    with monkeypatch.context() as patched:
        patched.setattr("dermai.audit.log.datetime", Tomorrow)
        AuditLog(sound.audit_log).append(failure())
    assert "the newest record is of" in problems(sound, "clock")[0].what


def test_a_changed_record_is_a_problem(sound):
    log = AuditLog(sound.audit_log)
    log.append(failure("one"))
    log.path.write_bytes(log.path.read_bytes().replace(b"one", b"two"))
    assert "does not match its hash" in problems(sound, "records")[0].what


def test_a_check_that_fails_itself_is_a_problem_and_the_others_go_on(sound, monkeypatch):
    write_text(sound.audit_log, "\n")
    monkeypatch.setattr("dermai.doctor.versions.locked_versions", lambda _: 1 / 0)
    assert "division" in problems(sound, "versions")[0].what
    assert len(list(examine(sound, load_params(sound.params_file)))) > 8
