"""One signing key after the other: the old key names the new one in the log, and the new one countersigns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from dermai.audit.entries import Entry
from dermai.audit.event import Decided
from dermai.audit.key import SigningKey, fingerprint, public_pem, read_public_key, signed_by

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ROTATION = "key_rotation"


def next_key_file(key: SigningKey) -> Path:
    """Where the new key lies until the log names it."""
    return key.path.with_name(f"{key.path.name}.next")


class KeyRotation(Decided):
    """Both public keys in PEM, and the new one's consent to this very place in the log."""

    event: Literal["key_rotation"] = "key_rotation"
    old_key: str
    new_key: str
    old_fingerprint: str
    new_fingerprint: str
    countersignature: str


def rotation(
    log: str, sequence: int, old: SigningKey, new: SigningKey, *, approver: str, role: str, reason: str
) -> KeyRotation:
    """What the record of a rotation says."""
    return KeyRotation(
        approver=approver,
        role=role,
        reason=reason,
        old_key=public_pem(old.public).decode(),
        new_key=public_pem(new.public).decode(),
        old_fingerprint=fingerprint(old.public),
        new_fingerprint=fingerprint(new.public),
        countersignature=new.sign(_consent(log, sequence, fingerprint(old.public))),
    )


def old_key_of(entry: Entry) -> Ed25519PublicKey | None:
    """The key that a rotation ends; None where the record names none."""
    rotation = _read(entry)
    return read_public_key(rotation.old_key.encode()) if rotation else None


def new_key_of(entry: Entry) -> Ed25519PublicKey | None:
    """The key that a rotation begins; None unless that key agreed to follow this one, here."""
    rotation = _read(entry)
    if rotation is None:
        return None
    old, new = read_public_key(rotation.old_key.encode()), read_public_key(rotation.new_key.encode())
    if old is None or new is None:
        return None
    consent = _consent(entry.log, entry.sequence, fingerprint(old))
    return new if signed_by(new, consent, rotation.countersignature) else None


def same_key(first: Ed25519PublicKey, second: Ed25519PublicKey) -> bool:
    """Whether both are one key."""
    return public_pem(first) == public_pem(second)


def _read(entry: Entry) -> KeyRotation | None:
    try:
        return KeyRotation.model_validate(entry.content, extra="ignore")
    except ValidationError:
        return None


def _consent(log: str, sequence: int, old: str) -> bytes:
    return f"dermai audit key follows {old} in {log} at {sequence}".encode()
