"""Who looks at a page."""

from __future__ import annotations

from dataclasses import dataclass

from web.accounts.roles import Permission, Role, may
from web.accounts.tables import Account


@dataclass(frozen=True)
class Visitor:
    """An account that is signed in; `site` is a practice's, and empty for everybody else."""

    account_id: int
    name: str
    person: str
    role: Role
    site: str

    @classmethod
    def of(cls, account: Account) -> Visitor:
        """As the account is now."""
        return cls(account.id, account.name, account.person, Role(account.role), account.site)

    def may(self, permission: Permission) -> bool:
        """Whether their role has a permission."""
        return may(self.role, permission)
