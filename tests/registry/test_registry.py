"""Versions are registered whole or not at all, found by alias, and verified when fetched."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dermai.errors import DermaiError, PackageTampered, ServiceUnavailable, UnknownVersion
from dermai.files import sha256_file
from dermai.models.package import CHECKSUMS, ModelPackage
from dermai.registry.mlflow_store import read_versions
from dermai.workspace import Workspace
from tests.packages import CLASSES, make_package


def register(registry, folder, **tags):
    return registry.register(
        folder, tags, "test", {"recall_mm": 0.8, "nothing": float("nan")}, {"gate": {"alpha": 0.05}}
    )


def test_a_version_keeps_its_package_tags_and_values(registry, package):
    version = register(registry, package, dataset="abc")
    assert (version.version, version.aliases, version.tags["dataset"]) == ("1", (), "abc")
    assert version.sha256 == sha256_file(package / CHECKSUMS) == ModelPackage.load(package).sha256
    folder = registry.download("1")
    assert ModelPackage.load(folder).classes == CLASSES
    run = registry.client.get_run(version.run_id)
    assert run.data.metrics == {"recall_mm": 0.8}
    assert run.data.params["gate.alpha"] == "0.05"
    assert run.info.status == "FINISHED"
    assert registry.workspace.root / "mlartifacts" in folder.parents
    assert not list(registry.workspace.root.rglob("*.pkl"))
    assert not (Path.cwd() / "mlruns").exists()


def test_the_same_package_again_is_the_same_version_with_the_new_tags(registry, package):
    register(registry, package, dataset="abc")
    again = register(registry, package, dataset="def")
    assert (again.version, again.tags["dataset"], len(registry.versions())) == ("1", "def", 1)


def test_using_one_store_does_not_decide_for_the_next_workspace(registry):
    named = registry.workspace.tracking_uri
    assert registry.client.search_registered_models() == []
    assert os.environ.get("MLFLOW_TRACKING_URI") is None
    assert Workspace(registry.workspace.root.parent).tracking_uri != named


def test_aliases_move_and_go(registry, package, tmp_path):
    register(registry, package)
    register(registry, make_package(1).save(tmp_path / "second"))
    assert registry.by_alias("champion") is None
    registry.set_alias("champion", "1")
    registry.set_alias("champion", "2")
    registry.set_alias("anchor", "1")
    assert registry.by_alias("champion").version == "2"
    assert registry.versions() == registry.versions_by_mlflow()
    assert registry.get("1").aliases == ("anchor",)
    registry.delete_alias("champion")
    registry.delete_alias("champion")
    assert registry.by_alias("champion") is None


def test_versions_are_listed_without_mlflow_and_as_mlflow_lists_them(registry, package, tmp_path):
    register(registry, package, dataset="abc")
    register(registry, make_package(1).save(tmp_path / "second"))
    register(registry, make_package(2).save(tmp_path / "third"))
    registry.client.delete_model_version(registry.name, "2")
    registry.set_alias("champion", "3")
    listed = registry.versions()
    assert [version.version for version in listed] == ["1", "3"]
    assert listed == registry.versions_by_mlflow()
    script = (
        "import sys; from dermai.config import load_params; from dermai.registry.registry import Registry;"
        "from dermai.workspace import Workspace; from pathlib import Path;"
        "folder = Path(sys.argv[1]);"
        "found = Registry(Workspace(folder), load_params(folder / 'params.yaml')).versions();"
        "print(len(found), 'mlflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(registry.workspace.root)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2", "False"]


def test_a_store_of_another_form_is_left_to_mlflow(tmp_path):
    store = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(store)) as other:
        other.execute("CREATE TABLE models (name)")
    assert read_versions(store, "dermai") is None


@pytest.mark.parametrize("kept", [1000, 200_000], ids=["the beginning", "half"])
def test_a_damaged_store_is_named_at_once(registry, kept):
    store = registry.workspace.root / "mlflow.db"
    content = store.read_bytes()
    store.write_bytes(content[:kept] if kept < 2000 else b"x" * 4096 + content[4096:kept])
    for use in (registry.versions, registry.versions_by_mlflow):
        with pytest.raises(ServiceUnavailable, match=r"mlflow\.db is damaged .*: put it back from a backup"):
            use()


def test_an_unknown_version_is_named_with_those_there_are(registry, package):
    register(registry, package)
    with pytest.raises(UnknownVersion, match="dermai has no version 7; registered: 1"):
        registry.get("7")
    with pytest.raises(UnknownVersion):
        registry.set_alias("champion", "7")


def test_a_package_changed_in_the_registry_is_refused(registry, package):
    register(registry, package)
    folder = registry.download("1")
    (folder / "manifest.csv").write_text("image\n")
    with pytest.raises(PackageTampered, match=r"dermai version 1: .*manifest.csv"):
        registry.download("1")


def test_a_whole_package_put_in_place_of_another_is_refused(registry, package):
    register(registry, package)
    folder = registry.download("1")
    changed = replace(ModelPackage.load(folder), temperature=0.5)
    changed.save(folder)
    with pytest.raises(PackageTampered, match="not the package that was registered"):
        registry.download("1")


def test_a_tampered_package_is_not_registered(registry, package, tmp_path):
    folder = ModelPackage.load(package).save(tmp_path / "package")
    (folder / "model.json").write_text("{}")
    with pytest.raises(PackageTampered):
        register(registry, folder)
    assert registry.versions() == []


def test_a_version_whose_files_are_all_gone_and_a_store_without_its_model_are_named(registry, package):
    version = registry.register(package, {}, "test", {}, {})
    with closing(sqlite3.connect(registry.workspace.root / "mlflow.db")) as store, store:
        store.execute("DELETE FROM registered_models")
    with pytest.raises(DermaiError, match="put it back from a backup"):
        registry.set_alias("champion", version.version)
    with closing(sqlite3.connect(registry.workspace.root / "mlflow.db")) as store, store:
        store.execute("INSERT INTO registered_models (name) VALUES ('dermai')")
    shutil.rmtree(registry.workspace.store)
    with pytest.raises(PackageTampered, match="put them back from a backup"):
        registry.served_sha256(version.version)


REGISTER = """
import os, signal, socket, sys
from pathlib import Path
import mlflow
from dermai.config import load_params
from dermai.registry.registry import Registry
from dermai.workspace import find_workspace

