from __future__ import annotations

import logging
from pathlib import Path

import pytest

from dermai.data.pseudonyms import Pseudonyms, key_file, load_pseudonyms
from dermai.errors import DermaiError
from dermai.workspace import Workspace


def test_the_key_is_made_on_first_use_for_its_owner_only_and_said_aloud(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        first = load_pseudonyms(workspace)
    assert str(key_file()) in caplog.text
    assert key_file().stat().st_mode & 0o777 == 0o600
    assert load_pseudonyms(workspace) == first


def test_pseudonyms_differ_by_kind_source_and_key() -> None:
    one, other = Pseudonyms(b"k" * 32), Pseudonyms(b"l" * 32)
    names = {
        one.patient("dermai", "1"),
        one.lesion("dermai", "1")[1:],
        one.case("dermai", "1")[1:],
        one.patient("edra", "1"),
        one.patient("derm", "ai1"),
        other.patient("dermai", "1"),
    }
    assert len(names) == 6
    assert "k" * 32 not in repr(one)


def test_another_key_than_the_workspace_s_is_refused(workspace: Workspace) -> None:
    load_pseudonyms(workspace)
    key_file().write_text("another secret of more than thirty-two bytes")
    with pytest.raises(DermaiError, match="is not the one this workspace's patients were pseudonymised with"):
        load_pseudonyms(workspace)


def test_a_lost_key_is_not_quietly_replaced(workspace: Workspace) -> None:
    load_pseudonyms(workspace)
    key_file().unlink()
    with pytest.raises(DermaiError, match="is gone"):
        load_pseudonyms(workspace)
    assert not key_file().exists()


def test_a_damaged_record_of_the_key_is_named(workspace):
    load_pseudonyms(workspace)
    (workspace.state / "pseudonym_key.json").write_bytes(b'{"fingerprint"')
    with pytest.raises(DermaiError, match=r"pseudonym_key\.json is damaged"):
        load_pseudonyms(workspace)


def test_a_key_inside_the_repository_is_refused(workspace: Workspace) -> None:
    with pytest.raises(DermaiError, match="inside the repository"):
        load_pseudonyms(workspace, workspace.root / "secrets" / "pseudonym.key")
    assert not (workspace.root / "secrets").exists()


def test_a_link_to_a_key_inside_the_repository_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.root / "inside.key").write_text("x" * 40)
    (tmp_path / "link.key").symlink_to(workspace.root / "inside.key")
    with pytest.raises(DermaiError, match="inside the repository"):
        load_pseudonyms(workspace, tmp_path / "link.key")


def test_a_short_key_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "short.key").write_text("guessable")
    with pytest.raises(DermaiError, match="shorter than 32 bytes"):
        load_pseudonyms(workspace, tmp_path / "short.key")
