"""An engineer manages accounts in the browser: by the functions of the commands, each after the password again."""

import re

import pytest

from tests.web.visitors import PASSWORD, csrf_of
from web.accounts.people import account_named, accounts, add_account
from web.accounts.roles import Role


@pytest.fixture
def database(application):
    return application.state.service.database


def number_of(database, name):
    with database.reading() as session:
        return account_named(session, name).id


def form(**more):
    return {"name": "A.Silva", "person": "Ana Silva", "role": "dermatologist", "password": PASSWORD, **more}


def enter(service, name, password):
    service.cookies.clear()
    form = {"csrf": csrf_of(service.get("/sign-in").text), "name": name, "password": password}
    return service.post("/sign-in", data=form).status_code


def test_an_account_that_is_added_signs_in_with_the_password_that_is_shown_once(signed_in, service, database):
    engineer = signed_in("engineer")
    shown = engineer.post("/accounts", data=form()).text
    made = re.search(r'once: <b class="identifier">(\S+)</b>', shown)[1]
    assert enter(service, "a.silva", made) == 303
    assert made not in engineer.get(f"/accounts/{number_of(database, 'a.silva')}").text
    assert "Ana Silva" in engineer.get("/accounts").text


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"password": "not it"}, 401, "not the password of your account"),
        ({"role": "surgeon"}, 422, "choose a role"),
        ({"role": "practice"}, 422, "a practice needs its site"),
        ({"name": "engineer"}, 422, "take another name"),
    ],
)
def test_nothing_is_added_by_a_form_that_is_wrong_and_what_was_typed_stays(signed_in, database, wrong, status, said):
    answer = signed_in("engineer").post("/accounts", data=form(**wrong))
    assert (answer.status_code, said in answer.text) == (status, True)
    assert 'value="Ana Silva"' in answer.text
    with database.reading() as session:
        assert [account.name for account in accounts(session)] == ["engineer"]


def test_another_role_a_new_password_and_the_end_of_an_account_take_effect_at_once(signed_in, service, database):
    engineer, reader = signed_in("engineer"), signed_in("dermatologist")
    place = f"/accounts/{number_of(database, 'dermatologist')}"
    again = {"password": PASSWORD}
    assert engineer.post(f"{place}/role", data={"role": "manager", **again}).headers["location"] == f"{place}?done=role"
    assert "has to sign in again" in engineer.get(f"{place}?done=role").text
    assert reader.get("/account").status_code == 303
    made = re.search(r'once: <b class="identifier">(\S+)</b>', engineer.post(f"{place}/password", data=again).text)[1]
    assert enter(service, "dermatologist", PASSWORD) == 401
    assert enter(service, "dermatologist", made) == 303
    engineer.post(f"{place}/disable", data=again)
    assert service.get("/account").status_code == 303
    assert enter(service, "dermatologist", made) == 401
    engineer.post(f"{place}/enable", data=again)
    assert enter(service, "dermatologist", made) == 303


def test_nobody_changes_their_own_account_or_one_that_is_not_there(signed_in, database):
    engineer = signed_in("engineer")
    own = number_of(database, "engineer")
    answer = engineer.post(f"/accounts/{own}/disable", data={"password": PASSWORD})
    assert (answer.status_code, "your own account" in answer.text) == (409, True)
    assert engineer.get("/accounts").status_code == 200
    assert engineer.post("/accounts/999/disable", data={"password": PASSWORD}).status_code == 404
    assert engineer.get(f"/accounts/{10**20}").status_code < 500


def test_many_accounts_are_shown_in_parts(signed_in, database):
    with database.writing() as session:
        for number in range(120):
            add_account(session, f"reader.{number:03}", "A reader", Role.DERMATOLOGIST)
    engineer = signed_in("engineer")
    assert "121 accounts" in engineer.get("/accounts").text
    assert "reader.119" not in engineer.get("/accounts").text
    assert "reader.119" in engineer.get("/accounts?part=2").text
