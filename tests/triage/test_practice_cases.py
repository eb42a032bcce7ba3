"""What a practice sees of its own cases, and only of those."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from dermai.config import load_params
from dermai.data.pseudonyms import load_pseudonyms
from dermai.data.sender_numbers import SenderNumbers
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.retakes import ask_for_photograph, read_retakes, record_retakes
from dermai.prediction_log.signing import Reading, sign
from dermai.triage.practice_cases import in_each_state, practice_cases, with_number
from dermai.triage.reading_list import ReadingLists
from tests.triage.test_reading_list import append, photographs

NOW = datetime.now(UTC)


@pytest.fixture
def log(workspace):
    return PredictionLog.of(workspace)


@pytest.fixture
def of_site(workspace, log):
    lists, params = ReadingLists(workspace, load_pseudonyms(workspace)), load_params(workspace.params_file)
    return lambda site: practice_cases(lists.now(params), read_retakes(log)[0], read_retakes(log, "set_aside")[0], site)


def refused(case: str, reason: str = "too dark", site: str = "Porto") -> pd.DataFrame:
    return pd.DataFrame([{"file": f"{case}.jpg", "case_id": case, "site": site, "device": "", "reason": reason}])


def test_each_case_is_received_read_or_to_be_photographed_again_and_why(log, of_site):
    append(log, photographs({"case_id": "c1"}, {"case_id": "c2"}, {"case_id": "c3"}))
    sign(log, Reading("c2", "l2", "MM", "reading", "ana"))
    ask_for_photograph(log, "c3", "Porto", "closer", "ana", datetime.now(UTC))
    record_retakes(log, refused("c4"), NOW)
    record_retakes(log, refused("c5", "whose case is it?"), NOW, "set_aside")
    found = {case.case_id: case for case in of_site("Porto")}
    assert {name: case.state for name, case in found.items()} == {
        "c1": "received", "c2": "read", "c3": "photograph again", "c4": "photograph again", "c5": "set aside",
    }  # fmt: skip
    assert found["c2"].diagnoses == (("l2", "MM", "reading"),)
    assert (found["c3"].reasons, found["c4"].reasons) == (("closer",), ("too dark",))
    assert in_each_state(found.values()) == {"photograph again": 2, "set aside": 1, "received": 1, "read": 1}
    assert of_site("Porto")[-1].state == "read", "what the practice has to do comes first"


def test_a_photograph_that_was_taken_again_settles_the_wish(log, of_site):
    record_retakes(log, refused("c1"), NOW)
    append(log, photographs({"case_id": "c1"}))
    assert [case.state for case in of_site("Porto")] == ["received"]


def test_a_practice_sees_no_case_of_another_site(log, of_site):
    append(log, photographs({"case_id": "c1"}, {"case_id": "c2", "site": "Faro"}))
    record_retakes(log, refused("c3", site="Faro"), NOW)
    assert [case.case_id for case in of_site("Porto")] == ["c1"]
    assert of_site("") == ()


def test_nothing_of_the_model_s_answer_is_in_it(log, of_site):
    append(log, photographs({"case_id": "c1", "risk": "high_priority", "predicted": "MM", "p_MM": 0.97}))
    said = repr(of_site("Porto"))
    assert "MM" not in said
    assert "priority" not in said


def test_a_practice_finds_a_case_by_its_own_number_however_it_is_spelt(workspace, log, of_site):
    numbers = SenderNumbers(load_pseudonyms(workspace))
    append(log, photographs({"case_id": "c1"}).assign(case_id=numbers.case("Case-0017")))
    assert len(with_number(of_site("Porto"), numbers, " case-0017 ")) == 1
    assert len(with_number(of_site("Porto"), numbers, numbers.case("Case-0017"))) == 1
    assert with_number(of_site("Porto"), numbers, "17") == ()
    assert with_number(of_site("Porto"), numbers, " ") == ()
    assert with_number(of_site("Faro"), numbers, "Case-0017") == ()
