"""The gate's rules, `gate:` in params.yaml: the pre-determined plan that an update is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dermai.files import sha256_json
from dermai.gate.policy_defaults import DEFAULTS, defaults_version, flat, nested
from dermai.taxonomy import load_taxonomy

ReferenceStandard = Literal["histology", "confocal", "consensus", "follow_up"]
Probability = Annotated[float, Field(gt=0, lt=1)]


class Rules(BaseModel):
    """A part of the policy: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Margins(Rules):
    """The largest loss of sensitivity that still counts as no worse, per gated class."""

    champion: dict[str, Probability] = {"MM": 0.10, "BCC": 0.10}
    anchor: dict[str, Probability] = {"MM": 0.10, "BCC": 0.10}


class Guards(Rules):
    """What must not be paid for sensitivity, and for whom it must hold."""

    benign_classes: tuple[str, ...] = ()
    sensitivity_drop: float = Field(0.03, ge=0, lt=1)
    specificity_margin: Probability = 0.10
    macro_f1_drop: float = Field(0.05, ge=0, lt=1)
    subgroup_fewest: int = Field(30, ge=2)
    subgroup_drop: float = Field(0.10, ge=0, lt=1)
    age_bands: tuple[int, ...] = (40, 60, 80)

    @model_validator(mode="after")
    def _bands_rise(self) -> Guards:
        if list(self.age_bands) != sorted(set(self.age_bands)):
            raise ValueError("age_bands must rise")
        return self


class LedgerSchedule(Rules):
    """How the error budget of one set of test patients is spent."""

    spend: Probability = 0.75
    worn_out: Probability = 0.1


class Planning(Rules):
    """What the number of further cases is computed for."""

    power: Probability = 0.8
    discordance: Probability = 0.10


class ShadowRules(Rules):
    """When confirmed diagnoses of the daily practice decide for a challenger.

    `carry_over`: own patients of a class from which on the evidence of earlier challengers of the same recipe counts
    for a challenger too; 0: never.
    """

    alpha: float = Field(0.0125, gt=0, lt=0.5)
    follow_up_days: int = Field(180, ge=1, le=1095)
    most_unconfirmed: float = Field(0.10, ge=0, le=0.5)
    carry_over: int = Field(20, ge=0, le=10_000)

    @property
    def miss_weight(self) -> float:
        """How often a miss that came back counts, since so many more may be among the lesions left unconfirmed."""
        return 1 / (1 - self.most_unconfirmed)


class ReferenceStandards(Rules):
    """What a diagnosis must have been confirmed by to count as the truth; a reading that saw the answer never does.

    `test_patients`: whether that holds for the test patients too, of whom then no diagnosis counts whose way of
    confirmation is unknown, or every diagnosis of the dataset counts.
    """

    by_class: dict[str, tuple[ReferenceStandard, ...]] = {"MM": ("histology",), "BCC": ("histology",)}
    otherwise: tuple[ReferenceStandard, ...] = ("histology", "consensus", "follow_up")
    test_patients: Literal["confirmed", "every_diagnosis"] = "confirmed"

    def of(self, code: str) -> tuple[ReferenceStandard, ...]:
        """What counts for a class."""
        return self.by_class.get(code, self.otherwise)


class AllLesionsRules(Rules):
    """What the second column of evidence may decide: every confirmed lesion, answered by a model that never saw it.

    `promotes`: by itself where the test patients show no harm, only with what the test patients show, or never.
    `variance_inflation` is how many times the variance of such answers is that of independent ones. On at most
    `most_disagreement` more lesions than two sisters may the deployed model and a sister answer differently, and of a
    sister's calls of a gated class it may miss at most `most_missed_calls` more than another sister does.
    """

    promotes: Literal["alone", "with_test_patients", "never"] = "alone"
    variance_inflation: float = Field(1.0, ge=1, le=4)
    most_disagreement: float = Field(0.02, ge=0, lt=1)
    most_missed_calls: float = Field(0.05, ge=0, lt=1)


class ProvisionalRules(Rules):
    """How long a model that could not show its floors yet may answer, before a person has to renew it."""

    days: int = Field(180, ge=1, le=730)


