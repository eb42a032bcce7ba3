"""A backup is whole or not there; a restore gives back the same champion, records and predictions."""

from __future__ import annotations

import shutil
import sqlite3

import numpy as np
import pytest

from dermai.audit import AuditLog
from dermai.backup import back_up, restore
from dermai.backup.contents import BackupDamaged, read_manifest
from dermai.config import load_params
from dermai.errors import DermaiError
from dermai.files import write_text
from dermai.models.package import ModelPackage
from dermai.records.account_changes import AccountChanged
from dermai.records.incidents import Restore
from dermai.records.log import read_record, records_of
from dermai.records.summary import summarise
from dermai.registry.registry import Registry
from dermai.workspace import Workspace
from tests.conftest import REPOSITORY
from tests.records.made import failure
from web.accounts.people import accounts, add_account
from web.accounts.roles import Role
from web.database import migrate, open_database


@pytest.fixture
def champion(workspace, four_versions):
    """A workspace with a registered champion, two records, a prediction log and a report."""
    shutil.copy(four_versions, workspace.root)
    shutil.copytree(four_versions.parent / "mlartifacts", workspace.root / "mlartifacts")
    registry = Registry(workspace, params_of(workspace))
    for alias in ("champion", "anchor"):
        registry.set_alias(alias, "1")
    log = AuditLog(workspace.audit_log)
    for number in range(2):
        log.append(failure(f"number {number}"))
    write_text(workspace.prediction_log / "predictions" / "model_version=1" / "part.parquet", "a part")
    write_text(workspace.reports / "incremental_finetune" / "a" / "report.html", "<p>a report</p>")
    write_text(workspace.cache / "large", "made anew")
    return workspace


def empty_workspace(folder):
    folder.mkdir()
    shutil.copy(REPOSITORY / "params.yaml", folder)
    return Workspace(folder)


def params_of(workspace):
    return load_params(workspace.params_file)


def probabilities(workspace):
    import torch

    folder = Registry(workspace, params_of(workspace)).download("1")
    photograph = torch.linspace(0, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)
    with torch.inference_mode():
        return ModelPackage.load(folder).build()(photograph).numpy()


def test_a_restored_workspace_predicts_the_same_to_the_bit(champion, tmp_path):
    before = probabilities(champion)
    saved = back_up(champion, params_of(champion), tmp_path / "backup")
    assert saved.manifest.with_alias("champion").version == "1"
    shutil.rmtree(champion.root)  # nothing may lead back to the machine that was lost

    new = empty_workspace(tmp_path / "elsewhere")
    restored = restore(new, tmp_path / "backup")
    assert Registry(new, params_of(new)).by_alias("champion").sha256 == saved.manifest.versions[0].sha256
    assert np.array_equal(probabilities(new), before)
    assert AuditLog(new.audit_log).verify().ok
    last = AuditLog(new.audit_log).entries()[-1]
    assert read_record(last).body.records == 2
    assert summarise(last).startswith("back to the 2 records of the backup of ")
    assert (new.reports / "incremental_finetune" / "a" / "report.html").read_text() == "<p>a report</p>"
    assert not (new.cache / "large").exists()
    assert "dvc pull" in restored.next_steps[-1]


def test_a_workspace_with_its_state_elsewhere_is_restored_into_one_without(champion, tmp_path, monkeypatch):
    elsewhere = tmp_path / "shared"
    champion.state.rename(elsewhere)
    for name in ("mlflow.db", "mlartifacts"):
        (champion.root / name).rename(elsewhere / name)
    with monkeypatch.context() as patched:
        patched.setenv("DERMAI_STATE", str(elsewhere))
        saved = back_up(champion, params_of(champion), tmp_path / "backup")
    new = empty_workspace(tmp_path / "elsewhere")
    restore(new, saved.folder)
    assert (new.root / "mlflow.db").is_file()
    assert Registry(new, params_of(new)).by_alias("champion").version == "1"
    assert len(AuditLog(new.audit_log).entries()) == 3


def test_profiles_are_restored_with_params_yaml_and_named(champion, tmp_path):
    profile = "parameters:\n  overrides:\n    training.first_epochs: 5\n"
    write_text(champion.root / "profiles" / "clinic.yaml", profile)
    back_up(champion, params_of(champion), tmp_path / "backup")
    new = empty_workspace(tmp_path / "new")
    restored = restore(new, tmp_path / "backup")
    assert (new.root / "profiles" / "clinic.yaml").read_text() == profile
    assert "profiles/clinic.yaml" in restored.changed_settings


