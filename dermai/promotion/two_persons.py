"""Promotions that two persons approve, one after the other, where the policy asks for it (`approval: two_persons`).

The first approval is a record of its own and moves nothing; the second person's is the promotion. A rejection or a
rollback needs one person: the safe direction is never kept waiting.

Two persons are two names, and two accounts where both have one: an account is never removed and its name never given to
another. Whoever has two accounts under two names, or types a second name at the command line, is not told apart: who
may make accounts and who may use the machine has to be settled outside.
"""

from __future__ import annotations

import unicodedata

from dermai.audit import AuditLog
from dermai.errors import Refused
from dermai.promotion.history import Decision
from dermai.records.log import Record, records_of
from dermai.records.moves import FirstApproval, Move

TITLES = frozenset({"dr", "dra", "doctor", "doutor", "doutora", "prof", "professor", "professora", "med", "md", "phd"})


def first_approval(audit: AuditLog, decision: Record[Decision], provisional: bool) -> Record[FirstApproval] | None:
    """The approval that waits for a second one: of this very decision, and since the version was last moved."""
    version = decision.body.candidate.version
    moved = [move.sequence for move in records_of(audit, Move) if move.body.version == version]
    found = [
        record
        for record in records_of(audit, FirstApproval)
        if record.body.decision == decision.sequence
        and record.body.provisional == provisional
        and record.sequence > max(moved, default=0)
    ]
    return found[-1] if found else None


def check_second_person(first: Record[FirstApproval], approver: str, account: str) -> None:
    """Whoever approves second is somebody else, by name and by account.

    Raises:
        Refused: it is the same person.
    """
    before = first.body
    if _plain(before.approver) == _plain(approver) or (account and before.account == account):
        raise Refused(
            f"{before.approver} approved version {before.version} on {first.time[:10]} (record {first.sequence}): the "
            "policy asks for a second person"
        )


def _plain(name: str) -> str:
    """A name however it is spaced, capitalised and accented, and without titles.

    >>> _plain(" Dr. Ana  silva") == _plain("Ana Silva"), _plain("Jo\u00e3o Sousa") == _plain("Joao Sousa")
    (True, True)
    """
    letters = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).casefold()
    words = "".join(c if c.isalnum() else " " for c in letters).split()
    return " ".join(word for word in words if word not in TITLES) or " ".join(words)
