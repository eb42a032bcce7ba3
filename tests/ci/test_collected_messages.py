"""Every message of the pages has its translation, with the same values in it."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from dermai.ci.collected_messages import collected, name_of, untranslated, update
from dermai.language.catalogues import FOLDER
from dermai.language.current import ENGLISH, LANGUAGES

PLACES = re.compile(r"%\(\w+\)s|\{\w+\}|%%")
TRANSLATED = [language for language in LANGUAGES if language != ENGLISH]


@pytest.fixture(scope="module")
def messages() -> Catalog:
    return collected()


def of_language(language: str) -> Catalog:
    with (FOLDER / f"{language}.po").open("rb") as stream:
        return read_po(stream)


def test_each_language_has_its_catalogue_and_no_other_lies_there() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.po")) == sorted(TRANSLATED)


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_knows_every_message_and_no_other(messages: Catalog, language: str) -> None:
    known = {name_of(message) for message in of_language(language) if message.id}
    said = {name_of(message) for message in messages if message.id}
    assert (said - known, known - said) == (set(), set()), "make messages"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_by_a_person(language: str) -> None:
    catalogue = of_language(language)
    assert untranslated(catalogue) == []
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_holds_the_values_of_its_message(language: str) -> None:
    for message in of_language(language):
        said = [message.id] if isinstance(message.id, str) else list(message.id)
        translations = [message.string] if isinstance(message.id, str) else list(message.string)
        for translation in translations if message.id else ():
            places = sorted(set(PLACES.findall(said[-1])))
            assert sorted(set(PLACES.findall(translation))) == places, translation
            assert '"' not in re.sub(r"<[^>]*>", "", translation), "it would end an attribute"
            assert re.findall(r"</?\w+>", translation) == re.findall(r"</?\w+>", said[0])


def test_what_a_page_says_anew_is_named_until_it_is_translated(tmp_path) -> None:
    path = tmp_path / "pt.po"
    path.write_text('msgid ""\nmsgstr ""\n"Language: pt_PT\\n"\n\nmsgid "gone"\nmsgstr "foi-se"\n', encoding="utf-8")
    messages = Catalog()
    messages.add("new", locations=[("web/page.html", 1)])
    assert update(path, messages) == ["new"]
    text = path.read_text(encoding="utf-8")
    assert ("gone" in text, '#: web/page.html\nmsgid "new"' in text) == (False, True)
    assert text.startswith('msgid ""\nmsgstr ""\n"Language: pt_PT\\n"\n\n')
