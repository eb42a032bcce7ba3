"""Where a visitor can go, by what their role may do."""

from __future__ import annotations

from dataclasses import dataclass

from dermai.language.messages import message
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor


@dataclass(frozen=True)
class PageLink:
    """A link of the navigation, shown to those who have any of the permissions."""

    title: str
    address: str
    permissions: tuple[Permission, ...]


ENTRIES = (
    PageLink(message("Worklist"), "/worklist", (Permission.READ_CASES,)),
    PageLink(message("Our cases"), "/my-cases", (Permission.READ_OWN_CASES,)),
    PageLink(message("Overview"), "/overview", (Permission.READ_OVERVIEW,)),
    PageLink(message("Decisions"), "/decisions", (Permission.READ_MODELS,)),
    PageLink(message("Models"), "/models", (Permission.READ_MODELS,)),
    PageLink(message("Audit log"), "/records", (Permission.READ_RECORDS,)),
    PageLink(message("Who saw what"), "/access", (Permission.READ_ACCESS_LOG,)),
    PageLink(message("Accounts"), "/accounts", (Permission.MANAGE_ACCOUNTS,)),
    PageLink(message("My account"), "/account", (Permission.USE_OWN_ACCOUNT,)),
)


def entries_for(visitor: Visitor | None) -> list[PageLink]:
    """Those that this visitor can open; none before signing in."""
    if visitor is None:
        return []
    return [entry for entry in ENTRIES if any(visitor.may(permission) for permission in entry.permissions)]
