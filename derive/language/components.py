"""The components of a vector field: 'p; -q' in the order of its variables, or each by its own, "q' = p; p' = -q"."""

from __future__ import annotations

import re

from derive.errors import UsageError
from derive.language.letters import plain_name

_NAMED = re.compile(r"\s*([^\W\d]\w*)\s*['′’]\s*=")


def components(text: str) -> tuple[tuple[str, ...], list[str]]:
    """(the variables that are named on the left, the components' texts): named ones in alphabetical order.

    Raises UsageError where some are named and others not, or one twice.

    >>> components("q' = p; p' = -q"), components("p;-q")
    ((('p', 'q'), ['-q', 'p']), ((), ['p', '-q']))
    """
    parts = [p for p in text.split(";") if p.strip()]
    heads = [_NAMED.match(p) for p in parts]
    if not any(heads):
        if unnamed := next((p for p in parts if "=" in p), None):
            left = unnamed.partition("=")[0].strip()
            raise UsageError(f"the field: '{unnamed.strip()}' is no component; write {left}' = ..., or the right sides alone")
        return (), parts
    if unnamed := next((p for p, head in zip(parts, heads, strict=True) if not head), None):
        raise UsageError(f"the field: '{unnamed.strip()}' says not which component it is; write x' = ... for each, or for none")
    named: dict[str, str] = {}
    for p, head in zip(parts, heads, strict=True):
        assert head
        name = plain_name(head[1])
        if name in named:
            raise UsageError(f"the field: {name}' is given twice")
        named[name] = p[head.end() :].strip()
    return tuple(sorted(named)), [named[x] for x in sorted(named)]

