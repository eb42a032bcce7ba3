"""What was erased: a withdrawn patient's traces, the packages that learnt the patient, and what retention let go.

No patient is in the log: a withdrawal is named by a number drawn for it, and `state/withdrawals/` says of whom it was.
"""

from __future__ import annotations

from typing import Literal

from dermai.audit.event import Decided, Event
from dermai.registry.champion import ModelReference


class WithdrawalBegun(Decided):
    """A patient's traces are erased from now on: how many there were by place, and which versions learnt the patient.

    `file_sha256` is that of `state/withdrawals/<withdrawal>.json`.
    """

    event: Literal["withdrawal_begun"] = "withdrawal_begun"
    withdrawal: str
    file_sha256: str
    photographs: int
    traces: dict[str, int]
    learnt_by: tuple[ModelReference, ...]


class WithdrawalEnded(Event):
    """A search of every file found nothing of the patient but what is `kept`, each place with its reason."""

    event: Literal["withdrawal_ended"] = "withdrawal_ended"
    withdrawal: str
    removed: int
    kept: dict[str, str]


class WithdrawnPackage(Event):
    """The package of a version that learnt a withdrawn patient is deleted: no alias needs it any more."""

    event: Literal["withdrawn_package"] = "withdrawn_package"
    withdrawal: str
    version: str
    sha256: str


class RetentionApplied(Decided):
    """What had been kept as long as `retention:` in params.yaml says was deleted: how many files, by rule."""

    event: Literal["retention_applied"] = "retention_applied"
    files: dict[str, int]
    bytes: int
