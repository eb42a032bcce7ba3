"""The champion, ready to answer: found by the signed records, and found anew when these or the registry change."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from dermai.audit import AuditLog
from dermai.config import Params
from dermai.images.pixels import PixelCache
from dermai.models.familiarity import Familiarity
from dermai.models.package_network import model_pixels
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.sortings import read_sortings
from dermai.promotion.alarms import open_alarms
from dermai.registry.mlflow_store import sqlite_file
from dermai.triage.cautions import PROVISIONAL
from dermai.triage.scorers import Scorers, find_scorers
from dermai.triage.scoring import ScoringModel, validation_threshold
from dermai.triage.second_reading import EarlierSortings
from dermai.triage.unfamiliar import alarm_cautions, known_familiarity
from dermai.workspace import Workspace

REMOTE_SECONDS = 30.0  # after which a registry on a server is asked again
State = tuple[object, ...]


@dataclass(frozen=True)
class ReadyModel:
    """The champion with what its answers need beside it; `cautions` hold for all of them."""

    model: ScoringModel
    package_sha256: str
    scorers: Scorers
    threshold: float
    familiarity: Familiarity | None
    cautions: tuple[str, ...]
    earlier: EarlierSortings = field(repr=False)
    views: Sequence[PixelCache] = field(repr=False)  # how it takes in a photograph, view by view

    @property
    def provisional_until(self) -> date | None:
        """The last day of a provisional champion."""
        return self.scorers.provisional.until if self.scorers.provisional else None


class WarmModel:
    """Keeps a `ReadyModel`, loaded once and replaced when the champion moves; safe to use from several threads."""

    def __init__(self, workspace: Workspace, params: Params) -> None:
        self._workspace, self._params = workspace, params
        self._lock = threading.Lock()
        self._state: State = ()
        self._ready: ReadyModel | None = None

    def current(self) -> ReadyModel | None:
        """The champion whose answers are shown; None where none are.

        Raises:
            Refused: the registry's models are not those that the records name.
            AuditLogDamaged: the records do not verify.
        """
        with self._lock:
            state = self._now()
            if state != self._state:
                self._state = ()
                self._ready = self._find()
                self._state = state  # what changed meanwhile is noticed the next time
            return self._ready

    def _find(self) -> ReadyModel | None:
        workspace, params = self._workspace, self._params
        scorers = find_scorers(workspace, params)
        champion = scorers.champion
        if champion is None:
            return None
        package = champion.package
        _ = champion.network  # opened now, and not in front of the first patient
        alarms = alarm_cautions(open_alarms(AuditLog(workspace.audit_log)))
        return ReadyModel(
            champion,
            package.sha256,
            scorers,
            validation_threshold(package, params.triage.conformal_coverage),
            known_familiarity(package, workspace, params.triage.false_flags),
            (*((PROVISIONAL,) if scorers.provisional else ()), *alarms),
            EarlierSortings.of(read_sortings(PredictionLog.of(workspace))[0], champion.version),
            model_pixels(package, workspace.cache).caches,
        )

    def _now(self) -> State:
        """Another value once the records or the registry were written, or the day is another."""
        database = sqlite_file(self._workspace.tracking_uri)
        registry = _written(database) if database else (int(time.monotonic() / REMOTE_SECONDS),)
        return (*_written(self._workspace.audit_log), *registry, datetime.now(UTC).date())


def _written(file: Path) -> State:
    try:
        found = file.stat()
    except FileNotFoundError:
        return (None,)
    return found.st_size, found.st_mtime_ns
