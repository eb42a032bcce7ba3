"""Scored photographs, and how unlike two sets of them look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.statistics.columns import one_row_a_patient
from monitoring.statistics.mmd import EmbeddingChange, embedding_change
from monitoring.statistics.new_group import NewGroup, new_group


@dataclass(frozen=True)
class ScoredPhotographs:
    """Scored photographs: the champion's validation set, or a window of referrals.

    `table` has patient_id, lesion_id, diagnosis ("" when unknown), predicted, p_<class>, the acquisition properties
    and the clinical columns; `embeddings` is [N, D].
    """

    table: pd.DataFrame
    embeddings: NDArray[np.float32]

    def rows(self, positions: NDArray[np.intp]) -> ScoredPhotographs:
        """Some of the photographs."""
        return ScoredPhotographs(self.table.iloc[positions].reset_index(drop=True), self.embeddings[positions])

    def independent(self) -> ScoredPhotographs:
        """One photograph of each patient."""
        return self.rows(one_row_a_patient(self.table["patient_id"]))

    def embedding_change(
        self, reference: ScoredPhotographs, draws: int, generator: np.random.Generator
    ) -> EmbeddingChange:
        """How far these lie from the reference's (`monitoring.statistics.mmd`)."""
        return embedding_change(*self._beside(reference), draws, generator)

    def new_group(self, reference: ScoredPhotographs, draws: int, generator: np.random.Generator) -> NewGroup:
        """The group among these that the reference lacks (`monitoring.statistics.new_group`)."""
        return new_group(*self._beside(reference), draws, generator)

    def _beside(
        self, reference: ScoredPhotographs
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.str_], NDArray[np.str_]]:
        patients, others = (side.table["patient_id"].to_numpy() for side in (self, reference))
        return self.embeddings, reference.embeddings, patients, others
