"""The models in production that an update starts from and is compared with."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from dermai.config import Params
from dermai.models.package import ModelPackage
from dermai.registry.registry import Registry
from dermai.workspace import Workspace


class ModelReference(BaseModel):
    """A registered version by its number and by the hash of its package."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    sha256: str


class ReferenceModels(BaseModel):
    """Champion and anchor; both None until a first model is promoted."""

    model_config = ConfigDict(frozen=True)

    champion: ModelReference | None = None
    anchor: ModelReference | None = None


def find_reference_models(workspace: Workspace, params: Params) -> ReferenceModels:
    """The versions under the aliases `champion` and `anchor`."""
    registry = Registry(workspace, params)
    found = {}
    for alias in ("champion", "anchor"):
        version = registry.by_alias(alias)
        found[alias] = ModelReference(version=version.version, sha256=version.sha256) if version else None
    return ReferenceModels(**found)


def load_reference_package(workspace: Workspace, params: Params, model: ModelReference | None) -> ModelPackage | None:
    """Fetch a version's package from the registry, checked against the hash it was found with.

    Raises:
        PackageTampered: the registry gave other files than those that were registered.
    """
    if model is None:
        return None
    return ModelPackage.load(Registry(workspace, params).download(model.version))
