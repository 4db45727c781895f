"""`{api} derive`: the public names of a module, from their docstrings.

The docstrings are plain text: sentences, indented formulas, aligned tables of arguments, doctests.  Nothing in them is markup, so
every formula and table is shown as it stands, and sentences are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

_ALIGNED = re.compile(r"\S {2,}\S")


def blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Lines between blank lines; indented text belongs to what it follows."""
    block: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
        elif block:
            yield block
            block = []


def _sentences(text: str) -> str:
    """Plain words in reStructuredText; what stands in backquotes or double quotes with code in it stays code."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(f"``{p[1:-1]}``" if p.startswith("`") and len(p) > 2 else re.sub(r"([\\*_|`])", r"\\\1", p) for p in parts)


def restructured(lines: Sequence[str]) -> list[str]:
    """A docstring as reStructuredText.

    >>> restructured(["Keep a*b.", "", "    x = y", "", ">>> 1", "1"])
    ['Keep a\\\\*b.', '', '::', '', '        x = y', '', '>>> 1', '1', '']
    """
    found: list[str] = []
    for block in blocks(lines):
        first = block[0].lstrip()
        if first.startswith(">>>"):
            margin = len(block[0]) - len(first)
            found += [*(line[margin:] for line in block), ""]
        elif any(line.startswith("  ") or _ALIGNED.search(line) for line in block):
            found += ["::", "", *("    " + line for line in block), ""]
        else:
            found += [*(_sentences(line) for line in block), ""]
    return found


def rewrite(app: Any, what: str, name: str, value: object, settings: Any, lines: list[str]) -> None:
    lines[:] = restructured(lines)


class Api(SphinxDirective):
    """Every name of a module's `__all__`, or those that follow it."""

    required_arguments = 1
    optional_arguments = 50

    def run(self) -> list[nodes.Node]:
        module = import_module(self.arguments[0])
        text = []
        for name in self.arguments[1:] or sorted(module.__all__):
            value = getattr(module, name)
            if isinstance(value, type):
                text += [f".. autoclass:: {module.__name__}.{name}", "   :members:"]
                text += ["   :inherited-members: BaseException, tuple", ""]
            else:
                text += [f".. autofunction:: {module.__name__}.{name}", ""]
        node = nodes.container()
        node.document = self.state.document
        self.state.nested_parse(StringList(text, source=self.env.docname), self.content_offset, node)
        return list(node.children)


def setup(app: Any) -> None:
    app.add_directive("api", Api)
    app.connect("autodoc-process-docstring", rewrite)
