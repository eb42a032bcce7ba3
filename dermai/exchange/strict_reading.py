"""Parts of FHIR resources that others sent: nothing is taken for what it is not, and nothing is dropped unseen."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import date
from typing import Any

from dermai.errors import DermaiError
from dermai.exchange.codings import Resource
from dermai.language.messages import message

OF_EVERY_RESOURCE = frozenset({"resourceType", "id", "meta", "implicitRules", "language"})  # say nothing of a patient
SHOWN_NAME = 40  # characters of a name that a message repeats


class UnclearResource(DermaiError):
    """A resource that nobody could work with; the message names the element, and no number or word of the sender."""


def parsed(content: bytes) -> Resource:
    """A resource from JSON.

    Raises:
        UnclearResource: it is no JSON object.
    """
    try:
        found = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise UnclearResource(message("this is no JSON: send a FHIR resource as application/fhir+json")) from None
    return an_object(found, message("the resource"))


def an_object(value: Any, path: str) -> Resource:
    """A part that must be a JSON object.

    Raises:
        UnclearResource: it is none.
    """
    if not isinstance(value, dict):
        raise UnclearResource(message("%(where)s is no JSON object", where=path))
    return value


def objects(resource: Resource, name: str, path: str) -> Iterator[tuple[Resource, str]]:
    """The parts of a list, each with its path; none where the element is missing.

    Raises:
        UnclearResource: it is no list of objects.
    """
    found = resource.get(name, [])
    if not isinstance(found, list):
        raise UnclearResource(message("%(where)s is no list", where=f"{path}.{name}"))
    for number, one in enumerate(found):
        place = f"{path}.{name}[{number}]"
        yield an_object(one, place), place


def text(resource: Resource, name: str, path: str) -> str:
    """An element that is text; "" where it is missing.

    Raises:
        UnclearResource: it is none.
    """
    found = resource.get(name, "")
    if not isinstance(found, str):
        raise UnclearResource(message("%(where)s is no text", where=f"{path}.{name}"))
    return found


def concept_at(resource: Resource, name: str, path: str) -> Resource:
    """A CodeableConcept, checked; empty where it is missing.

    Raises:
        UnclearResource: it is none.
    """
    found = an_object(resource.get(name, {}), f"{path}.{name}")
    text(found, "text", f"{path}.{name}")
    for coding, place in objects(found, "coding", f"{path}.{name}"):
        for part in ("system", "code", "display"):
            text(coding, part, place)
    return found


def words_of(concept: Resource) -> str:
    """A CodeableConcept in words: its text, else how its first coding is displayed."""
    displays = [str(one["display"]) for one in concept.get("coding", ()) if one.get("display")]
    return str(concept.get("text") or next(iter(displays), ""))


def only(resource: Resource, read: Collection[str], ignored: Collection[str], path: str) -> None:
    """Refuse elements that are neither read nor known to say nothing, so that no patient's name is dropped unseen.

    Raises:
        UnclearResource: there is one.
    """
    unknown = sorted(set(resource) - set(read) - set(ignored) - OF_EVERY_RESOURCE)
    if unknown:
        name = unknown[0][:SHOWN_NAME]
        taken = ", ".join(sorted(read))
        if not name.lstrip("_").isidentifier():
            said = message(
                "an element of %(where)s is not taken here: leave it out; read are %(taken)s", where=path, taken=taken
            )
        else:
            said = message(
                "%(where)s is not taken here: leave it out; read are %(taken)s", where=f"{path}.{name}", taken=taken
            )
        raise UnclearResource(said)


def one_of(resource: Resource, name: str, allowed: Collection[str], path: str) -> str:
    """A code that must be there.

    Raises:
        UnclearResource: it is another one.
    """
    found = text(resource, name, path)
    if found not in allowed:
        raise UnclearResource(
            message("%(where)s must be %(choices)s", where=f"{path}.{name}", choices=" / ".join(sorted(allowed)))
        )
    return found


def number_of(resource: Resource, system: str, others: Collection[str], what: str, path: str) -> str:
    """The identifier of a system, else the only one that is of no other system; "" where there is none.

    Raises:
        UnclearResource: several could be it.
    """
    found = [(text(one, "system", place), text(one, "value", place))
             for one, place in objects(resource, "identifier", path)]  # fmt: skip
    marked = [value for name, value in found if name == system]
    fitting = marked or [value for name, value in found if name not in others]
    if len(fitting) > 1:
        raise UnclearResource(
            message(
                "%(where)s: several could be the %(what)s: give the right one the system %(system)s",
                where=f"{path}.identifier",
                what=what,
                system=system,
            )
        )
    return fitting[0] if fitting else ""


def marked_number(resource: Resource, system: str, path: str) -> str:
    """The identifier of a system; "" where there is none.

    Raises:
        UnclearResource: there are several.
    """
    found = [text(one, "value", place) for one, place in objects(resource, "identifier", path)
             if text(one, "system", place) == system]  # fmt: skip
    if len(found) > 1:
        raise UnclearResource(
            message(
                "%(where)s has several of the system %(system)s: one resource is of one",
                where=f"{path}.identifier",
                system=system,
            )
        )
    return found[0] if found else ""


def day(moment: str, path: str) -> date:
    """The day of a moment.

    Raises:
        UnclearResource: it names none.
    """
    try:
        return date.fromisoformat(moment[:10])
    except ValueError:
        raise UnclearResource(message("%(where)s is no date such as %(day)s", where=path, day="2026-04-30")) from None


def _no_number(name: str) -> None:
    raise ValueError(name)
