"""The worklist to work from, over real triages: order, states, what is hidden, and what a page costs."""

import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from dermai.config import load_params
from dermai.data.pseudonyms import load_pseudonyms
from dermai.prediction_log.confirmations import read_confirmations
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import ask_for_photograph, read_retakes
from dermai.prediction_log.signing import Reading, sign
from dermai.prediction_log.sortings import record_sortings
from dermai.promotion.standing import Standing
from dermai.records.moves import ProvisionalTerms
from dermai.triage import reading_list
from dermai.triage.practice_cases import practice_cases
from dermai.triage.reading_list import ReadingLists
from dermai.triage.run import run_triage
from dermai.triage.second_reading import unread_second_readings
from tests.triage.champion import make_champion
from tests.triage.referrals import write_referrals

NOW = datetime.now(UTC)


def photographs(*rows: dict, **columns) -> pd.DataFrame:
    """Rows of the prediction log: a nevus of a patient of its own, unless a row says otherwise."""
    table = pd.DataFrame(rows)
    number = table["case_id"].str.removeprefix("c")
    usual = {
        "image": [f"{int(n):064x}" for n in number], "patient_id": "p" + number, "lesion_id": "l" + number,
        "role": "champion", "site": "Porto", "risk": "normal", "predicted": "Nev", "diagnoses": "Nev",
        "p_MM": 0.01, "p_Nev": 0.9, "predicted_at": pd.Timestamp(NOW - timedelta(days=3)), **columns,
    }  # fmt: skip
    for name, value in usual.items():
        table[name] = table[name].fillna(pd.Series(value, table.index)) if name in table else value
    return table


@pytest.fixture
def log(workspace):
    return PredictionLog.of(workspace)


@pytest.fixture
def lists(workspace):
    return ReadingLists(workspace, load_pseudonyms(workspace))


@pytest.fixture
def listed(workspace, lists):
    params = load_params(workspace.params_file)
    return lambda: lists.now(params)


def append(log: PredictionLog, table: pd.DataFrame, version: str = "1") -> None:
    log.append(table, np.zeros((len(table), 4), np.float32), version)


def sort(log: PredictionLog, case: str, risk: str, drawn: bool = True, cautions: str = "") -> None:
    row = {"case_id": case, "patient_id": "p", "model_version": "1", "risk": risk, "probability": 0.02,
           "drawn": drawn, "cautions": cautions}  # fmt: skip
    record_sortings(log, pd.DataFrame([row]), NOW)


def read(log: PredictionLog, listed, case: str, lesion: str, diagnosis: str = "Nev", who: str = "ana") -> None:
    sign(log, Reading(case, lesion, diagnosis, "reading", who, known_until=listed().known_until(case, lesion)))


def test_an_empty_workspace_has_nothing_to_read(listed):
    assert listed().cases == ()


def test_the_most_urgent_comes_first_and_a_patient_s_cases_stand_together(log, listed):
    append(
        log,
        photographs(
            {"case_id": "c1"},
            {"case_id": "c2", "risk": "high_priority", "predicted": "MM", "p_MM": 0.4},
            {"case_id": "c3", "risk": "high_priority", "predicted": "MM", "p_MM": 0.8, "patient_id": "p1"},
            {"case_id": "c4", "risk": "priority", "p_MM": 0.9},
        ),
    )
    assert [case.case_id for case in listed().cases] == ["c3", "c1", "c2", "c4"]
    (other,) = listed().earlier_visits(listed().by_id["c1"])
    assert other.case_id == "c3"


def test_the_level_is_the_one_under_which_the_case_was_sorted_with_its_caution(log, listed):
    append(log, photographs({"case_id": "c1"}))
    sort(log, "c1", "priority", cautions="a new view")
    (case,) = listed().cases
    assert (case.risk, case.cautions, case.without_answer) == ("priority", "a new view", False)


def test_a_further_photograph_of_a_benign_lesion_does_not_take_the_urgency_from_a_case(log, listed):
    append(log, photographs({"case_id": "c1"}, risk="high_priority", predicted="MM", p_MM=0.8))
    sort(log, "c1", "high_priority")
    append(log, photographs({"case_id": "c1", "lesion_id": "l2", "image": "f" * 64}))
    sort(log, "c1", "normal")
    (case,) = listed().cases
    assert (case.risk, case.without_answer, listed().answer(case).called) == ("high_priority", False, "MM")


