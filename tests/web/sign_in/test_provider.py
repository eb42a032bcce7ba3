"""The hospital's sign-in over real HTTP: a provider of this test, the code flow, and everything it may not let in."""

from typing import get_args

import httpx
import pytest
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy import select

from dermai.audit import AuditLog
from dermai.config.parameters import ProviderParams
from dermai.errors import DermaiError
from dermai.records.summary import summarise
from tests.report.browser import chromium
from tests.web.sign_in.local_provider import CLIENT, SECRET, LocalProvider
from tests.web.visitors import add_person, running
from web.accounts.people import disable
from web.accounts.roles import Role
from web.accounts.tables import Account
from web.sign_in.provider import Provider, check_address, configured_provider, person_from

SILVA = {"sub": "42", "preferred_username": "A.Silva", "name": "Ana Silva", "groups": ["staff", "derm"]}
ROLES = "roles: {derm: dermatologist, lead: clinical lead, gp: practice}"


@pytest.fixture
def workspace(workspace):
    text = (
        workspace.params_file.read_text()
        .replace("roles: {} ", f"{ROLES} ")
        .replace('site_claim: ""', "site_claim: site")
    )
    assert ROLES in text
    workspace.params_file.write_text(text)
    return workspace


@pytest.fixture
def provider(monkeypatch):
    found = LocalProvider(dict(SILVA))
    with running(found.application) as server:
        found.address = server.address
        monkeypatch.setenv("DERMAI_OIDC_ISSUER", server.address)
        monkeypatch.setenv("DERMAI_OIDC_CLIENT_ID", CLIENT)
        monkeypatch.setenv("DERMAI_OIDC_CLIENT_SECRET", SECRET)
        yield found


@pytest.fixture
def browser(live):
    """One that follows redirects and keeps cookies, as browsers do."""
    with httpx.Client(base_url=live.address, follow_redirects=True) as client:
        yield client


def accounts(live):
    with live.application.state.service.database.reading() as session:
        return list(session.scalars(select(Account)))


class TestSigningIn:
    def test_makes_an_account_with_the_role_that_its_claims_stand_for(self, provider, live, browser):
        assert "hospital's account" in browser.get("/sign-in").text
        page = browser.get("/sign-in/provider?next=/account")
        assert 'content="0; url=/account"' in page.text
        assert "Ana Silva" in browser.get("/account").text
        (account,) = accounts(live)
        assert (account.name, account.role, account.password_hash) == ("a.silva", "dermatologist", "")
        (asked,) = provider.asked
        assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3

    def test_is_the_same_account_the_next_time_with_todays_role(self, provider, live, browser):
        browser.get("/sign-in/provider")
        provider.claims["groups"] = "lead"
        with httpx.Client(base_url=live.address, follow_redirects=True) as elsewhere:
            elsewhere.get("/sign-in/provider")
            assert "clinical lead" in elsewhere.get("/account").text
        assert [account.role for account in accounts(live)] == ["clinical lead"]
        log = AuditLog(live.application.state.service.workspace.audit_log)
        assert [summarise(entry) for entry in log.entries("account_changed")] == [
            "account a.silva (dermatologist) added, as the hospital's provider said at a sign-in",
            "account a.silva is clinical lead now, was dermatologist, as the hospital's provider said at a sign-in",
        ]
        assert browser.get("/account").url.path == "/sign-in", "signed in with the role of before"

    def test_takes_no_account_that_a_person_has_here_by_the_same_name(self, provider, live, browser):
        add_person(live.application, "clinical lead", name="a.silva")
        browser.get("/sign-in/provider")
        assert sorted(account.role for account in accounts(live)) == ["clinical lead", "dermatologist"]
        assert "dermatologist" in browser.get("/account").text

    def test_of_a_practice_brings_its_site(self, provider, live, browser):
        provider.claims |= {"groups": ["gp"], "site": "Porto"}
        browser.get("/sign-in/provider")
        assert [(account.role, account.site) for account in accounts(live)] == [("practice", "Porto")]


