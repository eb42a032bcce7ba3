"""Everything tunable, as typed models: sections and keys as in params.yaml, with the values that are shipped."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dermai.gate.policy import GatePolicy
from dermai.language.current import ENGLISH, Language, Locale


class Section(BaseModel):
    """A part of params.yaml: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Share = Field(ge=0, le=1)
# `confirmed_by` is not among them (malignant lesions are biopsied), nor is where and when a case came from.
ClinicalColumn = Literal[
    "age", "sex", "body_site", "skin_type", "itch", "grew", "hurt", "changed", "bleed", "elevation"
]


View = Literal["whole", "centre", "lesion"]


class DataParams(Section):
    """How photographs are stored and patients split."""

    shorter_side: int = Field(448, ge=64, le=4096)
    jpeg_quality: int = Field(92, ge=50, le=100)
    test_fraction: float = Field(0.2, gt=0, lt=1)
    folds: int = Field(5, ge=2, le=10)
    near_duplicate_bits: int = Field(4, ge=0, le=16)
    licences: tuple[str, ...] = ()


class ValidationParams(Section):
    """Limits that the data validation checks."""

    smallest_side: int = Field(64, ge=1)
    fewest_cases_per_class: int = Field(2, ge=1)
    classes_given_up: tuple[str, ...] = ()
    least_sharpness: float = Field(15.0, ge=0)
    darkest: float = Field(25.0, ge=0, le=255)
    brightest: float = Field(235.0, ge=0, le=255)
    most_flagged: float = Field(0.2, ge=0, le=1)


class ModelParams(Section):
    """The network and its input."""

    backbone: str = "tf_efficientnet_lite0"
    pretrained: Literal["imagenet", "none"] = "imagenet"
    weights_folder: str = ""
    weights_licence: str = ""
    licences: tuple[str, ...] = ()
    image_size: int = Field(224, ge=32, le=1024)
    interpolation: Literal["nearest", "bilinear"] = "bilinear"
    views: tuple[View, ...] = Field(("whole", "lesion"), min_length=1)
    late_stages: int = Field(3, ge=0, le=8)
    crop: Literal["none", "lesion"] = "none"  # experimental, as is `training.hierarchy`: benchmarks/results/switches.md
    dropout: float = Field(0.2, ge=0, lt=1)
    frozen_share: float = Field(0.75, ge=0, le=1)

    @property
    def network_view(self) -> View:
        """The view that a network sees which is trained by epochs."""
        return "whole" if self.crop == "none" else "lesion"


class FineTuningParams(Section):
    """When a network is fine-tuned beside the linear heads: the slow speed of an update."""

    when: Literal["never", "planned", "now"] = "never"
    after_new_cases: int = Field(200, ge=1)


class TrainingParams(Section):
    """One training: by linear heads, or the paper's recipe and its budget."""

    learner: Literal["linear_heads", "network"] = "linear_heads"
    head_regularisation: float = Field(1.0, gt=0)
    fine_tuning: FineTuningParams = FineTuningParams()
    first_epochs: int = Field(24, ge=1)
    update_epochs: int = Field(12, ge=1)
    head_first_epochs: int = Field(3, ge=0)
    head_first_learning_rate: float = Field(1e-3, gt=0)
    patience: int = Field(6, ge=1)
    samples_per_class: int = Field(4, ge=1)
    head_learning_rate: float = Field(1e-4, gt=0)
    backbone_learning_rate: float = Field(1e-5, gt=0)
    optimizer: Literal["adam", "adamw"] = "adam"
    weight_decay: float = Field(0.0, ge=0)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    hierarchy: tuple[Literal["risk", "melanocytic", "group"], ...] = ()
    hierarchy_weight: float = Field(1.0, ge=0)
    schedule: Literal["constant", "one_cycle"] = "constant"
    weight_average: float = Field(0.0, ge=0, lt=1)
    augmentation: Literal["none", "standard"] = "standard"
    augmented_views: int = Field(4, ge=1)
    activation_cache_gb: float = Field(20.0, ge=0)
    mixed_precision: Literal["auto", "no", "bf16", "fp16"] = "auto"
    checkpoint_every: int = Field(1, ge=1)
    processes: Annotated[int, Field(ge=1)] | Literal["auto"] = 1


class ClinicalParams(Section):
    """Which of the case table's columns the model uses beside the photograph."""

    columns: tuple[ClinicalColumn, ...] = (
        "age", "sex", "body_site", "itch", "grew", "hurt", "changed", "bleed", "elevation",
    )  # fmt: skip
    regularisation: float = Field(3.0, gt=0)


