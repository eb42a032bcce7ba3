"""What a sender hands in, in pseudonyms."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dermai.data.pseudonyms import Pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.inbox.sent import FIELDS, ROLES, SentPhotograph, SentReferral, UnclearReferral, hide_numbers
from dermai.triage.referrals import CLINICAL, read_referrals

NUMBERS = SenderNumbers(Pseudonyms(b"a secret of at least 32 characters"))
PHOTOGRAPH = SentPhotograph(Path("a.jpg"), "0" * 64, "close_up")
WORDS = st.sampled_from(
    ["", "50", "99", "50,5", "250", "F", "w", "male", "True", "maybe", "III", "3.0", "unknown", "Arm  left", " x ", "?"]
)
IDENTIFIERS = st.sampled_from(["", "Pat-1", "007", "1.2E+11", "#REF!", "7.0", "a/b", "PAT‑1", "  9 ", "-"])


def sent(photographs=(PHOTOGRAPH,), **fields):
    return SentReferral("Porto", {"case_id": "A-1", "patient_id": "P-1", **fields}, photographs)


@given(
    st.fixed_dictionaries({"case_id": IDENTIFIERS, "patient_id": IDENTIFIERS, "lesion_id": IDENTIFIERS}),
    st.dictionaries(st.sampled_from(FIELDS[3:]), WORDS),
)
def test_a_referral_means_what_the_same_row_of_a_folder_means(tmp_path_factory, numbers, values):
    folder = tmp_path_factory.mktemp("folder")
    row = {"image": "a.jpg", "site": "Porto", "view": "macroscopic", **numbers, **values}
    pd.DataFrame([row]).to_csv(folder / "cases.csv", index=False)
    as_row = read_referrals(folder, NUMBERS)
    same = SentReferral("Porto", {**numbers, **values}, (PHOTOGRAPH,))
    if len(as_row.set_aside):
        with pytest.raises(UnclearReferral) as refusal:
            hide_numbers(same, NUMBERS, 8)
        assert str(refusal.value) == as_row.set_aside["reason"].iloc[0]
        return
    hidden = hide_numbers(same, NUMBERS, 8)
    expected = as_row.rows.drop(columns="file").astype(object)
    assert hidden.rows == tuple(expected.where(expected.notna(), None).to_dict("records"))
    assert set(hidden.remarks) == {said for of_case in as_row.remarks.values() for said in of_case}


def test_the_columns_are_those_of_a_folder():
    assert {*FIELDS[3:], "site", "view"} == set(CLINICAL)


@pytest.mark.parametrize(
    ("referral", "said"),
    [
        (sent(photographs=()), "no photograph came with it"),
        (sent(photographs=(PHOTOGRAPH,) * 9), "9 photographs are too many: send at most 8"),
        (sent(name="Maria"), r"unknown fields \(name\): send case_id"),
        (sent(**{"<b>": "x"}), r"unknown fields \(one with other characters\)"),
        (sent(device="a\x1b[2J"), "device holds control characters"),
        (sent(device="a" * 201), "device is longer than 200 characters"),
        (sent(patient_id=""), "the patient number is missing"),
    ],
)
def test_what_nobody_could_work_with_is_refused_with_what_to_do(referral, said):
    with pytest.raises(UnclearReferral, match=said):
        hide_numbers(referral, NUMBERS, 8)


def test_the_request_follows_from_the_content_alone():
    other = SentPhotograph(Path("elsewhere.jpg"), "1" * 64, "locating")
    first = hide_numbers(sent(photographs=(PHOTOGRAPH, other), sex="f"), NUMBERS, 8)
    again = hide_numbers(sent(photographs=(other, PHOTOGRAPH), sex="female"), NUMBERS, 8)
    assert first.request == again.request
    assert [row["view"] for row in first.rows] == ["macroscopic", "anatomical"]
    for changed in (
        sent(sex="f"),
        sent(photographs=(PHOTOGRAPH, other)),
        sent(photographs=(PHOTOGRAPH, other), sex="m"),
    ):
        assert hide_numbers(changed, NUMBERS, 8).request != first.request


def test_neither_number_nor_name_of_the_sender_is_in_what_is_kept_or_shown():
    hidden = hide_numbers(sent(case_id="CASE-4711", patient_id="PAT-0815", lesion_id="L-99"), NUMBERS, 8)
    assert not any(text in f"{hidden!r} {hidden.rows} {hidden.request}" for text in ("4711", "0815", "L-99"))
    assert set(ROLES) == {"close_up", "locating", "dermoscopic", "photograph"}
