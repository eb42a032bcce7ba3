"""The interface in FHIR, over a real small workspace."""

import json

import numpy as np
import pytest

from dermai.audit import AuditLog
from dermai.exchange.codings import SNOMED_CT
from dermai.exchange.fhir_results import device_id
from dermai.inbox.answer import NamedModel
from dermai.inbox.entries import Inbox
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.waiting_cases import referred_cases
from dermai.promotion.standing import champion_standing
from tests.exchange.bundles import bundle, condition, document, media, observation, patient, service_request
from tests.exchange.validation import check
from tests.triage.champion import make_champion
from tests.web.api.sending import CASE, close_up, jpeg, token_for
from web.api.tokens import SHOWN

FHIR = "/fhir"


@pytest.fixture
def champion(registry, tmp_path):
    return make_champion(registry, tmp_path)


@pytest.fixture
def practice(champion, application, service):
    """A client with a token of the practice of Porto that may send diagnoses too."""
    service.headers.update(token_for(application, diagnoses=True))
    return service


def send(client, *photographs, **parts):
    """A transaction; the id of its results."""
    answer = client.post(FHIR, json=bundle(*photographs, **parts))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    check(answer.json())
    return answer.json()["entry"][0]["response"]["location"].removeprefix("ServiceRequest/")


def read(client, address):
    answer = client.get(f"{FHIR}/{address}")
    assert answer.status_code == 200, (address, answer.text)
    check(answer.json())
    return answer.json()


def filed(application):
    """What was acknowledged is in the prediction log."""
    application.state.receiver.close()


def test_a_case_goes_in_is_answered_read_and_its_diagnosis_comes_back(practice, champion, application, workspace):
    found = send(practice, media(jpeg()), document(jpeg(1)))
    report, task = read(practice, f"DiagnosticReport/{found}"), read(practice, f"Task/{found}")
    assert (report["status"], task["status"]) == ("preliminary", "requested")
    assert report["conclusion"].startswith("The software sorts referrals and does not diagnose.")
    risk = read(practice, report["extension"][0]["valueReference"]["reference"])
    model = read(practice, risk["performer"]["reference"])
    assert model["identifier"][0]["value"] == champion.sha256
    assert model["version"][0]["value"] == champion.version
    request = read(practice, report["basedOn"][0]["reference"])
    assert request["bodySite"] == [{"text": "back"}]
    assert [read(practice, one["link"]["reference"])["view"]["text"] for one in report["media"]] == [
        "close up", "dermoscopic"
    ]  # fmt: skip

    filed(application)
    assert len(referred_cases(PredictionLog.of(workspace))) == 1
    melanoma = {"coding": [{"system": SNOMED_CT, "code": "93655004"}]}
    back = practice.post(f"{FHIR}/Condition", json=condition(code=None) | {"code": melanoma})
    assert back.status_code == 201, back.text
    check(back.json())
    (row,) = read_confirmations(PredictionLog.of(workspace))[0].to_dict("records")
    assert (row["case_id"], row["diagnosis"], row["confirmed_by"]) == (found.partition("-")[0], "MM", "histology")

    task = read(practice, f"Task/{found}")
    assert task["status"] == "completed"
    diagnosis = read(practice, task["output"][0]["valueReference"]["reference"])
    assert back.headers["location"] == f"{FHIR}/Condition/{diagnosis['id']}"
    assert diagnosis["code"]["coding"][0]["code"] == "MM"
    assert diagnosis["verificationStatus"]["coding"][0]["code"] == "confirmed"


def test_a_reading_that_is_signed_in_the_browser_is_a_condition_too(practice, application, signed_in):
    found = send(practice, media(jpeg()))
    filed(application)
    case = found.partition("-")[0]
    reader = signed_in("dermatologist")
    page = reader.get(f"/cases/{case}").text
    lesion = page.partition('name="lesion_id" value="')[2].partition('"')[0]
    form = {"lesion_id": lesion, "diagnosis": "Nev", "confirmed_by": "reading", "confirmed": "yes"}
    assert reader.post(f"/cases/{case}/sign", data=form).status_code == 303
    diagnosis = read(practice, f"Condition/{case}-{lesion}")
    assert diagnosis["code"]["text"] == "Naevus"
    assert diagnosis["verificationStatus"]["coding"][0]["code"] == "provisional"


