"""What a terminal shows: `$ ` and what was typed, then what was printed, of which no part is code."""

from __future__ import annotations

from typing import Any

from pygments.lexer import RegexLexer, bygroups
from pygments.token import Generic, Text


class Session(RegexLexer):
    name = "Terminal session"
    aliases = ["session"]
    tokens = {
        "root": [
            (r"(\$ )((?:[^\n]*\\\n)*[^\n]*)(\n?)", bygroups(Generic.Prompt, Generic.Strong, Text)),
            (r"[^\n]+\n?|\n", Generic.Output),
        ]
    }


def setup(app: Any) -> None:
    app.add_lexer("session", Session)
