"""The numbers that a practice itself gave the cases that it sent one by one, for its own list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dermai.data.pseudonyms import Pseudonyms
from dermai.inbox.entries import Inbox
from dermai.workspace import Workspace


def own_numbers(workspace: Workspace, pseudonyms: Pseudonyms, site: str, cases: Iterable[str]) -> Mapping[str, str]:
    """The site's own number of each of these cases that it sent by itself; those of folders are not kept."""
    inbox, found = Inbox.of(workspace), {}
    for case in cases:
        sealed = [entry.sealed_number for entry in inbox.of_case(case) if entry.rows[0]["site"] == site]
        number = next((text for one in sealed if one and (text := pseudonyms.unsealed(one))), "")
        if number:
            found[case] = number
    return found
