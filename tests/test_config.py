from pathlib import Path

import pytest

from dermai.config import Params, load_params
from dermai.errors import InvalidParams
from tests.conftest import REPOSITORY


def test_the_committed_file_holds_exactly_the_documented_sections() -> None:
    params = load_params(REPOSITORY / "params.yaml")
    assert isinstance(params, Params)


def test_an_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("training: {epoch: 3}\n")
    with pytest.raises(InvalidParams, match=r"training\.epoch: Extra inputs are not permitted"):
        load_params(file)


def test_a_value_out_of_range_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("data: {test_fraction: 1.5}\n")
    with pytest.raises(InvalidParams, match=r"data\.test_fraction"):
        load_params(file)


def test_overrides_lie_on_top_and_are_checked_too(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("model: {image_size: 300}\n")
    assert load_params(file, {"model.image_size": 128, "seed": 5}).model.image_size == 128
    with pytest.raises(InvalidParams, match=r"model\.size"):
        load_params(file, {"model.size": 128})


@pytest.mark.parametrize(("text", "message"), [("a: [1", "not YAML"), ("- 1", "must hold sections")])
def test_a_file_that_is_not_sections_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(InvalidParams, match=message):
        load_params(file)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidParams, match=r"params\.yaml does not exist"):
        load_params(tmp_path / "params.yaml")
