"""What a record says: the base of every type of event."""

from __future__ import annotations

from operator import not_
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from dermai.audit.entries import plain


class Event(BaseModel):
    """The content of one line of the log. `event` names the line and is no part of its body.

    Written strictly: an unknown field is an error. Read leniently (`extra="ignore"`): a line of another release may
    hold more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    event: str

    def to_body(self) -> dict[str, JsonValue]:
        """The line's body as JSON holds it."""
        body = plain(self.model_dump(mode="json", by_alias=True, exclude={"event"}))
        assert isinstance(body, dict)
        return body


class Decided(Event):
    """What somebody decided: who, in which role, and why; `account` where they had signed in to the service."""

    approver: str
    role: str
    reason: str
    account: str = Field("", exclude_if=not_)


class Repair(Event):
    """What a crash had left at the log's end, and what was done with it."""

    event: Literal["repair"] = "repair"
    what: str
