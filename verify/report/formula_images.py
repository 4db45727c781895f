"""LaTeX as inline SVG: glyphs as paths, so that a page is right on a machine without fonts for mathematics.

ziamath draws each formula; its glyphs go into one sheet of symbols that all formulas share.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

_SYMBOL = re.compile(r'<symbol id="([^"]+)"[^>]*(?:/>|(?<!/)>.*?</symbol>)', re.S)  # of a blank: <symbol ... />
_NAMESPACE = re.compile(r'\s+xmlns(?::\w+)?="[^"]*"')


def adapted(latex: str) -> str:
    """The LaTeX that derive prints, in the words that ziamath reads: no alignment, no empty groups.

    >>> adapted(r"\\dot{\\theta} ={}& - \\nabla L")
    '\\\\dot{\\\\theta} = - \\\\nabla L'
    """
    text = latex.replace("{}", "").replace("&", "")
    return text.replace(r"\left\|", r"\left\Vert").replace(r"\right\|", r"\right\Vert").strip()


class FormulaImages:
    """Writes formulas and collects their glyphs; put `sheet()` once into the page that shows them."""

    def __init__(self, size: float = 19.0) -> None:
        import ziamath

        self._draw: Any = ziamath.Latex
        self.size = size
        self._glyphs: dict[str, str] = {}
        self._known: dict[str, str] = {}

    def svg(self, latex: str) -> str:
        """The formula as an inline image whose alternative text is its LaTeX; as text where it cannot be drawn."""
        if latex not in self._known:
            self._known[latex] = self._drawn(latex)
        return self._known[latex]

    def _drawn(self, latex: str) -> str:
        label = escape(latex.strip(), quote=True)
        try:
            source = self._draw(adapted(latex), size=self.size, color="currentColor").svg()
        except Exception:  # a parser of somebody else's: whatever it cannot read is shown as LaTeX
            return f'<code class="latex">{label}</code>'
        for found in _SYMBOL.finditer(source):
            self._glyphs[found[1]] = found[0].replace(f'id="{found[1]}"', f'id="{_short(found[1])}"')
        body = _SYMBOL.sub("", source)
        body = re.sub(r'href="#([^"]+)"', lambda m: f'href="#{_short(m[1])}"', _NAMESPACE.sub("", body))
        body = body.replace("<svg ", f'<svg class="formula" role="img" aria-label="{label}" ', 1)
        return body.replace(' fill="currentColor"', "").strip()

    def sheet(self) -> str:
        """The glyphs of all formulas drawn so far."""
        glyphs = re.sub(r"\s+", " ", "".join(self._glyphs.values()))
        return f'<svg class="glyphs" width="0" height="0" aria-hidden="true" focusable="false">{glyphs}</svg>'


def _short(name: str) -> str:
    return "g" + name.rpartition("_")[2]


__all__ = ["FormulaImages", "adapted"]
