"""Is an archive of documents as it was signed? Nothing of it is unpacked to find out."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from dermai.audit import AuditLog
from dermai.audit.key import signed_by
from dermai.audit.rotation import ROTATION, new_key_of, old_key_of
from dermai.documents.signed_export import FORMAT, MANIFEST, SIGNATURE, ExportManifest, signed_message
from dermai.errors import DermaiError
from dermai.files import sha256_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MOST_FILES, MOST_BYTES = 64, 64 * 2**20


class ExportDamaged(DermaiError):
    """An archive of documents is not whole, not signed by a known key, or a file of it was changed."""


def log_keys(audit: AuditLog) -> list[Ed25519PublicKey]:
    """Every key that has signed a log which verifies: that of today and those that it followed.

    Raises:
        AuditLogDamaged: the log does not verify.
        DermaiError: there is no log.
    """
    from dermai.audit import load_public_key

    if not audit.public_key_file.exists():
        raise DermaiError(f"{audit.public_key_file} is missing: give --public-key, an auditor's copy of the key")
    keys = [load_public_key(audit.public_key_file)]
    for entry in audit.verified_entries(ROTATION):
        keys += [key for key in (old_key_of(entry), new_key_of(entry)) if key is not None]
    return keys


def verify_export(archive: Path, keys: Iterable[Ed25519PublicKey]) -> ExportManifest:
    """Compare signature, names and hashes; what is found is what the manifest says.

    Raises:
        ExportDamaged: it is no such archive, or was changed.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            return _verified(archive, opened, keys)
    except OSError as error:
        raise ExportDamaged(f"{archive} cannot be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise ExportDamaged(
            f"{archive} is no archive that `dermai audit export` wrote, or is damaged: {error}"
        ) from None


def _verified(archive: Path, opened: zipfile.ZipFile, keys: Iterable[Ed25519PublicKey]) -> ExportManifest:
    entries = opened.infolist()
    names = [entry.filename for entry in entries]
    if len(names) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise ExportDamaged(f"{archive} is larger than any that `dermai audit export` writes")
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
        raise ExportDamaged(f"{archive} was packed anew: `dermai audit export` compresses and encrypts nothing")
    if len(set(names)) < len(names) or not {MANIFEST, SIGNATURE} <= set(names):
        raise ExportDamaged(f"{archive} holds no {MANIFEST} with its signature, or one name twice: get another copy")
    content, signature = opened.read(MANIFEST), opened.read(SIGNATURE).decode("ascii", "replace").strip()
    if not any(signed_by(key, signed_message(content), signature) for key in keys):
        raise ExportDamaged(
            f"{archive}: {MANIFEST} is not signed by a key of this log: it was changed, or give --public-key with "
            "the key of the log that it is from"
        )
    try:
        manifest = ExportManifest.model_validate_json(content)
    except ValidationError as error:
        raise ExportDamaged(f"{archive}: {MANIFEST} is of another release: {error.errors()[0]['msg']}") from None
    if manifest.format != FORMAT:
        raise ExportDamaged(f"{archive} is of format {manifest.format}: verify it with the dermai that wrote it")
    for name in sorted({*names, *manifest.files} - {MANIFEST, SIGNATURE}):
        if name not in manifest.files:
            raise ExportDamaged(f"{archive}: {name} does not belong to it: get another copy")
        if name not in names:
            raise ExportDamaged(f"{archive}: {name} is missing: get another copy")
        if sha256_bytes(opened.read(name)) != manifest.files[name]:
            raise ExportDamaged(f"{archive}: {name} is not what was signed: get another copy")
    return manifest
