"""Single edits of a workspace by somebody who has everything but the keys."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from tests.promotion.evidence import Evidence

Edit = Callable[[Evidence, np.random.Generator], str]
# What lies where, below the workspace
FILES = {
    "records": ("state/audit/*",),
    "predictions": ("state/predictions/predictions/**/*.parquet",),
    "diagnoses": ("state/predictions/confirmations/*",),
    "packages": ("mlartifacts/**/*",),
    "caches": ("state/cache/**/*",),
    "referred photographs": ("state/triage/**/*",),
    "registry database": ("mlflow.db",),
    "other state": ("state/*", "state/predictions/*/*"),
}
# Tables of the registry's database that hold something here
TABLES = (
    "model_versions", "model_version_tags", "registered_models", "registered_model_aliases", "runs", "tags", "params",
    "metrics", "latest_metrics", "experiments", "logged_models", "logged_model_params", "logged_model_tags",
)  # fmt: skip


def files_of(evidence: Evidence, group: str) -> list[Path]:
    """The files of a group, in the order of their names."""
    root = evidence.workspace.root
    found = {path for pattern in FILES[group] for path in root.glob(pattern) if path.is_file()}
    return sorted(found)


def _one(evidence: Evidence, rng: np.random.Generator, group: str) -> Path:
    files = files_of(evidence, group)
    return files[int(rng.integers(len(files)))]


def _replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def flip(evidence: Evidence, rng: np.random.Generator, group: str) -> str:
    path = _one(evidence, rng, group)
    content = bytearray(path.read_bytes() or b" ")
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    _replace(path, bytes(content))
    return path.name


def truncate(evidence: Evidence, rng: np.random.Generator, group: str) -> str:
    path = _one(evidence, rng, group)
    content = path.read_bytes()
    _replace(path, content[: int(rng.integers(max(len(content), 1)))])
    return path.name


def append(evidence: Evidence, rng: np.random.Generator, group: str) -> str:
    path = _one(evidence, rng, group)
    _replace(path, path.read_bytes() + bytes(rng.integers(0, 256, 16, dtype=np.uint8)))
    return path.name


def delete(evidence: Evidence, rng: np.random.Generator, group: str) -> str:
    path = _one(evidence, rng, group)
    path.unlink()
    return path.name


def add(evidence: Evidence, rng: np.random.Generator, group: str) -> str:
    path = _one(evidence, rng, group)
    number = int(rng.integers(10**8))
    shutil.copyfile(path, path.with_name(f"part-20250101T000000000000-{number:08d}{path.suffix}"))
    return path.name


def swap(evidence: Evidence, rng: np.random.Generator, group: str) -> str:
    files = files_of(evidence, group)
    first = files[int(rng.integers(len(files)))]
    alike = [path for path in files if path != first and path.suffix == first.suffix] or files
    second = alike[int(rng.integers(len(alike)))]
    one, other = first.read_bytes(), second.read_bytes()
    _replace(first, other)
    _replace(second, one)
    return f"{first.name} and {second.name}"


def roll_back(evidence: Evidence, rng: np.random.Generator, group: str) -> str:
    """One file as it was at an earlier moment, or gone where it was not there yet."""
    path = _one(evidence, rng, group)
    kept = evidence.earlier[int(rng.integers(len(evidence.earlier)))] / path.relative_to(evidence.workspace.root)
    if kept.is_file():
        _replace(path, kept.read_bytes())
    else:
        path.unlink()
    return f"{path.name} as of {kept.relative_to(evidence.root).parts[0]}"


def roll_back_folder(evidence: Evidence, rng: np.random.Generator) -> str:
    """Several files as they were at an earlier moment together."""
    parts = ("state", "state/audit", "state/predictions", "state/predictions/confirmations", "mlartifacts", "mlflow.db")
    part = parts[int(rng.integers(len(parts)))]
    kept = evidence.earlier[int(rng.integers(len(evidence.earlier)))]
    here = evidence.workspace.root / part
    if here.is_dir():
        shutil.rmtree(here)
    else:
        here.unlink()
    if (kept / part).exists():
        (shutil.copytree if (kept / part).is_dir() else shutil.copyfile)(kept / part, here)
    return f"{part} as of {kept.name}"


def delete_folder(evidence: Evidence, rng: np.random.Generator) -> str:
    root = evidence.workspace.root
    folders = [root / "state", root / "mlartifacts"]
    folders += sorted(path for start in folders for path in start.rglob("*") if path.is_dir())
    chosen = folders[int(rng.integers(len(folders)))]
    shutil.rmtree(chosen)
    return str(chosen.relative_to(root))


def edit_line(evidence: Evidence, rng: np.random.Generator) -> str:
    """One character of a record: a digit for a digit, a letter for a letter, so that it stays JSON."""
    lines = _lines(evidence)
    number = int(rng.integers(len(lines)))
    line = bytearray(lines[number])
    places = [place for place, byte in enumerate(line) if chr(byte).isalnum()]
    place = places[int(rng.integers(len(places)))]
    others = b"0123456789" if chr(line[place]).isdigit() else b"abcdef"
    line[place] = next(byte for byte in rng.permutation(list(others)) if byte != line[place])
    return _write_lines(evidence, [*lines[:number], bytes(line), *lines[number + 1 :]], f"record {number + 1}")


def delete_line(evidence: Evidence, rng: np.random.Generator) -> str:
    lines = _lines(evidence)
    number = int(rng.integers(len(lines)))
    return _write_lines(evidence, lines[:number] + lines[number + 1 :], f"record {number + 1}")


def swap_lines(evidence: Evidence, rng: np.random.Generator) -> str:
    lines = _lines(evidence)
    first, second = (int(number) for number in rng.choice(len(lines), 2, replace=False))
    lines[first], lines[second] = lines[second], lines[first]
    return _write_lines(evidence, lines, f"records {first + 1} and {second + 1}")


def repeat_line(evidence: Evidence, rng: np.random.Generator) -> str:
    lines = _lines(evidence)
    number = int(rng.integers(len(lines)))
    return _write_lines(evidence, [*lines, lines[number]], f"record {number + 1}")


def cut_lines(evidence: Evidence, rng: np.random.Generator) -> str:
    lines = _lines(evidence)
    left = int(rng.integers(len(lines)))
    return _write_lines(evidence, lines[:left], f"the first {left}")


def _lines(evidence: Evidence) -> list[bytes]:
    return evidence.workspace.audit_log.read_bytes().split(b"\n")[:-1]


def _write_lines(evidence: Evidence, lines: Sequence[bytes], what: str) -> str:
    _replace(evidence.workspace.audit_log, b"".join(line + b"\n" for line in lines))
    return what


def _store(evidence: Evidence) -> sqlite3.Connection:
    return sqlite3.connect(evidence.workspace.root / "mlflow.db")


def edit_row(evidence: Evidence, rng: np.random.Generator) -> str:
    """One value of one row: another row's, a changed text or number, or none."""
    with closing(_store(evidence)) as store, store:
        table, row = _row(store, rng)
        columns = [column[1] for column in store.execute(f"PRAGMA table_info({table})")]
        column = columns[int(rng.integers(len(columns)))]
        (value,) = store.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (row,)).fetchone()
        choices = [other for (other,) in store.execute(f"SELECT DISTINCT {column} FROM {table}") if other != value]
        choices += [f"{value}x" if isinstance(value, str) else (value or 0) + 1, None]
        try:
            store.execute(
                f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (choices[int(rng.integers(len(choices)))], row)
            )
        except sqlite3.IntegrityError:
            return f"{table}.{column}: refused by the database"
    return f"{table}.{column}"