class ContinualParams(Section):
    """How an update learns new cases without losing the old ones."""

    strategy: Literal[
        "balanced_replay",
        "replay_interpolation",
        "uniform_replay",
        "distillation",
        "l2_sp",
        "finetune_only",
        "joint",
    ] = "balanced_replay"
    replay_per_class: int = Field(60, ge=0)
    new_share: float = Field(0.5, gt=0, le=1)
    interpolation: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    distillation_weight: float = Field(1.0, ge=0)
    distillation_temperature: float = Field(2.0, gt=0)
    l2_sp_strength: float = Field(0.1, ge=0)


class StrategyParams(Section):
    """A training strategy of the paper's experiment: where it starts, what it trains on, in order."""

    title: str
    start: Literal["imagenet", "none"] = "imagenet"
    chain: tuple[str, ...] = ("target",)
    automatic: bool = False


STRATEGIES = {
    "o": StrategyParams(title="Training from scratch", start="none"),
    "x": StrategyParams(title="Pre-train. ImageNet, merged dataset", chain=("target+others",)),
    "a": StrategyParams(title="Pre-train. ImageNet"),
    "b": StrategyParams(title="Pre-train. ImageNet and EDRA", chain=("edra", "target")),
    "c": StrategyParams(title="Pre-train. ImageNet, EDRA, Dermofit", chain=("edra", "dermofit", "target")),
    "auto": StrategyParams(title="ImageNet, merged or chained by appearance", automatic=True),
}


class CompareParams(Section):
    """The paper's experiment."""

    target: str = "dermai"
    architectures: tuple[str, ...] = ("mobilenetv2_100", "resnet50", "efficientnet_b3")
    architecture: str = "tf_efficientnet_lite0"
    strategies: dict[str, StrategyParams] = STRATEGIES
    baseline: str = "a"
    seeds: tuple[int, ...] = Field((1, 2, 3), min_length=1)
    far: float = Field(1.0, ge=0)
    small_category: int = Field(60, ge=0)

    @model_validator(mode="after")
    def _baseline_is_a_strategy(self) -> CompareParams:
        if self.baseline not in self.strategies:
            raise ValueError(f"baseline {self.baseline!r} is none of the strategies {', '.join(self.strategies)}")
        return self


class EvaluationParams(Section):
    """Intervals and calibration of the evaluation."""

    confidence: float = Field(0.95, gt=0.5, lt=1)
    calibration_bins: int = Field(10, ge=2)


class RegistryParams(Section):
    """Names in MLflow."""

    model_name: str = "dermai"
    experiment: str = "incremental_finetune"


class ReferralReplayParams(Section):
    """Which logged referrals a candidate scores before it is judged; 0 of either: none."""

    months: int = Field(3, ge=0)
    most_cases: int = Field(300, ge=0)


class TriageParams(Section):
    """How new referrals are scored and sorted."""

    conformal_coverage: float = Field(0.9, gt=0.5, lt=1)
    largest_set: int = Field(3, ge=1)
    heat_maps: bool = True
    challenger_in_shadow: bool = True
    false_flags: float = Field(0.03, gt=0, lt=0.5)
    batch_level: float = Field(0.01, gt=0, lt=0.5)
    batch: int = Field(256, ge=1)
    second_reading: float = Field(0.02, ge=0, le=1)
    read_without_answer: float = Field(0.1, ge=0, le=1)
    waiting_days: dict[Literal["high_priority", "priority", "normal"], Annotated[int, Field(ge=0)]] = {
        "high_priority": 14, "priority": 42, "normal": 0,
    }  # fmt: skip
    replay: ReferralReplayParams = ReferralReplayParams()

    @property
    def hidden(self) -> float:
        """Share of the *priority* cases whose answer is hidden as that of a second reading; 0 where none are drawn."""
        return max(self.read_without_answer, self.second_reading) if self.second_reading else 0.0


ScheduledTask = Literal["triage", "shadow_look", "drift", "backup"]


class InboxParams(Section):
    """How referrals that are sent one by one are received, answered and filed in the prediction log."""

    most_photographs: int = Field(8, ge=1, le=64)
    most_in_hand: int = Field(64, ge=1)
    batch: int = Field(8, ge=1, le=64)
    wait_milliseconds: int = Field(15, ge=0, le=1000)
    filed_after_seconds: float = Field(30.0, gt=0)
    most_unfiled: int = Field(256, ge=1)


class ClockworkParams(Section):
    """What runs by itself, and after how many hours without a success that is told; 0: it is not expected here."""

    latest_hours: dict[ScheduledTask, Annotated[float, Field(ge=0)]] = {
        "triage": 26, "shadow_look": 26, "drift": 26, "backup": 26,
    }  # fmt: skip
    backup_folder: str = ""


