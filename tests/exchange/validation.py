"""Is a resource of the form that HL7 gave it? By fhir.resources, whose oldest form of R4 is R4B."""

from __future__ import annotations

from typing import Any


def check(resource: dict[str, Any]) -> None:
    """Raise where it is not; a bundle's entries too."""
    from fhir.resources.R4B import get_fhir_model_class

    model = get_fhir_model_class(resource["resourceType"])
    again = model.model_validate(resource).model_dump(mode="json", exclude_none=True)
    assert set(again) >= set(resource) - {"resourceType"}
    for entry in resource.get("entry", ()):
        for part in (entry.get("resource"), entry.get("response", {}).get("outcome")):
            if part:
                check(part)
