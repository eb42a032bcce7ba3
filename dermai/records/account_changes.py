"""Who may sign in, decide or send by a token, and who changed that: no password and no secret is in the log."""

from __future__ import annotations

from operator import not_
from typing import Literal

from pydantic import Field

from dermai.audit.event import Event

AccountChange = Literal["added", "role", "password", "disabled", "enabled", "token_made", "token_withdrawn"]
ChangedThrough = Literal["page", "command", "provider", "first_start"]


class AccountChanged(Event):
    """An account or a practice's token was changed; written before the change counts.

    `subject` is the account's name, or how the token begins, as lists show it. `role` and `site` are those from now on.
    `by` is the account that did it on a page, or the user of the operating system who gave the command; it is empty
    where the hospital's provider said so at a sign-in.
    """

    event: Literal["account_changed"] = "account_changed"
    change: AccountChange
    subject: str
    role: str
    site: str = Field("", exclude_if=not_)
    role_before: str = Field("", exclude_if=not_)
    site_before: str = Field("", exclude_if=not_)
    diagnoses: bool = Field(False, exclude_if=not_)  # a token that may send confirmed diagnoses, too
    by: str = ""
    by_role: str = Field("", exclude_if=not_)
    through: ChangedThrough