def test_a_real_browser_comes_back_from_another_site_and_is_signed_in(provider, live, tmp_path):
    provider.address = provider.address.replace("127.0.0.1", "localhost")  # another site than the service's
    with pytest.MonkeyPatch.context() as patched, chromium(tmp_path / "browser") as driver:
        patched.setenv("DERMAI_OIDC_ISSUER", provider.address)
        driver.get(f"{live.address}/sign-in?next=/account")
        driver.find_element("link text", "Sign in with the hospital's account").click()
        WebDriverWait(driver, 20).until(lambda driver: "My account" in driver.title)
        assert "Ana Silva" in driver.find_element("tag name", "main").text


class TestRefusals:
    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"nonce": "of another sign-in"}, "nonce"),
            ({"aud": "another service"}, "aud"),
            ({"iss": "https://evil.example"}, "iss"),
            ({"exp": 1}, "expired"),
        ],
    )
    def test_a_token_that_is_not_for_this_sign_in(self, provider, live, browser, wrong, said):
        provider.wrong = wrong
        page = browser.get("/sign-in/provider")
        assert page.status_code == 422
        assert said in page.text
        assert accounts(live) == []
        assert browser.get("/account").url.path == "/sign-in"

    def test_a_token_signed_by_another_key(self, provider, live, browser):
        provider.forged = True
        assert browser.get("/sign-in/provider").status_code == 422
        assert accounts(live) == []

    def test_an_answer_that_this_browser_did_not_ask_for(self, provider, live, browser):
        with httpx.Client(base_url=live.address) as attacker:
            to = attacker.get("/sign-in/provider").headers["location"]
            planted = attacker.get(to).headers["location"]
        assert "another browser" in browser.get(planted).text
        browser.get("/sign-in/provider")  # one of its own, which leaves no cookie behind
        assert browser.get(planted).status_code == 422

    def test_the_same_answer_a_second_time(self, provider, live):
        with httpx.Client(base_url=live.address) as client:
            to = client.get("/sign-in/provider")
            back = client.get(to.headers["location"]).headers["location"]
            kept = dict(client.cookies)
            assert client.get(back).status_code == 200
            again = client.get(back, headers={"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())})
        assert again.status_code == 422
        assert "not taken" in again.text

    def test_who_has_no_role_here_or_is_disabled(self, provider, live, browser):
        provider.claims["groups"] = ["staff"]
        assert "stands for none" in browser.get("/sign-in/provider").text
        provider.claims["groups"] = ["derm"]
        browser.get("/sign-in/provider")
        with live.application.state.service.database.writing() as session:
            disable(session, session.scalars(select(Account)).one())
        assert "is disabled here" in browser.get("/sign-in/provider").text

    def test_a_provider_that_says_no_or_nothing(self, provider, live, browser, monkeypatch):
        with httpx.Client(base_url=live.address) as client:
            state = httpx.URL(client.get("/sign-in/provider").headers["location"]).params["state"]
            said = client.get("/sign-in/provider/back", params={"state": state, "error": "<b>access_denied"}).text
        assert "did not let you in (&lt;b&gt;access_denied)" in said
        monkeypatch.setenv("DERMAI_OIDC_ISSUER", "http://127.0.0.1:1")
        page = browser.get("/sign-in/provider")
        assert page.status_code == 503
        assert "does not answer" in page.text


def test_without_a_provider_nothing_of_it_is_shown(live, browser):
    assert "hospital" not in browser.get("/sign-in").text
    assert browser.get("/sign-in/provider").status_code == 422


def test_a_half_named_or_unprotected_provider_is_refused(monkeypatch):
    assert configured_provider() is None
    monkeypatch.setenv("DERMAI_OIDC_ISSUER", "https://id.example")
    with pytest.raises(DermaiError, match="belong together"):
        configured_provider()
    monkeypatch.setenv("DERMAI_OIDC_CLIENT_ID", "x")
    monkeypatch.setenv("DERMAI_OIDC_CLIENT_SECRET", "y")
    assert configured_provider() == Provider("https://id.example", "x", "y")
    with pytest.raises(DermaiError, match="not protected by TLS"):
        check_address("http://id.example")


def test_a_practice_without_its_site_is_refused():
    claims = {"iss": "https://id.example", "sub": "7", "groups": ["gp"]}
    with pytest.raises(DermaiError, match="does not say which one"):
        person_from(claims, ProviderParams(roles={"gp": "practice"}))


def test_params_yaml_takes_the_roles_that_there_are():
    _, role = get_args(ProviderParams.model_fields["roles"].annotation)
    assert set(get_args(role)) == set(Role)
