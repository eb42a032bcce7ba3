"""Sentences that the catalogues know. Whoever makes one makes it in English: so it is logged, recorded and compared.

A page says it in its reader's language when it is shown (`dermai.language.translation`), also when it was read back
from a log: a finished sentence is recognised by the message that it was made from. `make messages` collects them all.
"""

from __future__ import annotations


def message(english: str, **values: object) -> str:
    """An English sentence with its values; each stands in it as `%(name)s`.

    >>> message("the note has %(number)s characters", number=2001)
    'the note has 2001 characters'
    """
    return english % values if values else english


def plural_message(one: str, several: str, number: int, **values: object) -> str:
    """As `message`, in the form that fits a number, which stands in it as `%(number)s`.

    >>> plural_message("%(number)s case", "%(number)s cases", 1250)
    '1,250 cases'
    """
    return (one if number == 1 else several) % {"number": f"{number:,}", **values}
