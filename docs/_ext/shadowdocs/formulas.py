"""Mathematics as inline SVG: glyphs as paths, in the colour of the text around them, without scripts and without a network.

ziamath draws each formula.  The glyphs of a page stand once, in a sheet at its end, and formulas refer to it.  Sizes are in em of
the text, and an inline formula is lowered by its depth, so that its baseline is that of the line.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

import ziamath
from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)

SIZE = 20.0  # pixels in which ziamath draws; what counts is the ratio
SCALE = 1.12  # STIX looks small beside a sans-serif text
_SYMBOL = re.compile(r'<symbol id="([^"]+)"[^>]*(?:/>|(?<!/)>.*?</symbol>)', re.S)  # of a blank: <symbol ... />
_BOX = re.compile(r'viewBox="(\S+) (\S+) (\S+) (\S+)"')
_SIZES = re.compile(r'^<svg [^>]*>', re.S)
_ENVIRONMENT = re.compile(r"\\begin\{(align\*?|aligned|gather\*?|equation\*?)\}(.*)\\end\{\1\}", re.S)


def readable(latex: str) -> str:
    """The LaTeX of pages and of `derive` in the words that ziamath knows; rows of an `align` become an array.

    >>> readable(r"\\begin{align*} a ={}& b\\\\ &{}+ c \\end{align*}")
    '\\\\begin{aligned} a = & b\\\\\\\\ & + c \\\\end{aligned}'
    """
    text = latex.strip().replace("{}", " " if "align" in latex else "")
    found = _ENVIRONMENT.fullmatch(text)
    if found:
        text = rf"\begin{{aligned}}{found[2].replace('=', '=')}\end{{aligned}}"
        text = re.sub(r"= +&", "= &", re.sub(r"& +", "& ", text))
    return text.replace(r"\left\|", r"\left\Vert").replace(r"\right\|", r"\right\Vert")


def drawn(latex: str, glyphs: dict[str, str], display: bool) -> str:
    """The formula as SVG; every glyph that it uses is added to `glyphs`.

    Raises ValueError for a command that ziamath does not know, and whatever ziamath raises on what it cannot read.
    """
    drawing = ziamath.Latex(readable(latex), size=SIZE, color="currentColor", inline=not display)
    if unknown := re.findall(r"\\[a-zA-Z]+", "".join(drawing.element.itertext())):
        raise ValueError(f"unknown: {', '.join(unknown)}")  # ziamath would draw the name
    source = drawing.svg()
    for found in _SYMBOL.finditer(source):
        glyphs[found[1]] = found[0]
    left, top, width, height = map(float, _BOX.search(source).groups())  # type: ignore[union-attr]
    em = SCALE / SIZE
    style = f"width:{width * em:.3f}em;height:{height * em:.3f}em"
    if not display:
        style += f";vertical-align:{-(top + height) * em:.3f}em"
    head = (
        f'<svg class="formula" role="img" aria-label="{escape(latex.strip(), quote=True)}" '
        f'viewBox="{left} {top} {width} {height}" style="{style}">'
    )
    body = _SIZES.sub("", _SYMBOL.sub("", source)).replace(' fill="currentColor"', "").replace("</svg>", "")
    return head + body.strip() + "</svg>"


def _write(translator: Any, node: Any, display: bool) -> None:
    glyphs = _sheet(translator.builder.app, translator.builder.current_docname)
    try:
        svg = drawn(node.astext(), glyphs, display)
    except Exception as error:  # a parser of somebody else's; what it cannot read must not reach a reader
        place = (translator.builder.current_docname, node.line)
        logger.warning("formula not drawn: %s (%s)", node.astext(), error, location=place, type="shadowdocs")
        svg = f"<code>{escape(node.astext())}</code>"
    tag = "div" if display else "span"
    translator.body.append(f'<{tag} class="math {"display" if display else "inline"}">{svg}</{tag}>')
    raise nodes.SkipNode


def inline(translator: Any, node: Any) -> None:
    _write(translator, node, False)


def block(translator: Any, node: Any) -> None:
    _write(translator, node, True)


def _sheet(app: Any, page: str) -> dict[str, str]:
    sheets = app.__dict__.setdefault("shadowdocs_glyphs", {})
    return sheets.setdefault(page, {})  # type: ignore[no-any-return]


def add_sheet(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The glyphs of a page, after its last paragraph."""
    glyphs = _sheet(app, page)
    if glyphs and "body" in context:
        symbols = re.sub(r"\s+", " ", "".join(glyphs.values()))
        context["body"] += f'<svg class="glyphs" width="0" height="0" aria-hidden="true" focusable="false">{symbols}</svg>'


def setup(app: Any) -> None:
    app.add_html_math_renderer("svg", (inline, None), (block, None))
    app.connect("html-page-context", add_sheet)
