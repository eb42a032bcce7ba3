"""Find every edit, deletion, reordering and truncation of an audit log, with the public key alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dermai.audit.entries import FIRST_PREVIOUS, Entry, Head, entry_fault, head_signed, parse_entry, parse_head
from dermai.audit.key import public_pem
from dermai.audit.rotation import ROTATION, new_key_of, old_key_of, same_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


MOST_REMEMBERED = 200_000  # lines; 32 bytes each
# Lines that were found sound in this process, each as a hash of its bytes and of the key that signed it: a log is
# verified before every decision, and nothing but the same bytes and key has the same hash.
_sound: set[bytes] = set()


@dataclass
class Verification:
    """What a check of a log found: `problems` are signs of damage, `notes` are not."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(
    content: bytes, head_content: bytes | None, key: Ed25519PublicKey, witness_content: bytes | None = None
) -> Verification:
    """Check a log file's bytes against its head file's and, where there is one, the head kept beside the key."""
    found = Verification()
    lines = content.split(b"\n")
    torn = lines.pop()
    keys = _check_chain(lines, key, found)
    if not any(same_key(key, known) for known in keys):
        found.problems.append("the log was signed by other keys than the one it is checked with")
    if torn:
        found.problems.append(f"line {len(lines) + 1} is not whole ({len(torn)} bytes)")
    _check_head(lines, head_content, keys, found)
    if witness_content is not None:
        _check_witness(witness_content, keys, found)
    return found


def _first_key(lines: list[bytes], key: Ed25519PublicKey) -> Ed25519PublicKey:
    """The key that the log was begun with: the one that its first rotation ends, else the one it is checked with."""
    for line in lines:
        entry = parse_entry(line) if ROTATION.encode() in line else None
        if entry and entry.event == ROTATION:
            return old_key_of(entry) or key
    return key


def _check_chain(lines: list[bytes], key: Ed25519PublicKey, found: Verification) -> list[Ed25519PublicKey]:
    """Check each line and its place; the keys that signed the log, one after the other."""
    keys = [_first_key(lines, key)]
    signer = public_pem(keys[-1])
    previous, log = FIRST_PREVIOUS, None
    for number, line in enumerate(lines, 1):
        entry = parse_entry(line)
        if entry is None:
            found.problems.append(f"line {number} is not an audit record")
            previous = ""
            continue
        log = log or entry.log
        fault = _line_fault(line, entry, keys[-1], signer)
        if not fault and entry.sequence != number:
            fault = f"it is record {entry.sequence}"
        if not fault and entry.log != log:
            fault = "it is from another log"
        if not fault and previous and entry.previous != previous:
            fault = "it does not follow the line before it"
        if not fault and entry.event == ROTATION:
            new = new_key_of(entry)
            if new is None:
                fault = "it names a new key that did not countersign"
            else:
                keys.append(new)
                signer = public_pem(new)
        if fault:
            found.problems.append(f"line {number}: {fault}")
        previous = entry.hash
        found.entries.append(entry)
    return keys


def _line_fault(line: bytes, entry: Entry, key: Ed25519PublicKey, signer: bytes) -> str:
    """`entry_fault`, computed once for a sound line; `signer` is the key as PEM."""
    known = hashlib.sha256(signer + line).digest()
    if known in _sound:
        return ""
    fault = entry_fault(entry, key)
    if not fault:
        if len(_sound) >= MOST_REMEMBERED:
            _sound.clear()
        _sound.add(known)
    return fault


def _check_head(lines: list[bytes], content: bytes | None, keys: list[Ed25519PublicKey], found: Verification) -> None:
    last = found.entries[-1] if found.entries else None
    # A crash within a rotation leaves the head to the key before.
    valid = keys[-2:] if last and last.event == ROTATION else keys[-1:]
    if content is None:
        if len(lines) == 1:
            found.notes.append("the head is missing after the first record: a write was interrupted")
        elif lines:
            found.problems.append("the head file is missing")
        return
    head = parse_head(content)
    if head is None or not any(head_signed(head, key) for key in valid):
        found.problems.append("the head file was changed: its signature is not by this key")
    elif len(lines) < head.count:
        found.problems.append(f"{head.count - len(lines)} of {head.count} records are missing at the end")
    elif len(lines) > head.count + 1:
        found.problems.append(f"the log has {len(lines)} records, its head knows of {head.count}")
    elif last and head.log != last.log:
        found.problems.append("the head is from another log")
    elif len(lines) == head.count + 1:
        if last and last.previous != head.hash:
            found.problems.append("the last record does not follow the head")
        else:
            found.notes.append("the last record is newer than the head: a write was interrupted")
    elif last and head.hash != last.hash:
        found.problems.append("the last record is not the one that the head names")


def _check_witness(content: bytes, keys: list[Ed25519PublicKey], found: Verification) -> None:
    witness: Head | None = parse_head(content)
    if witness is None or not any(head_signed(witness, key) for key in keys):
        found.problems.append("the head kept beside the key was changed")
    elif not any(entry.sequence == witness.count and entry.hash == witness.hash for entry in found.entries):
        found.problems.append(f"record {witness.count}, known beside the key, is missing: an older log was put back")
