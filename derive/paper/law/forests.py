"""Tied forests, the difference equation of their weights, and the table: picture, symmetry, weight in n steps, coefficient."""

from __future__ import annotations

from derive.algebra.coefficients import Ratio
from derive.noise.builder import one_step
from derive.noise.epochs import Epochs
from derive.noise.forests import GRADIENT, NORMAL, Forest, Root, Tree, nodes, symmetry, text
from derive.noise.reshuffled import merged
from derive.noise.weights import Weights
from derive.paper.law.context import LawArticle, draws
from derive.writing.escape import escape
from derive.writing.formulas import coefficient_text
from derive.writing.linebreak import _fitted, width

MAX_ROWS, MAX_TOGETHER = 40, 12
WEIGHT, COEFFICIENT = 155.0, 105.0  # points of a column
#: drawn with TikZ: the points of edges, nodes without a tie, and tied nodes as place/number
MACRO = r"""\newcommand{\tiedforest}[3]{\ensuremath{\vcenter{\hbox{\begin{tikzpicture}[x=11pt,y=12pt]
  #1 \foreach \place in {#2} \fill \place circle (1.7pt);
  \foreach \place/\tie in {#3} \node[draw,circle,fill=white,inner sep=0.6pt,font=\tiny] at \place {\tie};\end{tikzpicture}}}}}
"""


def forest_section(article: LawArticle) -> str:
    report = article.report
    return rf"""\section{{Tied forests}}
Expand ${report.phi}$ after $n$ {"epochs" if article.equation.epochs else "steps"} about the start. Every term is a forest
$F$: its roots are vectors along which ${report.phi}$ is differentiated, a node is a derivative of {_what(article)},
and its children are the vectors that fill the slots of this derivative. The mean of such a product needs one thing more, which
nodes share what was drawn. {_ties(article)}
So, with the symmetry $\sigma(F)$, the number of automorphisms of the forest that map ties to ties,
\begin{{equation*}}
\mathbb{{E}}\,{report.phi}({article.point}_{{{_time(article)}}}) = \sum_F \frac{{w_F(n)}}{{\sigma(F)}}\,F({report.phi}), \qquad
w_F(n) = \sum_k \step^k w_{{F,k}}(n) .
\end{{equation*}}
{_equation(article)}
{_table(article)}"""


def _time(article: LawArticle) -> str:
    """The number of steps: n, or n times the batches of an epoch."""
    epochs = article.equation.epochs
    if epochs is None:
        return "n"
    return f"{epochs.batches}\\,n" if epochs.batches.isdigit() else rf"n\,{article.style.symbol(epochs.batches)}"


def _what(article: LawArticle) -> str:
    return "a loss" if article.equation.scheme.label == "L" or article.equation.scheme.losses else "the field"


def _ties(article: LawArticle) -> str:
    samples, normals = draws(article)
    said = []
    if samples:
        said.append(
            "Nodes of one sample form a \\emph{tie} and carry its number; a tie stands for the joint cumulant of the derivatives"
            " of its nodes, a node without a number for a mean. A tie may hold nodes of several trees, and a node and its child."
        )
        batch, epochs = article.equation.batch, article.equation.epochs
        if batch != "1" and epochs is None:
            b = batch if batch.isdigit() else article.style.symbol(batch)
            cumulant = "a joint cumulant of $r$ derivatives is that of one sample"
            said.append(rf"Over a batch of ${b}$ samples {cumulant} times ${b}^{{1-r}}$; the weights below are of one.")
    if normals:
        said.append("Normal vectors occur in pairs, two leaves of one number: an index that is summed over.")
    return " ".join(said)


def _equation(article: LawArticle) -> str:
    unit = "epoch" if article.equation.epochs else "step"
    order = _order(article) if article.equation.epochs else ""
    memory = (
        " A root on memory relaxes: at $F'=F$ the equation has the product of the relaxation factors of its variables in the"
        " place of 1, and its polynomial solution is what is left when transients have died out."
    )
    return (
        rf"The last {unit} places some nodes at the roots of $F$ on its gradients, the members of a tie together and on one draw,"
        r" and hands what is below them on to the steps before:"
        "\n\\begin{equation*}\n"
        r"w_F(n+1) = \sum_{F'} c_{F,F'}(\step)\, w_{F'}(n), \qquad w_\emptyset(n) = 1, \qquad w_F(0) = 0\quad(F\ne\emptyset),"
        "\n\\end{equation*}\n"
        rf"where $c_{{F,F'}}$ collects the ways in which the update leads from $F$ to $F'$.{order} Power by power of $\step$"
        f" these are sums of polynomials in $n$.{memory * article.memory} The coefficient of $F$ in"
        rf" $\step {article.report.fresh('G')}$ is that of $n^1$ in $w_F(n)$, divided by $\sigma(F)$."
    )


def _order(article: LawArticle) -> str:
    epochs = article.equation.epochs
    assert epochs is not None
    m = epochs.batches if epochs.batches.isdigit() else article.style.symbol(epochs.batches)
    return (
        rf" Within an epoch each of the ${m}$ batches comes once: nodes at one place of the order share a batch, nodes at"
        " different places have different ones, and the mean over all orders is the sum over all batches, sieved by the lattice"
        rf" of partitions. The result is divided by the ${m}$ steps of an epoch."
    )


# ---------------------------------------------------------------------------------------------- the table


