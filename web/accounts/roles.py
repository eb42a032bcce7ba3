"""Roles, permissions, and the one table of who may do what; docs/web.md shows it, and a test holds the two together."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from dermai.language.messages import message


class Role(StrEnum):
    """What a person is in the service."""

    PRACTICE = message("practice")
    DERMATOLOGIST = message("dermatologist")
    CLINICAL_LEAD = message("clinical lead")
    MANAGER = message("manager")
    AUDITOR = message("auditor")
    ENGINEER = message("engineer")


class Permission(StrEnum):
    """What a route asks of its visitor; the value says it in words."""

    USE_OWN_ACCOUNT = message("change one's own password and sign out")
    READ_OWN_CASES = message("see the cases that one's own practice sent, with their photographs")
    SEND_REFERRALS = message("send referrals of one's own practice")
    READ_CASES = message("see all cases with their photographs, and pages that show photographs")
    SIGN_READINGS = message("sign readings, and ask for photographs to be taken again")
    READ_OVERVIEW = message("see the start page, in figures")
    READ_REPORTS = message("read the reports that show no photograph, and the drift dashboard")
    READ_MODELS = message("see model versions and their evidence, in figures")
    DECIDE = message("approve, reject, roll back, name a provisional champion, settle alarms and incidents")
    READ_RECORDS = message("read and verify the signed audit log")
    READ_ACCESS_LOG = message("see who looked at which case")
    MANAGE_ACCOUNTS = message("add and disable accounts, and the tokens of practices")


_OF_ALL = frozenset({Permission.USE_OWN_ACCOUNT})
_OF_THE_TEAM = _OF_ALL | {Permission.READ_OVERVIEW, Permission.READ_REPORTS, Permission.READ_MODELS}
_OF_READERS = _OF_THE_TEAM | {Permission.READ_CASES, Permission.SIGN_READINGS}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.PRACTICE: _OF_ALL | {Permission.READ_OWN_CASES, Permission.SEND_REFERRALS},
    Role.DERMATOLOGIST: _OF_READERS,
    Role.CLINICAL_LEAD: _OF_READERS | {Permission.DECIDE, Permission.READ_RECORDS},
    Role.MANAGER: _OF_THE_TEAM,
    Role.AUDITOR: _OF_THE_TEAM | {Permission.READ_RECORDS, Permission.READ_ACCESS_LOG},
    Role.ENGINEER: _OF_THE_TEAM | {Permission.READ_RECORDS, Permission.MANAGE_ACCOUNTS},
}


def may(role: Role, permission: Permission) -> bool:
    """Whether a role has a permission.

    >>> may(Role.MANAGER, Permission.READ_CASES)
    False
    """
    return permission in PERMISSIONS[role]


def permission_table() -> str:
    """The table as Markdown."""
    lines = [
        "| may | " + " | ".join(role.value for role in Role) + " |",
        "|---|" + ":-:|" * len(Role),
    ]
    for permission in Permission:
        marks = ("yes" if may(role, permission) else "" for role in Role)
        lines.append(f"| {permission.value} | " + " | ".join(marks) + " |")
    return "\n".join(lines)
