"""One signing key after the other: the old key names the new one in the log, and the new one countersigns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dermai.audit.entries import Entry
from dermai.audit.key import SigningKey, fingerprint, public_pem, read_public_key, signed_by

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ROTATION = "key_rotation"


def next_key_file(key: SigningKey) -> Path:
    """Where the new key lies until the log names it."""
    return key.path.with_name(f"{key.path.name}.next")


def rotation_body(log: str, sequence: int, old: SigningKey, new: SigningKey) -> dict[str, Any]:
    """What the record of a rotation says: both public keys, and the new one's consent to this very place."""
    return {
        "old_key": public_pem(old.public).decode(),
        "new_key": public_pem(new.public).decode(),
        "old_fingerprint": fingerprint(old.public),
        "new_fingerprint": fingerprint(new.public),
        "countersignature": new.sign(_consent(log, sequence, fingerprint(old.public))),
    }


def old_key_of(entry: Entry) -> Ed25519PublicKey | None:
    """The key that a rotation ends; None where the record names none."""
    return read_public_key(str(entry.body.get("old_key", "")).encode())


def new_key_of(entry: Entry) -> Ed25519PublicKey | None:
    """The key that a rotation begins; None unless that key agreed to follow this one, here."""
    old, new = old_key_of(entry), read_public_key(str(entry.body.get("new_key", "")).encode())
    if old is None or new is None:
        return None
    consent = _consent(entry.log, entry.sequence, fingerprint(old))
    return new if signed_by(new, consent, str(entry.body.get("countersignature", ""))) else None


def same_key(first: Ed25519PublicKey, second: Ed25519PublicKey) -> bool:
    """Whether both are one key."""
    return public_pem(first) == public_pem(second)


def _consent(log: str, sequence: int, old: str) -> bytes:
    return f"dermai audit key follows {old} in {log} at {sequence}".encode()