package, method, when = sys.argv[1:]
socket.gethostname = lambda: "a-pod-that-is-gone"
original = getattr(mlflow.MlflowClient, method)

def die(*arguments, **named):
    if when == "after":
        original(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(mlflow.MlflowClient, method, die)
workspace = find_workspace()
Registry(workspace, load_params(workspace.params_file)).register(Path(package), {}, "killed", {}, {})
"""


@pytest.mark.parametrize(
    ("method", "when"), [("create_run", "after"), ("create_model_version", "before"), ("create_model_version", "after")]
)
def test_a_registration_killed_at_any_point_leaves_the_champion_and_the_next_one_succeeds(
    registry, package, tmp_path, method, when
):
    register(registry, package)
    registry.set_alias("champion", "1")
    second = make_package(1).save(tmp_path / "second")
    killed = subprocess.run([sys.executable, "-c", REGISTER, str(second), method, when], check=False)
    assert killed.returncode == -signal.SIGKILL

    assert registry.by_alias("champion").version == "1"
    assert [version.version for version in registry.versions()] == ["1"]
    version = register(registry, second)
    assert version.sha256 == sha256_file(second / CHECKSUMS)
    assert [known.version for known in registry.versions()] == ["1", version.version]
    assert registry.by_alias("champion").version == "1"
    runs = registry.client.search_runs([run.experiment_id for run in registry.client.search_experiments()])
    assert sorted(run.info.status for run in runs) == ["FINISHED", "FINISHED", "KILLED"]


def test_a_run_that_the_environment_names_is_not_the_one_of_a_registration(registry, package, monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "0123456789abcdef0123456789abcdef")
    assert register(registry, package).run_id != "0123456789abcdef0123456789abcdef"
