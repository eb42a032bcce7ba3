"""Pseudonyms for patients, lesions and cases: HMAC-SHA256 with a secret that lies outside the repository."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
import secrets
import stat
from collections.abc import Container
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dermai.data.identifiers import canonical_identifier, earlier_spellings
from dermai.errors import DermaiError
from dermai.files import create_private, write_json
from dermai.workspace import Workspace

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KEY_VARIABLE = "DERMAI_PSEUDONYM_KEY_FILE"
SHORTEST_KEY = 32
DIGITS = 20  # of the digest, 80 bits: among a million patients a collision has a chance below 1e-12
Kind = Literal["patient", "lesion", "case"]
log = logging.getLogger(__name__)


def key_file() -> Path:
    """`DERMAI_PSEUDONYM_KEY_FILE`, or `~/.config/dermai/pseudonym.key`."""
    return Path(os.environ.get(KEY_VARIABLE) or "~/.config/dermai/pseudonym.key").expanduser()


@dataclass(frozen=True)
class Pseudonyms:
    """The same identifier of the same source always gets the same pseudonym; nothing leads back without the key.

    How it is spelt does not matter (`dermai.data.identifiers`).

    >>> pseudonyms = Pseudonyms(b"a secret of at least 32 characters")
    >>> pseudonyms.patient("pad_ufes_20", "PAT_1516") == pseudonyms.patient("pad_ufes_20", "PAT_1516")
    True
    >>> pseudonyms.patient("pad_ufes_20", "PAT_1516") == pseudonyms.patient("dermai", "PAT_1516")
    False
    >>> pseudonyms.patient("dermai", "Pat-1") == pseudonyms.patient("dermai", "PAT\\u20111")
    True
    """

    key: bytes = field(repr=False)

    def patient(self, source: str, identifier: str) -> str:
        return "p" + self._digest("patient", source, canonical_identifier(identifier))

    def lesion(self, source: str, identifier: str) -> str:
        return "l" + self._digest("lesion", source, canonical_identifier(identifier))

    def case(self, source: str, identifier: str) -> str:
        return "c" + self._digest("case", source, canonical_identifier(identifier))

    def lesion_in_case(self, source: str, case: str, lesion: str, known: Container[str] = ()) -> str:
        """A lesion's pseudonym within its case; the one under which it is `known` where that is of its spelling."""
        written = "l" + self._digest("lesion in case", source, case.strip(), lesion.strip())
        forms = canonical_identifier(case), canonical_identifier(lesion)
        return written if written in known else "l" + self._digest("lesion in case", source, *forms)

    def earlier(self, kind: Kind, source: str, identifier: str) -> tuple[str, ...]:
        """Pseudonyms that earlier releases, for which each spelling was another identifier, may have given this."""
        return tuple(kind[0] + self._digest(kind, source, text) for text in earlier_spellings(identifier))

    def stored(self, kind: Kind, source: str, identifier: str, known: Container[str]) -> str:
        """The pseudonym under which this is known, by whichever release; else the one that it gets now."""
        now = kind[0] + self._digest(kind, source, canonical_identifier(identifier))
        written = kind[0] + self._digest(kind, source, identifier.strip())
        if written in known or now in known:
            return written if written in known else now
        return next((pseudonym for pseudonym in self.earlier(kind, source, identifier) if pseudonym in known), now)

    def draw(self, what: str, pseudonym: str) -> float:
        """A number from 0 up to 1, as good as random and the same each time; nobody without the key can choose it.

        >>> draws = [Pseudonyms(b"a secret of at least 32 characters").draw("why", str(n)) for n in range(1000)]
        >>> 0 <= min(draws), max(draws) < 1, round(sum(draws) / 1000, 1)
        (True, True, 0.5)
        """
        return int(self._digest("draw", what, pseudonym)[:13], 16) / 16**13

    def sealed(self, text: str) -> str:
        """A sender's own number as nobody reads it without the key, for its sender's own pages.

        >>> pseudonyms = Pseudonyms(b"a secret of at least 32 characters")
        >>> pseudonyms.unsealed(pseudonyms.sealed("2026-0117"))
        '2026-0117'
        """
        return self._seal.encrypt(text.encode()).decode()

    def unsealed(self, sealed: str) -> str:
        """What was sealed; empty where it was sealed with another key, or is none."""
        from cryptography.fernet import InvalidToken

        try:
            return self._seal.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return ""

    @cached_property
    def _seal(self) -> Fernet:
        from cryptography.fernet import Fernet

        return Fernet(base64.urlsafe_b64encode(hmac.new(self.key, b"numbers of senders", hashlib.sha256).digest()))

    @property
    def fingerprint(self) -> str:
        """Names the key without giving it away."""
        return self._digest("fingerprint")

    def _digest(self, *parts: str) -> str:
        # JSON keeps the parts apart: ("a", "bc") and ("ab", "c") must not meet
        return hmac.new(self.key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()[:DIGITS]


def load_pseudonyms(workspace: Workspace, path: Path | None = None, record: bool = True) -> Pseudonyms:
    """Read the key, or make one on first use and say so; `record` its fingerprint in the workspace.

    Raises:
        DermaiError: the key lies inside the repository, is too short, cannot be read, or is another one than the
            workspace's patients were pseudonymised with.
    """
    path = (path or key_file()).absolute()
    if path.resolve().is_relative_to(workspace.root.resolve()):
        raise DermaiError(f"the pseudonym key {path} lies inside the repository: move it out and set {KEY_VARIABLE}")
    recorded = recorded_fingerprint(workspace)
    if recorded and not path.exists():
        raise DermaiError(
            f"the pseudonym key {path} is gone, and a new one would take every known patient for a new one: "
            f"restore it (fingerprint {recorded}) or set {KEY_VARIABLE}"
        )
    try:
        if not path.exists():
            _create(path)
        key = path.read_bytes().strip()
        others = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    except OSError as error:
        raise DermaiError(f"the pseudonym key {path} cannot be used ({error.strerror}): set {KEY_VARIABLE}") from None
    if others:
        log.warning("the pseudonym key %s can be read by other users: run `chmod 600 %s`", path, path)
    if len(key) < SHORTEST_KEY:
        raise DermaiError(f"the pseudonym key {path} is shorter than {SHORTEST_KEY} bytes: restore it from its backup")
    pseudonyms = Pseudonyms(key)
    if recorded and recorded != pseudonyms.fingerprint:
        raise DermaiError(
            f"the pseudonym key {path} (fingerprint {pseudonyms.fingerprint}) is not the one this workspace's patients "
            f"were pseudonymised with ({recorded}): set {KEY_VARIABLE} to that key"
        )
    if record and not recorded:
        write_json(_record_file(workspace), {"fingerprint": pseudonyms.fingerprint})
    return pseudonyms


def recorded_fingerprint(workspace: Workspace) -> str:
    """The fingerprint of the key that the workspace's patients were pseudonymised with; empty where there is none.

    Raises:
        DermaiError: the file that holds it is damaged.
    """
    file = _record_file(workspace)
    if not file.is_file():
        return ""
    try:
        return str(json.loads(file.read_bytes())["fingerprint"])
    except (ValueError, TypeError, KeyError):
        raise DermaiError(f"{file} is damaged, and names no pseudonym key: put it back from a backup") from None


def _record_file(workspace: Workspace) -> Path:
    return workspace.state / "pseudonym_key.json"


def _create(path: Path) -> None:
    if create_private(path, secrets.token_hex(32).encode() + b"\n"):
        log.warning("made the key for patient pseudonyms: %s. Back it up; keep it out of the repository.", path)
