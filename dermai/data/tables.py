"""CSV tables of other people, read strictly as text, and tables for other people, safe to open in a spreadsheet."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from dermai.errors import InvalidCases

DELIMITERS = ",;\t"  # of tables that practices, laboratories and publishers hand in
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet computes a cell that begins so, or runs what it says
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")
# Longest first: the mark of UTF-16 is the beginning of that of UTF-32.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SAVE_ANEW = "save it as CSV UTF-8 and try again"


def read_text_table(path: Path, expected: Sequence[str], delimiters: str = DELIMITERS) -> pd.DataFrame:
    """Read a CSV file as text; a table that could be read in two ways is refused.

    UTF-8, or Unicode text as its byte order mark says; lines that end as on Windows, Unix or an old Mac. Of the
    `delimiters` the first that separates the expected columns is taken. Names of columns are read without the spaces
    around them and in lower case. Blank rows are passed over, a shorter row is filled up with "". The index counts the
    file's rows, blank ones too, so that index + 2 is the row's number in a spreadsheet.

    Raises:
        InvalidCases: missing, empty, of an unknown encoding, damaged, another delimiter, missing or repeated columns,
            or a row with a cell that no column is named for.
    """
    text = _text(path, expected)
    try:
        delimiter = next((d for d in delimiters if set(expected) <= set(_header(text, d))), delimiters[0])
        header = _header(text, delimiter)
        _check_header(path, header, expected)
        rows = dict(_rows(path, text, delimiter, header))
    except csv.Error as error:
        raise InvalidCases(f"{path.name} cannot be read as CSV: {error}") from None
    named = [place for place, name in enumerate(header) if name]
    return pd.DataFrame(
        [[row[place] for place in named] for row in rows.values()],
        index=pd.Index(list(rows), dtype="int64"),
        columns=[header[place] for place in named],
        dtype=object,
    )


def _text(path: Path, expected: Sequence[str]) -> str:
    """The file's text, its lines ended by `\\n`."""
    try:
        content = path.read_bytes()
    except IsADirectoryError:
        raise InvalidCases(f"{path} is a folder, not a file: name a CSV file") from None
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise InvalidCases(f"{path} is not there: name a CSV file") from None
    except OSError as error:
        raise InvalidCases(f"{path} cannot be read ({error.strerror})") from None
    if not content.strip():
        raise InvalidCases(f"{path.name} is empty: expected a header line with {', '.join(expected)}")
    mark, encoding = next(((mark, name) for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)), (b"", "utf-8"))
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        kind = "UTF-8 (Windows-1252 or Latin-1?)" if encoding == "utf-8" else f"{encoding.upper()}, as it says"
        raise InvalidCases(f"{path.name}: line {line} is not {kind}: {SAVE_ANEW}") from None
    if "\0" in text:
        raise InvalidCases(f"{path.name} holds NUL bytes (UTF-16 without its mark, or damaged): {SAVE_ANEW}")
    if not text.strip():
        raise InvalidCases(f"{path.name} is empty: expected a header line with {', '.join(expected)}")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    first, _, rest = text.partition("\n")
    return rest if re.fullmatch(r'"?sep=.?"?', first.strip()) else text  # a line that tells Excel the delimiter


def _header(text: str, delimiter: str) -> list[str]:
    names = next(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True), [])
    return [unicodedata.normalize("NFKC", name).strip().lower() for name in names]


def _check_header(path: Path, header: Sequence[str], expected: Sequence[str]) -> None:
    missing = [name for name in expected if name not in header]
    if missing:
        other = next((d for d in DELIMITERS + "|" if len(header) == 1 and d in header[0]), None)
        if other:
            raise InvalidCases(f"{path.name} is separated by {other!r}: save it with commas and try again")
        raise InvalidCases(f"{path.name} lacks the columns {missing}")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise InvalidCases(f"{path.name} names the columns {twice} more than once: keep the right one")


def _rows(path: Path, text: str, delimiter: str, header: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Rows that say something, each as wide as the header, by their place below it."""
    rows = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    next(rows)
    for place, row in enumerate(rows):
        if not any(map(str.strip, row)):
            continue
        unnamed = [cell for name, cell in zip(header, row, strict=False) if not name]
        if any(map(str.strip, [*unnamed, *row[len(header) :]])):
            raise InvalidCases(
                f"{path.name} cannot be read as CSV: row {place + 2} has more cells than the header has names; "
                'put a cell that holds a delimiter between "quotes"'
            )
        yield place, [*row[: len(header)], *[""] * (len(header) - len(row))]


def spreadsheet_safe(text: str) -> str:
    """A cell's text as a spreadsheet shows it: an apostrophe goes before what it would compute.

    >>> spreadsheet_safe("=HYPERLINK(0)"), spreadsheet_safe("-3.5"), spreadsheet_safe("Braga")
    ("'=HYPERLINK(0)", '-3.5', 'Braga')
    """
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text


def as_written(cell: str) -> str:
    """What `spreadsheet_safe` was given.

    >>> as_written("'=HYPERLINK(0)"), as_written("'s-Hertogenbosch")
    ('=HYPERLINK(0)', "'s-Hertogenbosch")
    """
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV in which no cell is a formula, without the index."""
    safe = {
        str(name): table[name].map(lambda cell: spreadsheet_safe(cell) if isinstance(cell, str) else cell)
        for name in table
        if not pd.api.types.is_numeric_dtype(table[name])
    }
    return table.assign(**safe).to_csv(index=False, lineterminator="\n")
