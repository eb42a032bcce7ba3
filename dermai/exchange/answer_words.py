"""The answer to a referral in words, for elements of FHIR that hold a text."""

from __future__ import annotations

from dermai.inbox.answer import NamedModel, ReferralAnswer
from dermai.language.current import current
from dermai.language.messages import message
from dermai.language.translation import in_language
from dermai.taxonomy import load_taxonomy


def conclusion(answer: ReferralAnswer) -> str:
    """The answer in words and in the language that is spoken, the warning first."""
    parts = [in_language(said) for said in (answer.warning, *provisional_words(answer.model))]
    if answer.risk:
        parts.append(in_language(message("Risk: %(level)s.", level=answer.risk.replace("_", " "))))
    if answer.called:
        code, reason = answer.called.code, answer.called.reason
        name = load_taxonomy().named(code, current().language)
        parts.append(
            in_language(message("Called: %(name)s (%(code)s): %(reason)s.", name=name, code=code, reason=reason))
        )
    others = [in_language(said) for said in (answer.no_answer, *answer.cautions) if said]
    return " ".join([*parts, *(f"{said[:1].upper()}{said[1:]}." for said in others)])


def provisional_words(model: NamedModel | None) -> list[str]:
    """That a version answers on a named person's word, and until when; nothing of any other version."""
    if model is None or model.provisional_until is None:
        return []
    said = message(
        "The model is provisional until %(day)s: what the service asks of a model is not shown yet.",
        day=model.provisional_until,
    )
    return [said]
