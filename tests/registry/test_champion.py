"""The models in production are fetched once and checked whenever they are loaded."""

from __future__ import annotations

import shutil

import pytest

from dermai.errors import PackageTampered
from dermai.registry.champion import ReferenceModels, find_reference_models, load_reference_package
from dermai.registry.registry import Registry
from dermai.workspace import Workspace
from tests.packages import make_package


@pytest.fixture
def found(fleet) -> ReferenceModels:
    """A champion and another anchor."""
    fleet.champions(2)
    return find_reference_models(fleet.workspace, fleet.params)


def test_champion_and_anchor_are_loaded_without_asking_the_registry(fleet, found):
    (fleet.workspace.root / "mlflow.db").unlink()
    for version, reference in (("2", found.champion), ("1", found.anchor)):
        assert reference.version == version
        assert load_reference_package(fleet.workspace, reference).sha256 == reference.sha256
    assert load_reference_package(fleet.workspace, None) is None


def test_before_the_first_promotion_there_are_none(fleet):
    assert find_reference_models(fleet.workspace, fleet.params) == ReferenceModels()


def test_a_first_champion_is_its_own_anchor(fleet):
    fleet.champions(1)
    found = find_reference_models(fleet.workspace, fleet.params)
    assert found.champion == found.anchor


def test_a_file_changed_since_it_was_fetched_is_refused(fleet, found):
    for name in ("weights.safetensors", "manifest.csv", "checksums.json"):
        file = fleet.workspace.store / found.champion.folder / name
        content = file.read_bytes()
        file.write_bytes(content[:-1] + b"?")
        with pytest.raises(PackageTampered, match=r"version 2 is not|manifest\.csv|weights\.safetensors"):
            load_reference_package(fleet.workspace, found.champion)
        file.write_bytes(content)
    assert load_reference_package(fleet.workspace, found.champion) is not None


def test_a_whole_package_put_in_its_place_is_refused(fleet, found):
    make_package(9).save(fleet.workspace.store / found.champion.folder)
    with pytest.raises(PackageTampered, match="version 2 is not the package that was registered"):
        load_reference_package(fleet.workspace, found.champion)


def test_a_package_that_is_gone_is_said_with_what_to_do(fleet, found):
    shutil.rmtree(fleet.workspace.store / found.champion.folder)
    with pytest.raises(PackageTampered, match=r"version 2: .* is gone since it was fetched: run the update again"):
        load_reference_package(fleet.workspace, found.champion)


def test_it_is_the_same_value_in_a_workspace_that_was_moved(fleet, found, tmp_path):
    moved = Workspace(tmp_path / "moved")
    fleet.workspace.root.rename(moved.root)
    assert find_reference_models(moved, fleet.params) == found
    assert Registry(moved, fleet.params).download("2") == moved.store / found.champion.folder


def test_the_weights_that_a_first_model_starts_from_are_known_by_their_content(fleet, tmp_path):
    file = tmp_path / "tf_efficientnet_lite0.safetensors"
    params = fleet.params.model_copy(
        update={"model": fleet.params.model.model_copy(update={"weights_folder": str(tmp_path)})}
    )
    values = []
    for content in (b"", b"weights", b"other weights"):
        if content:
            file.write_bytes(content)
        values.append(find_reference_models(fleet.workspace, params).pretrained)
    assert values[0] is None
    assert len(set(values)) == 3
