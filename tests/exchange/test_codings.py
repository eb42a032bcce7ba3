"""Codes to classes and back."""

import pytest

from dermai.exchange.codings import (
    CLASS,
    CONFIRMED_BY,
    ICD_10,
    ICD_11,
    SNOMED_CT,
    NoSuchDiagnosis,
    diagnosis_concept,
    diagnosis_of,
    kind_of_concept,
)
from dermai.taxonomy import load_taxonomy


def coded(*codes: tuple[str, str]) -> dict[str, object]:
    return {"coding": [{"system": system, "code": code} for system, code in codes]}


@pytest.mark.parametrize("code", load_taxonomy().codes)
def test_every_class_comes_back_as_itself(code):
    assert diagnosis_of(diagnosis_concept(code)) == code


@pytest.mark.parametrize(
    ("codes", "meant"),
    [
        ([(SNOMED_CT, "93655004")], "MM"),
        ([(ICD_10, "C43.9")], "MM"),
        ([(ICD_11, "2F21.0")], "SebKer"),
        ([(ICD_10, "C44.9"), (ICD_11, "2C32")], "BCC"),
        ([(CLASS, "OtMalNeop"), (ICD_10, "C44.9")], "OtMalNeop"),
        ([(ICD_10, "D23.9"), (ICD_11, "2F23.0")], "Drmfib"),
        ([("http://hospital.example/codes", "17"), (SNOMED_CT, "72100002")], "SLent"),
    ],
)
def test_a_public_code_means_its_class(codes, meant):
    assert diagnosis_of(coded(*codes)) == meant


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([(ICD_10, "C44.9")], "BCC / OtMalNeop"),  # ICD-10 does not tell them apart
        ([(ICD_10, "D23.9")], "whether Drmfib is meant"),  # any benign neoplasm of the skin
        ([(SNOMED_CT, "372130007")], "whether OtMalNeop is meant"),  # a melanoma is one too
        ([(SNOMED_CT, "372130007"), (ICD_10, "C44.9")], "whether OtMalNeop is meant"),
        ([(ICD_10, "C43.5")], "no single class"),
        ([(SNOMED_CT, "93655004"), (ICD_10, "D22.9")], "no single class"),  # a melanoma and a naevus
        ([(CLASS, "Melanoma")], "no single class"),
        ([(CLASS, "MM"), (CLASS, "Nev")], "no single class"),
        ([("http://hospital.example/codes", "17")], "no single class"),
        ([], "no single class"),
    ],
)
def test_a_code_that_leaves_open_what_it_means_is_no_diagnosis(codes, said):
    with pytest.raises(NoSuchDiagnosis, match=said):
        diagnosis_of(coded(*codes))


@pytest.mark.parametrize(
    ("concept", "kind"),
    [
        (coded((CONFIRMED_BY, "histology")), "histology"),
        ({"text": "Follow-up"}, "follow_up"),
        ({}, ""),
        ({"text": "a biopsy?"}, None),
    ],
)
def test_what_confirmed_a_diagnosis_is_read_from_code_or_text(concept, kind):
    assert kind_of_concept(concept) == kind
