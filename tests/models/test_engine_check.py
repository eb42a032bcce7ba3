"""An engine that answers other than the weights is refused when a package is made, and when it is registered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dermai.models.engine import export_network
from dermai.models.engine_check import EngineDiffers, check_engine, with_checked_engine
from dermai.models.package import ModelPackage
from dermai.registry.registry import Registry
from tests.packages import make_package


def engine_of(package: ModelPackage, size: int = 64) -> bytes:
    return export_network(package.backbone, package.weights, size, package.mean, package.std)


def test_a_package_gets_the_engine_of_its_weights(tmp_path: Path) -> None:
    made = with_checked_engine(make_package(), tmp_path)
    assert made.engine == engine_of(make_package())
    assert made.head == "classifier"
    check_engine(made)
    check_engine(make_package())  # has none


def test_the_engine_of_other_weights_another_size_or_another_normalisation_is_refused() -> None:
    package = make_package()
    with pytest.raises(EngineDiffers, match="a feature differs"):
        check_engine(package.with_engine(engine_of(make_package(seed=1))))
    with pytest.raises(EngineDiffers, match="96 px"):
        check_engine(package.with_engine(engine_of(package, size=96)))
    with pytest.raises(EngineDiffers, match="a feature differs"):
        check_engine(package.with_engine(engine_of(replace(package, mean=(0.4, 0.5, 0.5)))))


def test_such_a_package_is_not_registered(registry: Registry, tmp_path: Path) -> None:
    wrong = make_package().with_engine(engine_of(make_package(seed=1))).save(tmp_path / "wrong")
    with pytest.raises(EngineDiffers):
        registry.register(wrong, {}, "test", {}, {})
    assert registry.versions() == []
    right = with_checked_engine(make_package(), tmp_path).save(tmp_path / "right")
    version = registry.register(right, {}, "test", {}, {})
    assert ModelPackage.load(registry.download(version.version)).engine is not None
