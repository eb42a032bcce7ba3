"""Runs a job of a GitHub workflow on this machine: its very `run:` lines, in order, with bash as GitHub would.

What is substituted: `${{ ... }}` is evaluated on the given values. A name such as `github.event.before` or
`secrets.X` is what the test gives for it, else empty; `steps.ID.outputs.NAME` is what a step before wrote to
`$GITHUB_OUTPUT`; `==`, `!=`, `&&`, `||`, `!`, quoted strings and the functions `success()`, `failure()`, `cancelled()`
and `always()` mean what they mean there. Steps that `use:` an action are left out: the test does their work.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integration.conftest import Clone

TOKEN = re.compile(r"'[^']*'|&&|\|\||!=|==|!|[A-Za-z_][\w.-]*(?:\(\))?|[()]")
OPERATORS = {"&&": " and ", "||": " or ", "!": " not ", "==": " == ", "!=": " != ", "(": "(", ")": ")"}


@dataclass
class Job:
    """What a job did: names of the steps that ran, the one that failed, its outputs and its summary."""

    ran: list[str] = field(default_factory=list)
    failed: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    log: str = ""


def run_job(clone: Clone, workflow: str, name: str, values: Mapping[str, str]) -> Job:
    """Run a job of `.github/workflows/WORKFLOW` in a clone."""
    description = yaml.safe_load((clone.root / ".github" / "workflows" / workflow).read_text())
    job, found, known = description["jobs"][name], Job(), dict(values)
    environment = dict(clone.environment)
    for step in job["steps"]:
        condition = str(step.get("if", ""))
        asks_itself = re.search(r"\b(success|failure|cancelled|always)\(\)", condition)
        if "run" not in step or (found.failed and not asks_itself):
            continue
        if condition and not evaluate(condition.removeprefix("${{").removesuffix("}}"), known, bool(found.failed)):
            continue
        variables = {**description.get("env", {}), **job.get("env", {}), **step.get("env", {})}
        environment |= {key: substitute(str(text), known) for key, text in variables.items()}
        code, written = _run(clone.root, substitute(step["run"], known), environment, found)
        found.ran.append(step["name"])
        known |= {f"steps.{step.get('id')}.outputs.{key}": value for key, value in written.items()}
        if code and not found.failed:
            found.failed = step["name"]
    found.outputs = {key: substitute(text, known) for key, text in job.get("outputs", {}).items()}
    return found


def _run(folder: Path, script: str, environment: dict[str, str], found: Job) -> tuple[int, dict[str, str]]:
    with tempfile.TemporaryDirectory() as name:
        files = {key: Path(name) / key for key in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        (Path(name) / "script.sh").write_text(script)
        done = subprocess.run(
            ["bash", "-e", f"{name}/script.sh"],
            cwd=folder,
            env=environment | {key: str(file) for key, file in files.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        found.log += f"$ {script}\n{done.stdout}"
        found.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        for line in reversed(files["GITHUB_PATH"].read_text().split()):
            environment["PATH"] = f"{line}:{environment['PATH']}"
        return done.returncode, dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())


def substitute(text: str, known: Mapping[str, str]) -> str:
    """A text with its expressions replaced by their values."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: str(evaluate(match[1], known)), text)


def evaluate(expression: str, known: Mapping[str, str], failed: bool = False) -> Any:
    """The value of one expression."""
    functions = {"success()": not failed, "failure()": failed, "cancelled()": False, "always()": True}

    def translate(token: str) -> str:
        if token in OPERATORS or token.startswith("'"):
            return OPERATORS.get(token, token)
        return repr(functions.get(token, known.get(token, "")))

    left = TOKEN.sub("", expression).strip()
    assert not left, f"{left} in {expression} is not understood here"
    return eval("".join(translate(token) for token in TOKEN.findall(expression)).strip(), {"__builtins__": {}})
