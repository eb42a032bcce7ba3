import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from dermai.config import PROFILE_VARIABLE, Overrides, Params, load_params, parse_settings, read_overrides
from dermai.errors import InvalidParams
from tests.conftest import REPOSITORY

SHIPPED = REPOSITORY / "params.yaml"
PROFILES = sorted(file.stem for file in (REPOSITORY / "profiles").glob("*.yaml"))


@pytest.fixture(autouse=True)
def no_profile_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PROFILE_VARIABLE, raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the shipped parameters and one profile."""
    shutil.copy(SHIPPED, tmp_path)
    write_profile(tmp_path, "small", {"model": {"image_size": 64}, "gate.floors.MM": 0.6})
    return tmp_path


def write_profile(root: Path, name: str, overrides: dict[str, Any], **other: Any) -> None:
    file = root / "profiles" / f"{name}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump({"parameters": {"profile": name, "overrides": overrides} | other}))


def test_the_committed_file_says_exactly_what_the_models_have_as_defaults() -> None:
    assert load_params(SHIPPED) == Params()
    written = yaml.safe_load(SHIPPED.read_text())
    assert not [name for name in dotted(Params().model_dump()) if name not in dotted(written)]


def dotted(values: dict[str, Any], above: str = "") -> set[str]:
    """The names of all keys, those of strategies aside: each says only what differs from a plain one."""
    names = set()
    for key, value in values.items():
        names.add(above + key)
        if isinstance(value, dict) and key != "strategies":
            names |= dotted(value, f"{above}{key}.")
    return names


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


def test_a_part_of_a_value_can_be_laid_over_and_the_rest_of_it_stays(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("gate: {}\n")
    assert load_params(file, {"gate.floors.MM": 0.5}).gate.floors == {"MM": 0.5, "BCC": 0.6}
    assert load_params(file, {"gate": {"floors": {"MM": 0.5, "BCC": 0.5}}}).gate.floors == {"MM": 0.5, "BCC": 0.5}


@pytest.mark.parametrize("name", PROFILES)
def test_each_committed_profile_holds_valid_values_and_only_those_that_differ(name: str) -> None:
    overrides = read_overrides(REPOSITORY, name)
    load_params(SHIPPED, overrides)
    assert overrides.values
    for key, value in overrides.values.items():
        assert load_params(SHIPPED, {key: value}) != Params(), f"profiles/{name}.yaml: {key} is as shipped"


def test_a_profile_lies_over_params_yaml_and_single_values_over_both(root: Path) -> None:
    overrides = read_overrides(root, "small", {"model.image_size": 96})
    assert overrides == Overrides(profile="small", values={"gate.floors.MM": 0.6, "model.image_size": 96})
    params = load_params(root / "params.yaml", overrides)
    assert (params.model.image_size, params.gate.floors) == (96, {"MM": 0.6, "BCC": 0.6})


def test_the_environment_names_the_profile_where_nothing_else_does(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_overrides(root) == Overrides()
    write_profile(root, "other", {"seed": 7})
    monkeypatch.setenv(PROFILE_VARIABLE, "other")
    assert read_overrides(root).values == {"seed": 7}
    assert read_overrides(root, "small").profile == "small"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.size", "model.size is unknown: model has backbone, pretrained"),
        ("models.image_size", "models is unknown: params.yaml has seed, data"),
        ("model", "model is a section: it has backbone"),
        ("seed.first", "seed.first is unknown: seed is a value"),
    ],
)
def test_an_unknown_parameter_is_refused_with_those_that_exist(root: Path, name: str, message: str) -> None:
    with pytest.raises(InvalidParams, match=message):
        read_overrides(root, single={name: 1})
    write_profile(root, "wrong", {name: 1})
    with pytest.raises(InvalidParams, match=rf"profiles/wrong\.yaml: {message}"):
        read_overrides(root, "wrong")


def test_an_unknown_profile_is_refused_with_those_that_exist(root: Path) -> None:
    for name in ("large", "../small", "small.yaml"):
        with pytest.raises(InvalidParams, match="profiles/ holds small"):
            read_overrides(root, name)


def test_a_profile_of_another_form_is_refused(root: Path) -> None:
    shutil.copy(root / "profiles" / "small.yaml", root / "profiles" / "copy.yaml")
    with pytest.raises(InvalidParams, match="calls itself small: write `profile: copy`"):
        read_overrides(root, "copy")
    (root / "profiles" / "plain.yaml").write_text("model: {image_size: 64}")
    with pytest.raises(InvalidParams, match="it must hold `parameters:` with `profile: plain`"):
        read_overrides(root, "plain")
    write_profile(root, "large", {"data.test_fraction": 1.5})
    with pytest.raises(InvalidParams, match=r"params.yaml with profile large: data\.test_fraction"):
        load_params(root / "params.yaml", read_overrides(root, "large"))


def test_single_values_are_written_as_name_and_yaml() -> None:
    given = [
        "training.hierarchy=[risk, group]",
        "triage.heat_maps=false",
        "gate.floors={MM: 0.5}",
    ]
    assert parse_settings(given) == {
        "training.hierarchy": ["risk", "group"],
        "triage.heat_maps": False,
        "gate.floors": {"MM": 0.5},
    }
    for text, message in (("seed", "write it like"), ("=3", "write it like"), ("seed=[1", "--set seed is not YAML")):
        with pytest.raises(InvalidParams, match=message):
            parse_settings([text])


def test_a_parameter_that_was_replaced_says_by_what(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("data: {validation_fraction: 0.15}\n")
    with pytest.raises(InvalidParams, match=r"data\.validation_fraction: take it out; .* \(data\.folds\)"):
        load_params(file)
    with pytest.raises(InvalidParams, match=r"data\.validation_fraction is unknown: take it out"):
        read_overrides(tmp_path, "", {"data.validation_fraction": 0.2})


def test_a_file_that_is_no_text_is_named(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_bytes(b"seed: 1 # \x8f\n")
    with pytest.raises(InvalidParams, match=r"params.yaml is not YAML: .*0x8f"):
        load_params(file)
