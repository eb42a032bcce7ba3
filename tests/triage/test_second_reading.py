"""Who is read a second time: drawn once, by nobody's choice, and shown without the answer."""

from dataclasses import replace
from itertools import cycle

import numpy as np
import pandas as pd
import pytest

from dermai.audit import AuditLog
from dermai.config import load_params
from dermai.data.pseudonyms import Pseudonyms, load_pseudonyms
from dermai.models.called_class import CalledClass
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.part_records import SortingsRecorded
from dermai.prediction_log.sortings import COLUMNS, counting_sortings, read_sortings
from dermai.prediction_log.waiting_cases import referred_cases
from dermai.records.log import records_of
from dermai.taxonomy import RiskLevel
from dermai.triage.lookup import find
from dermai.triage.reading_list import ReadingLists
from dermai.triage.run import run_triage
from dermai.triage.second_reading import MORE_URGENT, EarlierSortings, as_urgent_as_before, sort_with_draws
from dermai.triage.worklist import WorklistCase
from tests.report.browser import chromium, open_page
from tests.triage.champion import make_champion
from tests.triage.referrals import write_referrals
from tests.triage.test_run import WHEN

PSEUDONYMS = Pseudonyms(b"a secret of at least 32 characters")
NOTHING = pd.DataFrame(columns=[*COLUMNS, "written"])


def case(number: int, risk: str = "normal", cautions: tuple[str, ...] = ()) -> WorklistCase:
    return WorklistCase(
        case_id=f"c{number}", risk=risk, answer=CalledClass("Nev", "the most probable"), likely=(("Nev", 0.9),),
        abstained=False, possible=("Nev",), malignant=0.01, clinical="", site="Porto", images=("0" * 64,),
        cautions=cautions,
    )  # fmt: skip


def sort(cases, share=0.5, earlier=NOTHING, pseudonyms=PSEUDONYMS):
    patients = {each.case_id: f"p{each.case_id}" for each in cases}
    return sort_with_draws(cases, patients, share, pseudonyms, EarlierSortings.of(earlier, "1"))


def recorded(*tables: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table.assign(written=place) for place, table in enumerate(tables)], ignore_index=True)


def test_the_share_that_is_asked_for_is_drawn():
    cases = [case(number) for number in range(4000)]
    listed, rows = sort(cases, 0.05)
    assert rows["drawn"].mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 4000))
    assert set(rows["probability"]) == {0.05}
    assert {each.case_id for each in listed} == {each.case_id for each in cases}


def test_a_drawn_case_stands_among_those_to_read_and_says_nothing_of_the_answer():
    listed, rows = sort([case(1, "high_priority"), case(2, "priority"), *(case(n) for n in range(3, 40))])
    drawn = {each.case_id for each in listed if each.without_answer}
    assert drawn == set(rows["case_id"][rows["drawn"] & (rows["risk"] == "normal")])
    assert drawn
    first_normal = min(place for place, each in enumerate(listed) if each.risk == "normal")
    assert all(each.risk == "priority" for each in listed[1:first_normal])
    assert listed[0].case_id == "c1"
    for each in listed:
        if each.without_answer:
            assert (each.answer, each.likely, each.possible, each.explained) == (None, (), (), None)


def test_nothing_that_is_shown_tells_a_second_reading_from_a_priority_case_without_an_answer():
    cases = [*(case(n, "priority") for n in range(200)), *(case(n) for n in range(200, 400))]
    cases += [case(n, "priority", ("an alarm is open",)) for n in range(400, 500)]
    patients = {each.case_id: "p" for each in cases}
    listed, rows = sort_with_draws(cases, patients, 0.1, PSEUDONYMS, EarlierSortings.of(NOTHING, "1"), hidden=0.1)
    again = {each.case_id for each in listed if each.second_reading}
    alike = {each.case_id for each in listed if each.without_answer} - again
    assert again == set(rows["case_id"][rows["drawn"] & (rows["risk"] == "normal")])
    assert 8 < len(again) < 35
    assert 8 < len(alike) < 35
    shown = [replace(each, case_id="", second_reading=False, malignant=0) for each in listed if each.without_answer]
    assert len({repr(each) for each in shown}) == 1
    places = [[n for n, each in enumerate(listed) if each.case_id in some] for some in (again, alike)]
    assert abs(np.mean(places[0]) - np.mean(places[1])) < 80
    assert rows.set_index("case_id").loc[sorted(alike), "probability"].eq(1).all(), "it was to be read anyway"


