"""Answers in the language that a program asks for; codes and the names of fields are the same in each."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request

from dermai.inbox.answer import ReferralAnswer, Verdict
from dermai.inbox.label import Label
from dermai.language.current import current, speaking
from dermai.language.translation import in_language
from dermai.taxonomy import load_taxonomy
from web.frame.locale import locale_of_program


def answer_for(request: Request, answer: ReferralAnswer) -> ReferralAnswer:
    """An answer as its sender reads it; what is kept of it stays English."""
    with speaking(locale_of_program(request)):
        called = answer.called
        if called is not None:
            said = {"name": _named(called.code), "reason": in_language(called.reason)}
            called = called.model_copy(update=said)
        return answer.model_copy(
            update={
                "photographs": _verdicts(answer.photographs),
                "called": called,
                "cautions": _each(answer.cautions),
                "remarks": _each(answer.remarks),
                "no_answer": in_language(answer.no_answer),
                "warning": in_language(answer.warning),
            }
        )


def verdicts_for(request: Request, photographs: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """Verdicts as the person who took the photographs reads them."""
    with speaking(locale_of_program(request)):
        return _verdicts(photographs)


def label_for(request: Request, label: Label) -> Label:
    """The label as its reader reads it."""
    with speaking(locale_of_program(request)):
        return label.model_copy(
            update={
                "intended_use": in_language(label.intended_use),
                "not_for": _each(label.not_for),
                "warning": in_language(label.warning),
                "no_answer": in_language(label.no_answer),
                "classes": tuple(one.model_copy(update={"name": _named(one.code)}) for one in label.classes),
                "limits": _each(label.limits),
            }
        )


def _verdicts(photographs: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    return tuple(one.model_copy(update={"take_again": in_language(one.take_again)}) for one in photographs)


def _each(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(in_language(sentence) for sentence in sentences)


def _named(code: str) -> str:
    return load_taxonomy().named(code, current().language)
