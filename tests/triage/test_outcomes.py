"""No case is lost or mixed up: each is to read, to photograph again, set aside or confirmed, whatever happens."""

import contextlib
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dermai.config import load_params
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.prediction_log import order_of_writing
from dermai.prediction_log.confirmations import confirm
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.writing import Writer
from dermai.registry.registry import Registry
from dermai.triage.run import run_triage
from dermai.workspace import WORKSPACE_VARIABLE, Workspace
from tests.conftest import REPOSITORY
from tests.records.made import crown
from tests.triage.champion import register_small_model
from tests.triage.referrals import paint

WHEN = datetime(2026, 3, 1, tzinfo=UTC)
GOOD = ("good-0.jpg", "good-1.jpg", "good-2.jpg", "good-3.jpg")
BAD = ("skin.jpg", "text.jpg", "missing.jpg", "")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Four that can be judged, one without a lesion, one that is text."""
    folder = tmp_path_factory.mktemp("photographs")
    for number, name in enumerate(GOOD):
        paint(np.random.default_rng(number)).save(folder / name, quality=95)
    paint(np.random.default_rng(9), lesion=False).save(folder / "skin.jpg", quality=95)
    (folder / "text.jpg").write_text("not a photograph")
    return folder


@pytest.fixture(scope="module")
def template(tmp_path_factory, mlflow_store):
    """A workspace with a model that has seen nothing yet."""
    root = tmp_path_factory.mktemp("template") / "workspace"
    root.mkdir()
    text = (REPOSITORY / "params.yaml").read_text()
    (root / "params.yaml").write_text(
        text.replace("batch: 256", "batch: 2").replace("heat_maps: true", "heat_maps: false")
    )
    shutil.copy(mlflow_store, root)
    registry = Registry(Workspace(root), load_params(root / "params.yaml"))
    register_small_model(registry, tmp_path_factory.mktemp("package"))
    return root


class Service:
    """A workspace, and folders that are handed in."""

    def __init__(self, template: Path, photographs: Path, here: Path) -> None:
        self.workspace = Workspace(shutil.copytree(template, here / "workspace"))
        registry = Registry(self.workspace, load_params(self.workspace.params_file))
        crown(registry, registry.get("1"))
        self.photographs, self.here, self.folders = photographs, here, 0
        self.numbers = SenderNumbers(load_pseudonyms(self.workspace))
        self.log = PredictionLog(self.workspace.prediction_log)

    def folder(self, rows: list[dict[str, object]]) -> Path:
        self.folders += 1
        folder = shutil.copytree(self.photographs, self.here / f"folder-{self.folders}")
        pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
        return folder

    def triage(self, folder: Path, received: datetime = WHEN):
        output = self.workspace.root / "out"
        shutil.rmtree(output, ignore_errors=True)
        return run_triage(self.workspace, load_params(self.workspace.params_file), folder, output, received)

    def list(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.workspace.root / "out" / f"{name}.csv", dtype=str, keep_default_na=False)

    @property
    def page(self) -> str:
        return (self.workspace.root / "out" / "worklist.html").read_text()

    def confirm(self, *rows: dict[str, str]):
        file = self.here / "diagnoses.csv"
        pd.DataFrame(rows).to_csv(file, index=False)
        return confirm(self.log, file, numbers=self.numbers)


@pytest.fixture
def service(template, photographs, tmp_path, monkeypatch):
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(tmp_path / "workspace"))
    return Service(template, photographs, tmp_path)


def row(image: str, case: str, patient: str, **columns: object) -> dict[str, object]:
    return {"image": image, "case_id": case, "patient_id": patient, "site": "Porto", **columns}


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "image": st.sampled_from([*GOOD, *GOOD, *BAD]),
            "case_id": st.sampled_from(["1", "2", "3", "4", "5", "6", ""]),
            "patient_id": st.sampled_from(["a", "a", "a", "b", "c", ""]),
            "lesion_id": st.sampled_from(["", "", "left", "right"]),
            "age": st.sampled_from(["", "40", "999"]),
            "sex": st.sampled_from(["", "f"]),
        }
    ),
    min_size=1,
    max_size=9,
).filter(lambda rows: any(value for row in rows for value in row.values()))


def everybody_is_somewhere(service: Service, table: pd.DataFrame) -> None:
    """Each case number of the table is on exactly one list, and every line without one is set aside."""
    table = table.fillna("")
    retakes = service.list("retakes")
    aside, read = service.list("set_aside"), set(service.list("worklist")["case_id"])
    confirmed = set(service.list("confirmed")["case_id"])
    waiting = set(retakes["case_id"]) - read - confirmed
    unclear = set(aside["case_id"]) - {""} - read - confirmed - waiting
    cases = {service.numbers.case(case) for case in table["case_id"] if case}
    blank = (table != "").any(axis=1) & (table["case_id"] == "")
    assert cases == read | waiting | unclear | confirmed
    assert len(cases) == len(read) + len(waiting) + len(unclear) + len(confirmed)
    assert (aside["case_id"] == "").sum() == blank.sum()
    patients = table[(table["case_id"] != "") & (table["patient_id"] != "")].groupby("case_id")["patient_id"].nunique()
    for case in patients.index[patients > 1]:
        assert service.numbers.case(case) in unclear, "photographs of two patients are never merged"


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(folders=st.lists(ROWS, min_size=1, max_size=2), dies_after=st.sampled_from([None, 0, 1]))
def test_cases_in_are_cases_out(template, photographs, tmp_path_factory, folders, dies_after):
    service = Service(template, photographs, tmp_path_factory.mktemp("service"))
    for rows in folders:
        folder = service.folder(rows)
        if dies_after is not None:
            with pytest.MonkeyPatch.context() as broken:
                append, calls = Writer.append, []

                def dies(self, *arguments, append=append, calls=calls):
                    if len(calls) == dies_after:
                        raise RuntimeError("the power went")
                    calls.append(1)
                    return append(self, *arguments)

                broken.setattr(Writer, "append", dies)
                with contextlib.suppress(RuntimeError):
                    service.triage(folder)
        done = service.triage(folder)
        table = pd.read_csv(folder / "cases.csv", dtype=str, keep_default_na=False)
        everybody_is_somewhere(service, table)
        assert done.cases_in == done.cases + done.retakes + done.set_aside + done.confirmed_before
        named = table["case_id"].replace("", np.nan)
        rows_given = table[(table != "").any(axis=1)]
        assert done.cases_in == named.nunique() + (rows_given["case_id"] == "").sum()
        assert done.photographs == len(rows_given)
        assert f"{done.cases_in} case" in service.page
        first = [service.list(name) for name in ("worklist", "retakes", "set_aside")]
        again = service.triage(folder)
        assert again.scored_now == 0
        for name, before in zip(("worklist", "retakes", "set_aside"), first, strict=True):
            pd.testing.assert_frame_equal(service.list(name), before)


class TestSamePhotograph:
    def test_two_cases_of_two_patients_are_both_shown_with_a_warning(self, service):
        rows = [row(GOOD[0], "1", "a", age="30"), row(GOOD[0], "2", "b", age="70"), row(GOOD[1], "3", "c")]
        done = service.triage(service.folder(rows))
        assert (done.cases_in, done.cases, done.mixed_up) == (3, 3, 2)
        worklist = service.list("worklist").set_index("case_id")
        for case, other in (("1", "b"), ("2", "a")):
            assert service.numbers.patient(other) in worklist.loc[service.numbers.case(case), "warnings"]
        assert worklist.loc[service.numbers.case("3"), "warnings"] == ""
        assert "30 years" in service.page
        assert "70 years" in service.page
        assert service.page.count("Perhaps mixed up") == 2

    def test_two_cases_of_one_patient_are_both_shown_with_a_note(self, service):
        done = service.triage(service.folder([row(GOOD[0], "1", "a"), row(GOOD[0], "2", "a")]))
        assert (done.cases, done.mixed_up) == (2, 0)
        assert service.page.count("of this patient") == 2

    def test_scored_earlier_it_shows_the_new_case_with_its_own_patient_and_site(self, service):
        service.triage(service.folder([row(GOOD[0], "1", "a", age="30", sex="f", site="Porto")]))
        done = service.triage(service.folder([row(GOOD[0], "2", "b", age="70", sex="m", site="Braga")]))
        assert (done.cases_in, done.cases, done.scored_now) == (1, 1, 1)
        (shown,) = service.list("worklist").to_dict("records")
        assert (shown["case_id"], shown["site"]) == (service.numbers.case("2"), "Braga")
        assert service.numbers.patient("a") in shown["warnings"]
        assert "70 years, male" in service.page
        assert "30 years" not in service.page

    def test_the_log_holds_both_cases_so_that_both_can_be_confirmed(self, service):
        service.triage(service.folder([row(GOOD[0], "1", "a"), row(GOOD[0], "2", "b")]))
        assert len(service.log.read("1").table) == 2
        done = service.confirm({"case_id": "1", "diagnosis": "MM"}, {"case_id": "2", "diagnosis": "Nev"})
        assert done.accepted == 2


class TestMixedNumbers:
    def test_one_case_number_under_two_patients_is_set_aside_not_merged(self, service):
        done = service.triage(service.folder([row(GOOD[0], "1", "a"), row(GOOD[1], "1", "b"), row(GOOD[2], "2", "b")]))
        assert (done.cases_in, done.cases, done.set_aside) == (2, 1, 1)
        aside = service.list("set_aside")
        assert aside["case_id"].unique().tolist() == [service.numbers.case("1")]
        assert "2 patients" in aside["reason"][0]
        assert "1 set aside" in service.page

    def test_a_case_number_that_was_another_patients_before_carries_a_warning(self, service):
        service.triage(service.folder([row(GOOD[0], "1", "a")]))
        service.triage(service.folder([row(GOOD[1], "1", "b")]))
        assert service.numbers.patient("a") in service.list("worklist")["warnings"][0]

    def test_numbers_that_a_spreadsheet_rounded_are_set_aside(self, service):
        done = service.triage(service.folder([row(GOOD[0], "1", "1.23E+15"), row(GOOD[1], "2", "b")]))
        assert (done.cases, done.set_aside) == (1, 1)
        assert "rounded" in service.list("set_aside")["reason"][0]
        assert "1.23" not in service.page

    def test_one_bad_row_stops_nobody_else(self, service):
        done = service.triage(service.folder([row(GOOD[0], "", "a"), row(GOOD[1], "2", ""), row(GOOD[2], "3", "c")]))
        assert (done.cases_in, done.cases, done.set_aside) == (3, 1, 2)

    def test_lines_that_a_spreadsheet_left_empty_are_no_cases(self, service):
        folder = service.folder([row(GOOD[0], "1", "a")])
        with (folder / "cases.csv").open("a") as table:
            table.write(",,,\n , ,,\n")
        done = service.triage(folder)
        assert (done.photographs, done.cases_in, done.cases) == (1, 1, 1)

    def test_an_age_that_nobody_has_is_unknown(self, service):
        ages = zip(GOOD, ("999", "-1", "inf", "0"), strict=True)
        rows = [row(name, str(number), str(number), age=age) for number, (name, age) in enumerate(ages)]
        service.triage(service.folder(rows))
        assert sorted(service.log.read("1").table["age"].dropna()) == [0]


class TestCorrected:
    def test_a_corrected_row_is_scored_anew_and_is_no_new_arrival(self, service):
        service.triage(service.folder([row(GOOD[0], "1", "a", sex="f")]))
        done = service.triage(service.folder([row(GOOD[0], "1", "a", sex="m")]), WHEN + timedelta(days=9))
        assert done.scored_now == 1
        rows = service.log.read("1")
        assert rows.table["sex"].tolist() == ["male"]
        assert rows.table["predicted_at"].tolist() == [pd.Timestamp(WHEN)]
        assert rows.replaced == 1

    def test_a_log_in_which_everything_stands_twice_is_read_with_a_note(self, service):
        folder = service.folder([row(name, str(n), str(n)) for n, name in enumerate(GOOD)])
        service.triage(folder)
        for part in list(service.log.predictions.rglob("*.parquet")):
            shutil.copy(part, part.with_name("part-20991231T235959000000-again.parquet"))
        done = service.triage(folder)
        assert (done.cases, done.scored_now) == (4, 0)
        assert "logged again" in done.notes[0]
        assert "logged again" in service.page


class TestConfirmedCases:
    def test_they_leave_the_worklist_and_the_counts_add_up(self, service):
        folder = service.folder([row(GOOD[0], "1", "a"), row(GOOD[1], "2", "b")])
        service.triage(folder)
        service.confirm({"case_id": "1", "diagnosis": "Malignant melanoma"})
        done = service.triage(folder)
        assert (done.cases_in, done.cases, done.confirmed_before) == (2, 1, 1)
        assert service.list("worklist")["case_id"].tolist() == [service.numbers.case("2")]
        assert service.list("confirmed")["diagnosis"].tolist() == ["MM"]
        assert "1 confirmed already" in service.page

    def test_a_photograph_that_comes_after_the_diagnosis_brings_the_case_back_and_keeps_it(self, service):
        service.triage(service.folder([row(GOOD[0], "1", "a")]))
        service.confirm({"case_id": "1", "diagnosis": "Nev"})
        folder = service.folder([row(GOOD[0], "1", "a"), row(GOOD[1], "1", "a")])
        for _ in range(2):
            assert service.triage(folder).cases == 1
        service.confirm({"case_id": "1", "diagnosis": "Nev"})
        assert service.triage(folder).cases == 1, "the diagnosis on record is older than the photograph"

    def test_a_photograph_that_comes_after_the_diagnosis_is_read_though_the_clock_was_set_back(
        self, service, monkeypatch
    ):
        service.triage(service.folder([row(GOOD[0], "1", "a")]))
        service.confirm({"case_id": "1", "diagnosis": "Nev"})

        class SetBack(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) - timedelta(days=1)

        folder = service.folder([row(GOOD[0], "1", "a"), row(GOOD[1], "1", "a")])
        with monkeypatch.context() as clock:
            clock.setattr(order_of_writing, "datetime", SetBack)
            assert service.triage(folder).cases == 1
        assert service.triage(folder).cases == 1

    def test_a_case_with_two_lesions_stays_until_both_are_confirmed(self, service):
        folder = service.folder([row(GOOD[0], "1", "a", lesion_id="left"), row(GOOD[1], "1", "a", lesion_id="right")])
        service.triage(folder)
        service.confirm({"case_id": "1", "lesion_id": "left", "diagnosis": "Nev"})
        assert service.triage(folder).cases == 1
        assert service.numbers.lesion("a", "left") in service.page
        service.confirm({"case_id": "1", "lesion_id": "right", "diagnosis": "Nev"})
        assert service.triage(folder).confirmed_before == 1