def test_a_newer_version_may_find_the_same_photograph_less_urgent(log, listed):
    append(log, photographs({"case_id": "c1"}, risk="high_priority", predicted="MM"))
    append(log, photographs({"case_id": "c1"}), "2")
    assert [case.risk for case in listed().cases] == ["normal"]


def test_a_number_that_two_practices_used_is_neither_s_own(log, listed):
    append(log, photographs({"case_id": "c1"}, {"case_id": "c1", "image": "f" * 64, "site": "Braga"}))
    (case,) = listed().cases
    assert case.site == "Braga and Porto"
    assert "call them" in case.warnings[0]
    nothing = read_retakes(log)[0]
    assert [practice_cases(listed(), nothing, nothing, site) for site in ("Braga", "Porto")] == [(), ()]


def test_no_page_shows_the_answer_of_a_second_reading_while_a_lesion_or_a_new_photograph_is_unread(log, listed):
    append(log, photographs({"case_id": "c1"}, {"case_id": "c1", "lesion_id": "l2", "image": "f" * 64}))
    sort(log, "c1", "normal")
    unread = lambda: unread_second_readings(log, read_confirmations(log)[0])  # noqa: E731
    read(log, listed, "c1", "l1")
    assert unread() == {"c1"}
    read(log, listed, "c1", "l2")
    assert unread() == set()
    append(log, photographs({"case_id": "c1", "lesion_id": "l2", "image": "e" * 64}))
    assert unread() == {"c1"}


def test_the_answer_of_a_second_reading_is_hidden_until_each_lesion_is_signed(log, listed):
    append(log, photographs({"case_id": "c1"}, {"case_id": "c1", "lesion_id": "l2", "image": "f" * 64}))
    sort(log, "c1", "normal")
    (case,) = listed().cases
    assert (case.risk, case.without_answer) == ("priority", True)
    assert listed().answer(case) is None
    read(log, listed, "c1", "l1")
    assert listed().states["c1"] == "open"
    assert listed().answer(case) is None
    read(log, listed, "c1", "l2")
    assert listed().states["c1"] == "read"
    assert listed().answer(case).called == "Nev"


def test_the_order_of_the_photographs_of_a_second_reading_does_not_tell_which_one_the_model_minds(log, listed):
    append(log, photographs({"case_id": "c1", "image": "a" * 64}, {"case_id": "c1", "image": "f" * 64, "p_MM": 0.3}))
    images = lambda: [photograph.image[0] for photograph in listed().cases[0].photographs]  # noqa: E731
    assert images() == ["f", "a"]
    sort(log, "c1", "normal")
    assert images() == ["a", "f"]


def test_what_was_not_drawn_shows_its_answer(log, listed):
    append(log, photographs({"case_id": "c1"}))
    sort(log, "c1", "normal", drawn=False)
    (case,) = listed().cases
    assert listed().answer(case).explained({}).reason.startswith("90")


def test_a_photograph_that_comes_in_after_the_reading_brings_the_case_back(log, listed):
    append(log, photographs({"case_id": "c1"}))
    read(log, listed, "c1", "l1")
    assert listed().states["c1"] == "read"
    append(log, photographs({"case_id": "c1", "image": "f" * 64, "lesion_id": "l1"}))
    assert listed().states["c1"] == "open"
    read(log, listed, "c1", "l1")
    assert listed().states["c1"] == "read"


def test_where_answers_are_withheld_none_is_shown_and_no_case_is_normal(log, listed, monkeypatch):
    append(log, photographs({"case_id": "c1"}))
    terms = ProvisionalTerms(until=date(2026, 1, 1), not_shown=())
    monkeypatch.setattr(reading_list, "champion_standing", lambda _: Standing("1", terms))
    (case,) = listed().cases
    assert "was over on 2026-01-01" in listed().withheld
    assert (case.risk, listed().answer(case)) == ("priority", None)


