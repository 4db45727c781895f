"""Every ```pycon block of a page is a doctest: run when the page is read, in one namespace a page, from top to bottom."""

from __future__ import annotations

import doctest
from typing import Any

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


def failures(text: str, names: dict[str, Any], where: str, line: int = 0) -> list[str]:
    """What the examples of a text print where it is not what stands below them; `names` is the namespace they run in.

    >>> failures(">>> 1 + 1\\n2", {}, "page"), len(failures(">>> 1 + 1\\n3", {}, "page"))
    ([], 1)
    """
    found: list[str] = []
    test = doctest.DocTestParser().get_doctest(text + "\n", names, where, where, line)
    if not test.examples:
        return [f"{where}: no example (>>>) in this block"]
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=found.append, clear_globs=False)
    names.update(test.globs)
    return found


def check(app: Any, doctree: Any) -> None:
    names: dict[str, Any] = {}
    for block in doctree.findall(nodes.literal_block):
        if block.get("language") == "pycon":
            for message in failures(block.astext(), names, app.env.docname, block.line or 0):
                logger.warning(message, location=block, type="shadowdocs")


def setup(app: Any) -> None:
    app.connect("doctree-read", check)
