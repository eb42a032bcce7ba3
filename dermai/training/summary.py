"""What a training says of itself, in the model package and in the update's record."""

from __future__ import annotations

from operator import not_

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from dermai.training.interpolation import MixScore


class EpochSummary(BaseModel):
    """One epoch; losses are means over its batches and over the validation photographs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phase: str
    epoch: int
    loss: float | None
    validation_balanced_accuracy: float | None
    validation_loss: float | None
    images: int
    seconds: float


class FineTuningSummary(BaseModel):
    """The last training of a model's fine-tuned networks, and the parameters that it was made with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    started_from: str
    strategy: str
    photographs: int
    seconds: float
    parameters: dict[str, JsonValue]


class TrainingSummary(BaseModel):
    """One training; one without epochs has no best. `photographs` counts what was learnt by class.

    Memory is in MiB, by `process` and `gpu`. `parameters` are those that the model depends on, dotted key to value;
    models of older releases do not name them. `speed` is that of an update with linear heads, with its reason;
    `fine_tuning` is how the networks beside the heads were trained, in this update or an earlier one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: str
    strategy: str
    started_from: str
    photographs: dict[str, int]
    validation_photographs: int
    seed: int
    device: str
    processes: int
    mixed_precision: str
    seconds: float
    seconds_before_the_first_epoch: float
    images_per_second: float | None
    peak_memory_mb: dict[str, int]
    best_epoch: int | None
    history: tuple[EpochSummary, ...]
    interpolation: tuple[MixScore, ...]
    interpolation_chosen: float | None
    weights: str = Field("", exclude_if=not_)  # whose the network's first weights are, with their licence
    parameters: dict[str, JsonValue] = Field({}, exclude_if=not_)
    speed: str = Field("", exclude_if=not_)
    speed_reason: str = Field("", exclude_if=not_)
    fine_tuning: FineTuningSummary | None = Field(None, exclude_if=not_)
