"""What to simulate: one source, one arrival, and how it differs from the usual."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dermai.simulate.appearance import ATYPICAL, SPREAD
from dermai.simulate.frequencies import source_labels

Gain = Annotated[float, Field(gt=0, le=4)]
Source = Literal["dermai", "edra", "dermofit"]
SOURCE_NUMBERS = {"dermai": 1, "edra": 2, "dermofit": 3}  # part of every random seed


class Scenario(BaseModel):
    """The knobs of a simulation; the same scenario gives the same bytes, another arrival other patients."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source
    scale: float = Field(1.0, gt=0, le=100, description="share of the paper's counts")
    seed: int = Field(1, ge=0, lt=100_000)
    arrival: int = Field(1, ge=1, lt=1000)
    size: int = Field(160, ge=32, le=1024, description="side of the square photographs, pixels")
    start: date = date(2026, 1, 5)
    prevalence: dict[str, float] = Field(default_factory=dict, description="multiplier per label or class code")
    site: str = Field("", description="one site for all patients instead of the usual ones")
    age_shift: float = Field(0.0, ge=-60, le=60, description="years added to every age")
    spread: float = Field(SPREAD, ge=0, le=1, description="how far lesions of a class differ, of each trait's value")
    atypical: float = Field(ATYPICAL, ge=0, le=1, description="share that leans towards a class it is mistaken for")
    darkness: float = Field(0.0, ge=0, lt=1, description="share of the light taken away")
    blur: float = Field(0.0, ge=0, le=20, description="standard deviation, pixels at a side of 160")
    colour_cast: tuple[Gain, Gain, Gain] = (1.0, 1.0, 1.0)
    new_class: str = Field("", description="label of a diagnosis that no label map knows")
    new_class_share: float = Field(0.05, gt=0, le=1, description="of the photographs, beside the others")

    @model_validator(mode="after")
    def _prevalence_names_labels(self) -> Scenario:
        from dermai.taxonomy import load_taxonomy

        known = {*source_labels(self.source), *load_taxonomy().codes}
        unknown = sorted(set(self.prevalence) - known)
        if unknown:
            raise ValueError(f"no label or class {unknown[0]!r} in {self.source}; known: {', '.join(sorted(known))}")
        if any(value < 0 for value in self.prevalence.values()):
            raise ValueError("a prevalence multiplier cannot be negative")
        return self

    def multiplier(self, label: str, code: str | None) -> float:
        """How much more frequent than in the paper a label is."""
        return self.prevalence.get(label, self.prevalence.get(code or "", 1.0))

    @property
    def stem(self) -> str:
        """Prefix of every identifier: no two seeds or arrivals share a patient."""
        return f"SIM{self.seed:05d}A{self.arrival:03d}"