def test_no_key_is_in_a_backup(champion, tmp_path):
    from dermai.audit import key_file
    from dermai.data.pseudonyms import key_file as pseudonym_key_file
    from dermai.data.pseudonyms import load_pseudonyms

    load_pseudonyms(champion)
    saved = back_up(champion, params_of(champion), tmp_path / "backup")
    secrets = [key_file().read_bytes().strip(), pseudonym_key_file().read_bytes().strip()]
    for file in saved.folder.rglob("*"):
        assert not file.is_file() or not any(secret in file.read_bytes() for secret in secrets)
    assert saved.manifest.pseudonym_key
    assert saved.manifest.audit_key


@pytest.mark.parametrize("damage", ["changed", "missing", "added", "unfinished"])
def test_a_damaged_backup_is_refused_and_nothing_is_restored(champion, tmp_path, damage):
    backup = back_up(champion, params_of(champion), tmp_path / "backup").folder
    weights = next((backup / "files").rglob("weights.safetensors"))
    if damage == "changed":
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(bytes(content))
    elif damage == "missing":
        weights.unlink()
    elif damage == "added":
        write_text(backup / "files" / "state" / "new", "x")
    else:
        (backup / "manifest.json").unlink()
    new = empty_workspace(tmp_path / "elsewhere")
    with pytest.raises(BackupDamaged, match=r"weights.safetensors|does not belong|never finished"):
        restore(new, backup)
    assert sorted(path.name for path in new.root.iterdir()) == ["params.yaml"]


def test_a_workspace_with_records_of_its_own_is_not_overwritten(champion, tmp_path):
    backup = back_up(champion, params_of(champion), tmp_path / "backup").folder
    AuditLog(champion.audit_log).append(failure())
    with pytest.raises(DermaiError, match="records of its own"):
        restore(champion, backup, lose_records=True)
    assert len(AuditLog(champion.audit_log).entries()) == 3


def first_start(workspace, database=False):
    """What `dermai serve` writes in a workspace that is new."""
    if database:
        migrate(open_database(workspace))
    added = AccountChanged(change="added", subject="dermai", role="clinical lead", through="first_start")
    AuditLog(workspace.audit_log).append(added)


