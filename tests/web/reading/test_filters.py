"""Which cases a worklist shows: those that were read today, by the day of the service's time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dermai.triage.cases_to_read import CasePhotograph, CaseToRead
from dermai.triage.reading_list import ReadingList, SignedDiagnosis
from web.reading.filters import Filter

LISBON = ZoneInfo("Europe/Lisbon")


def read_at(moment: datetime) -> ReadingList:
    photograph = CasePhotograph("a" * 64, "l1", "", 1, datetime(2026, 7, 1, tzinfo=UTC))
    case = CaseToRead("c1", "p1", "Porto", "", "normal", photograph.came_in, (photograph,), False, None)
    signed = SignedDiagnosis("Nev", "reading", "A. Silva", "", moment, 2, False)
    return ReadingList((case,), {("c1", "l1"): (signed,)}, {})


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        (datetime(2026, 7, 2, 9, tzinfo=LISBON), 1),  # read at 23:30 by the clock of UTC, 0:30 in Lisbon
        (datetime(2026, 7, 3, 0, 10, tzinfo=LISBON), 0),
        (datetime(2026, 7, 2, 9, tzinfo=UTC), 0),
    ],
)
def test_what_was_read_today_is_of_the_day_in_the_time_zone_of_now(now: datetime, shown: int) -> None:
    listed = read_at(datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
    assert len(Filter.of().apply(listed, now)) == shown
