"""Any change of an archive is found, by the key of the log, and nothing of it is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from dermai.audit import SigningKey
from dermai.documents.export_verification import MOST_BYTES, ExportDamaged, log_keys, verify_export
from dermai.documents.signed_export import MANIFEST, export_version
from tests.documents.made_version import made_version
from tests.promotion.fleet import WHO, Fleet


@pytest.fixture
def archive(fleet: Fleet, tmp_path: Path) -> Path:
    return export_version(fleet.workspace, fleet.params, made_version(fleet), tmp_path)


def rewritten(archive: Path, change) -> Path:
    """A copy with other parts: `change` gets the parts by name."""
    with zipfile.ZipFile(archive) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    change(parts)
    other = archive.with_name("other.zip")
    with zipfile.ZipFile(other, "w") as opened:
        for name, content in parts.items():
            opened.writestr(name, content)
    return other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda parts: parts.update({"tripod_ai.json": b"{}"}), r"tripod_ai\.json is not what was signed"),
        (lambda parts: parts.pop("tripod_ai.json"), r"tripod_ai\.json is missing"),
        (lambda parts: parts.update({"../evil": b""}), "does not belong to it"),
        (lambda parts: parts.pop(MANIFEST), f"holds no {MANIFEST}"),
        (lambda parts: parts.update({MANIFEST: parts[MANIFEST].replace(b'"1"', b'"2"')}), "is not signed by a key"),
        (lambda parts: parts.update({"big": bytes(MOST_BYTES)}), "larger than any"),
    ],
)
def test_every_change_is_found(archive: Path, fleet: Fleet, change, message: str) -> None:
    keys = log_keys(fleet.audit)
    assert verify_export(archive, keys).version == "1"
    with pytest.raises(ExportDamaged, match=message):
        verify_export(rewritten(archive, change), keys)


def test_an_archive_that_was_packed_anew_is_refused(archive: Path, fleet: Fleet) -> None:
    with zipfile.ZipFile(archive) as opened, zipfile.ZipFile(archive.with_name("other.zip"), "w") as other:
        for name in opened.namelist():
            other.writestr(name, opened.read(name), zipfile.ZIP_DEFLATED)
    with pytest.raises(ExportDamaged, match="was packed anew"):
        verify_export(archive.with_name("other.zip"), log_keys(fleet.audit))


def test_what_is_no_archive_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "note.zip").write_text("not a zip")
    with pytest.raises(ExportDamaged, match="is no archive that"):
        verify_export(tmp_path / "note.zip", [])
    with pytest.raises(ExportDamaged, match="cannot be read"):
        verify_export(tmp_path / "absent.zip", [])


def test_an_archive_of_before_a_rotation_stays_good_and_one_of_another_key_is_refused(
    archive: Path, fleet: Fleet, tmp_path: Path
) -> None:
    fleet.audit.rotate_key(**WHO)
    assert verify_export(archive, log_keys(fleet.audit)).version == "1"
    with pytest.raises(ExportDamaged, match="is not signed by a key of this log"):
        verify_export(archive, [SigningKey.load_or_create(tmp_path / "other.key").public])
