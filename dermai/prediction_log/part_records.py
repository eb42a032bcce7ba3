"""What the signed audit log says of parts: which were written, with which hash, and which a person answers for."""

from __future__ import annotations

from typing import Literal

from dermai.audit import Event
from dermai.audit.event import Decided


class DiagnosesRecorded(Event):
    """Confirmed diagnoses were written as a part: its file name, its SHA-256 and how many rows it holds."""

    event: Literal["diagnoses"] = "diagnoses"
    part: str
    sha256: str
    rows: int

    @property
    def parts(self) -> dict[str, str]:
        """File name to SHA-256."""
        return {self.part: self.sha256}


class PredictionsRecorded(Event):
    """Answers were written as parts: their paths below `predictions/` with their SHA-256, and how many rows they hold.

    One record for each triage, or for each minute of a long one.
    """

    event: Literal["predictions"] = "predictions"
    parts: dict[str, str]
    rows: int


class SortingsRecorded(Event):
    """How cases were sorted on worklists was written as parts, with the probability of each to be asked to be read."""

    event: Literal["sortings"] = "sortings"
    parts: dict[str, str]
    rows: int


class PartsAdopted(Decided):
    """A person answers for parts as they are (file name to SHA-256), and for those that are gone."""

    parts: dict[str, str]
    gone: tuple[str, ...] = ()


class DiagnosesAdopted(PartsAdopted):
    """Parts with confirmed diagnoses were taken as they are."""

    event: Literal["diagnoses_adopted"] = "diagnoses_adopted"


class PredictionsAdopted(PartsAdopted):
    """Parts with answers were taken as they are."""

    event: Literal["predictions_adopted"] = "predictions_adopted"


class SortingsAdopted(PartsAdopted):
    """Parts with how cases were sorted were taken as they are."""

    event: Literal["sortings_adopted"] = "sortings_adopted"
