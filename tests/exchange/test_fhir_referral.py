"""Transactions: what is read, and what is refused."""

from datetime import date

import pytest

from dermai.exchange.codings import LESION_NUMBER, PATIENT_NUMBER
from dermai.exchange.fhir_referral import read_bundle
from dermai.exchange.strict_reading import UnclearResource, parsed
from tests.exchange.bundles import bundle, document, media, patient, service_request

TODAY = date(2026, 6, 1)


def read(sent, tmp_path):
    return read_bundle(sent, tmp_path, "Porto", TODAY)


def test_a_transaction_is_the_referral_that_a_form_would_have_brought(tmp_path):
    lesion = {"system": LESION_NUMBER, "value": "2"}
    request = service_request()
    request["identifier"].append(lesion)
    found = read(bundle(media(b"near"), media(b"far", "locating"), document(b"glass"), request=request), tmp_path)
    assert found.sent.site == "Porto"
    assert found.sent.fields == {
        "case_id": "A-1", "patient_id": "P-1", "lesion_id": "2", "sex": "female", "age": "61", "body_site": "back",
        "itch": "False",
    }  # fmt: skip
    assert [one.role for one in found.sent.photographs] == ["close_up", "locating", "dermoscopic"]
    assert [one.file.read_bytes() for one in found.sent.photographs] == [b"near", b"far", b"glass"]
    assert found.entries == (
        ("ServiceRequest", ()), ("Patient", ()), ("Media", (1,)), ("Media", (2,)), ("DocumentReference", (3,))
    )  # fmt: skip


def test_the_only_identifier_is_the_number_whatever_system_the_hospital_has(tmp_path):
    theirs = [{"system": "http://hospital.example/patients", "value": "P-1"}]
    assert read(bundle(media(b"x"), of=patient(identifier=theirs)), tmp_path).sent.fields["patient_id"] == "P-1"
    two = [*theirs, {"system": "http://health.example/number", "value": "900"}]
    with pytest.raises(UnclearResource, match=f"several could be the patient number.*{PATIENT_NUMBER}"):
        read(bundle(media(b"x"), of=patient(identifier=two)), tmp_path)
    marked = [*two, {"system": PATIENT_NUMBER, "value": "P-7"}]
    assert read(bundle(media(b"x"), of=patient(identifier=marked)), tmp_path).sent.fields["patient_id"] == "P-7"


@pytest.mark.parametrize(
    ("born", "ordered", "age"),
    [
        ("1964-04-30", "2026-04-30", "62"),
        ("1964-05-01", "2026-04-30", "61"),
        ("1964-06", "2026-04-30", "61"),
        ("1964", "2026-04-30", "62"),
        ("1964-05-01", None, "62"),  # today
        (None, None, None),
    ],
)
def test_the_age_is_that_of_the_day_of_the_order(tmp_path, born, ordered, age):
    sent = bundle(media(b"x"), request=service_request(authoredOn=ordered), of=patient(birthDate=born))
    assert read(sent, tmp_path).sent.fields.get("age") == age


def test_further_photographs_name_the_request_that_they_follow(tmp_path):
    earlier = f"ServiceRequest/c{'0' * 20}-r{'1' * 24}"
    found = read(bundle(media(b"x"), request=service_request(basedOn=[{"reference": earlier}])), tmp_path)
    assert found.sent.follows == f"r{'1' * 24}"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"resourceType": "Bundle", "type": "batch"}, "type transaction"),
        ({**bundle(media(b"x")), "entry": {}}, "Bundle.entry is no list"),
        (bundle(media(b"x")) | {"entry": []}, "needs a ServiceRequest and its Patient"),
        (bundle(media(b"x"), of=patient(name=[{"family": "Silva"}])), r"resource\.name is not taken here"),
        (bundle(media(b"x"), of=patient(text={"div": "Maria"})), r"resource\.text is not taken here"),
        (bundle(media(b"x"), of=patient(_birthDate={})), r"resource\._birthDate is not taken here"),
        (bundle(media(b"x"), of=patient(birthDate="30/4/1964")), "birthDate is no date"),
        (bundle(media(b"x"), of=patient(birthDate="1964-13-04")), "birthDate is no date"),
        (bundle(media(b"x"), of=patient(birthDate="2026-05-01")), "birthDate is after the day of the request"),
        (bundle(media(b"x"), of=patient(gender=1)), "gender is no text"),
        (bundle(media(b"x"), request=service_request(note=[{"text": "Maria"}])), r"resource\.note is not taken"),
        (bundle(media(b"x"), request=service_request(status="draft")), "status must be active"),
        (bundle(media(b"x"), request=service_request(intent="plan")), "intent must be"),
        (bundle(media(b"x"), request=service_request(priority="stat")), "told by telephone"),
        (
            bundle(media(b"x"), request=service_request(subject={"reference": "Patient/2"})),
            "does not refer to an entry",
        ),
        (bundle(media(b"x"), request=service_request(basedOn=[{"reference": "ServiceRequest/1"}])), "as its answer"),
        (bundle(media(b"x"), request=service_request(extension=[{"url": "urn:x", "valueString": "1"}])), "not known"),
        (bundle(media(b"x"), request=service_request(extension=[{"url": "urn:dermai:itch"}])), "needs one value"),
        (bundle(media(b"x"), request=service_request(authoredOn="yesterday")), "authoredOn is no date"),
        (
            bundle(media(b"x"), request=service_request(identifier=[{"system": LESION_NUMBER, "value": "1"}] * 2)),
            "several of the system",
        ),
        (
            bundle(
                media(b"x"),
                request=service_request(
                    extension=[{"url": "urn:dermai:itch", "valueBoolean": itches} for itches in (True, False)]
                ),
            ),
            "urn:dermai:itch comes twice",
        ),
        (bundle(media(b"x", bodySite={"text": "leg"})), "bodySite differs"),
        (bundle(media(b"x", status="entered-in-error")), "status must be completed"),
        (bundle(media(b"x", "sideways")), "no known role"),
        (bundle(media(b"x", subject={"reference": "Patient/2"})), "does not refer to an entry"),
        (bundle(media(b"x", content={"url": "http://127.0.0.1/a.jpg"})), "nothing is fetched"),
        (bundle(media(b"x", content={"data": "####"})), "is no base64"),
        (bundle(media(b"")), "data is empty"),
        (bundle(media(b"x"), service_request()), "one ServiceRequest, one Patient"),
        (bundle(media(b"x"), {"resourceType": "Encounter"}), "one ServiceRequest, one Patient"),
        (bundle(*[media(b"x")] * 65), "more than 64 entries"),
    ],
)
def test_what_is_not_clear_is_refused_by_the_name_of_its_element_and_no_word_of_the_sender(sent, said, tmp_path):
    with pytest.raises(UnclearResource, match=said) as why:
        read(sent, tmp_path)
    assert not any(word in str(why.value) for word in ("Silva", "Maria", "P-1", "A-1"))


def test_an_entry_that_updates_or_deletes_is_refused(tmp_path):
    for request in ({"method": "PUT", "url": "ServiceRequest/1"}, {"method": "POST", "url": "Patient"}, {}):
        sent = bundle(media(b"x"))
        sent["entry"][0]["request"] = request
        with pytest.raises(UnclearResource, match="must POST its own type"):
            read(sent, tmp_path)


@pytest.mark.parametrize("content", [b"", b"<Bundle/>", b"[]", b"[" * 100_000, b'{"a": NaN}', b"\xff"])
def test_what_is_no_json_object_is_no_resource(content):
    with pytest.raises(UnclearResource):
        parsed(content)
