import pytest
from pydantic import ValidationError

from dermai.taxonomy import RiskLevel, Taxonomy, load_taxonomy


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