def _table(article: LawArticle) -> str:
    items = [(k, f, c) for k, power in enumerate(article.equation.powers) for f in power.forests for c in [power.terms[f]]]
    drawn = {t.label for _, f, _ in items for t in nodes(r.tree for r in f)} <= {GRADIENT, NORMAL}
    drawn = drawn and not any(r.slot for _, f, _ in items for r in f)
    weights = WeightsOf(article)
    rows = [_row(article, weights, drawn, k, f, c) for k, f, c in items[:MAX_ROWS]]
    head = [r"\step^k", "F" * drawn, "name", r"\sigma", f"w_{{F,{'k+1'}}}(n)", "coefficient"]
    shown = " & ".join((h if h in ("name", "coefficient") else f"${h}$") for h in head if h)
    rest = f" The table shows the first {MAX_ROWS} of {len(items)} forests." if len(items) > MAX_ROWS else ""
    rest += r" What is too long for its column is left out ($\cdots$)." * any(r"$\cdots$" in row for row in rows)
    return rf"""Forests with a coefficient that is not zero, through $\step^{{{article.order}}}$ (roots at the bottom).{rest}
{_tabular(shown, ("cc" if drawn else "c") + "lcll", rows)}"""


def _row(article: LawArticle, weights: WeightsOf, drawn: bool, k: int, f: Forest, c: Ratio) -> str:
    weight = coefficient_text(weights(f, k + 1), article.style)
    cells = [rf"$\step^{{{k}}}$", *([picture(f)] if drawn else []), rf"\texttt{{{escape(text(f))}}}"]
    cells += [str(symmetry(weights.whole(f))), _math(weight, WEIGHT), _math(coefficient_text(c, article.style), COEFFICIENT)]
    return " & ".join(cells) + r" \\[7pt]"


def _math(formula: str, room: float) -> str:
    """A formula in a cell, made smaller where it is wide; one that would be too small to read is left out."""
    return rf"$\displaystyle {_fitted(formula, room)}$" if width(formula) < 2 * room else r"$\cdots$"


def _tabular(head: str, columns: str, rows: list[str]) -> str:
    """One that stays together, or a long one that may run over pages."""
    body, small = "\n".join(rows), r"\small\setlength{\tabcolsep}{4pt}"
    if len(rows) > MAX_TOGETHER:
        rule = "\\toprule\n" + head + "\\\\\n\\midrule\n\\endhead\n\\bottomrule\n\\endfoot"
        return f"{{{small}\n\\begin{{longtable}}{{{columns}}}\n{rule}\n{body}\n\\end{{longtable}}}}"
    inside = f"\\toprule\n{head}\\\\\n\\midrule\n{body}\n\\bottomrule"
    return f"\\begin{{center}}{small}\n\\begin{{tabular}}{{{columns}}}\n{inside}\n\\end{{tabular}}\n\\end{{center}}"


class WeightsOf:
    """w_(F,k)(n) of the article's forests, from the difference equation once more; of single samples."""

    def __init__(self, article: LawArticle) -> None:
        self.step = one_step(article.configuration, article.order + 1)
        self.epochs = article.equation.epochs
        if self.epochs is None:
            self.weights = Weights(self.step)
        else:
            known = int(self.epochs.batches) if self.epochs.batches.isdigit() else None
            self.weights = Epochs(self.step, known)

    def whole(self, forest: Forest) -> Forest:
        """With the variable of every root."""
        return tuple(Root(r.slot or self.step.spaces[r.tree.label], r.tree) for r in forest)

    def __call__(self, forest: Forest, power: int) -> Ratio:
        whole = self.whole(forest)
        every = merged(whole) if self.epochs else [whole]
        zero = self.weights.ring.zero
        return sum((self.weights.weight(f, power) for f in every), zero).reduced()


# ---------------------------------------------------------------------------------------------- pictures

Place = tuple[float, float]


def picture(forest: Forest) -> str:
    r"""The macro tiedforest: leaves side by side, every node above the middle of its children's leaves, ties as numbers.

    >>> from derive.noise.forests import parse
    >>> picture(parse("g1 g1[g]"))
    '\\tiedforest{\\draw (1,0)--(1,1);}{(1,1)}{(0,0)/1,(1,0)/1}'
    """
    plain: list[Place] = []
    tied: list[tuple[Place, int]] = []
    edges: list[tuple[Place, Place]] = []
    x = 0.0
    for root in forest:
        x = _placed(root.tree, x, 0, plain, tied, edges)[1]
    drawn = "".join(rf"\draw {_point(a)}--{_point(b)};" for a, b in edges)
    numbers = ",".join(f"{_point(p)}/{k}" for p, k in tied)
    return rf"\tiedforest{{{drawn}}}{{{','.join(map(_point, plain))}}}{{{numbers}}}"


def _placed(
    tree: Tree, left: float, height: int, plain: list[Place], tied: list[tuple[Place, int]], edges: list[tuple[Place, Place]]
) -> tuple[Place, float]:
    """(place of the root, where the next tree may begin)."""
    tops, x = [], left
    slots: list[tuple[Place, int]] = []
    for child in tree.children:
        top, x = _placed(child, x, height + 1, plain, slots, edges)
        tops.append(top)
    here = ((tops[0][0] + tops[-1][0]) / 2 if tops else left, float(height))
    if tree.tie:
        tied.append((here, tree.tie))
    else:
        plain.append(here)
    tied += slots
    edges += [(here, top) for top in tops]
    return here, max(x, left + 1)


def _point(place: Place) -> str:
    return f"({place[0]:g},{place[1]:g})"
