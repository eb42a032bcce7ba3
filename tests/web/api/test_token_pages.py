"""Tokens of practices in the browser: shown once, listed by how they begin, withdrawn."""

import re

from tests.web.visitors import PASSWORD
from web.api.tokens import sender_of


def test_a_token_is_made_shown_once_and_withdrawn(signed_in, application):
    engineer, database = signed_in("engineer"), application.state.service.database
    form = {"site": "Porto", "note": "the two phones", "days": "30", "password": PASSWORD}
    refused = engineer.post("/tokens", data={**form, "password": "not it"})
    assert (refused.status_code, 'value="the two phones"' in refused.text) == (401, True)
    made = re.search(r'once: <b class="identifier">(dermai_\S+)</b>', engineer.post("/tokens", data=form).text)[1]
    assert sender_of(database, made).site == "Porto"
    listed = engineer.get("/tokens").text
    assert made not in listed
    assert made[:15] in listed
    assert engineer.post(f"/tokens/{made[:15]}/withdraw", data={"password": "no"}).status_code == 401
    assert sender_of(database, made)
    done = engineer.post(f"/tokens/{made[:15]}/withdraw", data={"password": PASSWORD})
    assert "is withdrawn" in engineer.get(done.headers["location"]).text
    assert sender_of(database, made) is None


def test_a_token_without_a_practice_or_for_ever_is_refused(signed_in):
    engineer = signed_in("engineer")
    for wrong, said in (({"site": " "}, "needs its site"), ({"site": "Porto", "days": "9999"}, "1 to 1100 days")):
        answer = engineer.post("/tokens", data={"days": "30", "password": PASSWORD, **wrong})
        assert (answer.status_code, said in answer.text) == (422, True)


def test_a_token_for_confirmed_diagnoses_is_asked_for_and_marked(signed_in, application):
    engineer, database = signed_in("engineer"), application.state.service.database
    form = {"site": "Porto", "days": "30", "password": PASSWORD}
    engineer.post("/tokens", data=form)
    assert "referrals and confirmed diagnoses" not in engineer.get("/tokens").text
    refused = engineer.post("/tokens", data={**form, "diagnoses": "true", "password": "not it"}).text
    assert " checked>" in refused
    shown = engineer.post("/tokens", data={**form, "diagnoses": "true"}).text
    made = re.search(r'once: <b class="identifier">(dermai_\S+)</b>', shown)[1]
    assert sender_of(database, made).diagnoses
    assert engineer.get("/tokens").text.count("referrals and confirmed diagnoses") == 1
