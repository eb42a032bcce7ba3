"""Registered versions as dermai knows them, and the words by which MLflow keeps what is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER, ANCHOR, PREVIOUS = "champion", "challenger", "anchor", "previous"
# Tags of a version. `complete` is set last: a version without it is what a killed registration left.
COMPLETE, SHA256, ORIGIN = "complete", "sha256", "origin"


@dataclass(frozen=True)
class ModelVersion:
    """One registered model and what is known of it."""

    name: str
    version: str
    run_id: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    created: datetime

    @property
    def sha256(self) -> str:
        """The package's identity."""
        return self.tags[SHA256]

    @property
    def uri(self) -> str:
        """Where `mlflow.pyfunc.load_model` and `mlflow models serve` find it."""
        return f"models:/{self.name}/{self.version}"


def under_aliases(versions: Iterable[ModelVersion]) -> dict[str, ModelVersion]:
    """The version under each alias, where several are wanted of one look at the registry."""
    return {alias: version for version in versions for alias in version.aliases}


def is_whole(entity: Any) -> bool:
    """Whether MLflow's version is one whose registration came to its end."""
    return bool(entity.tags.get(COMPLETE) == "true")


def versions_in_mlflow(client: MlflowClient, name: str) -> list[ModelVersion]:
    """All whole versions, oldest first, as MLflow answers."""
    aliases: dict[str, list[str]] = {}
    for alias, number in aliases_in_mlflow(client, name).items():
        aliases.setdefault(str(number), []).append(alias)
    whole = [entity for entity in client.search_model_versions(f"name = '{name}'") if is_whole(entity)]
    found = [_version(name, entity, aliases.get(str(entity.version), [])) for entity in whole]
    return sorted(found, key=lambda version: int(version.version))


def aliases_in_mlflow(client: MlflowClient, name: str) -> dict[str, str]:
    """The number of the version under each alias."""
    models = client.search_registered_models(f"name = '{name}'")
    return dict(models[0].aliases) if models else {}


def _version(name: str, entity: Any, aliases: Sequence[str]) -> ModelVersion:
    created = datetime.fromtimestamp(entity.creation_timestamp / 1000, UTC)
    number = str(entity.version)
    return ModelVersion(name, number, entity.run_id, tuple(sorted(aliases)), dict(entity.tags), created)