def test_a_diagnosis_says_which_token_sent_it_and_never_its_secret(practice, application, workspace, signed_in):
    found = send(practice, media(jpeg()))
    filed(application)
    assert practice.post(f"{FHIR}/Condition", json=condition()).status_code == 201
    secret = practice.headers["authorization"].removeprefix("Bearer ")
    (row,) = read_confirmations(PredictionLog.of(workspace))[0].to_dict("records")
    assert row["sent_by"] == secret[:SHOWN]
    assert (
        f"by the token {secret[:SHOWN]}..." in signed_in("dermatologist").get(f"/cases/{found.partition('-')[0]}").text
    )
    kept = [file for file in workspace.root.rglob("*") if file.is_file()]
    assert not [file for file in kept if secret.encode() in file.read_bytes()]


def test_a_device_says_that_its_version_is_provisional_and_until_when(fleet, application, service):
    version = fleet.candidate("insufficient_evidence")
    fleet.promote(version, provisional=True)
    service.headers.update(token_for(application))
    until = champion_standing(fleet.audit).provisional.until
    model = NamedModel(version=version, package_sha256=fleet.registry.get(version).sha256)
    notes = [note["text"] for note in read(service, f"Device/{device_id(model)}")["note"]]
    assert any(f"provisional until {until}" in note for note in notes)


def test_the_same_transaction_again_and_the_same_referral_as_a_form_are_one(practice, application, workspace):
    first = send(practice, media(jpeg()))
    assert send(practice, media(jpeg())) == first
    fields = {**CASE, "body_site": "back", "itch": "no"}
    form = practice.post("/api/v1/referrals", data=fields, files=close_up(jpeg()))
    assert form.json()["request_id"] == first.partition("-")[2]
    filed(application)
    assert len(referred_cases(PredictionLog.of(workspace))) == 1


def test_other_content_is_a_conflict_and_further_photographs_name_the_request(practice):
    first = send(practice, media(jpeg()))
    other = practice.post(FHIR, json=bundle(media(jpeg(1))))
    assert other.status_code == 409
    assert other.json()["issue"][0]["code"] == "conflict"
    more = service_request(basedOn=[{"reference": f"ServiceRequest/{first}"}])
    assert send(practice, media(jpeg(1)), request=more) != first


def test_a_photograph_that_cannot_be_judged_is_said_at_once(practice):
    answer = practice.post(FHIR, json=bundle(media(jpeg(blurred=True)))).json()["entry"][0]["response"]
    assert "blurred" in json.dumps(answer["outcome"])
    found = answer["location"].removeprefix("ServiceRequest/")
    assert read(practice, f"Task/{found}")["status"] == "on-hold"
    assert read(practice, f"DiagnosticReport/{found}")["status"] == "registered"
    assert practice.get(f"{FHIR}/RiskAssessment/{found}").status_code == 404


def test_no_number_name_or_file_of_the_sender_is_kept(practice, application, workspace):
    theirs = [{"system": "http://hospital.example/patients", "value": "PAT-0815"}]
    photograph = media(jpeg())
    photograph["content"]["title"] = "Maria Silva.jpg"
    send(practice, photograph, request=service_request("CASE-4711"), of=patient(identifier=theirs))
    named = bundle(media(jpeg()), of=patient(name=[{"family": "Silva", "given": ["Maria"]}]))
    refused = practice.post(FHIR, json=named)
    assert (refused.status_code, "name is not taken here" in refused.text) == (422, True)
    filed(application)
    for file in workspace.root.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(word in content for word in (b"CASE-4711", b"PAT-0815", b"Maria", b"1964-12-13")), file


def test_two_practices_cannot_see_each_other_s(practice, application):
    found = send(practice, media(jpeg()))
    filed(application)
    practice.post(f"{FHIR}/Condition", json=condition())
    condition_id = read(practice, f"Task/{found}")["output"][0]["valueReference"]["reference"]
    braga = token_for(application, "Braga", diagnoses=True)
    addresses = [f"{kind}/{found}" for kind in ("ServiceRequest", "DiagnosticReport", "RiskAssessment", "Task")]
    for address in (*addresses, f"Media/{found}-1", condition_id):
        assert practice.get(f"{FHIR}/{address}").status_code == 200
        answer = practice.get(f"{FHIR}/{address}", headers=braga)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (404, "not-found")
    taken = practice.post(FHIR, json=bundle(media(jpeg())), headers=braga)
    assert (taken.status_code, found in taken.text) == (409, False)
    theirs = practice.post(f"{FHIR}/Condition", json=condition(code="Nev"), headers=braga)
    unknown = practice.post(f"{FHIR}/Condition", json=condition("A-404", code="Nev"), headers=braga)
    assert (theirs.status_code, theirs.json()) == (unknown.status_code, unknown.json())
    assert theirs.status_code == 422


