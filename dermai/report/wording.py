"""What templates say, in the language that is spoken: their filters for sentences, data, numbers and days."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dermai.language import formats, translation
from dermai.language.current import ENGLISH, LANGUAGES, current
from dermai.language.formats import language_tag, localised
from dermai.taxonomy import load_taxonomy

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from dermai.evaluation.metrics import Rate


def add_wording(environment: Environment) -> None:
    """Teach an environment `{% trans %}`, `_()`, `ngettext()`, `counted()`, and the filters of this module."""
    from jinja2 import pass_context

    def spoken(filter_: Callable[..., Any]) -> Callable[..., Any]:
        """With the context, so that Jinja does not work out a constant once and for all languages."""

        def with_context(context: Any, *arguments: Any, **more: Any) -> Any:
            return filter_(*arguments, **more)

        return pass_context(with_context)

    environment.policies["ext.i18n.trimmed"] = True
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        translation.gettext, translation.ngettext, newstyle=True
    )
    found: dict[str, Callable[..., Any]] = {
        "translated": lambda text: translation.in_language(str(text)),
        "sentence": sentence,
        "full_sentence": full_sentence,
        "as_recorded": as_recorded,
        "data": data,
        "parts": parts,
        "diagnosis_name": diagnosis_name,
        "localised": localised,
        "whole_number": formats.whole_number,
        "moment": formats.moment_words,
        "table_moment": formats.table_moment,
        "short_day": formats.short_day,
        "day_and_month": formats.day_and_month,
        "clock": formats.clock,
    }
    environment.filters |= {name: spoken(filter_) for name, filter_ in found.items()}
    environment.globals |= {
        "counted": spoken(translation.counted),
        "language_tag": spoken(language_tag),
        "zone_name": spoken(formats.zone_name),
        "language_names": language_names,
    }


def in_numbers(filter_: Callable[..., str]) -> Callable[..., str]:
    """A filter that writes English numbers, with the signs of the language that is spoken."""

    def with_signs(*arguments: Any, **more: Any) -> str:
        return localised(filter_(*arguments, **more))

    return with_signs


def rate_words(rate: Rate) -> str:
    """`86 % (73–94 %), 43 of 50`, in the language that is spoken."""
    from dermai.evaluation import words

    return translation.in_language(words.rate_words(rate))


def sentence(text: str) -> Markup | str:
    """An English sentence in the language that is spoken, or marked as English where the catalogue does not know it."""
    found = translation.translated(str(text))
    return _marked(str(text), 'lang="en"') if found is None else found


def full_sentence(text: str) -> Markup | str:
    """As `sentence`, beginning with a capital letter and ending with a full stop."""
    found = translation.translated(str(text))
    said = _finished(str(text) if found is None else found)
    return _marked(said, 'lang="en"') if found is None else said


def as_recorded(text: str) -> Markup | str:
    """What stands in a record: shown as it stands there, marked as English where another language is spoken."""
    return str(text) if current().language == ENGLISH else _marked(str(text), 'lang="en" translate="no"')


def data(text: str) -> Markup | str:
    """What a person typed, or a name or number: of no language."""
    return str(text) if current().language == ENGLISH else _marked(str(text), 'translate="no"')


def parts(text: str) -> Markup:
    """What stands behind commas, each in the language that is spoken where its catalogue knows it, else as data."""
    from markupsafe import Markup

    each = ((part, translation.translated(part)) for part in text.split(", "))
    return Markup(", ").join(data(part) if said is None else said for part, said in each)


def diagnosis_name(code: str) -> str:
    """A class's name in the language that is spoken; the code itself where the taxonomy does not have it."""
    return load_taxonomy().named(code, current().language)


def language_names() -> dict[str, str]:
    """Each language under its own name."""
    from babel import Locale

    return {code: (Locale.parse(code).get_display_name() or code).capitalize() for code in LANGUAGES}


def _finished(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def _marked(text: str, attributes: str) -> Markup:
    from markupsafe import Markup

    return Markup("<span " + attributes + ">{}</span>").format(text)
