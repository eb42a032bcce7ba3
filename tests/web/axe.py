"""axe-core in the test's browser: what keeps people out of a page."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import pytest

from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


@cache
def axe_source() -> str:
    """The script, installed once in a test run; without npm the test is skipped, except in continuous integration."""
    folder = Path(mkdtemp(prefix="dermai-axe-"))
    try:
        if shutil.which("npm") is None:
            raise OSError("npm is missing")
        subprocess.run(["bash", str(REPOSITORY / "tests" / "axe.sh"), str(folder)], check=True, timeout=300)
        return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    except (OSError, subprocess.SubprocessError) as problem:
        if os.environ.get("CI"):
            pytest.fail(f"axe-core could not be installed: {problem}")
        pytest.skip(f"axe-core could not be installed: {problem}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def axe_problems(browser: Chrome) -> list[str]:
    """What axe finds on the page that is shown, a line a kind of problem with the first places."""
    browser.execute_script(axe_source())
    found = browser.execute_async_script("axe.run(document).then(arguments[0])")
    return [
        f"{one['id']}: {one['help']}: {'; '.join(node['html'][:160] for node in one['nodes'][:3])}"
        for one in found["violations"]
    ]
