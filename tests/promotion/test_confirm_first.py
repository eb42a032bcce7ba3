"""The list of cases to confirm first: drawn once, recorded, for the challenger that waits."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from dermai.audit import AuditLog
from dermai.data.pseudonyms import Pseudonyms
from dermai.errors import Refused
from dermai.files import sha256_file
from dermai.promotion.confirm_first import draw_confirm_first
from dermai.records.log import records_of
from dermai.records.moves import ConfirmFirstDrawn
from tests.promotion.test_shadow_mode import confirm_all, log_answers

PSEUDONYMS = Pseudonyms(b"a secret of at least 32 characters")
TODAY = datetime.now(UTC)


@pytest.fixture
def waiting(fleet):
    """A champion, and a challenger that misses a third of the melanomas which the champion finds."""
    fleet.champions(1)
    fleet.candidate("insufficient_evidence")
    log_answers(fleet, "1", referred=TODAY)
    log_answers(fleet, "2", wrong=0.3, referred=TODAY)
    return fleet


def draw(fleet, number=30):
    return draw_confirm_first(fleet.workspace, fleet.params, PSEUDONYMS, number)


def test_cases_that_a_model_calls_malignant_come_first_and_each_has_a_recorded_chance(waiting):
    found = draw(waiting)
    assert found.version == "2"
    table = found.table
    assert 15 <= len(found.cases) <= 45
    assert set(found.cases) == set(table["case_id"][table["drawn"]])
    assert table["probability"].sum() == pytest.approx(30)
    assert table["probability"].min() > 0
    by_name = table.set_index("case_id")["called"]
    assert by_name[[name for name in by_name.index if name.startswith(("MM", "BCC"))]].all(), "whoever calls them"
    (record,) = records_of(AuditLog(waiting.workspace.audit_log), ConfirmFirstDrawn)
    assert record.body.file_sha256 == sha256_file(found.file)
    assert (record.body.cases, record.body.drawn) == (len(table), len(found.cases))
    assert len(pd.read_csv(found.file)) == len(table)


def test_asked_again_the_same_are_drawn_and_confirmed_ones_are_off_the_list(waiting):
    first = draw(waiting)
    assert draw(waiting).cases == first.cases
    done = first.cases[:5]
    confirm_all(waiting, pd.DataFrame({"case_id": done, "diagnosis": [name.split("-")[0] for name in done]}))
    assert not set(draw(waiting).table["case_id"]) & set(done)


def test_what_can_no_longer_count_is_not_on_the_list(waiting):
    log_answers(waiting, "1", named="old-", referred=TODAY - timedelta(days=400))
    assert not draw(waiting).table["case_id"].str.startswith("old-").any(), "only one model has scored these"


def test_without_a_challenger_beside_a_champion_it_is_refused(fleet):
    fleet.champions(1)
    with pytest.raises(Refused, match="no challenger waits"):
        draw(fleet)
