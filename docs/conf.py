"""The documentation's site: `make docs` builds it. It opens from a folder, and asks no network."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from dermai import __version__  # noqa: E402
from dermai.environment import silence_telemetry  # noqa: E402

silence_telemetry()

project = "dermai"
author = "The dermai developers"
copyright = f"2026, {author}. Apache License 2.0"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "site_extension",
]
exclude_patterns = ["_build"]
language = "en"

myst_enable_extensions = ["dollarmath", "linkify"]
myst_linkify_fuzzy_links = False
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "ignore-module-all": True,  # a name that a room exports is described where it is defined
    "exclude-members": "model_config",
}
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
default_role = "code"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"dermai {release}"
html_copy_source = False
html_use_index = False
html_show_search_summary = False  # it would fetch each page, which browsers refuse in a folder
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
pygments_style = "friendly"
