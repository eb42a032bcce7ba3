"""Changes of accounts and tokens in the signed audit log: on disk before they count."""

from __future__ import annotations

import logging
import os
import pwd
from dataclasses import dataclass

from sqlalchemy.orm import Session

from dermai.audit import AuditLog
from dermai.errors import DermaiError
from dermai.records.account_changes import AccountChange, AccountChanged, ChangedThrough
from dermai.workspace import Workspace
from web.accounts.tables import Account
from web.accounts.visitor import Visitor

ONLY_TAKES_AWAY: frozenset[AccountChange] = frozenset({"disabled", "token_withdrawn"})
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recorder:
    """Writes down what one person, or the provider, changes."""

    audit: AuditLog
    by: str
    by_role: str
    through: ChangedThrough

    @classmethod
    def at_the_machine(cls, workspace: Workspace, through: ChangedThrough = "command") -> Recorder:
        """Of whoever gives a command: the user of the operating system."""
        return cls(AuditLog(workspace.audit_log), _system_user(), "", through)

    @classmethod
    def on_a_page(cls, workspace: Workspace, visitor: Visitor) -> Recorder:
        """Of whoever is signed in."""
        return cls(AuditLog(workspace.audit_log), visitor.name, visitor.role.value, "page")

    @classmethod
    def at_the_provider(cls, workspace: Workspace) -> Recorder:
        """Of the hospital's provider, which says at a sign-in what somebody is."""
        return cls(AuditLog(workspace.audit_log), "", "", "provider")

    def account(
        self, session: Session, change: AccountChange, account: Account, before: tuple[str, str] = ("", "")
    ) -> None:
        """Record the change of an account; `before` are role and site that it had.

        Raises:
            DermaiError: see `write`.
        """
        self.write(
            session,
            AccountChanged(
                change=change, subject=account.name, role=account.role, site=account.site, role_before=before[0],
                site_before=before[1], by=self.by, by_role=self.by_role, through=self.through,
            ),
        )  # fmt: skip

    def token(self, session: Session, change: AccountChange, prefix: str, site: str, diagnoses: bool) -> None:
        """Record the change of a practice's token.

        Raises:
            DermaiError: see `write`.
        """
        self.write(
            session,
            AccountChanged(
                change=change, subject=prefix, role="practice", site=site, diagnoses=diagnoses, by=self.by,
                by_role=self.by_role, through=self.through,
            ),
        )  # fmt: skip

    def write(self, session: Session, event: AccountChanged) -> None:
        """Record what `session` is about to commit, after the database took it.

        Killed before the commit, the log holds a change that did not come to be; never the other way round. What only
        takes access away is done even where the log cannot be written: nobody stays in because the log is damaged.

        Raises:
            DermaiError: the log is damaged or its key cannot be used, and the change gives access.
        """
        session.flush()
        try:
            self.audit.append(event)
        except DermaiError as error:
            if event.change not in ONLY_TAKES_AWAY:
                raise
            log.error("%s: %s, without a record: %s", event.subject, event.change.replace("_", " "), error)


def _system_user() -> str:
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # containers often run as a number without a name
        return f"user {number}"
