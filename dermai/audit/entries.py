"""One line of the audit log and the signed head beside it, as bytes and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, JsonValue

from dermai.audit.key import SigningKey, signed_by
from dermai.files import sha256_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EVENTS = (
    "update_attempt", "nothing_new", "failure", "refusal", "shadow_decision", "reassessment", "promotion", "rejection",
    "rollback", "confirmation", "policy_approval", "drift_alarm", "alarms_settled", "repair", "restore", "key_rotation",
    "test_set_use", "test_set_result", "ledger_takeover",
    "log_begun", "diagnoses", "diagnoses_adopted", "predictions", "predictions_adopted", "sortings", "sortings_adopted",
    "missed_cancer", "incident_acknowledged", "scheduled_run",
    "confirm_first", "first_approval",
    "withdrawal_begun", "withdrawal_ended", "withdrawn_package", "retention_applied",
    "account_changed",
)  # fmt: skip
FIRST_PREVIOUS = "0" * 64
LINE_FIELDS = ("log", "sequence", "time", "event", "body", "previous", "hash", "signature")
HEAD_FIELDS = ("log", "count", "hash", "signature")


@dataclass(frozen=True)
class Entry:
    """One line: `previous` is the hash of the line before, `hash` covers all fields above it."""

    log: str
    sequence: int
    time: str
    event: str
    body: dict[str, JsonValue]
    previous: str
    hash: str
    signature: str

    @property
    def content(self) -> dict[str, JsonValue]:
        """The body under its event's name: what the types of events are read from."""
        return {"event": self.event, **self.body}

    def to_line(self) -> bytes:
        """The line's bytes, without its end."""
        return _bytes({name: getattr(self, name) for name in LINE_FIELDS})


@dataclass(frozen=True)
class Head:
    """How many lines a log has and the last one's hash: without it a shortened log would still be a good chain."""

    log: str
    count: int
    hash: str
    signature: str

    def to_bytes(self) -> bytes:
        """The head file's content."""
        return _bytes({name: getattr(self, name) for name in HEAD_FIELDS}) + b"\n"


def plain(value: Any) -> JsonValue:
    """A value as JSON holds it; what is not a finite number becomes null.

    >>> plain({"recall": float("nan"), "classes": ("MM", "BCC")})
    {'recall': None, 'classes': ['MM', 'BCC']}
    """
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def sign_entry(
    key: SigningKey, log: str, sequence: int, time: str, event: str, body: Mapping[str, JsonValue], previous: str
) -> Entry:
    """Make a line: its hash covers everything before it, its signature the hash."""
    content = {"log": log, "sequence": sequence, "time": time, "event": event, "body": dict(body), "previous": previous}
    digest = sha256_bytes(_bytes(content))
    return Entry(log, sequence, time, event, dict(body), previous, digest, key.sign(_line_message(digest)))


def sign_head(key: SigningKey, log: str, count: int, last_hash: str) -> Head:
    """Make the head of a log whose last line has this hash."""
    return Head(log, count, last_hash, key.sign(_head_message(log, count, last_hash)))


@lru_cache(maxsize=4096)  # one command asks the log for many kinds of events
def parse_entry(line: bytes) -> Entry | None:
    """The line as an entry; None unless it is exactly what `Entry.to_line` writes.

    The entry of a line is made once and shared: nobody may change its body.
    """
    values = _parse(line, LINE_FIELDS)
    if values is None or not isinstance(values["body"], dict):
        return None
    entry = Entry(**values)
    return entry if entry.to_line() == line else None


def parse_head(content: bytes) -> Head | None:
    """The head file's content; None unless it is exactly what `Head.to_bytes` writes."""
    values = _parse(content, HEAD_FIELDS)
    head = Head(**values) if values else None
    return head if head and head.to_bytes() == content else None


def entry_fault(entry: Entry, key: Ed25519PublicKey) -> str:
    """What is wrong with a line taken alone; empty when nothing is."""
    content = {name: getattr(entry, name) for name in LINE_FIELDS[:-2]}
    if entry.hash != sha256_bytes(_bytes(content)):
        return "its content does not match its hash"
    if not signed_by(key, _line_message(entry.hash), entry.signature):
        return "its signature is not by this key"
    return ""


def head_signed(head: Head, key: Ed25519PublicKey) -> bool:
    """Whether the key signed this head."""
    return signed_by(key, _head_message(head.log, head.count, head.hash), head.signature)


def _line_message(digest: str) -> bytes:
    return b"dermai audit line " + digest.encode()


def _head_message(log: str, count: int, last_hash: str) -> bytes:
    return b"dermai audit head " + _bytes([log, count, last_hash])


def _bytes(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")


def _parse(content: bytes, fields: tuple[str, ...]) -> dict[str, Any] | None:
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or tuple(values) != fields:
        return None
    numbers = {"sequence", "count"}
    for name in fields:
        expected = int if name in numbers else dict if name == "body" else str
        if type(values[name]) is not expected:
            return None
    return values
