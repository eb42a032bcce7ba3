"""Lines of any content, for tests of what the log does with lines."""

from __future__ import annotations

from pydantic import ConfigDict

from dermai.audit import Event


class AnyEvent(Event):
    """`AnyEvent(event="failure", why="...")` writes a line with whatever fields are given."""

    model_config = ConfigDict(extra="allow")
