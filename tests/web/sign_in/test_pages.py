from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.web.visitors import PASSWORD, add_person, csrf_of, sign_in
from web.accounts import throttling
from web.accounts.people import account_named, disable, set_role
from web.accounts.roles import Role
from web.accounts.sessions import csrf_token
from web.accounts.tables import Account, SignInAttempt, SignInSession
from web.frame.admission import CSRF_HEADER, SESSION_COOKIE

NEW = "another long password"


@pytest.fixture
def database(application):
    return application.state.service.database


def try_to_enter(client, name, password=PASSWORD, **more):
    if client.get("/sign-in").status_code == 303:  # signed in
        client.cookies.clear()
    form = {"csrf": csrf_of(client.get("/sign-in").text), "name": name, "password": password, **more}
    return client.post("/sign-in", data=form)


class TestSigningIn:
    def test_leads_to_the_page_that_was_asked_for(self, application, service):
        name = add_person(application, "manager")
        asked = service.get("/overview?x=1").headers["location"]
        assert asked == "/sign-in?next=/overview%3Fx%3D1"
        assert try_to_enter(service, name, next="/overview?x=1").headers["location"] == "/overview?x=1"

    @pytest.mark.parametrize(
        "place", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
    )
    def test_never_leads_elsewhere(self, application, service, place):
        answer = try_to_enter(service, add_person(application, "manager"), next=place)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")

    def test_names_are_read_in_small_letters_and_no_wrong_one_is_told_from_a_wrong_password(self, application, service):
        name = add_person(application, "manager")
        wrong, nobody = try_to_enter(service, name, "wrong"), try_to_enter(service, "nobody", "wrong")
        assert wrong.status_code == nobody.status_code == 401
        assert "do not belong together" in wrong.text
        assert wrong.text.partition("<form")[0] == nobody.text.partition("<form")[0]
        assert try_to_enter(service, f" {name.upper()} ").status_code == 303

    def test_gives_a_new_secret_each_time_whatever_the_browser_held(self, application, service, database):
        name = add_person(application, "manager")
        form = {"csrf": csrf_token("planted"), "name": name, "password": PASSWORD}
        assert service.post("/sign-in", data=form, headers={"Cookie": f"{SESSION_COOKIE}=planted"}).status_code == 303
        first = dict(service.cookies)[SESSION_COOKIE]
        assert first != "planted"
        with database.reading() as session:
            assert all(first not in kept.secret_hash for kept in session.scalars(select(SignInSession)))

    def test_the_cookie_is_kept_from_scripts_from_other_sites_and_behind_tls_from_plain_connections(
        self, application, service
    ):
        name = add_person(application, "manager")
        cookie = try_to_enter(service, name).headers.get_list("set-cookie")[0].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "secure" not in cookie
        object.__setattr__(application.state.service, "secure", True)
        answers = try_to_enter(service, name).headers.get_list("set-cookie")
        assert all("secure" in cookie.lower() for cookie in answers)


class TestThrottling:
    def test_after_eight_failures_even_the_right_password_has_to_wait(self, application, service, database):
        name = add_person(application, "manager")
        for _ in range(throttling.MOST_OF_A_NAME):
            assert try_to_enter(service, name, "wrong").status_code == 401
        refused = try_to_enter(service, name)
        assert refused.status_code == 429
        assert "Wait 15 minutes" in refused.text
        assert try_to_enter(service, add_person(application, "auditor")).status_code == 303  # others go on
        with database.writing() as session:
            for attempt in session.scalars(select(SignInAttempt)):
                attempt.at = datetime.now(UTC) - throttling.COUNTED - timedelta(seconds=1)
        assert try_to_enter(service, name).status_code == 303

    def test_an_address_that_tries_many_names_has_to_wait(self, application, service, monkeypatch):
        monkeypatch.setattr(throttling, "MOST_OF_AN_ADDRESS", 5)
        name = add_person(application, "manager")
        assert {try_to_enter(service, f"guess{number}", "x").status_code for number in range(5)} == {401}
        assert try_to_enter(service, name).status_code == 429

    def test_a_success_forgets_the_failures_of_that_name_alone(self, application, service, database):
        name = add_person(application, "manager")
        try_to_enter(service, "victim", "guess")
        try_to_enter(service, name, "typing error")
        try_to_enter(service, name)
        with database.reading() as session:
            assert len(session.scalars(select(SignInAttempt)).all()) == 1

    def test_what_was_typed_as_a_name_is_not_kept(self, service, database):
        try_to_enter(service, "my secret password", "x")
        with database.reading() as session:
            (attempt,) = session.scalars(select(SignInAttempt))
        assert "secret" not in attempt.name_hash


