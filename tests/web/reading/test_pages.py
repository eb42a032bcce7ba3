"""Reading in the browser without a script: who sees which case, what is signed, hidden and written down."""

import logging
import re
from datetime import timedelta

import pytest

from dermai.inbox.set_aside import set_aside
from dermai.prediction_log.confirmations import read_confirmations, read_entries
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import read_retakes
from dermai.prediction_log.signing import Reading, sign
from tests.web.reading.referred import CASES, DRAWN, NORTH, images_of
from web.accounts.access_log import accesses
from web.reading import follow_ups, signing
from web.reading.drafts import drafts_of
from web.reading.follow_ups import follow_up, owed_follow_up


@pytest.fixture
def log(referred):
    return PredictionLog.of(referred)


def form(lesion: str = "l2", diagnosis: str = "Nev", **more: str) -> dict[str, str]:
    return {"lesion_id": lesion, "diagnosis": diagnosis, "confirmed_by": "reading", "known_until": "0",
            "confirmed": "yes", **more}  # fmt: skip


def looked_at(application, case: str) -> list[str]:
    with application.state.service.database.reading() as session:
        return [access.what for access in accesses(session, case)]


class TestWorklist:
    def test_it_has_every_open_case_in_clinical_order_with_the_patient_s_cases_together(self, referred, signed_in):
        page = signed_in("dermatologist").get("/worklist").text
        places = [page.index(f"/cases/{case}") for case in ("c1", "c4", "c2")]
        assert places == sorted(places)
        assert "0 of 5 read" in page
        assert "same patient as above" in page
        assert "20 days, overdue" in page

    @pytest.mark.parametrize(
        ("query", "cases"),
        [
            ("site=simulated-south", {"c3", "c5"}),
            ("risk=high_priority", {"c1"}),
            ("without=yes", {"c5"}),
            ("done=read", set()),
            ("done=nonsense&risk=%27", {"c1", "c2", "c3", "c4", "c5"}),
            ("part=99", {"c1", "c2", "c3", "c4", "c5"}),
        ],
    )
    def test_its_filters_choose(self, referred, signed_in, query, cases):
        page = signed_in("dermatologist").get(f"/worklist?{query}").text
        assert {case for case, *_ in CASES if f'href="/cases/{case}' in page} == cases

    def test_a_referral_that_could_not_be_filed_is_named_and_the_overview_counts_it(self, referred, signed_in):
        inbox = referred.state / "inbox"
        (inbox / "waiting").mkdir(parents=True)
        (inbox / "waiting" / "case-z-r1.json").write_text('{"rows": [{"site": "Porto"}]}')
        set_aside(inbox, inbox / "waiting" / "case-z-r1.json", "it is damaged")
        page = signed_in("dermatologist").get("/worklist").text
        assert "A referral of Porto was acknowledged and could not be filed" in page
        assert "case-z" in page
        overview = signed_in("manager").get("/overview").text
        assert "1 referral was acknowledged and could not be filed" in overview
        assert "case-z" not in overview

    def test_what_is_decided_by_the_photograph_looks_the_same_whatever_the_model_said(self, referred, signed_in):
        (referred.root / "params.yaml").write_text("triage: {read_without_answer: 1}\n")
        client = signed_in("dermatologist")
        page = client.get("/worklist").text
        said = [re.search(rf'href="/cases/{case}".*?</span> (.*?)</a>', page, re.S)[1] for case in ("c2", DRAWN)]
        assert said[0] == said[1]
        assert "By the photograph" in said[0]
        answers = [client.get(f"/cases/{case}").text.partition('id="answer"')[2] for case in ("c2", DRAWN)]
        assert answers[0].partition("</section>")[0] == answers[1].partition("</section>")[0]
        assert client.get("/cases/c2/evidence.png").status_code == 404
        assert {case for case, *_ in CASES if f'href="/cases/{case}' in client.get("/worklist?without=yes").text} == {
            "c2", DRAWN,
        }  # fmt: skip
        client.post("/cases/c2/sign", data=form(diagnosis="ActKer"))
        assert (
            "Actinic keratosis" in client.get("/cases/c2").text.partition('id="answer"')[2].partition("</section>")[0]
        )

    def test_the_model_s_answer_of_a_second_reading_is_not_on_it(self, referred, signed_in):
        page = signed_in("dermatologist").get("/worklist?without=yes").text
        assert "By the photograph" in page
        assert "econd reading" not in page
        assert "Seborrheic" not in page


