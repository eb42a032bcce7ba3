"""One archive a version: the same records give the same bytes, and nobody is named in it."""

from __future__ import annotations

import json
import zipfile

import pytest

from dermai.audit import key_file
from dermai.cli import app
from dermai.documents.signed_export import MANIFEST, SIGNATURE, export_version
from dermai.errors import DermaiError
from dermai.files import sha256_bytes
from tests.documents.made_version import LEAKED, NAMED_PERSON, made_version
from tests.promotion.fleet import Fleet

DOCUMENTS = {
    "applied_model_card.xml", "change_plan.html", "change_plan.json", "clear_derm.html", "clear_derm.json",
    "model.cdx.json", "software.cdx.json", "tripod_ai.html", "tripod_ai.json",
}  # fmt: skip


def test_an_archive_holds_every_document_and_a_manifest_of_hashes(fleet: Fleet, tmp_path) -> None:
    archive = export_version(fleet.workspace, fleet.params, made_version(fleet), tmp_path)
    assert archive.name == "dermai-1.zip"
    with zipfile.ZipFile(archive) as opened:
        assert set(opened.namelist()) == DOCUMENTS | {MANIFEST, SIGNATURE}
        manifest = json.loads(opened.read(MANIFEST))
        assert manifest["files"] == {name: sha256_bytes(opened.read(name)) for name in DOCUMENTS}


def test_the_same_records_give_the_same_bytes(fleet: Fleet, tmp_path) -> None:
    version = made_version(fleet)
    first = export_version(fleet.workspace, fleet.params, version, tmp_path / "first").read_bytes()
    fleet.candidate()  # a record of another version changes nothing
    assert export_version(fleet.workspace, fleet.params, version, tmp_path / "second").read_bytes() == first


def test_no_person_and_no_patient_is_in_it(fleet: Fleet, tmp_path) -> None:
    archive = export_version(fleet.workspace, fleet.params, made_version(fleet), tmp_path)
    with zipfile.ZipFile(archive) as opened:
        content = b"".join(opened.read(name) for name in opened.namelist()).decode()
    assert NAMED_PERSON not in content
    assert LEAKED.split()[1] not in content
    assert "reviewed the report" not in content


def test_without_the_log_s_own_key_nothing_is_written(fleet: Fleet, tmp_path) -> None:
    version = made_version(fleet)
    key_file().unlink()
    with pytest.raises(DermaiError, match="nothing can be signed"):
        export_version(fleet.workspace, fleet.params, version, tmp_path / "export")
    assert not key_file().exists()
    assert not (tmp_path / "export").exists()


def test_the_commands_write_and_verify_an_archive(fleet: Fleet, tmp_path, capsys, monkeypatch) -> None:
    version = made_version(fleet)

    def dermai(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["dermai", "audit", *arguments])
        with pytest.raises(SystemExit) as ended:
            app()
        said = capsys.readouterr()
        assert not ended.value.code, said.err
        return said.out

    archive = dermai("export", version, "--output", str(tmp_path)).strip()
    assert "dermai version 1, 9 documents, all as they were signed" in dermai("verify-export", archive)
    assert "as of record" in dermai("verify-export", archive, "--public-key", str(fleet.audit.public_key_file))
