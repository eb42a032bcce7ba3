"""Which code a result depends on, by its content: a module's file and those of all modules of ours that it imports."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from dermai.files import sha256_bytes, sha256_json

SOURCE_ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("dermai", "monitoring", "pipelines", "steps", "web")
LIBRARIES = ("onnxruntime", "timm", "torch")
FOR_TYPE_CHECKERS = ("TYPE_CHECKING", "typing.TYPE_CHECKING")


@functools.cache
def source_hash(module: str, root: Path = SOURCE_ROOT) -> str:
    """sha256 over the files that a module's results depend on, and the versions of the libraries that compute them.

    A change in a module that this one does not reach leaves it as it is: what an update trains does not depend on
    how its report looks. Within a process the first call counts.
    """
    files = source_files(module, root)
    content = {file.relative_to(root).as_posix(): sha256_bytes(file.read_bytes()) for file in files}
    return sha256_json({**content, **{name: importlib.metadata.version(name) for name in LIBRARIES}})


def source_files(module: str, root: Path = SOURCE_ROOT) -> list[Path]:
    """The module's file, those of the modules of ours that it imports, near or far, and their packages' data files.

    Imports within functions count, those that are for type checkers alone do not. A module counts with the packages
    it lies in, and a package with the data files that lie in it, such as `taxonomy.yaml`: its modules read them.

    Raises:
        ModuleNotFoundError: there is no such module below the root.
    """
    if _module_file(module, root) is None:
        raise ModuleNotFoundError(f"no module {module} in {root}", name=module)
    ours = {*PACKAGES, module.partition(".")[0]}
    files: set[Path] = set()
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = _module_file(name, root) if name.partition(".")[0] in ours and name not in seen else None
        seen.add(name)
        if file is None:
            continue
        files.add(file)
        package = name.rpartition(".")[0]
        if file.name == "__init__.py":
            files.update(_data_files(file.parent))
            waiting += [package] if package else []
            package = name
        elif package:
            waiting.append(package)
        waiting += _imported(file.read_bytes(), package)
    return sorted(files)


def _module_file(module: str, root: Path) -> Path | None:
    place = root.joinpath(*module.split("."))
    return next((file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file()), None)


def _data_files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith((".", "__")) or (path / "__init__.py").exists():
            continue
        if path.is_dir():
            yield from _data_files(path)
        elif path.suffix != ".py":
            yield path


@functools.cache
def _imported(source: bytes, package: str) -> frozenset[str]:
    """Names that a module of the package imports or imports from: some are modules, some what modules hold."""
    names: set[str] = set()
    statements: list[ast.AST] = [*ast.parse(source).body]
    while statements:
        statement = statements.pop()
        if isinstance(statement, ast.Import):
            names.update(alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            origin = "." * statement.level + (statement.module or "")
            origin = importlib.util.resolve_name(origin, package)
            names.update((origin, *(f"{origin}.{alias.name}" for alias in statement.names)))
        elif isinstance(statement, ast.If) and ast.unparse(statement.test) in FOR_TYPE_CHECKERS:
            statements += statement.orelse
        else:
            for part in ("body", "orelse", "handlers", "finalbody", "cases"):
                statements += getattr(statement, part, [])
    return frozenset(names)