def delete_row(evidence: Evidence, rng: np.random.Generator) -> str:
    with closing(_store(evidence)) as store, store:
        table, row = _row(store, rng)
        store.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
    return table


def _row(store: sqlite3.Connection, rng: np.random.Generator) -> tuple[str, int]:
    filled = [table for table in TABLES if store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]]
    table = filled[int(rng.integers(len(filled)))]
    rows = [row for (row,) in store.execute(f"SELECT rowid FROM {table}")]
    return table, rows[int(rng.integers(len(rows)))]


def move_alias(evidence: Evidence, rng: np.random.Generator) -> str:
    alias = ("champion", "challenger", "anchor", "previous", "other")[int(rng.integers(5))]
    version = int(rng.integers(1, 5))
    with closing(_store(evidence)) as store, store:
        name = evidence.params.registry.model_name
        store.execute("DELETE FROM registered_model_aliases WHERE alias = ?", (alias,))
        store.execute(
            "INSERT INTO registered_model_aliases (alias, version, name) VALUES (?, ?, ?)", (alias, version, name)
        )
    return f"{alias} to version {version}"


def delete_alias(evidence: Evidence, rng: np.random.Generator) -> str:
    with closing(_store(evidence)) as store, store:
        aliases = [alias for (alias,) in store.execute("SELECT alias FROM registered_model_aliases")]
        alias = aliases[int(rng.integers(len(aliases)))]
        store.execute("DELETE FROM registered_model_aliases WHERE alias = ?", (alias,))
    return alias


