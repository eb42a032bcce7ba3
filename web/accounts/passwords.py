"""Passwords: argon2id with the parameters that argon2-cffi recommends, and what is asked of a new one."""

from __future__ import annotations

import secrets
from functools import cache
from typing import TYPE_CHECKING

from dermai.errors import DermaiError
from dermai.language.messages import message

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 256  # characters; NIST SP 800-63B asks for length and for nothing else
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none is taken for another when it is read aloud


def hashed(password: str) -> str:
    """What is kept of a password.

    Raises:
        DermaiError: it is too short or too long.
    """
    if len(password) < SHORTEST:
        raise DermaiError(
            message(
                "the password is shorter than %(number)s characters: take a longer one, such as a sentence",
                number=SHORTEST,
            )
        )
    if len(password) > LONGEST:
        raise DermaiError(message("the password is longer than %(number)s characters", number=LONGEST))
    return _hasher().hash(password)


def matches(password_hash: str, password: str) -> bool:
    """Whether it is the password; takes the same time where an account has none, or is not there."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(password_hash or _of_nobody(), password[: LONGEST + 1]) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def outdated(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(password_hash)


def generated() -> str:
    """A new password of 79 bits that can be read out: four groups of four."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _of_nobody() -> str:
    return _hasher().hash(secrets.token_hex())