def test_of_a_case_number_that_two_practices_used_neither_reads_the_diagnosis(practice, application, workspace):
    found = send(practice, media(jpeg()))
    filed(application)
    assert practice.post(f"{FHIR}/Condition", json=condition()).status_code == 201
    diagnosis = read(practice, f"Task/{found}")["output"][0]["valueReference"]["reference"]
    log = PredictionLog.of(workspace)
    kept = ["case_id", "lesion_id", "lesion_in_case", "patient_id", "role", "predicted", "risk", "predicted_at"]
    theirs = log.referred(case_id=[found.partition("-")[0]])[kept].assign(site="Braga", image="b" * 64)
    log.append(theirs, np.zeros((len(theirs), 4), np.float32), "1")  # as a folder of another practice brings it
    assert practice.get(f"{FHIR}/{diagnosis}").status_code == 404
    assert "output" not in read(practice, f"Task/{found}")


def test_a_phone_s_token_sends_no_diagnosis(practice, application, workspace, caplog):
    send(practice, media(jpeg()))
    filed(application)
    phone = token_for(application)
    answer = practice.post(f"{FHIR}/Observation", json=observation(), headers=phone)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")
    assert read_confirmations(PredictionLog.of(workspace))[0].empty
    again = [practice.post(f"{FHIR}/Observation", json=observation()).status_code for _ in range(2)]
    assert again == [201, 200]
    other = practice.post(f"{FHIR}/Observation", json=observation(code="Nev"))
    assert (other.status_code, other.json()["issue"][0]["code"]) == (409, "conflict")
    (row,) = read_confirmations(PredictionLog.of(workspace))[0].to_dict("records")
    assert f"was not recorded: another diagnosis of lesion {row['lesion_id']} of case {row['case_id']}" in caplog.text


def test_histology_that_disagrees_with_a_reading_is_shown_to_who_reads_and_who_leads_until_somebody_signs(
    practice, application, workspace, signed_in
):
    found = send(practice, media(jpeg()))
    filed(application)
    case = found.partition("-")[0]
    reader, lead, manager = signed_in("dermatologist"), signed_in("clinical lead"), signed_in("manager")
    lesion = reader.get(f"/cases/{case}").text.partition('name="lesion_id" value="')[2].partition('"')[0]
    form = {"lesion_id": lesion, "diagnosis": "Nev", "confirmed_by": "reading", "confirmed": "yes"}
    assert reader.post(f"/cases/{case}/sign", data=form).status_code == 303
    records = AuditLog(workspace.audit_log).entries()
    assert practice.post(f"{FHIR}/Condition", json=condition(code="MM")).status_code == 409
    assert AuditLog(workspace.audit_log).entries() == records  # which cannot be erased

    assert "disagrees with the record" in reader.get("/worklist").text
    shown = reader.get(f"/cases/{case}").text
    assert "sent Malignant melanoma (MM) by histology" in shown
    assert "; Naevus (Nev) by" in shown
    link = f'<a href="/cases/{case}">'
    assert [link in one.get("/decisions").text for one in (lead, manager)] == [True, False]
    assert "came back that disagrees with the record" in manager.get("/decisions").text

    known = shown.partition('name="known_until" value="')[2].partition('"')[0]
    corrected = {**form, "diagnosis": "MM", "confirmed_by": "histology", "known_until": known}
    assert reader.post(f"/cases/{case}/sign", data=corrected).status_code == 303
    for client, address in ((reader, "/worklist"), (reader, f"/cases/{case}"), (lead, "/decisions")):
        text = client.get(address).text
        assert ("disagrees with the record" in text, "Not taken:" in text) == (False, False)


