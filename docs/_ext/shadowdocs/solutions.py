"""`{solution}`: an answer that a reader opens when he has tried."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Solution(SphinxDirective):
    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        title = self.arguments[0] if self.arguments else "Solution"
        opening = nodes.raw("", f'<details class="solution"><summary>{title}</summary>', format="html")
        return [opening, *self.parse_content_to_nodes(), nodes.raw("", "</details>", format="html")]


def setup(app: Any) -> None:
    app.add_directive("solution", Solution)
