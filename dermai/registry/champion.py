"""The models in production that an update starts from and is compared with."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dermai.config import Params
from dermai.errors import PackageTampered
from dermai.files import sha256_file
from dermai.models.backbones import weights_sha256
from dermai.models.package import CHECKSUMS, ModelPackage
from dermai.registry.registry import Registry
from dermai.registry.versions import ANCHOR, CHAMPION, ModelVersion, under_aliases
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


class ReferencePackage(ModelReference):
    """A registered version whose package has been fetched, with its folder below `Workspace.store`.

    Relative, so that it is the same value in every pod and in a workspace that was moved.
    """

    folder: Path

    @property
    def reference(self) -> ModelReference:
        """The version as records name it, without the folder."""
        return ModelReference(version=self.version, sha256=self.sha256)


class ReferenceModels(BaseModel):
    """Champion and anchor; both None until a first model is promoted.

    `pretrained` is the hash of the file in `model.weights_folder` that a training without a champion starts from; None
    where ImageNet weights come from elsewhere.
    """

    model_config = ConfigDict(frozen=True)

    champion: ReferencePackage | None = None
    anchor: ReferencePackage | None = None
    pretrained: str | None = None


def find_reference_models(workspace: Workspace, params: Params) -> ReferenceModels:
    """The versions under the aliases `champion` and `anchor`, their packages fetched from the registry and checked.

    Raises:
        PackageTampered: the registry gave other files than those that were registered.
    """
    registry = Registry(workspace, params)
    by_alias = under_aliases(registry.versions())
    champion, anchor = by_alias.get(CHAMPION), by_alias.get(ANCHOR)
    fetched = {
        version.version: ReferencePackage(
            version=version.version,
            sha256=version.sha256,
            folder=registry.download(version.version).relative_to(workspace.store),
        )
        for version in {found.version: found for found in (champion, anchor) if found}.values()
    }
    return ReferenceModels(
        champion=fetched[champion.version] if champion else None,
        anchor=fetched[anchor.version] if anchor else None,
        pretrained=weights_sha256(params.model),
    )


def load_reference_package(workspace: Workspace, reference: ReferencePackage | None) -> ModelPackage | None:
    """A fetched package, checked again; the registry is not asked.

    Raises:
        PackageTampered: it is gone, a file of it has changed since it was fetched, or it is another package.
    """
    if reference is None:
        return None
    folder = workspace.store / reference.folder
    if not (folder / CHECKSUMS).is_file():
        raise PackageTampered(
            f"version {reference.version}: {folder} is gone since it was fetched: run the update again, "
            "in a workspace that all its steps see"
        )
    if sha256_file(folder / CHECKSUMS) != reference.sha256:
        raise PackageTampered(f"version {reference.version} is not the package that was registered: {folder}")
    return ModelPackage.load(folder)


def compared_packages(
    workspace: Workspace, references: ReferenceModels, candidate: Path | None
) -> dict[str, ModelPackage]:
    """Candidate, where there is one, champion and anchor by role.

    Raises:
        PackageTampered: as of `load_reference_package`.
    """
    models = {"candidate": ModelPackage.load(candidate)} if candidate else {}
    for role, reference in (("champion", references.champion), ("anchor", references.anchor)):
        package = load_reference_package(workspace, reference)
        if package is not None:
            models[role] = package
    return models


def reference_to(version: ModelVersion | None) -> ModelReference | None:
    """A version by number and hash; None where there is none."""
    return ModelReference.of(version) if version else None
