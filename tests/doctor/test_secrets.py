"""No secret in the repository; one that gets into a report, a log or a record is found."""

from __future__ import annotations

import pytest

from dermai.audit import AuditLog, SigningKey
from dermai.data.pseudonyms import load_pseudonyms
from dermai.doctor.secrets import find_secrets, live_secrets, main, scanned_files
from dermai.files import write_text
from dermai.workspace import Workspace
from tests.conftest import REPOSITORY
from tests.records.made import failure

# Put together here, so that this file holds none of them.
PLANTED = {
    "a private key": "-----BEGIN PRIVATE " + "KEY-----\n" + "MC4CAQAwBQYDK2VwBCIEIH" * 2,
    "an AWS access key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "an AWS secret key": "aws_secret_access_key = " + "abcdefghij" * 4,
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a GitLab token": "glpat-" + "a1B2" * 6,
    "a ZenML key": "ZENKEY_" + "a1B2" * 10,
    "a Slack token": "xoxb-" + "123456789012-" * 2 + "abc",
    "a Google key": "AIza" + "a1B2c" * 7,
    "a model hub token": "hf_" + "aB" * 17,
    "a signed web token": ".".join(["eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiIxMjM0NTY3", "c2lnbmF0dXJlc2ln"]),
    "a password in an address": "postgresql://mlflow:" + "Ab3dEf6hIj9kLm" + "@db:5432/mlflow",
}


@pytest.mark.slow
def test_the_repository_holds_no_secret():
    leaks = list(find_secrets(scanned_files(Workspace(REPOSITORY))))
    assert leaks == []


@pytest.mark.parametrize("what", PLANTED)
def test_a_known_form_of_secret_is_found_with_its_place_and_not_shown(tmp_path, what, capsys):
    write_text(tmp_path / "run.log", f"first line\nsecond {PLANTED[what]} line\n")
    assert [str(leak) for leak in find_secrets([tmp_path / "run.log"], {})] == [f"{tmp_path / 'run.log'}:2: {what}"]
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert PLANTED[what].split()[-1] not in said.out + said.err


def test_this_machines_own_keys_are_found_in_a_report(workspace, monkeypatch):
    pseudonyms = load_pseudonyms(workspace)
    SigningKey.load_or_create()
    monkeypatch.setenv("PGPASSWORD", "correct horse battery")
    AuditLog(workspace.audit_log).append(failure("the server said correct horse battery"))
    write_text(workspace.reports / "report.html", f"<p>{pseudonyms.key.decode()}</p>")
    live = live_secrets()
    assert len(live) == 3
    leaks = list(find_secrets(scanned_files(workspace)))
    assert {leak.what for leak in leaks} == {"this machine's pseudonym key", "the value of PGPASSWORD"}
    assert {leak.file.name for leak in leaks} == {"report.html", "updates.jsonl"}
