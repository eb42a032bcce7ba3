"""`make messages`: everything that pages say, collected from the code and the templates into the catalogues.

What is new has no translation yet and is named, what is gone is dropped, and nothing is guessed.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dermai.files import write_bytes
from dermai.language.catalogues import FOLDER

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

ROOT = Path(__file__).parents[2]
FOLDERS = ("dermai", "monitoring", "web")
TEMPLATES = {
    "trimmed": "true",
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "newstyle_gettext": "true",
    "silent": "false",
}
FUNCTIONS = {"message": None, "plural_message": (1, 2), "counted": (1, 2)}  # beside gettext's own


def collected(root: Path = ROOT) -> Catalog:
    """All messages, by the files that say them."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir

    found = Catalog(project="dermai", charset="utf-8")
    for folder in FOLDERS:
        for file, _, message, _, _ in extract_from_dir(
            root / folder,
            [("**.py", "python"), ("**/templates/*.html", "jinja2")],
            {"**/templates/*.html": TEMPLATES},
            {**DEFAULT_KEYWORDS, **FUNCTIONS},
        ):
            found.add(message, locations=[(f"{folder}/{file}", 1)])
    return found


def untranslated(catalogue: Catalog) -> list[str]:
    """The messages of a catalogue that lack a translation."""
    return [name_of(message) for message in catalogue if message.id and not _is_translated(message)]


def name_of(message: Message) -> str:
    """A message as it stands in the code; of one with a plural, the singular."""
    return message.id if isinstance(message.id, str) else message.id[0]


def update(path: Path, messages: Catalog) -> list[str]:
    """Bring a catalogue up to date with the messages, its head as it stands; those that lack a translation."""
    from babel.messages.pofile import read_po, write_po

    content = path.read_bytes()
    head, catalogue = content[: content.index(b"\n\n") + 2], read_po(io.BytesIO(content))
    catalogue.update(messages, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    made = io.BytesIO()
    write_po(made, catalogue, width=10_000, omit_header=True, sort_output=True, include_lineno=False)
    write_bytes(path, head + made.getvalue())
    return untranslated(catalogue)


def _is_translated(message: Message) -> bool:
    return all(message.string or ()) if isinstance(message.string, tuple) else bool(message.string)


def main() -> int:
    """Update every catalogue; 1 where one of them lacks a translation."""
    messages, lacking = collected(), 0
    for path in sorted(FOLDER.glob("*.po")):
        missing = update(path, messages)
        lacking += len(missing)
        print(f"{path.relative_to(ROOT)}: {len(messages)} messages, {len(missing)} without a translation")
        for message in missing:
            print(f"  {message!r}")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