def edit_tag(evidence: Evidence, rng: np.random.Generator) -> str:
    """A tag of a version, or one more that dermai sets itself."""
    version = int(rng.integers(1, 5))
    key = ("complete", "sha256", "provisional_until", "origin", "data_version")[int(rng.integers(5))]
    value = ("ended", "2099-01-01", "true", "false", "", "0" * 64)[int(rng.integers(6))]
    with closing(_store(evidence)) as store, store:
        store.execute(
            "INSERT OR REPLACE INTO model_version_tags (key, value, name, version) VALUES (?, ?, ?, ?)",
            (key, value, evidence.params.registry.model_name, version),
        )
    return f"{key} of version {version}: {value[:12]!r}"


def exchange_package(evidence: Evidence, rng: np.random.Generator) -> str:
    """Another version's files in a version's place, checksums and all, and its hash in the tag too."""
    first, second = (str(number) for number in rng.choice(np.arange(1, 5), 2, replace=False))
    here, other = (evidence.registry.download(version) for version in (first, second))
    digest = evidence.registry.get(second).sha256
    shutil.rmtree(here)
    shutil.copytree(other, here)
    with closing(_store(evidence)) as store, store:
        store.execute("UPDATE model_version_tags SET value = ? WHERE key = 'sha256' AND version = ?", (digest, first))
    return f"version {first} by version {second}"


def edits() -> dict[str, Edit]:
    """Every kind of edit by its name."""

    def of(change: Callable[..., str], group: str) -> Edit:
        return lambda evidence, rng: change(evidence, rng, group)

    changes = {
        "a bit flipped": flip,
        "truncated": truncate,
        "bytes added": append,
        "deleted": delete,
        "copied under a new name": add,
        "exchanged": swap,
        "rolled back": roll_back,
    }
    found = {f"{group}: {name}": of(change, group) for group in FILES for name, change in changes.items()}
    found |= {
        "records: a character changed": edit_line,
        "records: a line deleted": delete_line,
        "records: two lines exchanged": swap_lines,
        "records: a line repeated": repeat_line,
        "records: cut short": cut_lines,
        "folders: rolled back": roll_back_folder,
        "folders: deleted": delete_folder,
        "registry database: a value changed": edit_row,
        "registry database: a row deleted": delete_row,
        "aliases: moved": move_alias,
        "aliases: deleted": delete_alias,
        "tags: changed": edit_tag,
        "packages: exchanged with checksums and tag": exchange_package,
    }
    return found
