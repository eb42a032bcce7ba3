"""Whoever changes an account or a token leaves a signed record, at every entrance, before the change counts."""

import json
import re

import pytest
from typer.testing import CliRunner

from dermai.audit import AuditLog
from dermai.cli.app import application as commands
from dermai.errors import AuditLogDamaged
from dermai.records.summary import summarise
from tests.web.visitors import PASSWORD
from web.accounts.people import account_named, accounts, add_account, disable
from web.accounts.recording import Recorder
from web.accounts.roles import Role
from web.database import migrate, open_database


@pytest.fixture
def audit(workspace):
    return AuditLog(workspace.audit_log)


@pytest.fixture
def database(workspace):
    found = open_database(workspace)
    migrate(found)
    return found


def sentences(audit):
    return [re.sub("system's user .*", "system's user", summarise(entry)) for entry in audit.entries("account_changed")]


def run(*arguments):
    said = CliRunner().invoke(commands, list(arguments))
    assert said.exit_code == 0, said.output
    return said.output


def damage(audit):
    audit.path.write_bytes(audit.path.read_bytes() * 2)


def test_each_command_is_recorded_without_password_or_secret(workspace, audit):
    made = run("account", "add", "a.silva", "--person", "Ana Silva", "--role", "engineer")
    run("account", "role", "a.silva", "practice", "--site", "Porto")
    made += run("account", "password", "a.silva")
    run("account", "disable", "a.silva")
    run("account", "enable", "a.silva")
    made += run("token", "add", "Porto", "--diagnoses")
    secret = re.search(r"dermai_\S+", made)[0]
    run("token", "revoke", secret[:15])
    by = "by a command of the system's user"
    assert sentences(audit) == [
        f"account a.silva (engineer) added, {by}",
        f"account a.silva is practice of Porto now, was engineer, {by}",
        f"account a.silva (practice of Porto) given a new password, {by}",
        f"account a.silva (practice of Porto) disabled, {by}",
        f"account a.silva (practice of Porto) let in again, {by}",
        f"token {secret[:15]}... of Porto, which may send confirmed diagnoses, made, {by}",
        f"token {secret[:15]}... of Porto, which may send confirmed diagnoses, withdrawn, {by}",
    ]
    log = audit.path.read_text()
    assert not any(word in log for word in [secret, *re.findall(r"once: (\S+)", made)])
    assert audit.verify().ok
    assert "a.silva" in run("audit", "show", "--event", "account_changed", "--json")


def test_each_page_is_recorded_with_the_account_that_was_signed_in(signed_in, application, audit):
    engineer, again = signed_in("engineer"), {"password": PASSWORD}
    engineer.post("/accounts", data={"name": "b.lead", "person": "B", "role": "clinical lead", **again})
    with application.state.service.database.reading() as session:
        place = f"/accounts/{account_named(session, 'b.lead').id}"
    engineer.post(f"{place}/role", data={"role": "manager", **again})
    for change in ("password", "disable", "enable"):
        engineer.post(f"{place}/{change}", data=again)
    engineer.post("/tokens", data={"site": "Porto", "days": "30", **again})
    prefix = audit.entries()[-1].body["subject"]
    engineer.post(f"/tokens/{prefix}/withdraw", data=again)
    engineer.post(f"{place}/role", data={"role": "auditor", "password": "not it"})
    by = "by account engineer (engineer) on a page"
    assert sentences(audit) == [
        f"account b.lead (clinical lead) added, {by}",
        f"account b.lead is manager now, was clinical lead, {by}",
        f"account b.lead (manager) given a new password, {by}",
        f"account b.lead (manager) disabled, {by}",
        f"account b.lead (manager) let in again, {by}",
        f"token {prefix}... of Porto made, {by}",
        f"token {prefix}... of Porto withdrawn, {by}",
    ]
    assert "account b.lead (clinical lead) added" in signed_in("auditor").get("/records?event=account_changed").text


def test_what_is_refused_by_the_database_is_not_recorded(workspace, audit):
    run("account", "add", "a.silva", "--person", "Ana Silva", "--role", "engineer")
    CliRunner().invoke(commands, ["account", "add", "a.silva", "--person", "Another", "--role", "auditor"])
    assert len(audit.entries()) == 1


def test_killed_before_the_commit_the_log_holds_more_than_the_database_and_never_less(workspace, database, audit):
    def add():
        with database.writing() as session:
            account = add_account(session, "a.silva", "Ana Silva", Role.CLINICAL_LEAD, PASSWORD)
            Recorder.at_the_machine(workspace).account(session, "added", account)
            yield

    killed = add()
    next(killed)
    killed.close()
    with database.reading() as session:
        assert accounts(session) == []
    assert len(sentences(audit)) == 1
    assert list(add()) == [None]
    assert len(sentences(audit)) == 2


def test_where_the_log_is_damaged_nobody_is_let_in_and_whoever_has_to_go_goes(workspace, database, audit, caplog):
    run("account", "add", "a.silva", "--person", "Ana Silva", "--role", "engineer")
    damage(audit)
    before = audit.path.read_bytes()
    recorder = Recorder.at_the_machine(workspace)
    with pytest.raises(AuditLogDamaged), database.writing() as session:
        recorder.account(session, "added", add_account(session, "b.lead", "B", Role.CLINICAL_LEAD, PASSWORD))
    with database.writing() as session:
        account = account_named(session, "a.silva")
        disable(session, account)
        recorder.account(session, "disabled", account)
    assert "a.silva: disabled, without a record" in caplog.text
    with database.reading() as session:
        assert [(one.name, one.disabled_at is not None) for one in accounts(session)] == [("a.silva", True)]
    assert audit.path.read_bytes() == before
    assert json.loads(before.splitlines()[0])["event"] == "account_changed"
