"""What the gate is given: one model's answers on the confirmed lesions of the test patients."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dermai.errors import DermaiError
from dermai.gate.policy import GatePolicy
from dermai.taxonomy import load_taxonomy

if TYPE_CHECKING:
    import pandas as pd

ATTRIBUTES = ("sex", "age_band", "skin_type", "site")


class IncomparableResults(DermaiError):
    """Two models' results are not on the same lesions."""


@dataclass(frozen=True)
class LesionResults:
    """Truth and answer per lesion, as arrays of the same length [N]; unknown attributes are empty (age: NaN).

    Raises:
        IncomparableResults: lengths differ, or a lesion is there twice.
    """

    lesion_id: np.ndarray
    patient_id: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    sex: np.ndarray | None = None
    age: np.ndarray | None = None
    skin_type: np.ndarray | None = None
    site: np.ndarray | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if len(value) != len(self.lesion_id):
                raise IncomparableResults(f"{field.name} has {len(value)} values for {len(self.lesion_id)} lesions")
            object.__setattr__(self, field.name, np.asarray(value, dtype=float if field.name == "age" else str))
        known, counts = np.unique(self.lesion_id, return_counts=True)
        for lesion in known[counts > 1][:1]:
            raise IncomparableResults(f"lesion {lesion} is there more than once: the gate takes one answer a lesion")

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> LesionResults:
        """From `dermai.evaluation.predictions.per_lesion`; missing values become unknown."""

        def text(name: str) -> np.ndarray:
            return table[name].astype(object).where(table[name].notna(), "").astype(str).to_numpy(dtype=str)

        return cls(
            lesion_id=text("lesion_id"),
            patient_id=text("patient_id"),
            truth=text("diagnosis"),
            predicted=text("predicted"),
            sex=text("sex"),
            age=table["age"].astype("float64").to_numpy(),
            skin_type=text("skin_type"),
            site=text("site"),
        )

    def __len__(self) -> int:
        return len(self.lesion_id)

    def at(self, chosen: np.ndarray) -> LesionResults:
        """The results on the chosen lesions; boolean [N]."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: value[chosen] for name, value in values.items() if value is not None})

    def hits(self, code: str, policy: GatePolicy) -> np.ndarray:
        """Which lesions of a class are found, by the policy's meaning of a hit; boolean [N]."""
        if policy.hit == "malignant":
            return np.isin(self.predicted, [*load_taxonomy().malignant, code])
        return np.asarray(self.predicted == code)

    def not_called_malignant(self) -> np.ndarray:
        """Which lesions are not called malignant: for a benign lesion that is a hit; boolean [N]."""
        return ~np.isin(self.predicted, load_taxonomy().malignant)

    def groups(self, attribute: str, age_bands: tuple[int, ...]) -> np.ndarray:
        """The subgroup of each lesion, empty where unknown; strings [N]."""
        unknown = np.full(len(self), "", dtype="U16")
        if attribute != "age_band":
            values = getattr(self, attribute)
            return unknown if values is None else values
        if self.age is None:
            return unknown
        edges = [0, *age_bands]
        names = [f"{low} to {high - 1}" for low, high in pairwise(edges)]
        names.append(f"{edges[-1]} and over")
        positions = np.searchsorted(age_bands, np.nan_to_num(self.age), side="right")
        return np.where(np.isnan(self.age), "", np.asarray(names)[positions])


def aligned(candidate: LesionResults, reference: LesionResults, name: str) -> LesionResults:
    """The reference's results in the candidate's order of lesions.

    Raises:
        IncomparableResults: the lesions, their patients or their diagnoses differ.
    """
    place = {lesion: position for position, lesion in enumerate(reference.lesion_id)}
    differing = set(place) ^ set(candidate.lesion_id)
    if differing:
        raise IncomparableResults(
            f"candidate and {name} were not run on the same lesions: {len(differing)} differ, such as {min(differing)}"
        )
    order = np.array([place[lesion] for lesion in candidate.lesion_id], dtype=int)
    values = {field.name: getattr(reference, field.name) for field in fields(reference)}
    ordered = replace(reference, **{name: value[order] for name, value in values.items() if value is not None})
    for field in ("truth", "patient_id"):
        differ = getattr(ordered, field) != getattr(candidate, field)
        if differ.any():
            lesion = candidate.lesion_id[differ.argmax()]
            raise IncomparableResults(f"candidate and {name} disagree on the {field} of lesion {lesion}")
    return ordered