def test_its_place_among_them_does_not_tell_it_apart():
    listed, _ = sort([*(case(n, "priority") for n in range(100)), *(case(n) for n in range(100, 200))])
    places = [place for place, each in enumerate(listed) if each.without_answer]
    assert min(places) < 30
    assert max(places) > 110


def test_a_version_that_draws_fewer_takes_no_case_from_those_that_were_drawn_before():
    cases = [case(number) for number in range(50)]
    listed, rows = sort(cases, 0.5)
    again, new = sort(cases, 0.02, recorded(rows.assign(model_version="0")))
    assert {each.case_id for each in again if each.without_answer} >= {
        each.case_id for each in listed if each.without_answer
    }
    assert new["drawn"].sum() < rows["drawn"].sum()  # its own draw is recorded as it was


def test_triaged_again_nobody_is_drawn_again_and_nothing_new_is_recorded():
    cases = [case(number) for number in range(50)]
    listed, rows = sort(cases)
    again, new = sort(cases, earlier=recorded(rows))
    assert [each.case_id for each in again] == [each.case_id for each in listed]
    assert new.empty
    shuffled, _ = sort(cases[::-1])
    assert {c.case_id for c in shuffled if c.without_answer} == {c.case_id for c in listed if c.without_answer}


def test_another_share_changes_nothing_for_those_that_were_drawn_before():
    cases = [case(number) for number in range(50)]
    before, rows = sort(cases, 0.5)
    after, new = sort([*cases, case(99)], 0.0, earlier=recorded(rows))
    assert {c.case_id for c in after if c.without_answer} == {c.case_id for c in before if c.without_answer}
    assert list(new["case_id"]) == ["c99"]


def test_further_photographs_make_no_case_less_urgent():
    _, first = sort([case(1, "high_priority"), case(2, "normal")], share=0.0001)
    before = {"c1": "high_priority", "c2": "normal"}
    now = as_urgent_as_before([case(1, "normal"), case(2, "priority"), case(3, "normal")], before)
    assert [each.risk for each in now] == ["high_priority", "priority", "normal"]
    assert [each.notes for each in now] == [(MORE_URGENT,), (), ()]
    assert sort(now[:1], earlier=recorded(first))[1].empty


def test_another_key_draws_others():
    cases = [case(number) for number in range(50)]
    other = Pseudonyms(b"another secret, of 32 characters")
    assert sort(cases)[1]["drawn"].tolist() != sort(cases, pseudonyms=other)[1]["drawn"].tolist()


def test_what_is_read_anyway_has_the_probability_one_until_it_is_sorted_as_normal():
    _, first = sort([case(1, "priority", ("an alarm is open",)), case(2, "high_priority")], 0.02)
    assert first["probability"].tolist() == [1.0, 1.0]
    _, later = sort([case(1), case(2, "high_priority")], 0.02, earlier=recorded(first))
    assert later[["case_id", "probability"]].to_dict("list") == {"case_id": ["c1"], "probability": [0.02]}
    counts = counting_sortings(recorded(first, later)).set_index("case_id")["probability"]
    assert counts.to_dict() == {"c1": 0.02, "c2": 1.0}


def test_a_caution_of_today_does_not_show_what_was_hidden_yesterday():
    _, rows = sort([case(1)], 1.0)
    listed, _ = sort([case(1, "priority", ("an alarm is open",))], 1.0, earlier=recorded(rows))
    assert listed[0].answer is None


