"""Errors a user can act on: the command line prints them as one line and exits with 1."""

from __future__ import annotations


class DermaiError(Exception):
    """Something is wrong that the user can fix; the message says what, where and how."""


class InvalidCases(DermaiError):
    """The case table or a photograph breaks the data contract."""


class InvalidParams(DermaiError):
    """params.yaml has an unknown key or a value out of range."""


class DatasetMismatch(DermaiError):
    """The workspace's data does not match data.dvc, or cannot be pulled."""


class UntrustedClone(DermaiError):
    """Git refuses to say which code this is, since the clone belongs to another user."""


class PackageTampered(DermaiError):
    """A model package's files do not match their recorded hashes."""


class Refused(DermaiError):
    """A promotion, rejection or rollback that the rules do not allow."""


class AuditLogDamaged(DermaiError):
    """The audit log was changed by something other than dermai, or its key is missing."""


class UnreadableRecord(DermaiError):
    """A line of the audit log is of a form that this release does not know."""


class UnknownVersion(DermaiError):
    """The registry has no such model version."""


class ServiceUnavailable(DermaiError):
    """A service that the workspace is set up with does not answer; nothing of what it holds was changed."""
