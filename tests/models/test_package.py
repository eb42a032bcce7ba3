"""Model packages: whole, checked, and the same after a round trip."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from dermai.errors import PackageTampered
from dermai.models.engine_check import with_checked_engine
from dermai.models.package import ModelPackage
from tests.packages import make_package

STORED_LINEAR = Path(__file__).parents[1] / "serving/stored/format_7/artifacts/p7"


def test_a_package_is_the_same_after_a_round_trip(package: Path) -> None:
    made, loaded = make_package(), ModelPackage.load(package)
    assert loaded.sha256 == made.sha256
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.build()(x), made.build()(x))
    assert loaded.manifest.equals(made.manifest)


def test_a_package_that_crops_says_so_in_a_format_of_its_own(tmp_path: Path) -> None:
    plain, made = make_package(), replace(make_package(), crop="lesion")
    assert ModelPackage.load(made.save(tmp_path / "package")).crop == "lesion"
    assert b'"format": 3' in made.files["model.json"]
    assert b"crop" not in plain.files["model.json"]
    assert made.sha256 != plain.sha256


def test_newly_chosen_operating_points_call_by_the_newest_rule_and_a_package_without_one_by_the_first(
    tmp_path: Path,
) -> None:
    plain = make_package()
    made = plain.with_operating_points({"BCC": 0.142})
    assert b"call_rule" not in plain.files["model.json"]
    assert b'"format": 4' in made.files["model.json"]
    old = replace(made, call_rule=1).save(tmp_path / "old")
    probabilities = np.array([[0.3, 0.2, 0.5]])  # Nev, BCC, MM
    assert ModelPackage.load(made.save(tmp_path / "new")).called(probabilities) == ["MM"]
    assert ModelPackage.load(old).called(probabilities) == ["BCC"]


def test_a_rule_of_a_later_release_is_refused(tmp_path: Path) -> None:
    made = replace(make_package(), call_rule=3).save(tmp_path / "package")
    with pytest.raises(PackageTampered, match="update it"):
        ModelPackage.load(made)


def test_probabilities_keep_every_digit(tmp_path: Path) -> None:
    made = make_package()
    columns = [name for name in made.validation.columns if name.startswith("p_")]
    drawn = np.random.default_rng(0).dirichlet(np.ones(len(columns)), size=200)
    table = pd.DataFrame(drawn, columns=columns)
    table.insert(0, "image", [f"{number:064x}" for number in range(200)])
    table.insert(1, "diagnosis", "Nev")
    made = replace(made, validation=table)
    assert ModelPackage.load(made.save(tmp_path / "package")).sha256 == made.sha256


def test_other_operating_points_are_another_package() -> None:
    made = make_package()
    changed = made.with_operating_points({"MM": 0.1}).with_temperature(2.0)
    assert changed.operating_points == {"MM": 0.1}
    assert changed.temperature == 2.0
    assert changed.sha256 != made.sha256


def test_a_package_with_its_engine_says_so_in_a_format_of_its_own(tmp_path: Path) -> None:
    made = with_checked_engine(make_package(), tmp_path)
    assert b'"format": 6' in made.files["model.json"]
    folder = made.save(tmp_path / "package")
    loaded = ModelPackage.load(folder)
    assert (loaded.engine, loaded.sha256) == (made.engine, made.sha256)
    assert replace(loaded, engine=None, head="").sha256 == make_package().sha256
    content = bytearray((folder / "network.onnx").read_bytes())
    content[-2] ^= 1
    (folder / "network.onnx").write_bytes(content)
    with pytest.raises(PackageTampered, match=r"network\.onnx does not match"):
        ModelPackage.load(folder)
    (folder / "network.onnx").unlink()
    with pytest.raises(PackageTampered, match=r"network\.onnx is missing"):
        ModelPackage.load(folder)


def test_an_engine_that_is_gone_from_the_checksums_too_is_missed(tmp_path: Path) -> None:
    folder = with_checked_engine(make_package(), tmp_path).save(tmp_path / "package")
    (folder / "network.onnx").unlink()
    recorded = json.loads((folder / "checksums.json").read_text())
    del recorded["network.onnx"]
    (folder / "checksums.json").write_text(json.dumps(recorded))
    with pytest.raises(PackageTampered, match="format 6"):
        ModelPackage.load(folder)


def test_linear_parts_that_are_gone_from_the_checksums_too_are_missed(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(STORED_LINEAR, tmp_path / "package"))
    assert ModelPackage.load(folder).linear_parts is not None
    (folder / "linear_parts.safetensors").unlink()
    recorded = json.loads((folder / "checksums.json").read_text())
    del recorded["linear_parts.safetensors"]
    (folder / "checksums.json").write_text(json.dumps(recorded))
    with pytest.raises(PackageTampered, match="format 7"):
        ModelPackage.load(folder)


@pytest.mark.parametrize("name", ["fine_tuned.json", "fine_tuned_learnt.csv", "fine_tuned_0.safetensors", "all"])
def test_fine_tuned_networks_that_are_gone_from_the_checksums_too_are_missed(tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(STORED_LINEAR.parents[2] / "format_8/artifacts/p8", tmp_path / "package"))
    assert ModelPackage.load(folder).fine_tuned is not None
    recorded = json.loads((folder / "checksums.json").read_text())
    for file in list(recorded):
        if file == name or (name == "all" and file.startswith("fine_tuned")):
            (folder / file).unlink()
            del recorded[file]
    (folder / "checksums.json").write_text(json.dumps(recorded))
    with pytest.raises(PackageTampered, match="restore the package"):
        ModelPackage.load(folder)


@pytest.mark.parametrize("name", ["weights.safetensors", "model.json", "manifest.csv", "validation_predictions.csv"])
def test_a_changed_or_missing_file_is_refused(package: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "package"
    shutil.copytree(package, folder)
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(PackageTampered, match=name):
        ModelPackage.load(folder)
    (folder / name).unlink()
    with pytest.raises(PackageTampered, match="missing"):
        ModelPackage.load(folder)


def test_a_file_that_does_not_belong_to_a_package_is_refused(tmp_path):
    folder = make_package().save(tmp_path / "package")
    (folder / "model.pkl").write_bytes(b"code")
    with pytest.raises(PackageTampered, match=r"model\.pkl does not belong"):
        ModelPackage.load(folder)


def test_a_folder_that_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageTampered, match=r"checksums\.json"):
        ModelPackage.load(tmp_path)


def test_saving_again_replaces_the_folder(tmp_path: Path) -> None:
    make_package(0).save(tmp_path / "package")
    other = make_package(1)
    other.save(tmp_path / "package")
    assert ModelPackage.load(tmp_path / "package").sha256 == other.sha256
    assert [path.name for path in tmp_path.iterdir()] == ["package"]
