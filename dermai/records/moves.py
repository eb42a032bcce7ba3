"""What is decided about a model or a policy, and what came of it."""

from __future__ import annotations

from datetime import date
from operator import not_
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dermai.audit.event import Decided, Event
from dermai.gate.findings import GateDecision, Outcome, ShadowDecision
from dermai.gate.recorded_policy import RecordedPolicy
from dermai.registry.champion import ModelReference
from dermai.workspace import CodeVersion

MoveName = Literal["promotion", "rollback", "rejection"]


class LaterDecision(Event):
    """A decision on a version after its attempt: it replaces the attempt's."""

    candidate: ModelReference
    champion: ModelReference | None
    outcome: Outcome
    reasons: tuple[str, ...]
    policy: RecordedPolicy
    policy_sha256: str
    decision: ShadowDecision | GateDecision


class ShadowDecisionRecord(LaterDecision):
    """What confirmed diagnoses say of a challenger, or of a provisional champion."""

    event: Literal["shadow_decision"] = "shadow_decision"
    decision: ShadowDecision


class Move(Decided):
    """A version becomes the champion, or is turned down for good."""

    event: MoveName
    version: str
    sha256: str


class ChampionMove(Move):
    """A version takes the champion's place."""

    champion_before: ModelReference | None = Field(alias="from")
    rollback_target: str | None


class ProvisionalTerms(BaseModel):
    """What a provisional champion has not shown, a sentence each, and the last day on which it answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    not_shown: tuple[str, ...]
    until: date


class Promotion(ChampionMove):
    """A candidate becomes the champion. `decision` and `policy_approval` are the numbers of the records it rests on.

    With `provisional` a named person answers for what the gate could not show; without, and of the champion itself, a
    provisional champion has become a regular one.
    """

    event: Literal["promotion"] = "promotion"
    sets_anchor: bool
    decision: int
    policy_sha256: str
    policy_approval: int
    change_note: str
    provisional: ProvisionalTerms | None = Field(None, exclude_if=not_)


class FirstApproval(Decided):
    """The first of two persons approves a promotion, on the record `decision`; the second one's is the promotion."""

    event: Literal["first_approval"] = "first_approval"
    version: str
    sha256: str
    decision: int
    provisional: bool = Field(False, exclude_if=not_)


class Rollback(ChampionMove):
    """An earlier champion comes back; the versions in `undone` do not."""

    event: Literal["rollback"] = "rollback"
    undone: tuple[str, ...]


class Rejection(Move):
    """A candidate is turned down, whatever the gate says of it."""

    event: Literal["rejection"] = "rejection"


class Confirmation(Event):
    """The aliases are as record `of` asks; where it is `void` they could not be, and `why` says so."""

    event: Literal["confirmation"] = "confirmation"
    of: int
    move: MoveName
    version: str
    repaired: bool = Field(False, exclude_if=not_)
    void: bool = Field(False, exclude_if=not_)
    why: str = Field("", exclude_if=not_)


class Refusal(Event):
    """The rules did not allow what somebody asked for."""

    event: Literal["refusal"] = "refusal"
    action: Literal["promotion", "rollback", "rejection", "policy_approval"]
    version: str | None
    approver: str
    role: str
    why: str


class RefusedUpdate(Event):
    """An update that was not run: a later commit has been learnt already."""

    event: Literal["refusal"] = "refusal"
    action: Literal["update"] = "update"
    why: str
    code: CodeVersion


class PolicyApproval(Decided):
    """A gate policy is put into force. `defaults_version` is None in approvals from before defaults had versions."""

    event: Literal["policy_approval"] = "policy_approval"
    policy_sha256: str
    policy: RecordedPolicy
    defaults_version: int | None = Field(None, exclude_if=not_)


class ConfirmFirstDrawn(Event):
    """Cases to confirm first were drawn for a challenger: the file has all that could be, with the probabilities."""

    event: Literal["confirm_first"] = "confirm_first"
    version: str
    file: str
    file_sha256: str
    cases: int
    drawn: int