@pytest.mark.parametrize("killed", [False, True])
def test_a_first_start_of_the_service_is_set_aside_and_the_log_goes_on(champion, tmp_path, monkeypatch, killed):
    backup = back_up(champion, params_of(champion), tmp_path / "backup").folder
    new = empty_workspace(tmp_path / "elsewhere")
    first_start(new)
    if killed:
        with monkeypatch.context() as patched:
            patched.setattr("dermai.backup.restoring._put_back", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                restore(new, backup)
    restore(new, backup)
    log = AuditLog(new.audit_log)
    restored = records_of(log, Restore)[-1].body
    assert (restored.records_lost, [lost.count for lost in restored.replaces]) == (0, [1])
    log.append(failure("the log goes on"))
    assert log.verify().ok
    aside = new.state / "audit_replaced" / restored.replaces[0].log / new.audit_log.name
    assert "first_start" in aside.read_text()


def test_another_log_that_lay_here_and_is_gone_is_given_up_only_when_that_is_asked_for(champion, tmp_path):
    backup = back_up(champion, params_of(champion), tmp_path / "backup").folder
    new = empty_workspace(tmp_path / "elsewhere")
    AuditLog(new.audit_log).append(failure("of its own"))
    new.state.rename(tmp_path / "aside")
    with pytest.raises(DermaiError, match="another audit log"):
        restore(new, backup)
    restore(new, backup, lose_records=True)
    log = AuditLog(new.audit_log)
    assert records_of(log, Restore)[-1].body.records_lost == 1
    log.append(failure("the log goes on"))
    assert log.verify().ok


def test_a_first_start_with_a_database_says_what_to_move_and_then_is_replaced(champion, tmp_path):
    migrate(open_database(champion))
    backup = back_up(champion, params_of(champion), tmp_path / "backup").folder
    new = empty_workspace(tmp_path / "elsewhere")
    first_start(new, database=True)
    with open_database(new).writing() as session:
        add_account(session, "dermai", "The first account", Role.CLINICAL_LEAD, "a password that is long")
    with pytest.raises(DermaiError, match=r"`dermai serve` was started here before .*move .*web aside"):
        restore(new, backup)
    new.service_database.parent.rename(tmp_path / "web")
    restore(new, backup)
    assert AuditLog(new.audit_log).verify().ok


def test_going_back_behind_newer_records_must_be_asked_for_and_is_recorded(champion, tmp_path):
    backup = back_up(champion, params_of(champion), tmp_path / "backup").folder
    AuditLog(champion.audit_log).append(failure("after the backup"))
    new = empty_workspace(tmp_path / "elsewhere")
    with pytest.raises(DermaiError, match="1 newer records are known"):
        restore(new, backup)
    restore(new, backup, lose_records=True)
    assert records_of(AuditLog(new.audit_log), Restore)[-1].body.records_lost == 1
    assert AuditLog(new.audit_log).verify().ok


def test_a_restore_that_was_killed_is_run_again(champion, tmp_path, monkeypatch):
    backup = back_up(champion, params_of(champion), tmp_path / "backup").folder
    new = empty_workspace(tmp_path / "elsewhere")
    for place in ("dermai.backup.restoring.sync_folder", "dermai.backup.restoring._write_down"):
        with monkeypatch.context() as patched:
            patched.setattr(place, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                restore(new, backup)
    restore(new, backup)
    assert Registry(new, params_of(new)).by_alias("champion").version == "1"
    assert not list(new.root.rglob("*.restore.tmp"))


def test_a_backup_is_a_new_folder_outside_the_workspace(champion, tmp_path):
    with pytest.raises(DermaiError, match="inside the workspace"):
        back_up(champion, params_of(champion), champion.root / "backup")
    write_text(tmp_path / "full" / "something", "")
    with pytest.raises(DermaiError, match="not empty"):
        back_up(champion, params_of(champion), tmp_path / "full")
    champion.audit_log.write_bytes(champion.audit_log.read_bytes()[:-5])
    with pytest.raises(DermaiError, match="does not verify"):
        back_up(champion, params_of(champion), tmp_path / "backup")
    assert not list(tmp_path.glob("*backup*"))


def test_a_moved_workspace_takes_its_registry_along(champion, tmp_path):
    moved = Workspace(tmp_path / "moved")
    champion.root.rename(moved.root)
    registry = Registry(moved, params_of(moved))
    assert moved.root in registry.download("1").parents
    with sqlite3.connect(moved.root / "mlflow.db") as store:
        for table, column in (("runs", "artifact_uri"), ("model_versions", "storage_location")):
            assert all(moved.root.as_uri() in uri for (uri,) in store.execute(f"SELECT {column} FROM {table}"))


def test_a_backup_of_a_server_names_it_without_its_password(champion, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{champion.root / 'mlflow.db'}")
    backup = back_up(champion, params_of(champion), tmp_path / "backup").folder
    assert read_manifest(backup).registry == "local"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://dermai:secret@127.0.0.1:1/mlflow")
    with pytest.raises(DermaiError, match="unset MLFLOW_TRACKING_URI"):
        restore(empty_workspace(tmp_path / "elsewhere"), backup)


@pytest.mark.parametrize("name", ["manifest.json", "files", "files/state/audit/updates.jsonl"])
def test_a_link_in_a_backup_is_not_followed(champion, tmp_path, name):
    back_up(champion, params_of(champion), tmp_path / "backup")
    place = tmp_path / "backup" / name
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BackupDamaged, match="is a link"):
        read_manifest(tmp_path / "backup")


def test_the_database_of_the_service_is_saved_while_it_is_written_and_restored_for_its_owner_alone(champion, tmp_path):
    database = open_database(champion)
    migrate(database)
    with database.writing() as session:
        add_account(session, "a.silva", "A. Silva", Role.AUDITOR, "a password that is long")
    with database.writing() as session:
        add_account(session, "nobody", "Not yet", Role.AUDITOR, "a password that is long")
        session.flush()
        saved = back_up(champion, params_of(champion), tmp_path / "backup")
    assert "state/web/service.db" in saved.manifest.files
    assert not [name for name in saved.manifest.files if name.endswith(("-wal", "-shm"))]

    new = empty_workspace(tmp_path / "elsewhere")
    restore(new, tmp_path / "backup")
    assert new.service_database.stat().st_mode & 0o777 == 0o600
    with open_database(new).reading() as session:
        assert [account.name for account in accounts(session)] == ["a.silva"]


def test_what_goes_or_moves_while_a_backup_is_made_is_named_and_what_moved_is_in_it(champion, tmp_path):
    inbox = champion.state / "inbox"
    write_text(champion.state / "evidently" / "1" / "snapshots" / "old.json", "{}")
    write_text(inbox / "waiting" / "a.json", "a referral")

    def meanwhile(done, total):
        if done == 1:
            (champion.state / "evidently" / "1" / "snapshots" / "old.json").unlink()
            (inbox / "filed" / "123").mkdir(parents=True)
            (inbox / "waiting" / "a.json").rename(inbox / "filed" / "123" / "a.json")

    saved = back_up(champion, params_of(champion), tmp_path / "backup", meanwhile)
    assert sorted(saved.gone) == ["state/evidently/1/snapshots/old.json", "state/inbox/waiting/a.json"]
    assert "state/inbox/filed/123/a.json" in saved.manifest.files
    read_manifest(saved.folder)