def test_where_answers_are_withheld_none_sends_a_case_to_the_end_of_the_list(log, listed, monkeypatch):
    days = {"c1": 9, "c2": 2, "c3": 5, "c4": 1}
    levels = {"c2": {"risk": "priority", "p_MM": 0.3}, "c4": {"risk": "high_priority", "predicted": "MM"}}
    rows = [{"case_id": case, "predicted_at": pd.Timestamp(NOW - timedelta(days=ago)), "site": "simulated",
             **levels.get(case, {})} for case, ago in days.items()]  # fmt: skip
    append(log, photographs(*rows))
    assert [case.case_id for case in listed().cases][:2] == ["c4", "c2"]
    terms = ProvisionalTerms(until=date(2026, 1, 1), not_shown=())
    monkeypatch.setattr(reading_list, "champion_standing", lambda _: Standing("1", terms))
    ask_for_photograph(log, "c9", "Porto", "something new in the log", "ana", datetime.now(UTC))
    assert [case.case_id for case in listed().cases] == ["c4", "c1", "c3", "c2"]


def test_an_answer_of_another_version_is_no_new_photograph(log, listed):
    append(log, photographs({"case_id": "c1"}))
    read(log, listed, "c1", "l1")
    append(log, photographs({"case_id": "c1"}, predicted="MM", risk="high_priority"), "2")
    assert listed().states["c1"] == "read"
    assert listed().by_id["c1"].answer.version == "2"


def test_the_answers_of_a_challenger_are_not_shown(log, listed):
    append(log, photographs({"case_id": "c1"}))
    append(log, photographs({"case_id": "c1"}, role="challenger", predicted="MM", risk="high_priority"), "2")
    assert listed().by_id["c1"].answer.version == "1"


def test_a_case_waits_for_the_photograph_that_a_reader_asked_for(log, listed):
    append(log, photographs({"case_id": "c1"}))
    ask_for_photograph(log, "c1", "Porto", "not in focus", "ana", datetime.now(UTC))
    assert listed().states["c1"] == "photograph again"
    assert listed().asked["c1"].reason == "not in focus"
    append(log, photographs({"case_id": "c1", "image": "f" * 64}))
    assert listed().states["c1"] == "open"


def test_second_opinions_are_shown_beside_what_counts(log, listed):
    append(log, photographs({"case_id": "c1"}))
    read(log, listed, "c1", "l1", "MM", "ana")
    read(log, listed, "c1", "l1", "MM", "rui")
    assert [entry.signed_by for entry in listed().entries["c1", "l1"]] == ["ana", "rui"]
    assert listed().newest("c1", "l1").signed_by == "ana"


def test_a_photograph_under_two_patients_is_a_warning(log, listed):
    append(log, photographs({"case_id": "c1"}, {"case_id": "c2", "image": f"{1:064x}"}))
    assert all("find out whose it is" in case.warnings[0] for case in listed().cases)


def test_the_list_of_a_triage_is_the_worklist_of_its_page(registry, workspace, tmp_path, lists):
    params = load_params(workspace.params_file, {"triage.second_reading": 0.5, "triage.heat_maps": False})
    make_champion(registry, tmp_path)
    folder = write_referrals(tmp_path / "referrals", 12)
    run_triage(workspace, params, folder, tmp_path / "run", datetime.now(UTC))
    page = pd.read_csv(tmp_path / "run" / "worklist.csv", keep_default_na=False)
    found = lists.now(params)
    assert [case.case_id for case in found.cases] == page["case_id"].tolist()
    assert [case.risk for case in found.cases] == page["risk"].tolist()
    assert [case.without_answer for case in found.cases] == (page["without_answer"] == "yes").tolist()
    answers = [found.answer(case) for case in found.cases]
    assert [answer is None for answer in answers] == (page["without_answer"] == "yes").tolist()
    assert [case.cautions for case in found.cases] == page["cautions"].tolist()


def test_a_page_of_ten_thousand_referrals_costs_milliseconds(log, listed):
    append(log, photographs(*({"case_id": f"c{n}", "p_MM": n / 10_000} for n in range(10_000))))
    assert len(listed().cases) == 10_000
    started = time.process_time()
    assert listed().states["c17"] == "open"
    assert time.process_time() - started < 0.5, "the states of all cases, once"
    started = time.process_time()
    for _ in range(20):
        listed()
    assert (time.process_time() - started) / 20 < 0.01
    read(log, listed, "c17", "l17")
    started = time.process_time()
    assert listed().states["c17"] == "read"
    assert time.process_time() - started < 1, "a signature makes no case anew"
