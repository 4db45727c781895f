"""The table of rooted trees: picture, elementary differential, symmetry, coefficient."""

from __future__ import annotations

from derive.algebra.coefficients import Ratio
from derive.algebra.rooted import symmetry
from derive.algebra.terms import Term
from derive.paper.context import Article
from derive.writing.formulas import coefficient_text, write_term
from derive.writing.linebreak import _fitted, width

MAX_TREES, MAX_TOGETHER = 37, 12


def tree_section(article: Article) -> str:
    """Empty where some term is no tree."""
    if not article.trees:
        return ""
    items = [(k, t, c) for k, total in enumerate(article.equation["theta"]) for c, t in total]
    shown = items[:MAX_TREES]
    lines = []
    for k, t, c in shown:
        sigma = symmetry(t)
        b = (c.scaled(sigma * ((-1) ** t.size if article.is_loss else 1))).reduced()
        cells = (rf"$\step^{{{k}}}$", picture(t), _math(write_term(t, article.style), 150), str(sigma),
                 _value(coefficient_text(b, article.style), article.is_loss))  # fmt: skip
        lines.append(" & ".join(cells) + r" \\[7pt]")
    sign = r"$f=-\gradL$, so that $F(\tau)$ is $(-1)^{|\tau|}$ times the term shown" if article.is_loss else "$f$ the field"
    through = rf"$\step^{{{article.order}}}$"
    rest = f"Through {through}, trees that are not listed have $b(\\tau)=0$."
    if len(shown) < len(items):
        rest = rf"The table shows the first {len(shown)} of the {len(items)} trees with $b(\tau)\ne0$ through {through}."
    return rf"""\section{{The result on rooted trees}}
Each term is an elementary differential: a node of a rooted tree (root at the bottom) with $k$ children is a derivative of
order $k$ of the field, its children are the arguments. With {sign},
\begin{{equation*}}
{article.style.dot("theta")} = {_expansion(items)}, \qquad \sigma(\tau)\ \text{{the symmetry of }}\tau .
\end{{equation*}}
{rest}
{_table(lines)}"""


def _expansion(items: list[tuple[int, Term, Ratio]]) -> str:
    """One power of gamma for each tree, or several (time functions bring their derivatives)."""
    if all(t.size == k + 1 for k, t, _ in items):
        return r"\sum_{\tau} \step^{|\tau|-1}\,\frac{b(\tau)}{\sigma(\tau)}\,F(\tau)"
    return r"\sum_{k} \step^{k} \sum_{\tau} \frac{b_{k}(\tau)}{\sigma(\tau)}\,F(\tau)"


_HEAD = r"power & $\tau$ & term & $\sigma(\tau)$ & $b(\tau)$ \\"


def _table(lines: list[str]) -> str:
    """One that stays together, or a long one that may run over pages."""
    body = "\n".join(lines)
    if len(lines) > MAX_TOGETHER:
        return rf"""{{\small
\begin{{longtable}}{{ccccl}}
\toprule
{_HEAD}
\midrule
\endhead
\bottomrule
\endfoot
{body}
\end{{longtable}}}}"""
    return rf"""\begin{{center}}\small
\begin{{tabular}}{{ccccl}}
\toprule
{_HEAD}
\midrule
{body}
\bottomrule
\end{{tabular}}
\end{{center}}"""


def _math(text: str, room: float) -> str:
    return rf"$\displaystyle {_fitted(text, room)}$"


def _value(text: str, is_loss: bool) -> str:
    """b(tau); where it would be too small to read, how it follows from the result."""
    sign = r"(-1)^{|\tau|}" if is_loss else ""
    return _math(text, 170) if width(text) < 210 else rf"${sign}\sigma(\tau)$ times the coefficient"


Place = tuple[float, float]


def picture(tree: Term) -> str:
    r"""Edges and nodes for the macro rootedtree: leaves side by side, every node above the middle of its children's leaves.

    >>> from derive.equation import modified_equation
    >>> [picture(t) for _, t in modified_equation("gd", order=1)["theta"][1]]
    ['\\rootedtree{(0,0)--(0,1)}{(0,0),(0,1)}']
    """
    nodes: list[Place] = []
    edges: list[tuple[Place, Place]] = []
    root, _ = _placed(tree, 0.0, 0, nodes, edges)
    shown = " ".join(f"{_point(a)}--{_point(b)}" for a, b in edges) or _point(root)
    return rf"\rootedtree{{{shown}}}{{{','.join(_point(p) for p in sorted(nodes))}}}"


def _placed(tree: Term, left: float, height: int, nodes: list[Place], edges: list[tuple[Place, Place]]) -> tuple[Place, float]:
    """(place of the root, where the next tree may begin)."""
    ((node, _),) = tree.factors
    tops, x = [], left
    for child in node.children:
        top, x = _placed(child, x, height + 1, nodes, edges)
        tops.append(top)
    here = ((tops[0][0] + tops[-1][0]) / 2 if tops else left, float(height))
    nodes.append(here)
    edges += [(here, top) for top in tops]
    return here, max(x, left + 1)


def _point(place: Place) -> str:
    return f"({place[0]:g},{place[1]:g})"
