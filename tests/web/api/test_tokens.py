"""Tokens of practices."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.errors import DermaiError
from web.api.tables import ApiToken
from web.api.tokens import add_token, revoke_token, sender_of
from web.database import migrate, open_database


@pytest.fixture
def database(workspace):
    found = open_database(workspace)
    migrate(found)
    yield found
    found.close()


def test_a_token_names_its_practice_until_it_is_over_or_revoked(database):
    with database.writing() as session:
        token, secret = add_token(session, "Porto", 30, "phone")
    assert sender_of(database, secret).site == "Porto"
    assert sender_of(database, secret[:-1]) is None
    with database.writing() as session:
        found = session.scalar(select(ApiToken))
        assert found.used_at is not None
        found.expires_at = found.created_at - timedelta(seconds=1)
    assert sender_of(database, secret) is None
    with database.writing() as session:
        session.scalar(select(ApiToken)).expires_at = token.created_at + timedelta(days=1)
        revoke_token(session, token.prefix)
    assert sender_of(database, secret) is None


def test_no_secret_is_kept(database, workspace):
    with database.writing() as session:
        secret = add_token(session, "Porto", 30)[1]
    for file in (workspace.state / "web").iterdir():
        assert secret.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("site", "days", "note"), [("", 30, ""), ("unknown", 30, ""), ("Porto", 0, ""), ("Porto", 30, "\x1b")]
)
def test_a_token_of_nobody_or_for_ever_is_refused(database, site, days, note):
    with pytest.raises(DermaiError), database.writing() as session:
        add_token(session, site, days, note)


def test_the_commands_make_list_and_revoke(workspace):
    run = CliRunner()
    made = run.invoke(application, ["token", "add", "Porto", "--note", "the phones"])
    secret = made.output.splitlines()[-1]
    assert made.exit_code == 0
    listed = run.invoke(application, ["token", "list"]).output
    assert secret[:15] in listed
    assert secret not in listed
    assert "Porto" in listed
    assert run.invoke(application, ["token", "revoke", secret[:15]]).exit_code == 0
    assert "revoked" in run.invoke(application, ["token", "list"]).output
    assert '"quality_checks": 0' in run.invoke(application, ["token", "list", "--json"]).output
    assert "no token begins with" in str(run.invoke(application, ["token", "revoke", "dermai_"]).exception)


def test_a_token_sends_no_diagnoses_unless_it_was_made_for_it(workspace):
    run = CliRunner()
    secrets = [
        run.invoke(application, ["token", "add", "Porto", *more]).output.split()[-1] for more in ([], ["--diagnoses"])
    ]
    database = open_database(workspace)
    assert [sender_of(database, secret).diagnoses for secret in secrets] == [False, True]
    database.close()
    assert run.invoke(application, ["token", "list"]).output.count("diagnoses too") == 1
