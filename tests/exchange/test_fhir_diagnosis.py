"""Diagnoses that come back as resources."""

import numpy as np
import pandas as pd
import pytest

from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.exchange.codings import CASE_NUMBER, CONFIRMED_BY, LESION_NUMBER, SNOMED_CT
from dermai.exchange.fhir_diagnosis import Disagrees, NotRecorded, read_diagnosis, record_sent
from dermai.exchange.strict_reading import UnclearResource
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from tests.exchange.bundles import condition, observation

TOKEN = "dermai_pathology"


@pytest.fixture
def numbers(workspace):
    return SenderNumbers(load_pseudonyms(workspace))


@pytest.fixture
def log(workspace, numbers):
    """Two cases of Porto, one of them with two lesions, and one of Braga."""
    cases = [("A-1", "P-1", "A-1", "Porto"), ("A-2", "P-2", "1", "Porto"), ("A-2", "P-2", "2", "Porto"),
             ("B-1", "P-9", "B-1", "Braga")]  # fmt: skip
    rows = [
        {
            "image": f"{place:064x}", "case_id": numbers.case(case), "patient_id": numbers.patient(patient),
            "lesion_id": numbers.lesion(patient, lesion), "lesion_in_case": numbers.lesion_in_case(case, lesion),
            "role": "champion", "site": site, "risk": "normal", "predicted": "Nev", "diagnoses": "Nev",
            "predicted_at": pd.Timestamp.now(tz="UTC"), "p_Nev": 0.9,
        }
        for place, (case, patient, lesion, site) in enumerate(cases)
    ]  # fmt: skip
    found = PredictionLog.of(workspace)
    found.append(pd.DataFrame(rows), np.zeros((len(rows), 4), np.float32), "1")
    return found


@pytest.mark.parametrize("make", [condition, observation])
def test_a_diagnosis_is_recorded_once_with_what_confirmed_it(make, log, numbers):
    sent = read_diagnosis(make())
    done = record_sent(log, sent, "Porto", numbers, TOKEN)
    assert (done.case, done.lesion, done.known) == (numbers.case("A-1"), numbers.lesion("P-1", "A-1"), False)
    assert record_sent(log, sent, "Porto", numbers, TOKEN).known
    (row,) = read_confirmations(log)[0].to_dict("records")
    assert (row["diagnosis"], row["confirmed_by"], row["confirmed_on"]) == ("MM", "histology", "2026-05-20")
    assert (row["sent_by"], row["signed_by"]) == (TOKEN, "")


def test_another_practice_s_case_is_as_unknown_as_one_that_is_not_there(log, numbers):
    said = set()
    for case in ("B-1", "A-404"):
        with pytest.raises(NotRecorded) as why:
            record_sent(log, read_diagnosis(condition(case, subject=None)), "Porto", numbers, TOKEN)
        said.add(str(why.value))
    assert len(said) == 1
    assert read_confirmations(log)[0].empty


def test_a_diagnosis_that_disagrees_with_the_record_corrects_nothing(log, numbers):
    record_sent(log, read_diagnosis(condition()), "Porto", numbers, TOKEN)
    with pytest.raises(Disagrees):
        record_sent(log, read_diagnosis(condition(code="Nev")), "Porto", numbers, TOKEN)
    assert list(read_confirmations(log)[0]["diagnosis"]) == ["MM"]


def test_of_several_lesions_the_diagnosis_says_which(log, numbers):
    with pytest.raises(NotRecorded, match="2 lesions: say which"):
        record_sent(log, read_diagnosis(condition("A-2", subject=None)), "Porto", numbers, TOKEN)
    second = condition("A-2", subject=None, identifier=[{"system": LESION_NUMBER, "value": "2"}])
    assert record_sent(log, read_diagnosis(second), "Porto", numbers, TOKEN).lesion == numbers.lesion("P-2", "2")


def test_a_diagnosis_of_another_patient_is_a_mix_up(log, numbers):
    other = condition(subject={"identifier": {"value": "P-2"}})
    with pytest.raises(NotRecorded, match="another patient"):
        record_sent(log, read_diagnosis(other), "Porto", numbers, TOKEN)


def test_the_case_may_be_named_by_the_request_of_this_service(log, numbers):
    reference = f"ServiceRequest/{numbers.case('A-1')}-r{'0' * 24}"
    sent = read_diagnosis(observation(basedOn=[{"reference": reference}]))
    assert record_sent(log, sent, "Porto", numbers, TOKEN).case == numbers.case("A-1")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"resourceType": "Patient"}, "send a Condition or an Observation"),
        (condition(verificationStatus={"coding": [{"code": "provisional"}]}), "must be confirmed"),
        (condition(verificationStatus=None), "must be confirmed"),
        (condition(extension=None), "what confirmed the diagnosis"),
        (condition(by="a guess"), "what confirmed the diagnosis"),
        (condition(extension=[{"url": "urn:x", "valueCode": "histology"}]), f"one of the url {CONFIRMED_BY}"),
        (condition(evidence=None), f"must name one case.*{CASE_NUMBER}"),
        (condition(evidence=[{"detail": [{"reference": "ServiceRequest/9"}]}]), "names no ServiceRequest"),
        (condition(code="Melanoma"), "no single class"),
        (condition(note=[{"text": "Maria"}]), r"Condition\.note is not taken"),
        (condition(recordedDate="in May"), "is no date"),
        (observation(status="preliminary"), "status must be"),
        (observation(method=None), "what confirmed the diagnosis"),
        (observation(valueString="melanoma"), r"valueString is not taken"),
        (observation(valueCodeableConcept={"coding": [{"system": SNOMED_CT, "code": "1"}]}), "no single class"),
        (observation(subject={"identifier": {"system": "urn:x", "value": "P-1"}}), "must be of the system"),
    ],
)
def test_what_is_not_clear_is_no_diagnosis(sent, said):
    with pytest.raises(UnclearResource, match=said):
        read_diagnosis(sent)
