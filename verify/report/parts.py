"""Pieces of HTML that do not depend on a scheme: sections, figures, downloads, the legend of the pictures."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

REST = (
    '<p class="control wide"><input type="checkbox" id="rest" autocomplete="off"> <label for="rest">start the memory as users do '
    "(else on the slow manifold, where the flow begins)</label></p>"
)
BUTTONS = (("play", "Play the steps"), ("again", "Reset"))
_DOTS = "".join(f"M{x} 8a3 3 0 1 0 6 0a3 3 0 1 0 -6 0" for x in (5, 21, 37))


def _entry(kind: str, path: str, text: str) -> str:
    return f'<li><svg viewBox="0 0 48 16" aria-hidden="true"><path class="{kind}" d="{path}"/></svg>{text}</li>'


LEGEND = "".join((
    '<ul class="legend">',
    _entry("iterates", _DOTS, "iterates"),
    _entry("limit", "M0 8H48", 'limit flow: <span id="end-limit"></span> away at the end'),
    _entry("modified", "M0 8H48", 'modified flow: <span id="end-modified"></span> away'),
    _entry("start", "M24 1l7 7l-7 7l-7 -7z", "start"),
    "</ul>",
))  # fmt: skip


def figure(key: str, title: str, plain: bool = False) -> str:
    """An empty panel that the page fills."""
    inside = '<path class="limit"/><path class="modified"/>'
    if not plain:
        inside = f'<path class="contours"/>{inside}<path class="iterates"/><path class="start"/>'
    label = escape(f"{title}; the status line above says the same in words", quote=True)
    inside = f'<svg x="46" y="8" width="346" height="322" viewBox="46 8 346 322">{inside}</svg>'  # clips what leaves the frame
    picture = f'<svg id="{key}" viewBox="0 0 400 360" role="img" aria-label="{label}"><g class="axes"></g>{inside}</svg>'
    return f"<figure><h3>{escape(title)}</h3>{picture}</figure>"


def section(key: str, title: str, body: str) -> str:
    """A section with its heading."""
    return f'<section id="{key}" aria-labelledby="{key}-title"><h2 id="{key}-title">{escape(title)}</h2>\n{body}\n</section>'


def download(label: str, name: str, text: str, kind: str) -> str:
    """A link whose target is inside the page."""
    content = base64.b64encode(text.encode()).decode()
    return f'<a class="button" download="{escape(name, quote=True)}" href="data:{kind};base64,{content}">{escape(label)}</a>'


def described(parameter: Any) -> str:
    """What a scheme's file says about a parameter."""
    return "" if parameter is None else ", ".join(x for x in (parameter.description, parameter.range) if x)


__all__ = ["BUTTONS", "LEGEND", "REST", "described", "download", "figure", "section"]
