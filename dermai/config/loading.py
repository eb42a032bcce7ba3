"""Parameters read in one place, for commands and pipelines alike: params.yaml, a profile, single values.

A profile is a file `profiles/NAME.yaml` with what differs from params.yaml, in the form that
`zenml pipeline run NAME -c profiles/NAME.yaml` reads too::

    parameters:
      profile: NAME
      overrides:
        model: {image_size: 128}
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import to_jsonable_python

from dermai.config.parameters import Params, Section
from dermai.errors import InvalidParams

PROFILE_VARIABLE = "DERMAI_PROFILE"
PROFILES = "profiles"


REPLACED = {  # parameters of earlier releases: what stands in their place
    "data.validation_fraction": "take it out; every patient who is no test patient has a fold now (data.folds)",
}


class Overrides(Section):
    """What is laid over params.yaml by dotted names: a profile's values, then single ones, which go before them."""

    profile: str = ""
    values: dict[str, JsonValue] = Field(default_factory=dict)


class ProfileParameters(Section):
    """What every pipeline takes."""

    profile: str
    overrides: dict[str, Any]


class ProfileFile(BaseModel):
    """A profile as ZenML reads it; beside the parameters it may hold other settings of a run."""

    model_config = ConfigDict(frozen=True, extra="allow")

    parameters: ProfileParameters


def read_overrides(root: Path, profile: str = "", single: Mapping[str, Any] | None = None) -> Overrides:
    """What a command or a pipeline is asked to lay over params.yaml, in the workspace at `root`.

    Where no profile is named, `DERMAI_PROFILE` names one for all commands and pipelines. `single` may hold sections
    or dotted names: `{"model": {"image_size": 128}}` and `{"model.image_size": 128}` are the same.

    Raises:
        InvalidParams: there is no such profile or no such parameter, or the profile has another form.
    """
    profile = profile or os.environ.get(PROFILE_VARIABLE, "")
    values = _read_profile(root / PROFILES, profile) if profile else {}
    later = _dotted(single or {}, Params())
    kept = {name: value for name, value in values.items() if name not in later}
    return Overrides(profile=profile, values=to_jsonable_python({**kept, **later}))


def parse_settings(texts: Iterable[str]) -> dict[str, Any]:
    """Single values as they are written on a command line; what follows the first `=` is YAML.

    >>> parse_settings(["triage.heat_maps=false", "training.hierarchy=[risk]"])
    {'triage.heat_maps': False, 'training.hierarchy': ['risk']}

    Raises:
        InvalidParams: there is no `=`, or the value is not YAML.
    """
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InvalidParams(f"--set {text}: write it like training.first_epochs=5")
        values[name] = _parse(value, f"--set {name}")
    return values


def load_params(path: Path, overrides: Overrides | Mapping[str, Any] | None = None) -> Params:
    """Read params.yaml, with dotted overrides such as `{"model.image_size": 128}` on top.

    A section is gone into; a value is replaced whole, unless the name goes on into it (`gate.floors.MM`).

    Raises:
        InvalidParams: the file is missing or not YAML, a key is unknown, or a value is out of range.
    """
    if not isinstance(overrides, Overrides):
        overrides = Overrides(values=to_jsonable_python(_dotted(overrides or {}, Params())))
    try:
        values = _parse(path.read_bytes(), path.name) or {}
    except FileNotFoundError:
        raise InvalidParams(f"{path} does not exist: run this inside a dermai repository") from None
    if not isinstance(values, dict):
        raise InvalidParams(f"{path.name} must hold sections such as `training:`, not {type(values).__name__}")
    return _validated(values, overrides, path.name)


def lay_over(params: Params, overrides: Overrides) -> Params:
    """Parameters with others on top.

    Raises:
        InvalidParams: a name or a value is not one of this release.
    """
    return _validated(params.model_dump(mode="json"), overrides, "parameters")


def _validated(values: dict[str, Any], overrides: Overrides, source: str) -> Params:
    for name, value in overrides.values.items():
        _set(values, name, value, source)
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        profile = f" with profile {overrides.profile}" if overrides.profile else ""
        raise InvalidParams(f"{source}{profile}: {_first_problem(error)}") from None


def _read_profile(folder: Path, name: str) -> dict[str, Any]:
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    if name not in known:
        raise InvalidParams(f"there is no profile {name}: {folder.name}/ holds {', '.join(known) or 'none'}")
    place = f"{folder.name}/{name}.yaml"
    try:
        found = ProfileFile.model_validate(_parse((folder / f"{name}.yaml").read_bytes(), place))
    except ValidationError as error:
        form = f"`parameters:` with `profile: {name}` and `overrides:`"
        raise InvalidParams(f"{place}: {_first_problem(error)}; it must hold {form}") from None
    if found.parameters.profile != name:
        raise InvalidParams(f"{place} calls itself {found.parameters.profile}: write `profile: {name}`")
    return _dotted(found.parameters.overrides, Params(), f"{place}: ")


def _dotted(values: Mapping[str, Any], section: BaseModel, source: str = "", above: str = "") -> dict[str, Any]:
    """Nested sections and dotted names as dotted names, each of which is a parameter."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        first, _, rest = str(key).partition(".")
        name, known = above + first, type(section).model_fields
        if first not in known:
            where = above.removesuffix(".") or "params.yaml"
            said = REPLACED.get(name, f"{where} has {', '.join(known)}")
            raise InvalidParams(f"{source}{name} is unknown: {said}")
        inside = getattr(section, first)
        if isinstance(inside, BaseModel):
            value = {rest: value} if rest else value
            if not isinstance(value, Mapping):
                raise InvalidParams(f"{source}{name} is a section: it has {', '.join(type(inside).model_fields)}")
            found |= _dotted(value, inside, source, f"{name}.")
        elif rest and not isinstance(inside, dict):
            raise InvalidParams(f"{source}{above}{key} is unknown: {name} is a value, not a section")
        else:
            found[above + str(key)] = value
    return found


def _set(values: dict[str, Any], name: str, value: Any, file: str) -> None:
    """Put a value at its dotted name; what the file does not say around it is as shipped."""
    *above, last = name.split(".")
    shipped: Any = Params().model_dump(mode="json")
    for part in above:
        shipped = shipped.get(part) or {}
        if values.get(part) is None:
            values[part] = deepcopy(shipped)
        values = values[part]
        if not isinstance(values, dict):
            raise InvalidParams(f"{file}: {part} must be a section, not {type(values).__name__}")
    values[last] = value


def _parse(text: str | bytes, source: str) -> Any:
    try:
        return yaml.safe_load(text if isinstance(text, str) else text.decode())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidParams(f"{source} is not YAML: {' '.join(str(error).split())}") from None


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    name = ".".join(str(part) for part in first["loc"])
    return f"{name}: {REPLACED.get(name, first['msg'])}{more}"
