"""The classes of the paper, their risk levels, their codes in terminologies, and the label map of each source."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

TAXONOMY_FILE = Path(__file__).with_name("taxonomy.yaml")


class RiskLevel(StrEnum):
    """Urgency of a referral, as the worklist sorts and colours it."""

    HIGH_PRIORITY = "high_priority"
    PRIORITY = "priority"
    NORMAL = "normal"

    @property
    def colour(self) -> str:
        """Traffic-light colour: red, yellow or green."""
        return {"high_priority": "red", "priority": "yellow", "normal": "green"}[self.value]

    @property
    def to_be_read(self) -> RiskLevel:
        """The level of a case that a dermatologist reads whatever the model says: this one, but never normal."""
        return RiskLevel.PRIORITY if self is RiskLevel.NORMAL else self


class LesionClass(BaseModel):
    """One diagnosis the model may learn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    group: str
    melanocytic: bool
    risk: RiskLevel


class TerminologyCodes(BaseModel):
    """What a class is called in public terminologies; None where no public source confirmed a code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    snomed_ct: str | None = Field(default=None, pattern=r"^[1-9][0-9]{5,17}$")
    icd_10: str | None = Field(default=None, pattern=r"^[A-Z][0-9]{2}(\.[0-9])?$")  # the WHO's, not a national one
    icd_11: str | None = Field(default=None, pattern=r"^[0-9A-Z]{4}(\.[0-9A-Z]{1,2})?$")


class Taxonomy(BaseModel):
    """Classes by code, in the paper's order, and the label map of each source.

    >>> taxonomy = load_taxonomy()
    >>> taxonomy.diagnosis("pad_ufes_20", "MEL")
    'MM'
    >>> taxonomy.diagnosis("dermofit", "PYO") is None
    True
    >>> taxonomy.malignant
    ('OtMalNeop', 'BCC', 'MM')
    >>> taxonomy.named("MM", "pt"), taxonomy.named("MM", "en"), taxonomy.named("new", "pt")
    ('Melanoma maligno', 'Malignant melanoma', 'new')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: dict[str, LesionClass]
    names: dict[str, dict[str, str]] = {}  # by language, in other languages than English: the class's name
    sources: dict[str, dict[str, str | None]]
    terminologies: dict[str, TerminologyCodes] = {}

    @model_validator(mode="after")
    def _labels_point_at_classes(self) -> Taxonomy:
        for source, labels in self.sources.items():
            unknown = sorted({code for code in labels.values() if code and code not in self.classes})
            if unknown:
                raise ValueError(f"label map of {source!r} points at classes the taxonomy lacks: {unknown}")
        for language, names in self.names.items():
            if set(names) != set(self.classes):
                raise ValueError(f"the names in {language!r} are not those of the classes: {', '.join(self.classes)}")
        return self

    @model_validator(mode="after")
    def _terminologies_are_of_classes(self) -> Taxonomy:
        if unknown := sorted(set(self.terminologies) - set(self.classes)):
            raise ValueError(f"terminologies name classes that the taxonomy lacks: {unknown}")
        return self

    @property
    def codes(self) -> tuple[str, ...]:
        """All class codes, in the paper's order."""
        return tuple(self.classes)

    @property
    def malignant(self) -> tuple[str, ...]:
        """Codes of the malignant classes."""
        return tuple(code for code, lesion in self.classes.items() if lesion.group == "malignant")

    @property
    def watched(self) -> tuple[str, ...]:
        """Codes that are not malignant but need a timely look (premalignant or uncertain)."""
        return tuple(code for code, lesion in self.classes.items() if lesion.risk is RiskLevel.PRIORITY)

    @property
    def benign(self) -> tuple[str, ...]:
        """Codes that are neither malignant nor watched."""
        return tuple(code for code, lesion in self.classes.items() if lesion.risk is RiskLevel.NORMAL)

    def risk(self, code: str) -> RiskLevel:
        """Risk level of a class code."""
        return self.classes[code].risk

    def named(self, code: str, language: str) -> str:
        """What a class is called in a language such as `pt`: in English where it has no name there.

        A code that is no class stands for itself.
        """
        own = self.names.get(language, {}).get(code, "")
        return own or (self.classes[code].name if code in self.classes else code)

    def diagnosis(self, source: str, label: str) -> str | None:
        """Class code of a source's label; None where the label has no place in the taxonomy.

        Raises:
            KeyError: the source is unknown, or the label is not in its map.
        """
        if source not in self.sources:
            raise KeyError(f"unknown source {source!r}; known: {', '.join(self.sources)}")
        labels = {known.casefold(): code for known, code in self.sources[source].items()}
        try:
            return labels[label.strip().casefold()]
        except KeyError:
            raise KeyError(f"label {label!r} is not in the label map of {source!r}") from None


@cache
def load_taxonomy(path: Path = TAXONOMY_FILE) -> Taxonomy:
    """The taxonomy file, validated."""
    return Taxonomy.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