class TestWhoSeesWhat:
    def test_a_manager_an_auditor_and_an_engineer_see_no_case_and_no_photograph(self, referred, signed_in):
        (image,) = images_of(referred, "c2")
        for role in ("manager", "auditor", "engineer"):
            client = signed_in(role)
            for place in ("/worklist", "/cases/c2", f"/cases/c2/photographs/{image}.jpg", "/cases/c1/evidence.png"):
                assert client.get(place).status_code == 403, (role, place)

    def test_a_practice_sees_photographs_of_its_own_cases_alone(self, referred, signed_in, application):
        porto, (own,), other = signed_in("practice", site=NORTH), images_of(referred, "c2"), images_of(referred, "c3")
        assert porto.get(f"/cases/c2/photographs/{own}.jpg").headers["content-type"] == "image/jpeg"
        assert porto.get(f"/cases/c3/photographs/{other[0]}.jpg").status_code == 404
        assert porto.get(f"/cases/c2/photographs/{other[0]}.jpg").status_code == 404
        assert porto.get("/cases/c2").status_code == 403
        assert porto.get("/my-cases/c2").status_code == 200
        assert porto.get("/my-cases/c3").status_code == 404
        assert porto.post("/cases/c2/sign", data=form()).status_code == 403
        assert "photograph" in looked_at(application, "c2")
        assert looked_at(application, "c3") == []

    def test_a_photograph_is_kept_by_no_browser_and_each_look_is_written_down(self, referred, signed_in, application):
        client, (image,) = signed_in("dermatologist"), images_of(referred, "c2")
        answer = client.get(f"/cases/c2/photographs/{image}.jpg")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content.startswith(b"\xff\xd8")
        client.get("/cases/c2")
        assert looked_at(application, "c2") == ["case", "photograph"]

    @pytest.mark.parametrize(
        "place", ["/cases/unknown", "/cases/..%2f..%2fparams.yaml", "/cases/c2/photographs/..%2f..%2fx.jpg",
                  f"/cases/c2/photographs/{'0' * 64}.jpg"],
    )  # fmt: skip
    def test_what_is_no_case_or_photograph_is_not_found(self, referred, signed_in, place):
        assert signed_in("dermatologist").get(place).status_code == 404


