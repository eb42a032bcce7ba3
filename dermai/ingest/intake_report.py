"""What became of a delivery: counts by class, and every rejection with its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

import pandas as pd

from dermai.ingest.quarantine import Rejection
from dermai.taxonomy import load_taxonomy

NO_PLACE = "(no place)"
UNKNOWN = "(unknown label)"


@dataclass(frozen=True)
class IntakeReport:
    """Counts are of photographs; `corrected` and `notes` are lines to show."""

    source: str
    batch: str
    new: Counter[str]
    known: Counter[str]
    quarantined: Counter[str]
    corrected: list[str]
    corrections_applied: bool
    rejections: list[Rejection]
    notes: list[str]
    splits: Counter[str]
    changed: bool
    dry_run: bool = False

    def as_record(self) -> dict[str, object]:
        """Plain values, for JSON."""
        counts = ("new", "known", "quarantined", "splits")
        return {
            **vars(self),
            **{name: dict(getattr(self, name)) for name in counts},
            "rejections": [asdict(rejection) for rejection in self.rejections],
        }

    @property
    def quarantine_folder(self) -> str:
        return f"quarantine/{self.batch}"


def by_class(rows: pd.DataFrame) -> Counter[str]:
    """Delivered rows counted by class, with what has no class named in brackets."""
    taxonomy = load_taxonomy()

    def place(source: str, label: str) -> str:
        try:
            return taxonomy.diagnosis(source, label) or NO_PLACE
        except KeyError:
            return UNKNOWN

    return Counter(place(source, label) for source, label in zip(rows["source"], rows["label"], strict=True))
