"""What the site does beyond Sphinx: formulas as MathML, diagrams as SVG of the repository, pages made from the code.

Browsers draw MathML and SVG themselves, so that no page loads a script from elsewhere.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import shutil
from pathlib import Path
from typing import Any

import diagrams
from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)
DOCS = Path(__file__).resolve().parent
REPOSITORY = DOCS.parent
CODE = ("dermai", "monitoring", "web")
GENERATED = DOCS / "generated"
LINK = re.compile(r"\]\((?!https?:|#|/)([^)#\s]+)(#[^)\s]*)?\)")
ROOT_PAGES = {
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
    "changelog": "CHANGELOG.md",
    "benchmarks": "benchmarks/README.md",
}


class Mermaid(SphinxDirective):
    """A diagram in Mermaid's words: the SVG that `docs/diagrams.py` made of it, in its own size."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        file = diagrams.file_of("\n".join(self.content))
        if not file.is_file():
            logger.warning("no SVG of this diagram yet: python docs/diagrams.py", location=self.get_location())
            return []
        image = nodes.image(uri=f"/{file.relative_to(DOCS).as_posix()}", alt="Diagram", classes=["diagram"])
        self.set_source_info(image)
        return [nodes.container("", image, classes=["diagram-frame"])]


def visit_math(translator: Any, node: nodes.math) -> None:
    """A formula within a line."""
    translator.body.append(tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def visit_math_block(translator: Any, node: nodes.math_block) -> None:
    """A formula of its own."""
    translator.body.append(f'<div class="math-block">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def write_pages(app: Sphinx) -> None:
    """The pages that come from elsewhere in the repository: commands, code, measurements, and files of its root."""
    import mlflow.pyfunc  # noqa: F401  # before autodoc, which sets TYPE_CHECKING while it imports: MLflow cannot stand it

    shutil.rmtree(GENERATED, ignore_errors=True)
    for name, file in {**ROOT_PAGES, **measurements()}.items():
        _write(f"{name}.md", _titled(name, (REPOSITORY / file).read_text(encoding="utf-8")))
    names = "\n".join(Path(name).name for name in measurements())
    _write("measurements/index.md", f"# Measurements\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n")
    _write("commands.md", _commands())
    _write("pipelines.md", _pipelines())
    found = (path for package in CODE for path in (REPOSITORY / package).rglob("__init__.py"))
    rooms = sorted(path for path in found if "migrations" not in path.parts)  # Alembic alone can import these
    for room in rooms:
        name = ".".join(room.parent.relative_to(REPOSITORY).parts)
        modules = [f"{name}.{path.stem}" for path in sorted(room.parent.glob("*.py")) if path != room]
        parts = [name, "=" * len(name), "", f".. automodule:: {name}\n   :no-members:"]
        for module in modules:
            parts += ["", module, "-" * len(module), "", f".. automodule:: {module}"]
        _write(f"code/{name}.rst", "\n".join(parts) + "\n")
    entries = "\n".join(f"   {'.'.join(room.parent.relative_to(REPOSITORY).parts)}" for room in rooms)
    _write("code/index.rst", f"The code\n========\n\n.. toctree::\n   :maxdepth: 1\n\n{entries}\n")


def measurements() -> dict[str, str]:
    """The committed tables of the benchmarks, by the name of their page."""
    files = sorted((REPOSITORY / "benchmarks" / "results").glob("*.md"))
    return {f"measurements/{file.stem}": file.relative_to(REPOSITORY).as_posix() for file in files}


def link_pages(app: Sphinx, page: str, content: list[str]) -> None:
    """Links to files of the repository that the site has a page of lead to that page."""
    if Path(app.env.doc2path(page)).suffix != ".md":
        return
    sources = {f"generated/{name}": REPOSITORY / file for name, file in {**ROOT_PAGES, **measurements()}.items()}
    pages = {file: name for name, file in sources.items()}
    written_in = sources.get(page, DOCS / f"{page}.md").parent
    built_in = (DOCS / page).parent

    def address(found: re.Match[str]) -> str:
        target = Path(os.path.normpath(written_in / found[1]))
        if target in pages:
            target = DOCS / f"{pages[target]}.md"
        if target == REPOSITORY / "README.md":
            target = DOCS / "index.md"
        return f"]({os.path.relpath(target, built_in)}{found[2] or ''})"

    content[0] = LINK.sub(address, content[0])


def keep_builtins(app: Sphinx, document: nodes.document) -> None:
    """A type such as `bytes` is no link to an attribute that happens to have its name."""
    for reference in list(document.findall(addnodes.pending_xref)):
        if hasattr(builtins, str(reference.get("reftarget"))):
            reference.replace_self(reference.children)


def _titled(name: str, text: str) -> str:
    """A page begins with a title of the first level; a table that a run wrote may have none."""
    if text.startswith("# "):
        return text
    title = Path(name).stem.replace("_", " ").capitalize()
    return f"# {title}\n\n" + re.sub(r"^#{2,} ", "## ", text, flags=re.MULTILINE)


def _commands() -> str:
    import typer.main
    from typer.cli import get_docs_for_click

    from dermai.cli.app import application

    command = typer.main.get_command(application)
    context = command.make_context("dermai", [], resilient_parsing=True)
    return get_docs_for_click(obj=command, ctx=context, name="dermai", title="Commands")


def _pipelines() -> str:
    text = ["# Pipelines and steps"]
    for folder, title in (("pipelines", "Pipelines"), ("steps", "Steps")):
        text += ["", f"## {title}", "", "| module | what it is |", "|---|---|"]
        for file in sorted((REPOSITORY / folder).glob("*.py")):
            said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            if file.stem != "__init__":
                text.append(f"| `{folder}.{file.stem}` | {said.splitlines()[0] if said else ''} |")
    return "\n".join(text) + "\n"


def _write(name: str, text: str) -> None:
    file = GENERATED / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("mermaid", Mermaid)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    app.connect("builder-inited", write_pages)
    app.connect("source-read", link_pages)
    app.connect("doctree-read", keep_builtins)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