class TestSigning:
    def test_a_reading_is_asked_about_once_then_recorded_under_the_account(self, log, signed_in):
        client = signed_in("dermatologist")
        asked = client.post(
            "/cases/c2/sign", data={**form(note="<b>bold</b>", list_query="?risk=priority&x=1"), "confirmed": ""}
        )
        assert "Sign this?" in asked.text
        assert 'href="/cases/c2?risk=priority">Back' in asked.text
        assert "&lt;b&gt;bold" in client.get("/cases/c2").text, "who goes back finds what was chosen"
        assert "&lt;b&gt;bold" in asked.text
        assert read_confirmations(log)[0].empty
        done = client.post("/cases/c2/sign", data=form(note="<b>bold</b>"))
        assert done.status_code == 303
        # The next open case of the list: one that was drawn for a second reading stands where the key puts it
        assert done.headers["location"] in ("/cases/c3?said=signed", "/cases/c5?said=signed")
        (row,) = read_confirmations(log)[0].to_dict("records")
        assert (row["diagnosis"], row["confirmed_by"], row["signed_by"]) == ("Nev", "reading", "dermatologist")
        assert "1 of 5 read" in client.get("/worklist").text
        assert "&lt;b&gt;bold" in client.get("/cases/c2").text

    def test_who_comes_second_is_told_loses_nothing_and_can_sign_a_second_opinion(self, log, signed_in):
        sign(log, Reading("c2", "l2", "MM", "reading", "another.reader"))
        client = signed_in("dermatologist")
        answer = client.post("/cases/c2/sign", data=form(note="regular network"))
        assert answer.status_code == 409
        assert "Not signed: another.reader signed MM on" in answer.text
        assert "regular network" in answer.text
        newest = str(read_entries(log)[0]["written"].iloc[-1])
        assert client.post("/cases/c2/sign", data=form(known_until=newest)).status_code == 303
        assert read_entries(log)[0]["diagnosis"].tolist() == ["MM", "Nev"]

    def test_a_second_reading_shows_the_model_s_answer_only_when_it_is_signed(self, log, signed_in):
        client = signed_in("dermatologist")
        before = client.get(f"/cases/{DRAWN}").text
        assert "shown when every lesion is signed" in before
        assert "70\u00a0%" not in before
        assert client.get(f"/cases/{DRAWN}/evidence.png").status_code == 404
        done = client.post(f"/cases/{DRAWN}/sign", data=form("l5"))
        assert done.headers["location"] == f"/cases/{DRAWN}?said=signed", "to compare with what the model says"
        assert "Seborrheic keratosis (SebKer)</b>: 70" in client.get(f"/cases/{DRAWN}").text

    def test_a_case_of_two_lesions_stays_until_both_are_read(self, log, signed_in):
        client = signed_in("dermatologist")
        assert client.post("/cases/c3/sign", data=form("l3a")).headers["location"] == "/cases/c3?said=signed"
        assert client.post("/cases/c3/sign", data=form("l3b")).headers["location"] != "/cases/c3?said=signed"

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            ({"diagnosis": ""}, 422), ({"diagnosis": "monkeypox"}, 422), ({"confirmed_by": "guess"}, 409),
            ({"lesion_id": "l1"}, 404), ({"note": "x" * 3000}, 409), ({"known_until": "-1"}, 422),
        ],
        ids=["none", "unknown", "kind", "lesion", "note", "seen"],
    )  # fmt: skip
    def test_what_cannot_be_signed_says_why(self, log, signed_in, wrong, status):
        answer = signed_in("dermatologist").post("/cases/c2/sign", data={**form(), **wrong})
        assert answer.status_code == status
        assert read_confirmations(log)[0].empty

    def test_another_photograph_is_asked_of_the_practice_with_the_reason(self, log, signed_in):
        client = signed_in("dermatologist")
        assert client.post("/cases/c2/photograph-again", data={}).status_code == 422
        done = client.post("/cases/c2/photograph-again", data={"reason": "not in focus", "other": "<i>closer</i>"})
        assert done.status_code == 303
        assert read_retakes(log)[0][["case_id", "reason", "asked_by"]].to_numpy().tolist() == [
            ["c2", "not in focus; <i>closer</i>", "dermatologist"]
        ]
        page = signed_in("practice", site=NORTH).get("/my-cases").text
        assert "not in focus; &lt;i&gt;closer" in page
        assert "/cases/c2" in client.get("/worklist?done=again").text

    def test_another_photograph_may_be_asked_for_after_the_reading_and_the_practice_is_told(self, log, signed_in):
        client = signed_in("dermatologist")
        client.post("/cases/c2/sign", data=form())
        client.post("/cases/c2/photograph-again", data={"reason": "please add a dermoscopic photograph"})
        assert "add a dermoscopic photograph" in signed_in("practice", site=NORTH).get("/my-cases").text


class TestDrafts:
    def test_a_draft_is_kept_for_its_reader_and_gone_when_it_is_signed(self, referred, signed_in, application):
        client, database = signed_in("dermatologist"), application.state.service.database
        assert client.post("/cases/c2/draft", data=form(diagnosis="MM", note="perhaps")).status_code == 204
        page = client.get("/cases/c2").text
        assert 'value="MM" checked' in page
        assert "perhaps" in page
        other = signed_in("clinical lead").get("/cases/c2").text
        assert "perhaps" not in other
        assert "A dermatologist has a draft of this case" in other
        client.post("/cases/c2/sign", data=form())
        assert drafts_of(database, 1, "c2") == {}

    def test_without_a_script_the_button_keeps_it_and_comes_back(self, referred, signed_in):
        client = signed_in("dermatologist")
        token = client.headers.pop("X-CSRF-Token")
        done = client.post("/cases/c2/draft", data=form(csrf=token, list_query="?site=simulated-north"))
        assert done.headers["location"] == "/cases/c2?site=simulated-north&said=kept"

    def test_another_site_s_form_is_refused(self, referred, signed_in):
        client = signed_in("dermatologist")
        client.headers.pop("X-CSRF-Token")
        assert client.post("/cases/c2/sign", data=form()).status_code == 403


