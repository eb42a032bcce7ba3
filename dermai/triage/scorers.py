"""Which registered versions score the referrals, and whether the champion's answers are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.language.messages import message
from dermai.models.package import ModelPackage
from dermai.promotion.recorded_models import check_registry
from dermai.promotion.standing import champion_standing
from dermai.records.moves import ProvisionalTerms
from dermai.registry.registry import Registry
from dermai.registry.versions import ANCHOR, CHALLENGER, CHAMPION, under_aliases
from dermai.triage.scoring import ScoringModel
from dermai.workspace import Workspace

NO_CHAMPION = message("no model was made champion yet")


@lru_cache(maxsize=3)  # a process that triages again, such as a service's, reads and builds each model once
def scoring_model(version: str, role: str, folder: Path, sha256: str, cache: Path) -> ScoringModel:
    """A version whose package lies in a folder and has this hash."""
    return ScoringModel(version, role, ModelPackage.load(folder), cache)


@dataclass(frozen=True)
class Scorers:
    """The versions that score and log every photograph. `withheld` says why none of their answers is shown."""

    models: Sequence[ScoringModel]
    withheld: str = ""
    provisional: ProvisionalTerms | None = None

    @property
    def champion(self) -> ScoringModel | None:
        """The version whose answers are shown; None where none are."""
        return None if self.withheld else self.models[0]

    @property
    def challenger(self) -> ScoringModel | None:
        """The version in shadow."""
        return next((model for model in self.models if model.role == CHALLENGER), None)


def find_scorers(workspace: Workspace, params: Params) -> Scorers:
    """The champion; where a challenger scores in shadow, that too, and the anchor it must not fall behind.

    Without a champion, or when a provisional champion's time is over, nothing is shown; what scores goes on scoring, so
    that the diagnoses that come back are evidence on it.

    Raises:
        Refused: the registry's models are not those that the records name.
        AuditLogDamaged: the records do not verify.
    """
    if not Registry.exists(workspace):
        return Scorers((), NO_CHAMPION)
    check_registry(workspace, params)
    registry = Registry(workspace, params)
    by_alias = under_aliases(registry.versions())
    shadow = params.triage.challenger_in_shadow and CHALLENGER in by_alias
    models: dict[str, ScoringModel] = {}
    for alias in (CHAMPION, CHALLENGER, ANCHOR) if shadow else (CHAMPION,):
        version = by_alias.get(alias)
        if version is not None and version.version not in models:
            folder = registry.download(version.version)  # which checks its files, each time
            models[version.version] = scoring_model(version.version, alias, folder, version.sha256, workspace.cache)
    if CHAMPION not in by_alias:
        return Scorers(tuple(models.values()), NO_CHAMPION)
    standing = champion_standing(AuditLog(workspace.audit_log))
    terms = standing.provisional if standing else None
    return Scorers(tuple(models.values()), standing.withheld() if standing else "", terms)
