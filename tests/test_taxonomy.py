import pytest
from pydantic import ValidationError

from dermai.taxonomy import RiskLevel, Taxonomy, load_taxonomy
from tests.conftest import REPOSITORY


def test_the_thirteen_classes_stand_in_the_order_of_the_paper() -> None:
    assert load_taxonomy().codes == (
        "SebKer", "ActKer", "Nev", "MolCont", "Haem", "UncNeop", "Drmfib", "SLent", "PenFib", "VWart",
        "OtMalNeop", "BCC", "MM",
    )  # fmt: skip


def test_malignant_classes_are_high_priority_and_watched_classes_priority() -> None:
    taxonomy = load_taxonomy()
    assert {code for code in taxonomy.codes if taxonomy.risk(code) is RiskLevel.HIGH_PRIORITY} == {
        "MM", "BCC", "OtMalNeop",
    }  # fmt: skip
    assert set(taxonomy.watched) == {"UncNeop", "ActKer"}
    assert [taxonomy.risk(code).colour for code in ("MM", "ActKer", "Nev")] == ["red", "yellow", "green"]


@pytest.mark.parametrize(
    ("source", "label", "diagnosis"),
    [
        ("edra", "Melanoma (0.76 to 1.5 mm)", "MM"),
        ("edra", "reed or spitz nevus", "Nev"),
        ("edra", "miscellaneous", None),
        ("dermofit", "IEC", "OtMalNeop"),
        ("pad_ufes_20", "SCC", "OtMalNeop"),
        ("ham10000", " akiec ", "ActKer"),
    ],
)
def test_each_source_label_has_its_place(source: str, label: str, diagnosis: str | None) -> None:
    assert load_taxonomy().diagnosis(source, label) == diagnosis


def test_an_unknown_label_is_an_error_that_names_the_source() -> None:
    with pytest.raises(KeyError, match="'XYZ' is not in the label map of 'ham10000'"):
        load_taxonomy().diagnosis("ham10000", "XYZ")


def test_a_label_map_may_not_point_at_a_class_that_is_not_there() -> None:
    with pytest.raises(ValidationError, match="Melanom"):
        Taxonomy.model_validate({"classes": {}, "sources": {"x": {"mel": "Melanom"}}})


NOT_CONFIRMED = {
    "snomed_ct": {"SebKer", "MolCont", "UncNeop", "Drmfib", "VWart"},
    "icd_10": set(),
    "icd_11": {"MolCont", "Haem", "SLent", "PenFib", "OtMalNeop"},
}
# The dihedral group of the pentagon, by which SNOMED CT computes the last digit of an identifier (Verhoeff)
TIMES = [[(a + b if a < 5 else a - b) % 5 + 5 * ((a < 5) != (b < 5)) for b in range(10)] for a in range(10)]
TURN = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def verhoeff(digits: str) -> int:
    """0 where the last digit fits the others."""
    check = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        for _ in range(place % 8):
            digit = TURN[digit]
        check = TIMES[check][digit]
    return check


@pytest.mark.parametrize("terminology", list(NOT_CONFIRMED))
def test_a_class_has_the_codes_that_a_public_source_confirmed_and_no_others(terminology: str) -> None:
    taxonomy = load_taxonomy()
    assert set(taxonomy.terminologies) == set(taxonomy.codes)
    empty = {code for code, names in taxonomy.terminologies.items() if getattr(names, terminology) is None}
    assert empty == NOT_CONFIRMED[terminology]


def test_the_snomed_codes_are_none_that_were_mistyped() -> None:
    assert verhoeff("201101007") == 0  # of the DICOM standard's context group 4405
    assert verhoeff("201101008") != 0
    for code, names in load_taxonomy().terminologies.items():
        assert names.snomed_ct is None or verhoeff(names.snomed_ct) == 0, code


def test_the_snomed_codes_that_the_dicom_standard_has_are_the_same_there() -> None:
    from pydicom.sr.codedict import codes

    assert codes.SCT.ActinicKeratosis.value == load_taxonomy().terminologies["ActKer"].snomed_ct
    assert codes.SCT.Hemangioma.value == load_taxonomy().terminologies["Haem"].snomed_ct


def test_a_terminology_may_not_name_a_class_that_is_not_there() -> None:
    with pytest.raises(ValidationError, match="Melanom"):
        Taxonomy.model_validate({"classes": {}, "sources": {}, "terminologies": {"Melanom": {}}})


@pytest.mark.parametrize("code", [{"snomed_ct": "MM"}, {"icd_10": "C439"}, {"icd_11": "2C3"}, {"icd_9": "172"}])
def test_a_code_of_another_form_is_an_error(code: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Taxonomy.model_validate({"classes": {}, "sources": {}, "terminologies": {"MM": code}})


def test_the_page_shows_the_codes_as_the_taxonomy_has_them() -> None:
    page = (REPOSITORY / "docs" / "fhir.md").read_text(encoding="utf-8")
    taxonomy = load_taxonomy()
    for code, names in taxonomy.terminologies.items():
        cells = (f"{taxonomy.classes[code].name} (`{code}`)", names.snomed_ct, names.icd_10, names.icd_11)
        assert "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|" in page