class TestFollowUps:
    def test_it_is_owed_even_where_the_service_is_killed_when_the_reading_is_signed(
        self, log, signed_in, application, monkeypatch
    ):
        def killed(log, reading):
            sign(log, reading)
            raise MemoryError

        client = signed_in("dermatologist")
        monkeypatch.setattr(signing, "sign", killed)
        client.post("/cases/c4/sign", data=form("l4", "MM", confirmed_by="histology"))
        assert len(read_confirmations(log)[0]) == 1
        monkeypatch.setattr(follow_ups, "LATE", timedelta(0))
        assert owed_follow_up(application.state.service.database) == "the service was stopped before"

    def test_nothing_is_owed_where_nothing_was_signed(self, log, signed_in, application, monkeypatch):
        assert signed_in("dermatologist").post("/cases/c2/sign", data=form(confirmed_by="guess")).status_code == 409
        monkeypatch.setattr(follow_ups, "LATE", timedelta(0))
        assert owed_follow_up(application.state.service.database) is None

    def test_a_cancer_that_was_sorted_as_normal_is_an_incident_when_it_is_signed(self, log, signed_in, workspace):
        done = signed_in("dermatologist").post("/cases/c4/sign", data=form("l4", "MM", confirmed_by="histology"))
        assert done.status_code == 303
        assert len(list((workspace.state / "incidents").glob("*.json"))) == 1

    def test_one_that_fails_leaves_the_reading_signed_is_said_and_tried_again(
        self, log, signed_in, application, monkeypatch, caplog
    ):
        service, client = application.state.service, signed_in("dermatologist")
        right = follow_ups.follow_up_diagnoses

        def fails(*_: object) -> None:
            raise OSError("the disk is full")

        monkeypatch.setattr(follow_ups, "follow_up_diagnoses", fails)
        with caplog.at_level(logging.ERROR, "dermai.web"):
            assert client.post("/cases/c2/sign", data=form()).status_code == 303
        assert "the follow-up of signed readings failed" in caplog.text
        assert len(read_confirmations(log)[0]) == 1
        assert owed_follow_up(service.database) == "OSError: the disk is full"
        assert "the disk is full" in client.get("/worklist").text
        monkeypatch.setattr(follow_ups, "follow_up_diagnoses", right)
        follow_up(service)
        assert owed_follow_up(service.database) is None
        assert "the disk is full" not in client.get("/worklist").text


class TestPractice:
    def test_it_finds_a_case_by_its_number_and_no_model_s_answer_is_shown(self, referred, signed_in):
        client = signed_in("practice", site=NORTH)
        page = client.get("/my-cases").text
        assert "/my-cases/c2" in page
        assert "/my-cases/c3" not in page
        for hidden in ("High priority", "Malignant melanoma", "70\u00a0%"):
            assert hidden not in page
        assert "This is case" in client.post("/my-cases", data={"number": "c2"}).text
        assert "No case of this practice" in client.post("/my-cases", data={"number": "c3"}).text
        assert "&lt;script" in client.post("/my-cases", data={"number": "<script>"}).text

    def test_it_sees_the_diagnosis_when_it_was_signed(self, log, signed_in):
        sign(log, Reading("c2", "l2", "MM", "histology", "ana", note="for colleagues"))
        page = signed_in("practice", site=NORTH).get("/my-cases/c2").text
        assert "Malignant melanoma (MM)</b> by histology" in page
        assert "for colleagues" not in page
