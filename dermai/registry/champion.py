"""The models in production that an update starts from and is compared with."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from dermai.config import Params
from dermai.models.package import ModelPackage
from dermai.registry.registry import ModelVersion, Registry
from dermai.workspace import Workspace


class ModelReference(BaseModel):
    """A registered version by its number and by the hash of its package."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    sha256: str

    @classmethod
    def of(cls, version: ModelVersion) -> ModelReference:
        """The reference to a registered version."""
        return cls(version=version.version, sha256=version.sha256)


class ReferenceModels(BaseModel):
    """Champion and anchor; both None until a first model is promoted."""

    model_config = ConfigDict(frozen=True)

    champion: ModelReference | None = None
    anchor: ModelReference | None = None


def find_reference_models(workspace: Workspace, params: Params) -> ReferenceModels:
    """The versions under the aliases `champion` and `anchor`."""
    registry = Registry(workspace, params)
    found = {alias: registry.by_alias(alias) for alias in ("champion", "anchor")}
    return ReferenceModels(**{alias: reference_to(version) for alias, version in found.items()})


def reference_to(version: ModelVersion | None) -> ModelReference | None:
    """A version by number and hash; None where there is none."""
    return ModelReference.of(version) if version else None


def load_reference_package(workspace: Workspace, params: Params, model: ModelReference | None) -> ModelPackage | None:
    """Fetch a version's package from the registry, checked against the hash it was found with.

    Raises:
        PackageTampered: the registry gave other files than those that were registered.
    """
    if model is None:
        return None
    return ModelPackage.load(Registry(workspace, params).download(model.version))
