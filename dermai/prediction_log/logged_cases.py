"""Under which sites and patients the log knows a case number: asked by every referral that comes in by itself.

Which cases there are is kept in the process as hashes, of which those of new parts alone are read; a folder of parts
that was not written to is not even listed. Only a number that may be known is looked up in the log.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import numpy as np

from dermai.prediction_log.case_levels import NO_SORTINGS, case_levels
from dermai.prediction_log.key_index import Hashes, KeyIndex, column_hashes, hashes
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.parts import read_tables
from dermai.prediction_log.retakes import SCHEMA as RETAKES

SETTLED = 2.0  # seconds after which a folder's time of change tells all: two changes at once may have the same
MERGED = 20_000  # recent cases that are looked through one by one


@dataclass(frozen=True)
class KnownUnder:
    """Sites ("" where a folder named none) and patients, as pseudonyms, under which a case is known; none of a new one.

    `risk` is the level of its photographs as the model answered them. A case of which no photograph could be judged is
    known by its site alone.
    """

    sites: frozenset[str] = frozenset()
    patients: frozenset[str] = frozenset()
    risk: str = ""


@dataclass
class LoggedCases:
    """The cases of one log, photographs that were refused included; safe to use from several threads."""

    log: PredictionLog
    _lock: Lock = field(default_factory=Lock)
    _changed: dict[Path, int] = field(default_factory=dict)
    _parts: set[Path] = field(default_factory=set)
    _settled: Hashes = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    _recent: set[int] = field(default_factory=set)
    _refused: dict[str, set[str]] = field(default_factory=dict)  # sites by case
    _begun: bool = False

    def known_under(self, case_id: str) -> KnownUnder:
        """What the log says of a case."""
        with self._lock:
            self._look()
            refused = frozenset(self._refused.get(case_id, ()))
            mine = int(hashes([case_id])[0])
            place = int(np.searchsorted(self._settled, mine))
            scored = mine in self._recent or (place < len(self._settled) and int(self._settled[place]) == mine)
        if not scored:
            return KnownUnder(refused)
        rows = self.log.referred(case_id=[case_id])
        sites, patients = (frozenset(map(str, rows[name].fillna(""))) for name in ("site", "patient_id"))
        levels = case_levels(rows, NO_SORTINGS)["risk"]
        return KnownUnder(sites | refused, patients, str(levels.get(case_id, "")))

    def _look(self) -> None:
        """Read what was written since."""
        for part in self._new_parts(self.log.folder / "retakes"):
            table, damaged = read_tables([part], RETAKES)
            for case, site in zip(table["case_id"], table["site"].fillna(""), strict=True):
                self._refused.setdefault(str(case), set()).add(str(site))
            self._parts |= set() if damaged else {part}
        index: KeyIndex | None = None
        for folder in self.log.predictions.glob("model_version=*/day=*"):
            for part in self._new_parts(folder):
                index = index or (None if self._begun else self.log.index())
                held = index.column(part, "case_id") if index else None
                held = column_hashes(part, "case_id") if held is None else held
                if held is not None:  # one that cannot be read is named by `read`
                    self._recent.update(held.tolist())
                    self._parts.add(part)
        self._begun = True
        if len(self._recent) > MERGED:
            recent = np.fromiter(self._recent, dtype=np.uint64, count=len(self._recent))
            self._settled, self._recent = np.union1d(self._settled, recent), set()

    def _new_parts(self, folder: Path) -> list[Path]:
        try:
            changed = folder.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if self._changed.get(folder) == changed:
            return []
        if time.time_ns() - changed > SETTLED * 1e9:
            self._changed[folder] = changed
        return sorted(set(folder.glob("*.parquet")) - self._parts)
