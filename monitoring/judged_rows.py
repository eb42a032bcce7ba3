"""Which rows of the prediction log the monitoring has judged, by part: parts never change, clocks and dates do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict


class JudgedRows(BaseModel):
    """`whole` parts are judged in full; of those in `rows` the rows with these numbers are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    whole: frozenset[str] = frozenset()
    rows: dict[str, tuple[int, ...]] = {}
    behind: tuple[str, ...] = ()  # parts with rows that waited while later ones were judged

    def holds(self, places: pd.DataFrame) -> NDArray[np.bool_]:
        """Whether each of the rows (`part`, `row`) has been judged."""
        begun = {(part, row) for part, rows in self.rows.items() for row in rows}
        pairs = zip(places["part"], places["row"], strict=True)
        return np.array([part in self.whole or (part, row) in begun for part, row in pairs], dtype=bool)

    def with_rows(self, places: pd.DataFrame, sizes: Mapping[str, int]) -> JudgedRows:
        """These rows (`part`, `row`) too; `sizes` has the number of rows of each part."""
        whole, begun = set(self.whole), dict(self.rows)
        for part, rows in places.groupby("part")["row"]:
            name = str(part)
            done = {*begun.pop(name, ()), *(int(row) for row in rows)}
            if len(done) == sizes[name]:
                whole.add(name)
            else:
                begun[name] = tuple(sorted(done))
        behind = tuple(name for name in self.behind if name not in whole)
        return JudgedRows(whole=frozenset(whole), rows=begun, behind=behind)

    def without_rows(self, part: str, other: str, gone: NDArray[np.bool_]) -> JudgedRows:
        """With what is judged of `other` too, which takes the place of `part` without the rows `gone`, bool [N].

        Asked twice it changes nothing the second time.
        """
        whole, begun = set(self.whole), dict(self.rows)
        if part in whole:
            whole.add(other)
        elif part in begun:
            place = np.cumsum(~gone) - 1
            begun[other] = tuple(int(place[row]) for row in begun[part] if row < len(gone) and not gone[row])
            if len(begun[other]) == int((~gone).sum()):
                del begun[other]
                whole.add(other)
        behind = (*self.behind, other) if part in self.behind and other not in self.behind else self.behind
        return JudgedRows(whole=frozenset(whole), rows=begun, behind=behind)
