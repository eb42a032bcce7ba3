"""The gate's rules, `gate:` in params.yaml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class GatePolicy(BaseModel):
    """What a candidate must show before it may become the champion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gated_classes: tuple[str, ...] = ("MM", "BCC")