@pytest.mark.parametrize("content", [b"<Bundle/>", b"[]", b"{}", b"\xff"])
def test_what_is_no_transaction_is_refused_as_an_outcome(practice, content):
    for address in ("", "/Condition", "/Observation"):
        answer = practice.post(f"{FHIR}{address}", content=content)
        assert answer.status_code == 422
        check(answer.json())


def test_every_refusal_is_an_outcome(practice, application, service):
    for method, address, headers, status in (
        ("POST", "", {"Authorization": "Bearer dermai_guess"}, 401),
        ("GET", "/Task/1", {"Authorization": ""}, 401),
        ("GET", "/Task/..%2f..%2fetc", {}, 404),
        ("GET", "/Task/*", {}, 404),
        ("GET", "/Patient/1", {}, 404),
        ("GET", "/nothing", {}, 404),
        ("PUT", "/Task/1", {}, 405),
        ("POST", "", {"Content-Length": "500000000"}, 413),
    ):
        answer = practice.request(method, f"{FHIR}{address}", headers=headers)
        assert answer.status_code == status, (method, address)
        assert answer.headers["content-type"] == "application/fhir+json"
        check(answer.json())


def test_refusals_and_answers_are_in_the_language_that_the_sender_asks_for(practice, application):
    spoken = {"Accept-Language": "pt-PT"}

    def said(method, address, status, **what):
        answer = practice.request(method, f"{FHIR}{address}", headers=spoken | what.pop("headers", {}), **what)
        assert answer.status_code == status, answer.text
        check(answer.json())
        return answer.json()["issue"][0]["details"]["text"]

    assert said("POST", "", 422, content=b"[]") == "o recurso não é um objeto JSON"
    named = bundle(media(jpeg()), of=patient(name=[{"family": "Silva"}]))
    assert said("POST", "", 422, json=named).startswith("Bundle.entry[1].resource.name não é aceite aqui: omita-o;")
    assert said("GET", "/Task/1", 404) == "Esse recurso não existe, ou não é um dos seus."
    assert said("GET", "/Patient/1", 404).startswith("Aqui só se leem: Condition, Device,")
    assert "só envia referenciações" in said(
        "POST", "/Condition", 403, json=condition(), headers=token_for(application)
    )
    nowhere = condition("A-404")
    assert said("POST", "/Condition", 422, json=nowhere).startswith("nenhuma fotografia deste caso foi triada")
    unclear = condition(code="Melanoma")
    assert said("POST", "/Condition", 422, json=unclear).startswith("Condition não contém um diagnóstico: os códigos")

    sent = practice.post(FHIR, json=bundle(media(jpeg()))).json()["entry"][0]["response"]
    again = practice.post(FHIR, json=bundle(media(jpeg())), headers=spoken).json()["entry"][0]["response"]
    words = [one["outcome"]["issue"][0]["details"]["text"] for one in (sent, again)]
    assert [word.split()[0] for word in words] == ["The", "O"]
    assert " Risco: " in words[1]
    assert sent["location"] == again["location"]
    filed(application)
    assert said("POST", "/Condition", 201, json=condition()) == "o diagnóstico ficou registado"
    assert said("POST", "/Condition", 200, json=condition()).startswith("o diagnóstico já estava registado")
    assert "está registado outro diagnóstico" in said("POST", "/Condition", 409, json=condition(code="Nev"))


def test_what_it_can_do_is_told_to_everybody(service):
    answer = service.get(f"{FHIR}/metadata")
    check(answer.json())
    assert answer.json()["fhirVersion"] == "4.0.1"


def test_a_broken_service_says_so_and_names_no_reason(practice, registry):
    registry.workspace.audit_log.write_bytes(b"{}\n")
    answer = practice.post(FHIR, json=bundle(media(jpeg())))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "300")
    assert "audit" not in answer.text
    check(answer.json())


def test_a_photograph_of_70_megabytes_fits_and_leaves_nothing_behind(practice, workspace):
    noise = np.random.default_rng(0).bytes(70_000_000)
    answer = practice.post(FHIR, json=bundle(media(noise)))
    assert answer.status_code == 200, answer.text[:300]
    assert "take" in json.dumps(answer.json()["entry"][0]["response"]["outcome"])
    assert not list(Inbox.of(workspace).folder.rglob("*.tmp/*"))
