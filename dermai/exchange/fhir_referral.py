"""A referral as a FHIR R4 transaction: a ServiceRequest, its Patient, and photographs as Media or DocumentReference."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from dermai.exchange.attachments import photograph_in, role_of
from dermai.exchange.codings import CASE_NUMBER, LESION_NUMBER, OURS, PATIENT_NUMBER, Resource
from dermai.exchange.strict_reading import (
    UnclearResource,
    an_object,
    concept_at,
    day,
    marked_number,
    number_of,
    objects,
    one_of,
    only,
    text,
    words_of,
)
from dermai.inbox.sent import VALUES, SentPhotograph, SentReferral
from dermai.language.messages import message

MOST_ENTRIES = 64
PHOTOGRAPHS = ("Media", "DocumentReference")
ORDERS = ("order", "original-order", "reflex-order", "filler-order", "instance-order")
OF_REQUEST = ("identifier", "status", "intent", "priority", "subject", "authoredOn", "bodySite", "basedOn", "extension")
OF_PATIENT = ("identifier", "gender", "birthDate")
OF_MEDIA = ("status", "subject", "basedOn", "view", "bodySite", "deviceName", "content")
OF_DOCUMENT = ("status", "subject", "type", "content")
NOT_KEPT = {  # elements that may come and are not kept
    "ServiceRequest": ("category", "code", "requester", "performer", "encounter", "occurrenceDateTime"),
    "Patient": ("active",),
    "Media": ("identifier", "type", "modality", "createdDateTime", "issued", "height", "width", "frames"),
    "DocumentReference": ("identifier", "masterIdentifier", "docStatus", "category", "date", "context"),
}
BIRTH = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
RESULT = re.compile(r"(c[0-9a-f]{20})-(r[0-9a-f]{24})(?:-([1-9][0-9]?))?")  # an id of this service's own resources


@dataclass(frozen=True)
class ReadBundle:
    """What a transaction holds: the referral, and of each entry its type and the photographs that it brought."""

    sent: SentReferral
    entries: tuple[tuple[str, tuple[int, ...]], ...]  # numbers of photographs, from 1 on


@dataclass
class _Reading:
    """The entries while they are read."""

    folder: Path = field(repr=False)
    request: tuple[Resource, str, frozenset[str]] | None = field(default=None, repr=False)  # with path and names
    patient: tuple[Resource, str, frozenset[str]] | None = field(default=None, repr=False)
    photographs: list[SentPhotograph] = field(default_factory=list, repr=False)
    sites: list[str] = field(default_factory=list, repr=False)
    devices: list[str] = field(default_factory=list, repr=False)


def read_bundle(bundle: Resource, folder: Path, site: str, today: date) -> ReadBundle:
    """The referral of a transaction, its photographs written into `folder`; nothing is fetched from anywhere.

    Raises:
        UnclearResource: it is not of the form that docs/fhir.md describes; the message names the element.
    """
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "transaction":
        raise UnclearResource(message("send a Bundle of the type transaction"))
    only(bundle, ("type", "entry"), ("timestamp", "identifier"), "Bundle")
    read, entries = _Reading(folder), []
    photographs: list[tuple[Resource, str]] = []
    for number, (entry, path) in enumerate(objects(bundle, "entry", "Bundle"), 1):
        if number > MOST_ENTRIES:
            raise UnclearResource(message("Bundle.entry has more than %(number)s entries", number=MOST_ENTRIES))
        resource = _resource(entry, path)
        kind, place = resource["resourceType"], f"{path}.resource"
        names = _names(entry, resource, path)
        if kind == "ServiceRequest" and read.request is None:
            read.request = resource, place, names
        elif kind == "Patient" and read.patient is None:
            read.patient = resource, place, names
        elif kind in PHOTOGRAPHS:
            photographs.append((resource, place))
        else:
            raise UnclearResource(
                message("%(where)s: one ServiceRequest, one Patient, Media and DocumentReference are taken", where=path)
            )
        entries.append(kind)
    if read.request is None or read.patient is None:
        raise UnclearResource(message("Bundle.entry needs a ServiceRequest and its Patient"))
    numbers = iter([_photographs(resource, place, read) for resource, place in photographs])
    brought = tuple((kind, next(numbers) if kind in PHOTOGRAPHS else ()) for kind in entries)
    fields, follows = _fields(read, read.request, read.patient, today)
    return ReadBundle(SentReferral(site, fields, tuple(read.photographs), follows), brought)


def _resource(entry: Resource, path: str) -> Resource:
    only(entry, ("fullUrl", "request", "resource"), (), path)
    resource = an_object(entry.get("resource"), f"{path}.resource")
    kind = text(resource, "resourceType", f"{path}.resource")
    request = an_object(entry.get("request"), f"{path}.request")
    if text(request, "method", path) != "POST" or text(request, "url", path).strip("/") != kind:
        raise UnclearResource(
            message("%(where)s must POST its own type: nothing is updated or deleted here", where=f"{path}.request")
        )
    return resource


def _names(entry: Resource, resource: Resource, path: str) -> frozenset[str]:
    """By which other entries refer to this one."""
    local = f"{resource['resourceType']}/{text(resource, 'id', path)}"
    return frozenset({text(entry, "fullUrl", path), local} - {"", f"{resource['resourceType']}/"})


def _fields(
    read: _Reading, of_request: tuple[Resource, str, frozenset[str]], of_patient: tuple[Resource, str, frozenset[str]],
    today: date,
) -> tuple[dict[str, str], str]:  # fmt: skip
    request, place, _ = of_request
    patient, patient_place, names = of_patient
    only(request, OF_REQUEST, NOT_KEPT["ServiceRequest"], place)
    only(patient, OF_PATIENT, NOT_KEPT["Patient"], patient_place)
    one_of(request, "status", ("active",), place)
    one_of(request, "intent", ORDERS, place)
    if text(request, "priority", place) not in ("", "routine"):
        where = f"{place}.priority"
        raise UnclearResource(
            message("%(where)s: what is urgent to you is told by telephone, not sent as a photograph", where=where)
        )
    _refers_to(request.get("subject"), names, f"{place}.subject")
    for one, where in objects(request, "bodySite", place):
        read.sites.append(words_of(concept_at({"bodySite": one}, "bodySite", where)))
    ordered = text(request, "authoredOn", place)
    fields = {
        "case_id": number_of(request, CASE_NUMBER, (LESION_NUMBER,), message("case number"), place),
        "lesion_id": marked_number(request, LESION_NUMBER, place),
        "patient_id": number_of(patient, PATIENT_NUMBER, (), message("patient number"), patient_place),
        "sex": {"male": "male", "female": "female"}.get(text(patient, "gender", patient_place), ""),
        "age": _age(
            text(patient, "birthDate", patient_place), day(ordered, f"{place}.authoredOn") if ordered else today
        ),
        "body_site": _single(read.sites, "bodySite"),
        "device": _single(read.devices, "deviceName"),
    }
    extended: dict[str, str] = {}
    for extension, where in objects(request, "extension", place):
        name, value = _extension(extension, where)
        if extended.setdefault(name, value) != value:
            url = f"{OURS}{name}"
            raise UnclearResource(
                message("%(where)s: %(name)s comes twice, and differs: send the right one", where=where, name=url)
            )
    return {name: value for name, value in {**fields, **extended}.items() if value}, _follows(request, place)


def _extension(extension: Resource, where: str) -> tuple[str, str]:
    """Name and value of a field that no element of FHIR holds."""
    name = text(extension, "url", where).removeprefix(OURS)
    values = [value for key, value in extension.items() if key.startswith("value")]
    if not text(extension, "url", where).startswith(OURS) or name not in VALUES:
        raise UnclearResource(
            message(
                "%(where)s is not known: it is %(system)s and one of %(choices)s",
                where=f"{where}.url",
                system=OURS,
                choices=", ".join(VALUES),
            )
        )
    if len(values) != 1 or not isinstance(values[0], str | bool | int | float):
        raise UnclearResource(message("%(where)s needs one value: a text, a number or true or false", where=where))
    return name, str(values[0])


def _photographs(resource: Resource, place: str, read: _Reading) -> tuple[int, ...]:
    """Write the photographs of one resource; their numbers."""
    kind = resource["resourceType"]
    assert read.request is not None
    assert read.patient is not None
    if kind == "Media":
        only(resource, OF_MEDIA, NOT_KEPT["Media"], place)
        one_of(resource, "status", ("completed",), place)
        role = role_of(concept_at(resource, "view", place), f"{place}.view")
        contents = [(an_object(resource.get("content"), f"{place}.content"), f"{place}.content")]
        read.sites.append(words_of(concept_at(resource, "bodySite", place)))
        read.devices.append(text(resource, "deviceName", place))
        for reference, where in objects(resource, "basedOn", place):
            _refers_to(reference, read.request[2], where)
    else:
        only(resource, OF_DOCUMENT, NOT_KEPT["DocumentReference"], place)
        one_of(resource, "status", ("current",), place)
        role = role_of(concept_at(resource, "type", place), f"{place}.type")
        contents = [(an_object(one.get("attachment"), f"{where}.attachment"), f"{where}.attachment")
                    for one, where in objects(resource, "content", place)]  # fmt: skip
    if "subject" in resource:
        _refers_to(resource["subject"], read.patient[2], f"{place}.subject")
    first = len(read.photographs)
    for attachment, where in contents:
        file = read.folder / f"{len(read.photographs) + 1}.tmp"
        read.photographs.append(photograph_in(attachment, where, role, file))
    return tuple(range(first + 1, len(read.photographs) + 1))


def _refers_to(reference: object, names: Iterable[str], where: str) -> None:
    """Refuse a mix-up: each part of a referral is of the patient and the request of its own bundle."""
    if text(an_object(reference, where), "reference", where) not in names:
        raise UnclearResource(message("%(where)s does not refer to an entry of this bundle", where=where))


def _single(found: Iterable[str], what: str) -> str:
    different = {" ".join(words.split()).casefold(): words for words in found if words.strip()}
    if len(different) > 1:
        raise UnclearResource(message("%(what)s differs within the bundle: one referral is of one lesion", what=what))
    return next(iter(different.values()), "")


def _follows(request: Resource, place: str) -> str:
    """The request of an earlier referral of which these are further photographs."""
    found = [text(one, "reference", where).removeprefix("ServiceRequest/")
             for one, where in objects(request, "basedOn", place)]  # fmt: skip
    earlier = RESULT.fullmatch(found[0]) if found else None
    if len(found) > 1 or (found and earlier is None):
        raise UnclearResource(
            message(
                "%(where)s must be one ServiceRequest of this service, as its answer named it", where=f"{place}.basedOn"
            )
        )
    return earlier[2] if earlier else ""


def _age(born: str, on: date) -> str:
    """In whole years; a birthday of which the day is not known is taken to be over."""
    if not born:
        return ""
    found = BIRTH.fullmatch(born)
    try:
        birthday = date(*(int(part or 1) for part in found.groups())) if found else None
    except ValueError:  # such as a thirteenth month
        birthday = None
    if birthday is None:
        raise UnclearResource(
            message("%(where)s is no date such as %(day)s", where="Patient.birthDate", day="1961-04-30")
        )
    if birthday > on:
        raise UnclearResource(message("Patient.birthDate is after the day of the request: correct it, or leave it out"))
    return str(on.year - birthday.year - ((on.month, on.day) < (birthday.month, birthday.day)))
