"""Title and abstract of a law, the scheme, and one step as a random map."""

from __future__ import annotations

from derive.paper.law.context import LawArticle, SampledWriter
from derive.paper.opening import parameters, special_names, statements
from derive.paper.update import uses_products
from derive.writing.escape import escape
from derive.writing.formulas import said_power
from derive.writing.latex import align, words
from derive.writing.prose import prose
from derive.writing.weak_words import drawn


def title(article: LawArticle) -> str:
    c, scheme, equation = article.configuration, article.equation.scheme, article.equation
    regime = rf"\medskip{{\large Regime {escape(c.regime)}: {prose(c.title, article.style)}\par}}" if c.regime else ""
    count = sum(map(len, equation.powers))
    return rf"""\begin{{center}}
{{\LARGE The weak modified equation of\\[3pt] {escape(scheme.title)}\par}}{regime}
\end{{center}}
\begin{{abstract}}
\noindent
With step size $\step$ and samples that are drawn at random the iterates are random. Their law follows, to all orders in
$\step$, a generator ${article.report.fresh("G")}$, which is derived here through $\step^{{{article.order}}}$ ({count}
term{"s" * (count != 1)}), for every smooth {"loss" if scheme.label == "L" else "field"}, every law of the samples and every
dimension, with exact coefficients. {words(_read(article), article.style)}.
\end{{abstract}}"""


def _read(article: LawArticle) -> str:
    """Whether an equation with drift and diffusion has this law."""
    first = article.equation.no_sde_from
    said = "Read as drift and diffusion matrix it is a stochastic differential equation"
    if first is None:
        return f"{said} through {said_power(article.order, article.style)}, wherever the diffusion matrix is not negative"
    return f"{said} below {said_power(first, article.style)}; from there on no stochastic differential equation has this law"


def scheme_section(article: LawArticle) -> str:
    scheme = article.equation.scheme
    write = SampledWriter(article.style, scheme.kinds)
    lines = statements(scheme.statements, write, article)
    product = r"products, quotients, powers and roots of vectors are taken at each index, $\had$ is such a product"
    said = [*drawn(article.report.to, article.equation), *([product] if uses_products(scheme) else [])]
    text = [
        r"\section{The scheme}",
        f"One step carries out, from top to bottom,\n{align(lines)}",
        f"where {'; '.join(words(s, article.style) for s in said)}." if said else "",
        special_names(article),
        parameters(article, write),
        rf"\paragraph{{Remarks.}} {prose(' '.join(scheme.notes.split()), article.style)}" if scheme.notes else "",
    ]
    return "\n".join(t for t in text if t)


def map_section(article: LawArticle) -> str:
    """T phi = E phi(Phi(x)); in n steps T^n = exp(n gamma G)."""
    report, epochs = article.report, article.equation.epochs
    g, phi = report.fresh("G"), report.phi
    unit = "epoch" if epochs else "step"
    drawing = "the order of its batches" if epochs else "all that it draws"
    return rf"""\section{{One {unit} as a random map}}
Let $X_n$ be the variables of the scheme after $n$ {unit}s. One {unit} is a random map, $X_{{n+1}} = \Phi_{{\omega_n}}(X_n)$ with
$\omega_n$ for {drawing}, and the $\omega_n$ are independent and of one law. So the mean of a test function after one {unit} is
\begin{{equation*}}
(T\psi)(X) = \mathbb{{E}}\,\psi(\Phi_\omega(X)), \qquad \mathbb{{E}}\,\psi(X_n) = (T^n\psi)(X_0) .
\end{{equation*}}
What is sought is a formal differential operator ${g}$, a series in $\step$, {words(report.law, article.style)},
for every smooth ${phi}$. Since the mean of ${phi}$ is, power by power of $\step$, a polynomial in $n$,
{_read_off(article)}: no logarithm of $T$ is needed. The part of ${g}$ with one derivative of ${phi}$ is the drift, twice that
with two the diffusion matrix. Stochastic modified equations, weak approximations by such drifts and diffusions, are due to
Li, Tai and E \cite{{law}}; with all derivatives of ${phi}$ kept the expansion goes on to every order.{_memory(article)}"""


def _read_off(article: LawArticle) -> str:
    g, epochs = article.report.fresh("G"), article.equation.epochs
    if epochs is None:
        return rf"the coefficient of $n^1$ is $\step {g}{article.report.phi}$"
    size = epochs.batches if epochs.batches.isdigit() else article.style.symbol(epochs.batches)
    return rf"the coefficient of $n^1$ is ${size}\,\step {g}{article.report.phi}$"


def _memory(article: LawArticle) -> str:
    if not article.memory:
        return ""
    return (
        "\nMemory does not come to rest at a point: even at $\\step=0$ it has a stationary law, which then moves slowly with the"
        f" unknown. There is one formal family of joint laws that the step maps to itself, given by the law of ${article.point}$;"
        " on it the statement holds, and from any other start up to terms that decay like powers of the relaxation factors."
    )
