import json
import re

import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from web.accounts.authentication import WrongPassword, authenticate
from web.database import open_database


def run(*arguments, typed=""):
    return CliRunner().invoke(application, ["account", *arguments], input=typed)


@pytest.fixture
def added(workspace):
    said = run("add", "A.Silva", "--person", "Ana Silva", "--role", "dermatologist")
    assert said.exit_code == 0, said.output
    return re.search(r"shown this once: (\S+)", said.output)[1]


def listed():
    return json.loads(run("list", "--json").output)


def test_an_account_is_added_with_a_password_that_is_printed_once(workspace, added):
    database = open_database(workspace)
    assert authenticate(database, "a.silva", added, "here")
    assert added not in run("list").output
    assert [(one["name"], one["person"], one["role"], one["signs_in_by"]) for one in listed()] == [
        ("a.silva", "Ana Silva", "dermatologist", "password")
    ]


def test_a_password_may_be_typed_and_is_not_printed(workspace, added):
    typed = "a sentence that I can keep\n"
    said = run("password", "a.silva", "--type", typed=typed * 2)
    assert said.exit_code == 0, said.output
    assert "sentence" not in said.output
    assert authenticate(open_database(workspace), "a.silva", typed.strip(), "here")
    with pytest.raises(WrongPassword):
        authenticate(open_database(workspace), "a.silva", added, "here")


def test_an_account_is_disabled_and_let_in_again(workspace, added):
    assert run("disable", "a.silva").exit_code == 0
    assert listed()[0]["disabled"]
    with pytest.raises(WrongPassword):
        authenticate(open_database(workspace), "a.silva", added, "here")
    assert run("enable", "a.silva").exit_code == 0
    assert authenticate(open_database(workspace), "a.silva", added, "here")


def test_a_role_is_changed_and_a_practice_has_a_site(added):
    assert "needs its site" in str(run("role", "a.silva", "practice").exception)
    assert run("role", "a.silva", "practice", "--site", "Porto").exit_code == 0
    assert (listed()[0]["role"], listed()[0]["site"]) == ("practice", "Porto")
    assert "for practices alone" in str(run("role", "a.silva", "auditor", "--site", "Porto").exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "a.silva", "--person", "B", "--role", "auditor"), "an account a.silva already"),
        (("add", "b silva", "--person", "B", "--role", "auditor"), "is no name of an account"),
        (("add", "b.silva", "--person", "B\x1b[2J", "--role", "auditor"), "person's name is missing"),
        (("add", "b.silva", "--person", "B", "--role", "king"), "is no role: practice, dermatologist"),
        (("disable", "nobody"), "there is no account 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_said(added, arguments, said):
    assert said in str(run(*arguments).exception)
