"""What the dataset held at the last update, for the checks of the next."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.records.log import records_of
from dermai.records.update_record import UpdateRecord
from dermai.validation import EarlierDataset


def earlier_dataset(audit: AuditLog) -> EarlierDataset | None:
    """The counts that the newest attempt recorded, by split and class; None before the first attempt."""
    newest = next(reversed(records_of(audit, UpdateRecord)), None)
    if newest is None:
        return None
    splits = {name: part for name, part in newest.body.dataset.sets.items() if name in ("train", "validation", "test")}
    return EarlierDataset(
        name=f"the update of {newest.time[:10]} (record {newest.sequence})",
        photographs={name: part.counts.get("diagnosis", {}) for name, part in splits.items()},
    )
