"""What is written differently, or not at all, is no other case mix."""

import numpy as np
import pandas as pd

from monitoring.statistics.case_mix import changed_categories


def changes(window: pd.DataFrame, reference: pd.DataFrame, column: str) -> list[float]:
    found = changed_categories(window, reference, [column], 999, np.random.default_rng(0))
    return [change.p_value for change in found]


def test_letter_case_of_a_body_site_is_no_change():
    reference = pd.DataFrame({"body_site": ["face", "back"] * 100})
    assert changes(reference.map(str.upper), reference, "body_site") == changes(reference, reference, "body_site")


def test_a_column_that_nobody_fills_in_any_more_is_no_other_case_mix():
    reference = pd.DataFrame({"device": ["phone"] * 200})
    assert changes(pd.DataFrame({"device": [""] * 200}), reference, "device") == []


def test_a_value_that_is_missing_in_part_is_a_change():
    reference = pd.DataFrame({"device": ["phone"] * 200})
    assert changes(pd.DataFrame({"device": [""] * 100 + ["phone"] * 100}), reference, "device")[0] < 0.01
