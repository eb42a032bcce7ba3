"""Results as resources: of the form of R4, and word for word as they were looked at."""

import json
import os
from datetime import UTC, date, datetime

import pytest

from dermai.exchange.fhir_answers import capability_statement, diagnosis_outcome, transaction_response
from dermai.exchange.fhir_results import ReferralResult, device, result_resources
from dermai.exchange.outcomes import operation_outcome
from dermai.inbox.answer import AGAIN, DRAWN, Called, NamedModel, ReferralAnswer, Verdict
from dermai.inbox.entries import AnsweredReferral
from dermai.taxonomy import RiskLevel
from dermai.triage.practice_cases import PracticeCase
from dermai.triage.reading_list import SignedDiagnosis
from tests.conftest import REPOSITORY
from tests.exchange.bundles import bundle, condition, document, media, observation
from tests.exchange.validation import check

GOLDEN = REPOSITORY / "tests" / "exchange" / "golden"
CASE, REQUEST, LESION, PATIENT = f"c{'0' * 20}", f"r{'1' * 24}", f"l{'2' * 20}", f"p{'3' * 20}"
WHEN, LATER = datetime(2026, 4, 30, 9, tzinfo=UTC), datetime(2026, 5, 20, 12, tzinfo=UTC)
MODEL = NamedModel(version="7", package_sha256="ab" * 32)
BLURRED = "the photograph is blurred: hold the phone still"
ENTRIES = (("ServiceRequest", ()), ("Patient", ()), ("Media", (1,)), ("DocumentReference", (2,)))


def entry(**changes: object) -> AnsweredReferral:
    """A referral of two photographs, one of them blurred."""
    verdicts = (
        Verdict(number=1, role="close_up", usable=True, take_again=""),
        Verdict(number=2, role="locating", usable=False, take_again=BLURRED),
    )
    said = {
        "request_id": REQUEST, "received_at": WHEN, "photographs": verdicts, "risk": RiskLevel.HIGH_PRIORITY,
        "called": Called(code="BCC", name="Basal cell carcinoma", probability=0.4321, reason="43 % is above 12 %"),
        "possible": ("BCC", "OtMalNeop"), "model": MODEL, "cautions": ("unlike what the model learnt",),
        "remarks": ("skin_type 'IX' was read as unknown",),
    }  # fmt: skip
    of_case = {"case_id": CASE, "patient_id": PATIENT, "lesion_id": LESION, "site": "Porto", "sex": "female",
               "body_site": "back"}  # fmt: skip
    rows = ({**of_case, "image": "e" * 64}, {**of_case, "image": ""})
    answer = ReferralAnswer.model_validate({**said, **changes})
    return AnsweredReferral(
        request=REQUEST, received=WHEN, case_id=CASE, patient_id=PATIENT, rows=rows, answer=answer
    )  # fmt: skip


def read_case() -> ReferralResult:
    """The same, read and confirmed by histology."""
    signed = SignedDiagnosis("BCC", "histology", "", "", LATER, 9, False)
    case = PracticeCase(CASE, "read", WHEN, read_at=LATER)
    return ReferralResult(entry(), case, {LESION: signed})


RESULTS = {
    "answered": ReferralResult(entry()),
    "read": read_case(),
    "second_reading": ReferralResult(
        entry(called=None, possible=(), without_answer=True, no_answer=DRAWN, risk=RiskLevel.PRIORITY)
    ),
    "nothing_usable": ReferralResult(
        entry(called=None, possible=(), model=None, risk=None, no_answer=AGAIN),
        PracticeCase(CASE, "photograph again", WHEN, reasons=(BLURRED,)),
    ),
}


@pytest.mark.parametrize("name", list(RESULTS))
def test_every_resource_is_valid_and_refers_to_what_can_be_read(name):
    found = result_resources(RESULTS[name])
    assert {kind.partition("/")[0] for kind in found} >= {"ServiceRequest", "Media", "DiagnosticReport", "Task"}
    for resource in found.values():
        check(resource)
    text = json.dumps(list(found.values()))
    for reference in {part.partition('"')[0] for part in text.split('"reference": "')[1:]}:
        assert reference in found


@pytest.mark.parametrize("name", list(RESULTS))
def test_the_resources_are_word_for_word_those_that_were_looked_at(name):
    file = GOLDEN / f"{name}.json"
    found = json.dumps(list(result_resources(RESULTS[name]).values()), indent=1, ensure_ascii=False) + "\n"
    if "DERMAI_WRITE_GOLDEN" in os.environ:
        file.parent.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


