"""Numbers, days and times in English and in Portuguese."""

from __future__ import annotations

from datetime import UTC, date, datetime

from dermai.language import formats
from dermai.language.current import Locale, speaking

MOMENT = datetime(2026, 7, 3, 23, 30, tzinfo=UTC)
PORTUGUESE = Locale("pt", "Europe/Lisbon")


def test_in_english_they_are_those_of_the_reports() -> None:
    assert formats.moment_words(MOMENT) == "3 July 2026, 23:30 UTC"
    assert (formats.short_day(MOMENT), formats.day_and_month(MOMENT)) == ("3 Jul 2026", "3 Jul")
    assert (formats.whole_number(1250), formats.localised("0.5 of 1,250")) == ("1,250", "0.5 of 1,250")
    assert formats.language_tag() == "en"


def test_in_portuguese_they_are_those_of_portugal_and_of_the_service_s_time_zone() -> None:
    with speaking(PORTUGUESE):
        assert formats.moment_words(MOMENT) == "4 de julho de 2026, 00:30 WEST"
        assert (formats.short_day(MOMENT), formats.short_day(date(2026, 11, 3))) == ("04/07/2026", "03/11/2026")
        assert (formats.whole_number(12500), formats.localised("86.5\u00a0%")) == ("12\u00a0500", "86,5\u00a0%")
        assert (formats.table_moment(MOMENT), formats.zone_name(MOMENT)) == ("2026-07-04 00:30", "WEST")
        assert formats.language_tag() == "pt-PT"


def test_a_moment_without_a_zone_stays_as_it_is() -> None:
    with speaking(PORTUGUESE):
        assert formats.moment_words(datetime(2026, 7, 3, 23, 30)) == "3 de julho de 2026, 23:30"
