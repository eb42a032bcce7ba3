"""What counts in shadow mode: lesions by the time of their referral, with the diagnosis at the end of follow-up."""

from __future__ import annotations

import pandas as pd
import pytest

from dermai.promotion.shadow_evidence import confirmation_times, followed_up, is_simulated, learnt_patients
from tests.packages import make_package

MADE, NOW = pd.Timestamp("2026-01-01", tz="UTC"), pd.Timestamp("2026-12-31", tz="UTC")


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"2026-{text}", tz="UTC")


def order(times) -> list[int]:
    """Written when the clock said so, as it was right."""
    return [time.value for time in times]


def referred(**lesions: str) -> pd.DataFrame:
    times = [day(text) for text in lesions.values()]
    return pd.DataFrame({"referred_at": times, "written": order(times), "first_seen": times}, index=list(lesions))


def confirmed(*rows: tuple[str, str, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["lesion_id", "diagnosis", "recorded_at"])
    times = pd.to_datetime(table["recorded_at"].map(day), utc=True)
    return table.assign(recorded_at=times, written=order(times), confirmed_at=times, not_counted="").sort_values(
        "recorded_at"
    )


def diagnoses(referrals: pd.DataFrame, confirmations: pd.DataFrame, now: pd.Timestamp = NOW) -> dict[str, str]:
    return followed_up(referrals, confirmations, 90, MADE, now).lesions["diagnosis"].to_dict()


def test_a_referral_counts_when_its_follow_up_is_over_however_soon_it_was_confirmed():
    table, came_back = referred(a="03-01"), confirmed(("a", "MM", "03-02"))
    assert followed_up(table, came_back, 90, MADE, day("05-01")).waiting == 1
    assert diagnoses(table, came_back, day("05-01")) == {}
    assert diagnoses(table, came_back, day("06-01")) == {"a": "MM"}


def test_a_diagnosis_or_a_correction_after_the_end_of_follow_up_never_changes_what_counted():
    table = referred(late="03-01", corrected="03-01")
    came_back = confirmed(
        ("late", "MM", "08-01"),
        ("corrected", "Nev", "03-10"),
        ("corrected", "BCC", "04-10"),
        ("corrected", "MM", "09-01"),
    )
    assert diagnoses(table, came_back) == {"late": "", "corrected": "BCC"}


def test_a_correction_to_another_class_and_back_makes_no_old_diagnosis_a_new_one():
    table = referred(a="03-01")
    before = ("a", "MM", "02-01")
    assert diagnoses(table, confirmed(before)) == {}
    assert diagnoses(table, confirmed(before, ("a", "Nev", "03-05"), ("a", "MM", "03-06"))) == {}


def test_a_lesion_that_came_in_before_the_challenger_was_made_does_not_count():
    table = referred(a="03-01").assign(first_seen=pd.Timestamp("2025-12-01", tz="UTC"))
    assert diagnoses(table, confirmed(("a", "MM", "03-05"))) == {}


def test_without_referrals_or_diagnoses_nothing_counts():
    nothing = pd.DataFrame({"referred_at": [], "written": [], "first_seen": []}, dtype=object)
    assert diagnoses(nothing, confirmed()) == {}
    assert diagnoses(nothing, confirmed(("a", "MM", "03-05"))) == {}
    assert diagnoses(referred(a="03-01"), confirmed()) == {"a": ""}
    assert diagnoses(referred(a="12-30"), confirmed(("a", "MM", "12-30"))) == {}


def test_the_day_that_a_clinic_names_counts_for_simulated_patients_only():
    rows = confirmed(("a", "MM", "06-01"), ("b", "MM", "06-02")).assign(confirmed_on=["2026-03-04", ""])
    assert confirmation_times(rows, as_dated=False).tolist() == [day("06-01"), day("06-02")]
    assert confirmation_times(rows, as_dated=True).tolist() == [day("03-04"), day("06-02")]


@pytest.mark.parametrize(("sites", "simulated"), [(["simulated Porto"], True), (["simulated Porto", "Porto"], False)])
def test_only_a_model_of_simulated_patients_is_simulated(sites, simulated):
    package = make_package()
    manifest = pd.concat([package.manifest] * len(sites)).assign(site=sites)
    package = package.__class__(**{**package.__dict__, "manifest": manifest})
    assert is_simulated(package) is simulated
    assert learnt_patients([package]) == {"p"}
