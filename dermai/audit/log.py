"""Append to the audit log so that no crash and no second writer loses a line."""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dermai.audit.beginning import LogBegun, lost_logs, place_of, settled_logs, write_place
from dermai.audit.entries import (
    EVENTS,
    FIRST_PREVIOUS,
    Entry,
    Head,
    entry_fault,
    head_signed,
    parse_entry,
    parse_head,
    sign_entry,
    sign_head,
)  # fmt: skip
from dermai.audit.event import Event, Repair
from dermai.audit.key import SigningKey, fingerprint, key_file, load_public_key, public_pem
from dermai.audit.rotation import ROTATION, new_key_of, next_key_file, rotation, same_key
from dermai.audit.verification import Verification, verify
from dermai.errors import AuditLogDamaged
from dermai.files import locked, sync_folder, write_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

log = logging.getLogger(__name__)

# What begins a log, or continues one that lost its newest records, says so itself.
NOT_CONTINUED = ("log_begun", "restore")


class AuditLog:
    """A log file with its head (`.head`), public key (`.pub`) and lock (`.lock`) beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.head_file = path.with_suffix(".head")
        self.public_key_file = path.with_suffix(".pub")
        self.lock_file = path.with_suffix(".lock")

    def append(self, event: Event) -> Entry:
        """Write one line, on disk before this returns, and say aloud what an earlier crash left to repair.

        Raises:
            AuditLogDamaged: the log's end is not what its head says, or the log is not the one, or older than the one,
                that is known beside the key; nothing is written.
        """
        if event.event not in EVENTS:
            raise ValueError(f"unknown audit event {event.event!r}; known: {', '.join(EVENTS)}")
        with locked(self.lock_file):
            key = self._signing_key()
            head = self._repair(key)
            if event.event not in NOT_CONTINUED:
                self._check_known_beside_key(key, head)
            return self._write(key, head, event)[0]

    def begin_anew(self, *, approver: str, role: str, reason: str) -> Entry:
        """Begin a new log where an earlier one is gone for good; its first record names what was lost.

        Raises:
            AuditLogDamaged: there is a log, or none is missing.
        """
        with locked(self.lock_file):
            key = self._signing_key()
            lost = lost_logs(key, self.path, "")
            if self.path.exists() or self.head_file.exists():
                raise AuditLogDamaged(
                    f"{self.path} exists: move the folder {self.path.parent.name}/ aside as evidence first"
                )
            if not lost:
                raise AuditLogDamaged(f"no earlier log of {self.path} is known beside the key: it begins by itself")
            event = LogBegun(approver=approver, role=role, reason=reason, replaces=lost)
            return self._write(key, self._repair(key), event)[0]

    def rotate_key(self, *, approver: str, role: str, reason: str) -> Entry:
        """Let a new key take over; the old one names it in the log. Killed at any point, the next write finishes it.

        Raises:
            AuditLogDamaged: the log's end is not what its head says; nothing is written.
        """
        with locked(self.lock_file):
            key = self._signing_key()
            head = self._repair(key)
            new = SigningKey.load_or_create(next_key_file(key))
            event = rotation(head.log, head.count + 1, key, new, approver=approver, role=role, reason=reason)
            entry, _ = self._write(key, head, event)
            self._signing_key()
            return entry

    def repair(self) -> None:
        """Put right what a crash left at the log's end, with a record of it; done by `append` too.

        Raises:
            AuditLogDamaged: the log's end is not what its head says.
        """
        if self.path.exists():
            with locked(self.lock_file):
                key = self._signing_key()
                head = self._repair(key)
                if place_of(key, head.log) is None:
                    self._check_known_beside_key(key, head)
                    self._write_witness(key, head)

    def entries(self, *events: str) -> list[Entry]:
        """All whole lines, or those of some events, oldest first; it reads, it does not verify."""
        if not self.path.exists():
            return []
        parsed = (parse_entry(line) for line in self.path.read_bytes().split(b"\n")[:-1])
        return [entry for entry in parsed if entry and (not events or entry.event in events)]

    def verify(self, public_key: Ed25519PublicKey | None = None) -> Verification:
        """Check every line, the chain and the head.

        The key is the one given, else the signing key's public half, else the file beside the log, which
        whoever can write the log could have replaced: a note says so.
        """
        notes: list[str] = []
        witness, lost = None, []
        if public_key is None:
            if key_file().exists():
                key = SigningKey.load_or_create()
                public_key, witness = key.public, _read(self._witness_file(key))
                lost = self._lost_logs(key)
            elif self.public_key_file.exists():
                public_key = load_public_key(self.public_key_file)
                notes.append("checked with the public key beside the log only: give --public-key to rule out a new one")
            else:
                damaged = self.path.exists() or self.head_file.exists()
                return Verification(problems=["there is no public key to check the log with"] if damaged else [])
        with locked(self.lock_file) if os.access(self.path.parent, os.W_OK) else nullcontext():
            found = verify(_read(self.path) or b"", _read(self.head_file), public_key, witness)
        found.notes += notes
        found.problems += lost
        return found

    def verified_entries(self, *events: str) -> list[Entry]:
        """All lines, or those of some events, oldest first, of a log that verifies.

        Raises:
            AuditLogDamaged: it does not.
        """
        found = self.verify()
        if found.problems:
            raise AuditLogDamaged(f"the audit log was changed ({found.problems[0]}): run `dermai audit verify`")
        return [entry for entry in found.entries if not events or entry.event in events]

    def _lost_logs(self, key: SigningKey) -> list[str]:
        """Logs that were kept in this place, and are not here now, in a sentence each."""
        lost_here = lost_logs(key, self.path, self._log_name())
        settled = settled_logs(self.entries()) if lost_here else frozenset()
        return [
            f"the log {lost.log} with {lost.count} records, known beside the key, is not here: put it back from a "
            f"backup; where it is lost for good, move {self.path.parent.name}/ aside and run `dermai audit begin-anew`"
            for lost in lost_here
            if lost.log not in settled
        ]

    def _check_known_beside_key(self, key: SigningKey, head: Head) -> None:
        """A line is added only to the log that the key knows to be here, at its newest record.

        Raises:
            AuditLogDamaged: another log was kept here, or this one had newer or other records.
        """
        lost = self._lost_logs(key)
        if lost:
            raise AuditLogDamaged(lost[0])
        witness = parse_head(_read(key.witness_folder / f"{head.log}.head") or b"")
        if witness is None or witness.count == 0:
            return
        lines = (_read(self.path) or b"").split(b"\n")[:-1]
        last = parse_entry(lines[witness.count - 1]) if len(lines) >= witness.count else None
        if last is None or last.hash != witness.hash:
            raise AuditLogDamaged(
                f"record {witness.count} of {self.path}, known beside the key, is missing: an older log was put back; "
                "run `dermai audit verify`"
            )

    def _signing_key(self) -> SigningKey:
        """The key that signs now; where the log's last line is a rotation, its new key takes over here."""
        key = SigningKey.load_or_create()
        waiting = next_key_file(key)
        last = next(reversed(self.entries()), None) if waiting.exists() else None
        if last is None or last.event != ROTATION or entry_fault(last, key.public):
            return key
        new, named = SigningKey.load_or_create(waiting), new_key_of(last)
        if named is None or not same_key(named, new.public):
            return key
        head = sign_head(new, last.log, last.sequence, last.hash)
        write_bytes(self.head_file, head.to_bytes())
        write_bytes(self.public_key_file, public_pem(new.public))
        self._write_witness(key, head)
        waiting.replace(key.path)
        sync_folder(key.path.parent)
        log.warning("the audit key is a new one (%s): put %s into the safe", fingerprint(new.public), key.path)
        return SigningKey.load_or_create()

    def _repair(self, key: SigningKey) -> Head:
        head, repairs = self._repaired_head(key)
        for repair in repairs:
            log.warning("audit log repaired: %s", repair)
            head = self._write(key, head, Repair(what=repair))[1]
        return head

    def _repaired_head(self, key: SigningKey) -> tuple[Head, list[str]]:
        """The log's end as it is on disk, after moving a torn line aside; called under the lock."""
        content = _read(self.path) or b""
        *lines, torn = content.split(b"\n")
        first, last = (parse_entry(lines[0]), parse_entry(lines[-1])) if lines else (None, None)
        head = self._head(key, first)
        repairs = []
        if len(lines) == head.count + 1 and last and last.previous == head.hash and not entry_fault(last, key.public):
            head = sign_head(key, last.log, last.sequence, last.hash)
            repairs.append(f"record {last.sequence} ({last.event}) was written and the crash came before the head")
        if len(lines) != head.count or (last is None) != (head.count == 0) or (last and last.hash != head.hash):
            raise AuditLogDamaged(
                f"{self.path} does not end as its head says: run `dermai audit verify`; to go on, move the folder "
                f"{self.path.parent.name}/ aside as evidence, or restore it from a backup"
            )
        if torn:
            aside = self.path.with_name(f"{self.path.stem}.torn-after-{head.count}-{secrets.token_hex(3)}")
            write_bytes(aside, torn)
            with self.path.open("r+b") as stream:
                stream.truncate(len(content) - len(torn))
                os.fsync(stream.fileno())
            repairs.append(f"a torn line of {len(torn)} bytes after record {head.count} was moved to {aside.name}")
        return head, repairs

    def _head(self, key: SigningKey, first: Entry | None) -> Head:
        content = _read(self.head_file)
        if content is None:
            return sign_head(key, first.log if first else secrets.token_hex(8), 0, FIRST_PREVIOUS)
        head = parse_head(content)
        if head is None or not head_signed(head, key.public):
            raise AuditLogDamaged(
                f"{self.head_file} is not signed by the key {key.path} ({fingerprint(key.public)}): "
                "use the key that the log was begun with, or run `dermai audit verify`"
            )
        return head

    def _write(self, key: SigningKey, head: Head, event: Event) -> tuple[Entry, Head]:
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = sign_entry(key, head.log, head.count + 1, time, event.event, event.to_body(), head.hash)
        new = not self.path.exists()
        with self.path.open("ab") as stream:
            stream.write(entry.to_line() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        if new:
            write_bytes(self.public_key_file, public_pem(key.public))
            sync_folder(self.path.parent)
        head = sign_head(key, head.log, entry.sequence, entry.hash)
        write_bytes(self.head_file, head.to_bytes())
        self._write_witness(key, head)
        return entry, head

    def _first_entry(self) -> Entry | None:
        """The first whole line that is an entry; those after it are not parsed."""
        lines = (_read(self.path) or b"").split(b"\n")[:-1]
        return next((entry for line in lines if (entry := parse_entry(line))), None)

    def _log_name(self) -> str:
        head = parse_head(_read(self.head_file) or b"")
        first = self._first_entry()
        return first.log if first else head.log if head else ""

    def _witness_file(self, key: SigningKey) -> Path:
        return key.witness_folder / f"{Path(self._log_name() or 'none').name}.head"

    def _write_witness(self, key: SigningKey, head: Head) -> None:
        """Keep the head beside the key too; where that folder is read-only the log's own head has to do."""
        try:
            write_bytes(key.witness_folder / f"{head.log}.head", head.to_bytes())
            write_place(key, head.log, self.path)
        except OSError as error:
            log.debug("no copy of the head beside the key: %s", error)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
