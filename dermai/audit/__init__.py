"""The audit log: append-only, hash-chained and signed JSON lines, one for each attempt to change the model."""

from dermai.audit.entries import EVENTS, Entry
from dermai.audit.event import Event
from dermai.audit.key import SigningKey, key_file, load_public_key
from dermai.audit.log import AuditLog
from dermai.audit.verification import Verification

__all__ = ["EVENTS", "AuditLog", "Entry", "Event", "SigningKey", "Verification", "key_file", "load_public_key"]
