"""Which cases of the worklist are shown: by site, level, what is done, and with the answer hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from urllib.parse import urlencode

from dermai.language.messages import message
from dermai.taxonomy import RiskLevel
from dermai.triage.cases_to_read import CaseToRead
from dermai.triage.reading_list import ReadingList

Done = Literal["today", "open", "read", "again"]
DONE: dict[Done, str] = {
    "today": message("open, and read today"),
    "open": message("open"),
    "read": message("read"),
    "again": message("waiting for another photograph"),
}
STATES = {"open": "open", "read": "read", "again": "photograph again"}


@dataclass(frozen=True)
class Filter:
    """What a reader has chosen; an unknown value is none."""

    site: str = ""
    risk: str = ""
    done: Done = "today"
    without_answer: bool = False

    @classmethod
    def of(cls, site: str = "", risk: str = "", done: str = "", without: str = "") -> Filter:
        """From an address."""
        chosen: Done = next((one for one in get_args(Done) if one == done), "today")
        return cls(site, risk if risk in list(RiskLevel) else "", chosen, without == "yes")

    @property
    def query(self) -> str:
        """As the end of an address, with its question mark; empty where nothing is chosen."""
        chosen = {
            "site": self.site, "risk": self.risk, "done": self.done if self.done != "today" else "",
            "without": "yes" if self.without_answer else "",
        }  # fmt: skip
        given = {name: value for name, value in chosen.items() if value}
        return f"?{urlencode(given)}" if given else ""

    def apply(self, listed: ReadingList, now: datetime) -> list[CaseToRead]:
        """The cases that fit, in the order of the list; today is the day of `now`, in its time zone."""
        return [
            case
            for case in listed.cases
            if (not self.site or case.site == self.site)
            and (not self.risk or case.risk == self.risk)
            and (not self.without_answer or case.without_answer)
            and self._fits(listed, case, now)
        ]

    def _fits(self, listed: ReadingList, case: CaseToRead, now: datetime) -> bool:
        state = listed.states[case.case_id]
        if self.done != "today":
            return state == STATES[self.done]
        read = state == "read" and listed.read_at[case.case_id].astimezone(now.tzinfo).date() == now.date()
        return state == "open" or read


@dataclass(frozen=True)
class Place:
    """Where a case stands among those that are shown: its neighbours, the next open one, and how many are read."""

    number: int  # from 1; 0 where it is not among them
    total: int
    read: int
    previous: str
    following: str
    next_open: str


def place_of(listed: ReadingList, shown: Sequence[CaseToRead], case_id: str) -> Place:
    """The place of a case among those that are shown."""
    names = [case.case_id for case in shown]
    read = sum(listed.states[name] == "read" for name in names)
    if case_id not in names:
        following = next((name for name in names if listed.states[name] == "open"), "")
        return Place(0, len(names), read, "", following, following)
    at = names.index(case_id)
    after = [*names[at + 1 :], *names[:at]]
    return Place(
        number=at + 1,
        total=len(names),
        read=read,
        previous=names[at - 1] if at else "",
        following=names[at + 1] if at + 1 < len(names) else "",
        next_open=next((name for name in after if listed.states[name] == "open"), ""),
    )