class RetentionParams(Section):
    """After how many days each may go (`dermai retention`); 0: it is kept."""

    quarantine_days: int = Field(90, ge=0)
    inbox_days: int = Field(730, ge=0)
    referral_photographs_days: int = Field(730, ge=0)
    predictions_days: int = Field(3650, ge=0)
    reports_days: int = Field(3650, ge=0)
    cache_days: int = Field(90, ge=0)
    backups_days: int = Field(400, ge=0)
    newest_backups: int = Field(7, ge=1)


class MonitoringParams(Section):
    """Windows, false-alarm budget and consequences of drift monitoring."""

    window: int = Field(100, ge=20)
    fewest_patients: int = Field(40, ge=10)
    watch: float = Field(0.05, gt=0, lt=0.5)
    act: float = Field(0.05, gt=0, lt=0.5)
    looks: int = Field(52, ge=1)
    draws: int = Field(9999, ge=199)
    most_windows: int = Field(8, ge=1)
    confidence: float = Field(0.95, gt=0.5, lt=1)
    newest_shown: int = Field(8, ge=0)
    on_act: Literal["record", "incremental_finetune", "workflow"] = "record"
    alerts: tuple[str, ...] = ()
    webhook: str = ""
    smtp_host: str = ""
    smtp_port: int = Field(25, ge=1, le=65535)
    mail_from: str = ""
    mail_to: tuple[str, ...] = ()


class ProviderParams(Section):
    """How the claims of the hospital's OpenID Connect provider become a role; the environment names the provider."""

    role_claim: str = "groups"
    roles: dict[
        str, Literal["practice", "dermatologist", "clinical lead", "manager", "auditor", "engineer"]
    ] = {}  # a value of the claim: the role
    site_claim: str = ""


class LocaleParams(Section):
    """What pages and documents for practices are written in; records stay in English and UTC."""

    language: Language = ENGLISH
    time_zone: str = "UTC"

    @property
    def spoken(self) -> Locale:
        """What `dermai.language.current.speaking` takes."""
        return Locale(self.language, self.time_zone)

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise ValueError(f"{name!r} is no time zone: write an IANA name such as Europe/Lisbon") from None
        return name


class WebParams(Section):
    """The service that people work in: how long a session lasts, and when the newest data are called old."""

    idle_minutes: int = Field(30, ge=1)
    session_hours: float = Field(12, gt=0)
    data_old_days: int = Field(3, ge=1)
    provider: ProviderParams = ProviderParams()


class DocumentsParams(Section):
    """What no record knows and documents ask for, a sentence each: what is empty here is visibly empty there."""

    developer: str = ""
    contact: str = ""
    release_stage: str = ""
    availability: str = ""
    regulatory_status: str = ""
    clinical_risk_level: str = ""
    patients: str = ""
    eligibility: str = ""
    treatments: str = ""
    health_inequalities: str = ""
    outcome_assessment: str = ""
    sample_size: str = ""
    funding: str = ""
    conflicts_of_interest: str = ""
    stakeholders: str = ""
    patient_involvement: str = ""
    consent: str = ""
    ethical_approval: str = ""
    protocol: str = ""
    registration: str = ""
    data_availability: str = ""
    code_availability: str = ""
    external_validation: str = ""
    publications: str = ""


class Params(Section):
    """The whole of params.yaml."""

    seed: int = 20211003
    data: DataParams = DataParams()
    validation: ValidationParams = ValidationParams()
    model: ModelParams = ModelParams()
    training: TrainingParams = TrainingParams()
    clinical: ClinicalParams = ClinicalParams()
    continual: ContinualParams = ContinualParams()
    evaluation: EvaluationParams = EvaluationParams()
    gate: GatePolicy = GatePolicy()
    registry: RegistryParams = RegistryParams()
    triage: TriageParams = TriageParams()
    inbox: InboxParams = InboxParams()
    monitoring: MonitoringParams = MonitoringParams()
    clockwork: ClockworkParams = ClockworkParams()
    retention: RetentionParams = RetentionParams()
    web: WebParams = WebParams()
    documents: DocumentsParams = DocumentsParams()
    locale: LocaleParams = LocaleParams()
    compare: CompareParams = CompareParams()

    @model_validator(mode="after")
    def _a_fine_tuned_network_sees_a_view_that_is_made(self) -> Params:
        asked = self.training.learner == "linear_heads" and self.training.fine_tuning.when != "never"
        if asked and self.model.network_view not in self.model.views:
            raise ValueError(
                f"training.fine_tuning needs the view {self.model.network_view!r} (model.crop: {self.model.crop}) "
                f"among model.views, which are {', '.join(self.model.views)}"
            )
        return self
