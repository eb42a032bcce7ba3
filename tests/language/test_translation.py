"""English sentences, made just now or read from a log, in Portuguese."""

from __future__ import annotations

import re

import pytest

from dermai.language.catalogues import catalogue
from dermai.language.current import Locale, current, speaking
from dermai.language.messages import message, plural_message
from dermai.language.translation import counted, gettext, in_language, ngettext, translated

PORTUGUESE = Locale("pt", "Europe/Lisbon")


def in_portuguese(english: str) -> str | None:
    with speaking(PORTUGUESE):
        return translated(english)


def test_in_english_a_sentence_is_itself() -> None:
    assert translated("whatever it says") == gettext("whatever it says") == "whatever it says"
    assert (ngettext("one", "several", 2), counted("%(number)s case", "%(number)s cases", 1250)) == (
        "several", "1,250 cases",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("english", "portuguese"),
    [
        ("Sign out", "Terminar sessão"),
        ("too dark: use more light", "demasiado escura: use mais luz"),
        (
            "too small (48 pixels): send it in its original size; too dark: use more light",
            "demasiado pequena (48 píxeis): envie-a no tamanho original; demasiado escura: use mais luz",
        ),
        ("33\u00a0%, called from 5.8\u00a0% on", "33\u00a0%, assinalado a partir de 5,8\u00a0%"),
        (plural_message("%(number)s case", "%(number)s cases", 1), "1 caso"),
        (plural_message("%(number)s case", "%(number)s cases", 12345), "12\u00a0345 casos"),
        (
            "the model has learnt no dermoscopic photograph",
            "o modelo não aprendeu nenhuma fotografia dermatoscópica",
        ),
        (
            "This is for those who may see who looked at which case or read and verify the signed audit log.",
            "Destina-se a quem pode ver quem consultou que caso ou ler e verificar o registo de auditoria assinado.",
        ),
        (
            "the patient number is missing: fill it in and hand the row in again",
            "falta o número do doente: preencha-o e entregue a linha de novo",
        ),
    ],
)
def test_a_finished_sentence_is_recognised(english: str, portuguese: str) -> None:
    assert in_portuguese(english) == portuguese


def test_what_a_person_typed_stays_as_it_is() -> None:
    assert in_portuguese("the mole on the left, please") is None
    with speaking(PORTUGUESE):
        assert in_language("the mole on the left, please") == "the mole on the left, please"


def test_the_language_ends_with_its_block() -> None:
    with speaking(PORTUGUESE):
        assert current() == PORTUGUESE
    assert current() == Locale()


def test_no_message_is_taken_for_another() -> None:
    found = catalogue("pt")
    assert found is not None
    wrong = {}
    for forms in found.finished:
        names = set(re.findall(r"%\((\w+)\)s", forms[0]))
        values = {
            name: "12" if name in ("number", "count", "total", "share", "low", "high") else "Xpto" for name in names
        }
        values |= {"interval": "1–2"} if "interval" in names else {}
        finished = (forms[-1] % values) if names else message(forms[0])
        with speaking(PORTUGUESE):
            translation = ngettext(*forms, 12) if len(forms) > 1 else gettext(forms[0])
            expected = translation % values if names else translation
            if translated(finished) not in (expected, None):
                wrong[forms[0]] = translated(finished)
    assert wrong == {}
