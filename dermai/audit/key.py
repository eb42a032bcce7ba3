"""The Ed25519 key that signs the audit log; it lies outside the repository."""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dermai.errors import DermaiError
from dermai.files import create_private, sha256_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_VARIABLE = "DERMAI_AUDIT_KEY_FILE"
log = logging.getLogger(__name__)


def key_file() -> Path:
    """`DERMAI_AUDIT_KEY_FILE`, or `~/.config/dermai/audit.key`."""
    return Path(os.environ.get(KEY_VARIABLE) or "~/.config/dermai/audit.key").expanduser()


@dataclass(frozen=True)
class SigningKey:
    """The private key and where it lies."""

    path: Path
    private: Ed25519PrivateKey

    @classmethod
    def load_or_create(cls, path: Path | None = None) -> SigningKey:
        """Read the key; on first use make one, readable by its owner only, and say so.

        Raises:
            DermaiError: the file is not an Ed25519 private key, or cannot be read or made.
        """
        path = path or key_file()
        try:
            if not path.exists():
                _create(path)
            content = path.read_bytes()
            others = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        except OSError as error:
            raise DermaiError(f"the audit key {path} cannot be used ({error.strerror}): set {KEY_VARIABLE}") from None
        if others:
            log.warning("the audit key %s can be read by other users: run `chmod 600 %s`", path, path)
        return cls(path, _private_key(content, path))

    @property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()

    @property
    def witness_folder(self) -> Path:
        """Copies of each log's last head, out of reach of those who can write the repository only."""
        return self.path.parent / f"{self.path.name}.heads"

    def sign(self, message: bytes) -> str:
        """Hexadecimal signature."""
        return self.private.sign(message).hex()


def _create(path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    content = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    if create_private(path, content):
        log.warning("made the key that signs the audit log: %s. Back it up; keep it out of the repository.", path)


def _private_key(content: bytes, path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise DermaiError(f"{path} is not an unencrypted Ed25519 private key in PEM: restore it or set {KEY_VARIABLE}")
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The public key as PEM."""
    from cryptography.hazmat.primitives import serialization

    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PublicKey) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the public key's PEM."""
    return sha256_bytes(public_pem(key))[:16]


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key in PEM.

    Raises:
        DermaiError: there is no such file, or it holds something else.
    """
    try:
        key = read_public_key(path.read_bytes())
    except OSError as error:
        raise DermaiError(
            f"{path} cannot be read ({error.strerror}): give the auditor's copy of the public key"
        ) from None
    if key is None:
        raise DermaiError(f"{path} is not an Ed25519 public key in PEM")
    return key


def read_public_key(content: bytes) -> Ed25519PublicKey | None:
    """A public key from PEM; None where the content is something else."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def signed_by(key: Ed25519PublicKey, message: bytes, signature: str) -> bool:
    """Whether the key made this hexadecimal signature, written in lower case and nothing else."""
    from cryptography.exceptions import InvalidSignature

    try:
        content = bytes.fromhex(signature)
        key.verify(content, message)
    except (ValueError, InvalidSignature):
        return False
    return content.hex() == signature
