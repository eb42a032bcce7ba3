from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dermai.ingest.clinical_values import READERS, clinical_values


def read(column: str, text: str) -> tuple[str, str]:
    found = clinical_values(pd.DataFrame({column: [text]}))
    said = found.unclear.get(0, ())
    return found.rows[column][0], said[0].reason if said else ""


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("age", "50.0", "50"),
        ("age", "50,5", "50.5"),
        ("age", "0", "0"),
        ("age", "120", "120"),
        ("age", "NaN", ""),
        ("sex", "F", "female"),
        ("sex", "Male", "male"),
        ("sex", "unknown", ""),
        ("itch", "True", "yes"),
        ("bleed", "FALSE", "no"),
        ("grew", "1", "yes"),
        ("hurt", "UNK", ""),
        ("skin_type", "3.0", "3"),
        ("skin_type", "IV", "4"),
        ("view", "Dermoscopic", "dermoscopic"),
        ("body_site", " Upper\u00a0 Back", "upper back"),
        ("site", "Santa  Luzia ", "Santa Luzia"),
    ],
)
def test_a_value_that_can_be_read_has_one_form(column: str, text: str, value: str) -> None:
    assert read(column, text) == (value, "")


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("age", "-4", "age -4 is not in 0 to 120"),
        ("age", "250", "age 250 is not in 0 to 120"),
        ("age", "999", "age 999 is not in 0 to 120"),
        ("age", "-1", "age -1 is not in 0 to 120"),
        ("age", "inf", "age 'inf' is not a number"),
        ("age", "fifty", "age 'fifty' is not a number"),
        ("age", "1e2", "age '1e2' is not a number"),
        ("itch", "maybe", "unknown itch 'maybe'"),
        ("sex", "no", "unknown sex 'no'"),
        ("skin_type", "7", "unknown skin_type '7'"),
    ],
)
def test_a_value_that_cannot_be_read_is_unknown_with_the_reason(column: str, text: str, reason: str) -> None:
    value, said = read(column, text)
    assert value == ""
    assert said.startswith(reason)


def test_an_age_that_stands_for_unknown_is_none_and_is_named() -> None:
    found = clinical_values(pd.DataFrame({"age": ["99", "98", "99.0"]}))
    assert found.rows["age"].tolist() == ["", "98", ""]
    assert found.sentinels == (0, 2)


@given(st.text(), st.sampled_from(sorted(READERS)))
def test_what_was_read_is_read_the_same_again(text: str, column: str) -> None:
    value, _ = read(column, text)
    assert read(column, value) == (value, "")