class GatePolicy(Rules):
    """What a candidate must show before it may become the champion.

    >>> GatePolicy().floors["MM"]
    0.7
    >>> GatePolicy().hash == GatePolicy(alpha=0.05).hash != GatePolicy(alpha=0.01).hash
    True
    """

    mode: Literal["statistical", "point"] = "statistical"
    approval: Literal["auto", "manual", "two_persons"] = "auto"
    gated_classes: tuple[str, ...] = ("MM", "BCC")
    hit: Literal["class", "malignant"] = "class"
    alpha: float = Field(0.05, gt=0, lt=0.5)
    harm_alpha: float = Field(0.05, gt=0, lt=0.5)
    floors: dict[str, Probability] = {"MM": 0.70, "BCC": 0.60}
    margins: Margins = Margins()
    target_sensitivities: dict[str, Probability] = {"MM": 0.90, "BCC": 0.85}
    fewest_lesions: int = Field(5, ge=1)
    guards: Guards = Guards()
    ledger: LedgerSchedule = LedgerSchedule()
    planning: Planning = Planning()
    shadow: ShadowRules = ShadowRules()
    all_lesions: AllLesionsRules = AllLesionsRules()
    provisional: ProvisionalRules = ProvisionalRules()
    reference_standards: ReferenceStandards = ReferenceStandards()

    @model_validator(mode="after")
    def _classes_are_known_and_ruled(self) -> GatePolicy:
        codes = load_taxonomy().codes
        per_class: dict[str, Mapping[str, float]] = {
            "floors": self.floors,
            "margins.champion": self.margins.champion,
            "margins.anchor": self.margins.anchor,
        }
        named = [*self.gated_classes, *self.target_sensitivities, *self.guards.benign_classes]
        named += self.reference_standards.by_class
        unknown = sorted({code for code in named if code not in codes})
        unknown += sorted({code for rule in per_class.values() for code in rule if code not in codes})
        if unknown:
            raise ValueError(f"unknown classes: {', '.join(unknown)}")
        if not self.gated_classes or len(set(self.gated_classes)) < len(self.gated_classes):
            raise ValueError("gated_classes must name each gated class once, and at least one")
        for name, rule in per_class.items():
            missing = [code for code in self.gated_classes if code not in rule]
            if missing:
                raise ValueError(f"{name} says nothing of {', '.join(missing)}")
        if set(self.gated_classes) & set(self.benign_classes):
            raise ValueError("a gated class cannot be one of guards.benign_classes")
        return self

    @property
    def benign_classes(self) -> tuple[str, ...]:
        """The pool on which specificity is judged: as named, or the benign classes of the taxonomy."""
        return self.guards.benign_classes or load_taxonomy().benign

    def margin(self, about: str, against: Literal["champion", "anchor"]) -> float:
        """The largest loss beside a model that still counts as no worse, of a gated class or of benign lesions."""
        if about not in self.gated_classes:
            return self.guards.specificity_margin
        return float(getattr(self.margins, against)[about])

    @property
    def test_set_alpha(self) -> float:
        """The part of alpha that all uses of one set of test patients share."""
        return self.alpha * self.alpha / (self.alpha + self.shadow.alpha)

    @property
    def shadow_alpha(self) -> float:
        """The part of alpha that all challengers of a champion's reign share in shadow mode."""
        return self.alpha * self.shadow.alpha / (self.alpha + self.shadow.alpha)

    @property
    def hash(self) -> str:
        """SHA-256 of what differs from the defaults and of the defaults' version: its identity in every record."""
        differing = self.model_dump(mode="json", exclude_defaults=True)
        return sha256_json({"defaults": defaults_version(), "differing": differing})

    @property
    def unversioned_hash(self) -> str:
        """SHA-256 of every value, as records have it from before the defaults had versions."""
        values, shipped = flat(self.model_dump(mode="json")), flat(type(self)().model_dump(mode="json"))
        known = {key: value for key, value in values.items() if key in DEFAULTS[1] or shipped.get(key) != value}
        return sha256_json(nested(known))
