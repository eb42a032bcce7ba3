from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dermai.data.identifiers import canonical_identifier, earlier_spellings, identifier_problem, spelt_differently
from dermai.data.pseudonyms import Pseudonyms
from dermai.data.sender_numbers import SOURCE, SenderNumbers

PSEUDONYMS = Pseudonyms(b"a secret of at least 32 characters")


@pytest.mark.parametrize(
    "spellings",
    [
        (
            "Pat-1",
            "PAT-1",
            "pat-1",
            "PAT\u20111",
            "PAT\u20131",
            "Pat-1\u00a0",
            "\ufeffPat-1",
            "pat\u200b-1",
            "ＰＡＴ-1",
        ),
        ("1", "001", "1.0", "1,0", "1.00", " 1", "１"),
        ("001230", "1230.0", "1230"),
        ("Patient 3", "patient  3", "Patient\u00a03", "PATIENT\t3"),
        (unicodedata.normalize("NFC", "José"), unicodedata.normalize("NFD", "José"), "JOSÉ"),
    ],
)
def test_spellings_of_one_number_are_one_patient(spellings: tuple[str, ...]) -> None:
    assert len({PSEUDONYMS.patient("dermai", text) for text in spellings}) == 1
    assert len(spelt_differently(spellings)) == 1


@pytest.mark.parametrize(
    "pair", [("1", "10"), ("1.5", "15"), ("1,000", "1"), ("PAT_1", "PAT-1"), ("A1", "A01"), ("0", "")]
)
def test_other_numbers_stay_others(pair: tuple[str, str]) -> None:
    assert canonical_identifier(pair[0]) != canonical_identifier(pair[1])


@pytest.mark.parametrize("usual", ["PAT_1516", "HAM_0000118", "PAT_8/15", "1516", "AK/A1", "2026-0041"])
def test_a_usual_number_keeps_the_pseudonym_it_always_had(usual: str) -> None:
    assert canonical_identifier(usual) == usual


@given(st.text())
def test_the_form_of_a_form_is_itself(text: str) -> None:
    assert canonical_identifier(canonical_identifier(text)) == canonical_identifier(text)


@pytest.mark.parametrize(
    "text",
    ["1.23457E+11", "1,23457e+11", "1.2e11", "1.23457E+11 ", "12E+10", "1.2×10^11", "１.２E+11", "#####", "#N/A", "",
     " ", "NaN", "null", "-", "\u200b"],
)  # fmt: skip
def test_what_a_spreadsheet_rounded_or_nobody_filled_in_names_no_patient(text: str) -> None:
    assert identifier_problem(text) is not None


@pytest.mark.parametrize("text", ["3E12", "E+11", "P1.2", "12345678901234567890", "Nancy", "2026-0041"])
def test_what_only_resembles_a_rounded_number_is_a_number(text: str) -> None:
    assert identifier_problem(text) is None


def test_what_an_earlier_release_stored_as_it_was_written_keeps_its_pseudonym() -> None:
    def earlier(text: str) -> str:
        return PSEUDONYMS.earlier("patient", SOURCE, text)[0]

    for old, new in (
        ("Pat-1", "PAT-1"),
        ("pat-1", "Pat-1"),
        ("001230", "1230.0"),
        ("1230.0", "1230"),
        ("José", "JOSÉ"),
    ):
        assert PSEUDONYMS.stored("patient", SOURCE, new, {earlier(old)}) == earlier(old)
    both = {earlier("Pat-1"), earlier("PAT-1")}
    assert PSEUDONYMS.stored("patient", SOURCE, "Pat-1", both) == earlier("Pat-1")
    assert PSEUDONYMS.stored("patient", SOURCE, "Pat-2", both) == PSEUDONYMS.patient(SOURCE, "PAT-2")


def test_the_log_is_asked_for_earlier_pseudonyms_of_unusual_spellings_only() -> None:
    asked: list[int] = []

    def known() -> frozenset[str]:
        asked.append(1)
        return frozenset(PSEUDONYMS.earlier("case", SOURCE, "case7"))

    numbers = SenderNumbers(PSEUDONYMS, known=known)
    assert numbers.case("CASE7") == PSEUDONYMS.case(SOURCE, "case7")
    assert not asked
    assert numbers.case("case7") == PSEUDONYMS.earlier("case", SOURCE, "case7")[0]


@given(st.text(min_size=1))
def test_the_first_earlier_spelling_is_the_one_that_was_written(text: str) -> None:
    assert earlier_spellings(text)[0] == text.strip()
