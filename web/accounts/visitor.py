"""Who looks at a page."""

from __future__ import annotations

from dataclasses import dataclass

from dermai.language.current import Language, known_language
from web.accounts.roles import Permission, Role, may
from web.accounts.tables import Account


@dataclass(frozen=True)
class Visitor:
    """An account that is signed in; `site` is a practice's, and empty for everybody else.

    `language` is the one they chose; None where they chose none.
    """

    account_id: int
    name: str
    person: str
    role: Role
    site: str
    language: Language | None = None

    @classmethod
    def of(cls, account: Account) -> Visitor:
        """As the account is now."""
        chosen = known_language(account.language)
        return cls(account.id, account.name, account.person, Role(account.role), account.site, chosen)

    def may(self, permission: Permission) -> bool:
        """Whether their role has a permission."""
        return may(self.role, permission)
