"""Which code is running, by its content: what other code made is not taken for this code's."""

from __future__ import annotations

import functools
from pathlib import Path

from dermai.files import sha256_file, sha256_json


@functools.cache
def source_hash() -> str:
    """sha256 over the package's Python and YAML files, by their relative names."""
    package = Path(__file__).parent
    files = sorted(file for pattern in ("*.py", "*.yaml") for file in package.rglob(pattern))
    return sha256_json({str(file.relative_to(package)): sha256_file(file) for file in files})
