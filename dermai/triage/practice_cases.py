"""What a practice may know of the cases that it sent: received, read, or to be photographed again and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pandas as pd

from dermai.data.sender_numbers import SenderNumbers
from dermai.triage.cases_to_read import CaseToRead
from dermai.triage.reading_list import ReadingList

PracticeState = Literal["photograph again", "set aside", "received", "read"]
ORDER: Mapping[PracticeState, int] = {"photograph again": 0, "set aside": 1, "received": 2, "read": 3}


@dataclass(frozen=True)
class PracticeCase:
    """A case of one site. Neither its urgency nor the model's answer is in it: those are for who reads it.

    `diagnoses` has the diagnosis and what confirmed it for each lesion that was read; `reasons` why a photograph is to
    be taken again, or what is to be cleared up.
    """

    case_id: str
    state: PracticeState
    received_at: datetime
    reasons: tuple[str, ...] = ()
    read_at: datetime | None = None
    diagnoses: tuple[tuple[str, str, str], ...] = ()  # lesion, class code, confirmed by
    photographs: tuple[str, ...] = ()


def practice_cases(
    listed: ReadingList, retakes: pd.DataFrame, set_aside: pd.DataFrame, site: str
) -> tuple[PracticeCase, ...]:
    """The cases of a site, what it has to do first, then the newest first.

    `retakes` and `set_aside` are those of `read_retakes`. A case whose photograph was refused, and of which a newer or
    another one came through, is received.
    """
    found = {case.case_id: referred_case(listed, case) for case in listed.cases if case.site == site}
    for case in unjudged_cases(retakes, set_aside, site):
        if case.case_id not in listed.by_id:
            found.setdefault(case.case_id, case)
    return tuple(sorted(found.values(), key=lambda case: (ORDER[case.state], -case.received_at.timestamp())))


def unjudged_cases(retakes: pd.DataFrame, set_aside: pd.DataFrame, site: str) -> Iterator[PracticeCase]:
    """The cases of a site of which a photograph is to be taken again, then those that were set aside."""
    others: tuple[tuple[PracticeState, pd.DataFrame], ...] = (("photograph again", retakes), ("set aside", set_aside))
    for state, table in others:
        here = table[(table["site"] == site) & (table["case_id"] != "")]
        for case, rows in here.groupby("case_id", sort=False):
            last = rows["asked_at"].max()
            reasons = tuple(dict.fromkeys(rows.loc[rows["asked_at"] == last, "reason"]))
            yield PracticeCase(str(case), state, last.to_pydatetime(), reasons)


def referred_case(listed: ReadingList, case: CaseToRead) -> PracticeCase:
    """A case of the worklist as its practice may know it."""
    state = listed.states[case.case_id]
    asked = listed.asked.get(case.case_id)
    newest = [(lesion, listed.newest(case.case_id, lesion)) for lesion in case.lesions]
    return PracticeCase(
        case_id=case.case_id,
        state="received" if state == "open" else state,
        received_at=case.referred_at,
        reasons=(asked.reason,) if state == "photograph again" and asked else (),
        read_at=listed.read_at.get(case.case_id),
        diagnoses=tuple((lesion, entry.diagnosis, entry.confirmed_by) for lesion, entry in newest if entry),
        photographs=tuple(dict.fromkeys(photograph.image for photograph in case.photographs)),
    )


def with_number(cases: Sequence[PracticeCase], numbers: SenderNumbers, number: str) -> tuple[PracticeCase, ...]:
    """Those of a practice's cases that it means by its own case number, or by the pseudonym on its lists."""
    wanted = {number.strip()} | ({numbers.case(number)} if number.strip() else set())
    return tuple(case for case in cases if case.case_id in wanted)


def in_each_state(cases: Iterable[PracticeCase]) -> dict[PracticeState, int]:
    """How many cases are in which state."""
    counts = dict.fromkeys(ORDER, 0)
    for case in cases:
        counts[case.state] += 1
    return counts
