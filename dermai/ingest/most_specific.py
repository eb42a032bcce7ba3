"""Which of a publisher's labels for one photograph the taxonomy knows, where it gives several from coarse to fine."""

from __future__ import annotations

from collections.abc import Iterable

from dermai.taxonomy import load_taxonomy


def most_specific(source: str, from_fine_to_coarse: Iterable[str]) -> str:
    """The first label that the source's map has, else the first that says anything, else nothing.

    >>> most_specific("isic_archive", ["", "Nevus, Spitz", "Nevus", "Benign"])
    'Nevus'
    >>> most_specific("isic_archive", ["", "A name of next year"])
    'A name of next year'
    """
    known = {label.casefold() for label in load_taxonomy().sources[source]}
    said = [label.strip() for label in from_fine_to_coarse if label.strip()]
    return next((label for label in said if label.casefold() in known), said[0] if said else "")
