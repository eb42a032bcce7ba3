"""Diagrams of the pages as SVG: `python docs/diagrams.py` draws each Mermaid block in Chromium.

GitHub draws the blocks itself. The site shows the SVG, which is named after the words it was drawn from: a block that
was changed has no SVG until this has run, and the site does not build. Needs npm, Chromium and chromedriver.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FENCE = re.compile(r"^```mermaid\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
MERMAID = "mermaid@11.12.0"
RENDER = """
const [place, words, done] = arguments;
mermaid.render("diagram" + place, words).then(found => done(found.svg), error => done(String(error)));
"""
SETTINGS = {"startOnLoad": False, "theme": "neutral", "htmlLabels": False, "flowchart": {"htmlLabels": False}}


def file_of(words: str) -> Path:
    """Where the SVG of a diagram is."""
    return HERE / "images" / f"diagram-{hashlib.sha256(words.strip().encode()).hexdigest()[:12]}.svg"


def draw(blocks: list[str]) -> list[str]:
    """The SVG of each block."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, MERMAID], check=True
        )
        page = Path(folder) / "page.html"
        page.write_text(
            '<body><script src="node_modules/mermaid/dist/mermaid.min.js"></script></body>', encoding="utf-8"
        )
        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for flag in ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
        try:
            driver.get(page.as_uri())
            driver.execute_script(f"mermaid.initialize({json.dumps(SETTINGS)})")
            return [driver.execute_async_script(RENDER, place, words) for place, words in enumerate(blocks)]
        finally:
            driver.quit()


def main() -> None:
    """Draw what has no SVG yet, and remove those that no page shows any more."""
    blocks = [words for page in sorted(HERE.rglob("*.md")) for words in FENCE.findall(page.read_text(encoding="utf-8"))]
    missing = [words for words in blocks if not file_of(words).is_file()]
    for words, svg in zip(missing, draw(missing) if missing else [], strict=True):
        if not svg.startswith("<svg"):
            raise SystemExit(f"Mermaid cannot draw this: {svg}\n{words}")
        width, height = re.findall(r'viewBox="\S+ \S+ (\S+) (\S+)"', svg)[0]
        sized = svg.replace('width="100%"', f'width="{float(width):.0f}" height="{float(height):.0f}"', 1)
        file_of(words).write_text(sized + "\n", encoding="utf-8")
    for file in (HERE / "images").glob("diagram-*.svg"):
        if file not in {file_of(words) for words in blocks}:
            file.unlink()


if __name__ == "__main__":
    main()
