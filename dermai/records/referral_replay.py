"""What a candidate made of the referrals of the last months: counts for a record, no case and no patient."""

from __future__ import annotations

from datetime import datetime
from operator import not_

from pydantic import BaseModel, ConfigDict, Field

from dermai.evaluation.words import count_words
from dermai.taxonomy import RiskLevel

PAGE = "replay.html"  # it shows patients' photographs: it stays on the machine, and no job gives it out


class ReplayPart(BaseModel):
    """A part of what is recorded: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ConfirmedCases(ReplayPart):
    """Cases with one confirmed diagnosis: found is what is sorted to be read, missed what is sorted as normal."""

    found_by_both: int = 0
    newly_found: int = 0
    newly_missed: int = 0
    missed_by_both: int = 0

    @property
    def count(self) -> int:
        """All of them."""
        return self.found_by_both + self.newly_found + self.newly_missed + self.missed_by_both


class ReplayedCases(ReplayPart):
    """Cases by the level that they had (outer key) and the level that the candidate gives them (inner key).

    `confirmed` has the cases with a confirmed diagnosis of a gated class, by that class.

    >>> cases = ReplayedCases(moves={"normal": {"normal": 7, "priority": 2}, "high_priority": {"normal": 1}})
    >>> cases.count, cases.moved, cases.newly_normal, cases.no_longer_normal
    (10, 3, 1, 2)
    """

    moves: dict[str, dict[str, int]] = {}
    confirmed: dict[str, ConfirmedCases] = {}

    @property
    def count(self) -> int:
        """All of them."""
        return sum(number for _, _, number in self._moves())

    @property
    def moved(self) -> int:
        """Those whose level differs."""
        return sum(number for before, after, number in self._moves() if before != after)

    @property
    def newly_normal(self) -> int:
        """Those that were to be read and that the candidate sorts as normal."""
        return sum(n for before, after, n in self._moves() if before != RiskLevel.NORMAL and after == RiskLevel.NORMAL)

    @property
    def no_longer_normal(self) -> int:
        """Those that were sorted as normal and that the candidate would have read."""
        return sum(n for before, after, n in self._moves() if before == RiskLevel.NORMAL and after != RiskLevel.NORMAL)

    def _moves(self) -> list[tuple[str, str, int]]:
        return [(before, after, n) for before, row in self.moves.items() for after, n in row.items()]


class ReferralReplay(ReplayPart):
    """What the candidate would have sorted otherwise. `none` says why nothing was scored; empty where something was.

    `in_months` cases came in during the months; of these `scored` were. Left out are cases whose second reading is
    open (`hidden`), that no champion had answered, whose photographs are not kept any more, or on one of whose
    photographs the candidate failed.
    """

    months: int
    since: datetime | None = None
    in_months: int = 0
    hidden: int = Field(0, exclude_if=not_)
    unanswered: int = Field(0, exclude_if=not_)
    not_kept: int = Field(0, exclude_if=not_)
    failed: int = Field(0, exclude_if=not_)
    versions: tuple[str, ...] = ()  # that answered then
    not_learnt: ReplayedCases = ReplayedCases()
    learnt: ReplayedCases = ReplayedCases()  # of patients from whom the candidate has learnt since
    none: str = Field("", exclude_if=not_)

    @property
    def scored(self) -> int:
        """Cases that the candidate answered."""
        return self.not_learnt.count + self.learnt.count

    @property
    def has_page(self) -> bool:
        """Whether there was anything to look at."""
        return bool(self.versions)

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        if self.none:
            return f"No logged referral was scored: {self.none}."
        said = []
        if self.not_learnt.count:
            new = self.not_learnt
            gone, back = new.newly_normal, new.no_longer_normal
            said.append(
                f"Of {count_words(new.count, 'logged referral')} of patients from whom it has not learnt, the "
                f"candidate sorts {new.moved} otherwise than was done then: {gone} as normal that {_were(gone)} to be "
                f"read, {back} to be read that {_were(back)} normal, {new.moved - gone - back} under another level of "
                "those to be read."
            )
            said += [
                f"Of {cases.count} confirmed {code} it sorts as normal "
                f"{cases.newly_missed} that {_were(cases.newly_missed)} to be read, and has {cases.newly_found} read "
                f"that {_were(cases.newly_found)} normal."
                for code, cases in self.not_learnt.confirmed.items()
            ]
        if self.failed:
            said.append(f"It failed on a photograph of {count_words(self.failed, 'case')}.")
        if self.learnt.count:
            more = count_words(self.learnt.count, "more case is", "more cases are")
            said.append(f"{more} of patients from whom it has learnt since, and say little.")
        return " ".join(said)


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