class TestEndOfASession:
    def test_signing_out_ends_it_on_the_server_too(self, signed_in):
        client = signed_in("manager")
        kept = dict(client.cookies)
        assert client.post("/sign-out").headers["location"] == "/sign-in"
        client.cookies.update(kept)
        assert client.get("/account").status_code == 303

    @pytest.mark.parametrize(("column", "age"), [("seen_at", timedelta(minutes=31)), ("began_at", timedelta(hours=13))])
    def test_idleness_and_age_end_it(self, signed_in, database, column, age):
        client = signed_in("manager")
        with database.writing() as session:
            setattr(session.scalars(select(SignInSession)).one(), column, datetime.now(UTC) - age)
        assert client.get("/account").status_code == 303

    def test_a_page_keeps_it_alive(self, signed_in, database):
        client = signed_in("manager")
        with database.writing() as session:
            session.scalars(select(SignInSession)).one().seen_at = datetime.now(UTC) - timedelta(minutes=20)
        client.get("/account")
        with database.reading() as session:
            assert datetime.now(UTC) - session.scalars(select(SignInSession)).one().seen_at < timedelta(minutes=1)

    def test_a_disabled_account_and_another_role_end_it(self, signed_in, database, service):
        manager, auditor = signed_in("manager"), signed_in("auditor")
        with database.writing() as session:
            disable(session, account_named(session, "manager"))
            set_role(session, account_named(session, "auditor"), Role.ENGINEER)
        assert manager.get("/account").status_code == 303
        assert auditor.get("/account").status_code == 303
        assert try_to_enter(service, "manager").status_code == 401


class TestOwnPassword:
    def change(self, client, old=PASSWORD, new=NEW, again=NEW):
        return client.post("/account/password", data={"old": old, "new": new, "again": again})

    def test_a_new_one_signs_out_everywhere_else(self, signed_in):
        here, elsewhere = signed_in("manager"), signed_in("manager")
        assert self.change(here).headers["location"] == "/account?changed=1"
        assert here.get("/account").status_code == 200
        assert elsewhere.get("/account").status_code == 303
        sign_in(elsewhere, "manager", NEW)

    @pytest.mark.parametrize(
        ("form", "said"),
        [
            ({"old": "wrong"}, "not the password of your account"),
            ({"again": "other"}, "not typed twice the same"),
            ({"new": "short", "again": "short"}, "shorter than 12"),
        ],
    )
    def test_a_wrong_form_changes_nothing(self, signed_in, database, form, said):
        client = signed_in("manager")
        with database.reading() as session:
            before = session.scalars(select(Account)).one().password_hash
        answer = self.change(client, **form)
        assert answer.status_code == 422
        assert said in answer.text
        with database.reading() as session:
            assert session.scalars(select(Account)).one().password_hash == before


class TestForms:
    def test_a_form_of_another_site_or_without_its_token_changes_nothing(self, signed_in):
        client, other = signed_in("manager"), signed_in("auditor")
        stolen = other.headers[CSRF_HEADER]
        for headers in ({}, {CSRF_HEADER: "0" * 64}, {CSRF_HEADER: stolen}, {CSRF_HEADER: "é"}):
            token = client.headers.pop(CSRF_HEADER, None)
            answer = client.post("/sign-out", headers={k: v.encode() for k, v in headers.items()})
            assert answer.status_code == 403, headers
            client.headers[CSRF_HEADER] = token
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
            assert client.post("/sign-out", headers={"Origin": origin}).status_code == 403
        assert client.get("/account").status_code == 200
        assert client.post("/sign-out", headers={"Origin": "http://127.0.0.1"}).status_code == 303

    def test_nobody_can_be_signed_in_by_a_form_that_this_service_did_not_give(self, application, service):
        name = add_person(application, "manager")
        assert service.post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 403
        assert service.post("/sign-in", data={"csrf": "x", "name": name, "password": PASSWORD}).status_code == 403

    def test_the_token_tells_nothing_of_the_session(self, signed_in):
        client = signed_in("manager")
        assert dict(client.cookies)[SESSION_COOKIE] not in client.get("/account").text

    def test_a_script_in_any_field_is_shown_as_text(self, application, service, signed_in, database):
        attack = "<script>alert(1)</script>\"'"
        shown = try_to_enter(service, attack, attack, next="/" + attack).text
        assert "<script>alert" not in shown
        with database.writing() as session:
            from web.accounts.people import add_account

            add_account(session, "attacker", attack, Role.PRACTICE, PASSWORD, site=attack)
        sign_in(service, "attacker")
        page = service.get("/account").text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        for place in (f"/{attack}", f"/reports/{attack}", f"/account?changed={attack}"):
            assert "<script>alert" not in service.get(place).text