@pytest.fixture
def triaged(workspace, registry, tmp_path, monkeypatch):
    """A folder of which every case that is sorted as normal is drawn; the random weights sort every second one so."""
    levels = cycle([RiskLevel.NORMAL, RiskLevel.HIGH_PRIORITY])
    monkeypatch.setattr("dermai.triage.scoring.risk_level", lambda *_: next(levels))
    version = make_champion(registry, tmp_path)
    params = load_params(workspace.params_file, {"triage.second_reading": 1.0, "triage.heat_maps": False})
    folder = write_referrals(tmp_path / "new", 12)
    done = [run_triage(workspace, params, folder, workspace.root / "out", WHEN) for _ in range(2)]
    return workspace, version.version, done


def test_a_triage_records_the_draw_once_signed_and_shows_no_answer(triaged, tmp_path):
    workspace, version, done = triaged
    log = PredictionLog.of(workspace)
    sortings, damaged = read_sortings(log)
    assert not damaged
    normal = sortings[sortings["risk"] == "normal"]
    assert len(normal) == done[0].second_readings == done[1].second_readings > 0
    assert set(sortings["model_version"]) == {version}
    assert len(sortings) == 12
    assert len(records_of(AuditLog(workspace.audit_log), SortingsRecorded)) == 1
    table = pd.read_csv(workspace.root / "out" / "worklist.csv", dtype=str, keep_default_na=False)
    drawn = table[table["without_answer"] == "yes"]
    assert set(drawn["case_id"]) == set(normal["case_id"])
    assert set(drawn["risk"]) == {"priority"}
    for column in ("model_answer", "reason", "possible_diagnoses", "abstained", "malignant_probability"):
        assert set(drawn[column]) == {""}, column
    name = normal["case_id"].iloc[0]
    places = find(workspace, PSEUDONYMS, name).places
    assert any("which is shown after it" in place for place in places)
    assert not any("which calls" in place for place in places)
    with chromium(tmp_path / "browser") as driver:
        open_page(driver, workspace.root / "out" / "worklist.html", 390)
        cards = driver.find_elements("css selector", "article.case")
        blind = [card for card in cards if "Please decide by the photograph" in card.text]
        assert len(blind) == len(normal)
        assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
        for card in blind:
            assert "%" not in card.text
            assert not card.find_elements("css selector", ".bars, .call")
        driver.save_screenshot(str(tmp_path / "second_reading.png"))


@pytest.mark.parametrize("share", [0.02, 0.0])
def test_a_folder_with_further_photographs_of_a_case_takes_no_urgency_from_it(
    workspace, registry, tmp_path, monkeypatch, share
):
    make_champion(registry, tmp_path)
    params = load_params(workspace.params_file, {"triage.second_reading": share})
    log, output = PredictionLog.of(workspace), workspace.root / "out"
    shown = lambda: pd.read_csv(output / "worklist.csv", dtype=str)["risk"].tolist()  # noqa: E731
    levels = []
    for number, level in enumerate([RiskLevel.HIGH_PRIORITY, RiskLevel.NORMAL, RiskLevel.NORMAL]):
        monkeypatch.setattr("dermai.triage.scoring.risk_level", lambda *_, level=level: level)
        folder = write_referrals(tmp_path / f"{number}", 1, seed=number, case_id="C-1", patient_id="P-1")
        run_triage(workspace, params, folder, output, WHEN)
        lists = ReadingLists(workspace, load_pseudonyms(workspace))
        levels.append([*shown(), *referred_cases(log)["risk"], *(case.risk for case in lists.now(params).cases)])
    assert levels == [["high_priority"] * 3] * 3


def test_a_sorting_that_was_edited_is_named_and_not_read(triaged):
    workspace, _, _ = triaged
    log = PredictionLog.of(workspace)
    part = next(log.sortings.folder.glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    assert read_sortings(log)[0].empty
    assert part.name in log.problems()[0]
    log.adopt(approver="Ana Silva", role="data manager", reason="a test")
    assert log.problems() == ()