def test_an_answer_is_preliminary_names_its_model_and_begins_with_the_warning():
    found = result_resources(RESULTS["answered"])
    report = next(one for one in found.values() if one["resourceType"] == "DiagnosticReport")
    risk = next(one for one in found.values() if one["resourceType"] == "RiskAssessment")
    task = next(one for one in found.values() if one["resourceType"] == "Task")
    assert (report["status"], risk["status"], task["status"]) == ("preliminary", "preliminary", "requested")
    assert report["conclusion"].startswith("The software sorts referrals and does not diagnose.")
    assert "does not diagnose" in risk["note"][0]["text"]
    model = found[risk["performer"]["reference"]]
    assert model["identifier"][0]["value"] == MODEL.package_sha256
    assert model["version"][0]["value"] == "7"
    level, called, other = risk["prediction"]
    assert (task["priority"], level["qualitativeRisk"]["coding"][1]["code"]) == ("asap", "high")
    assert "outcome" not in level  # beside one it would say how likely that one is
    assert (called["outcome"]["coding"][0]["code"], called["probabilityDecimal"]) == ("BCC", 43.21)  # per cent in R4
    assert other["outcome"]["coding"][0]["code"] == "OtMalNeop"


def test_where_the_model_abstains_the_possible_classes_stand_without_a_probability():
    found = result_resources(ReferralResult(entry(called=None, abstained=True, no_answer="the model abstains")))
    level, *possible = found[f"RiskAssessment/{CASE}-{REQUEST}"]["prediction"]
    assert level["rationale"] == "the model abstains"
    assert [one["outcome"]["coding"][0]["code"] for one in possible] == ["BCC", "OtMalNeop"]
    assert not any("probabilityDecimal" in one for one in possible)


def test_a_case_that_was_read_is_done_and_names_its_condition():
    found = result_resources(RESULTS["read"])
    task = found[f"Task/{CASE}-{REQUEST}"]
    assert task["status"] == "completed"
    diagnosis = found[task["output"][0]["valueReference"]["reference"]]
    assert diagnosis["verificationStatus"]["coding"][0]["code"] == "confirmed"
    by_eye = SignedDiagnosis("BCC", "reading", "a.silva", "a note of the reader", LATER, 9, False)
    read = result_resources(ReferralResult(entry(), RESULTS["read"].case, {LESION: by_eye}))
    assert read[f"Condition/{CASE}-{LESION}"]["verificationStatus"]["coding"][0]["code"] == "provisional"
    assert "a.silva" not in json.dumps(list(read.values()))  # who signed, and what they noted, stays here
    assert "a note" not in json.dumps(list(read.values()))


def test_a_case_that_waits_for_a_photograph_says_why_and_has_no_risk():
    found = result_resources(RESULTS["nothing_usable"])
    task = found[f"Task/{CASE}-{REQUEST}"]
    assert (task["status"], task["statusReason"]["text"]) == ("on-hold", BLURRED)
    assert found[f"DiagnosticReport/{CASE}-{REQUEST}"]["status"] == "registered"
    assert not any(kind.startswith(("RiskAssessment", "Device")) for kind in found)


def test_a_provisional_model_says_until_when():
    until = MODEL.model_copy(update={"provisional_until": date(2026, 7, 1)})
    found = result_resources(ReferralResult(entry(model=until)))
    said = "The model is provisional until 2026-07-01: what the service asks of a model is not shown yet."
    assert said in found[f"DiagnosticReport/{CASE}-{REQUEST}"]["conclusion"]
    for resource in (found[f"RiskAssessment/{CASE}-{REQUEST}"], device(until)):
        check(resource)
        assert said in [note["text"] for note in resource["note"]]
    assert "provisional" not in json.dumps(list(result_resources(ReferralResult(entry())).values()))


def test_what_is_said_of_requests_is_valid_too():
    for name in ("answered", "nothing_usable"):
        answer = transaction_response(RESULTS[name], ENTRIES)
        check(answer)
        assert [one["response"].get("location", "").partition("/")[0] for one in answer["entry"]] == [
            "ServiceRequest", "", "Media", "Media"
        ]  # fmt: skip
        assert BLURRED in json.dumps(answer["entry"][0]["response"]["outcome"])
    check(capability_statement(WHEN))
    for status in (400, 401, 403, 404, 409, 413, 422, 500, 503, 599):
        check(operation_outcome(status, "why"))
    check(diagnosis_outcome(known=True))


def test_the_examples_of_what_hospitals_send_are_valid():
    for sent in (bundle(media(b"x"), document(b"y")), condition(), observation()):
        check(sent)
