"""The derivation of linear multistep schemes: operator series and iterative substitution."""

from __future__ import annotations

from collections.abc import Sequence

from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Sum
from derive.paper.context import Article
from derive.paper.multistep import Multistep, time_derivatives
from derive.paper.pieces import coefficient_chunks, summands
from derive.writing.formulas import coefficient_text
from derive.writing.latex import align
from derive.writing.linebreak import TEXT_WIDTH, Entry, Summand, block, rows, width

MAX_SHOWN = 40  # terms written out on the way


def operator_section(article: Article, scheme: Multistep) -> str:
    """The whole derivation: scheme in the shift, its series, substitution power by power."""
    text = [r"\section{Derivation by operator series}", _shift(article, scheme), _series(article, scheme)]
    return "\n".join([*text, _substitution(article, scheme)])


def _field_text(article: Article) -> str:
    return r"f = -\gradL" if article.is_loss else "f"


def _shift(article: Article, scheme: Multistep) -> str:
    memory = [article.style.symbol(s) for s in article.equation.scheme.states if s not in ("theta", "theta_prev")]
    how = f"Eliminating ${', '.join(memory)}$ from the update leaves" if memory else "In the iterates alone the update reads"
    degree = len(scheme.rho) - 1
    x = article.point
    left = [_scaled(c, _iterate(j, x), article) for j, c in reversed(list(enumerate(scheme.rho))) if c]
    right = [_scaled(c, rf"f({_iterate(j, x)})", article) for j, c in reversed(list(enumerate(scheme.sigma))) if c]
    equation = rf"{_joined(left)} = \step{_grouped(right)}, \qquad {_field_text(article)}"
    kind = "one-step" if degree == 1 else f"linear {degree}-step"
    if not article.is_loss:
        equation = equation.partition(r", \qquad")[0]
    return rf"""{how} a {kind} scheme,
\begin{{equation*}}
{equation}.
\end{{equation*}}
Write $D = \mathrm{{d}}/\mathrm{{d}}t$ for the derivative along a curve ${x}(t)$ with ${x}(n\step)={x}_n$. By Taylor's
theorem the shift by one step is
\begin{{equation*}}
{x}_{{n+1}} = {x}(t+\step)
 = \Bigl(1 + \step D + \tfrac{{1}}{{2}}\step^{{2}}D^{{2}} + \tfrac{{1}}{{6}}\step^{{3}}D^{{3}} + \cdots\Bigr){x}
 = e^{{\step D}}{x} ,
\end{{equation*}}
so that the scheme is $\rho(e^{{\step D}})\,{x} = \step\,\sigma(e^{{\step D}})\,f({x})$ with the polynomials
\begin{{equation*}}
\rho(\zeta) = {_joined([_scaled(c, _power_of(j), article) for j, c in reversed(list(enumerate(scheme.rho))) if c])}, \qquad
\sigma(\zeta) = {_joined([_scaled(c, _power_of(j), article) for j, c in reversed(list(enumerate(scheme.sigma))) if c])}.
\end{{equation*}}"""


def _iterate(j: int, x: str) -> str:
    return f"{x}_{{n}}" if j == 0 else f"{x}_{{n+{j}}}"


def _power_of(j: int) -> str:
    return "" if j == 0 else r"\zeta" if j == 1 else rf"\zeta^{{{j}}}"


def _scaled(c: Ratio, what: str, article: Article) -> Summand:
    text = coefficient_text(c, article.style)
    sign, text = ("-", text[1:]) if text.startswith("-") else ("+", text)
    return Summand(sign, (what if what and text == "1" else text + (r"\," if what and text != "1" else "") + what,))


def _joined(items: Sequence[Summand]) -> str:
    text = " ".join(f"{s.sign} {s.text}" for s in items)
    return text.removeprefix("+ ") or "0"


def _grouped(items: Sequence[Summand]) -> str:
    text = _joined(items)
    return rf"\,{text}" if len(items) == 1 and items[0].sign == "+" else rf"\Bigl({text}\Bigr)"


def _series(article: Article, scheme: Multistep) -> str:
    gd = [str(c) for c in scheme.rho] == ["-1", "1"] and [str(c) for c in scheme.sigma] == ["1", "0"]
    parts = [_term(c, _z(k), article) for k, c in enumerate(scheme.mu) if c]
    parts.append(Summand("+", (rf"O({_z(article.order + 1)})",)))
    lines = rows(r"\mu(z) = \frac{z\,\sigma(e^{z})}{\rho(e^{z})}" + (r" = \frac{z}{e^{z}-1}" if gd else ""), parts)
    numbers = (
        r"the coefficients are $B_k/k!$ with the Bernoulli numbers $B_0=1$, $B_1=-\tfrac12$, $B_2=\tfrac16$, $B_3=0$, "
        r"$B_4=-\tfrac1{30}$, \ldots"
        if gd
        else r"the coefficients $\mu_k$ take the place of $B_k/k!$ in the series $\mu(z)=z/(e^{z}-1)$ of gradient descent"
    )
    x = article.point
    return rf"""As $\rho(1)=0$, the operator $\rho(e^{{\step D}})$ has a factor $\step D$; dividing by the rest of it gives
\begin{{equation}}\label{{eq:mu}}
{article.style.dot("theta")} = D{x} = \mu(\step D)\,f({x}) = \sum_{{k\ge0}} \mu_k\,\step^{{k}}D^{{k}}f({x}),
\end{{equation}}
{align(lines)}
{numbers}.{_other_roots(scheme)}"""


def _other_roots(scheme: Multistep) -> str:
    """rho has further roots where the scheme has more than one step."""
    if len(scheme.rho) <= 2:
        return ""
    return r" The other roots of $\rho$ belong to transients, whose factors at $\step=0$ they are: the series leaves them out."



def _z(k: int) -> str:
    return "" if k == 0 else "z" if k == 1 else f"z^{{{k}}}"


def _term(c: Ratio, power: str, article: Article) -> Summand:
    whole = _scaled(c, power, article)
    if width(whole.text) < 0.6 * TEXT_WIDTH:
        return whole
    return Summand(whole.sign, (*coefficient_chunks(c, article.style, ""), power), whole.text)


def _substitution(article: Article, scheme: Multistep) -> str:
    algebra = article.derivation.algebra
    table, field = time_derivatives(algebra, article.equation.scheme.label, scheme.mu)
    rate = article.style.dot("theta")
    text = [
        r"\subsection*{Iterative substitution}",
        rf"On functions of ${article.point}$ the operator $D$ acts by the chain rule, $DF = F'[{rate}]$, and ${rate}$ is itself",
        rf"given by \eqref{{eq:mu}}. Put ${rate} = f_0 + \step f_1 + \step^{{2}}f_2+\cdots$",
        r"and write $(D^{m}f)_j$ for the coefficient of $\step^{j}$ in $D^{m}f$. Then",
        r"\begin{equation}\label{eq:recursion}",
        r"f_k = \sum_{m=1}^{k} \mu_m\,(D^{m}f)_{k-m} \quad(k\ge1), \qquad",
        r"(D^{m}f)_{j} = \sum_{i=0}^{j} \bigl(D^{m-1}f\bigr)'_{j-i}\,[f_i],",
        r"\end{equation}",
        r"and the right side needs $f_0,\dots,f_{k-1}$ only. From $f_0=\mu_0 f$ on, this gives",
    ]
    shown, blocks = 0, []
    for k, total in enumerate(field):
        steps = [(m, table[m][k - m]) for m in range(1, k + 1) if scheme.mu[m]]
        shown += sum(len(s) for _, s in steps) + len(total)
        if shown > MAX_SHOWN:
            break
        blocks.append(align(block([*_steps(article, steps, k), *_result(article, scheme, total, k)])))
    rest = "" if len(blocks) == len(field) else "The later powers follow in the same way; see Section~\\ref{sec:result}."
    return "\n".join([*text, "\nand then\n".join(blocks[:2]), *blocks[2:], rest])


def _steps(article: Article, steps: Sequence[tuple[int, Sum]], k: int) -> list[Entry]:
    """(D^m f)_(k-m), written out."""
    return [
        (f"({'Df' if m == 1 else f'D^{{{m}}}f'})_{{{k - m}}}", summands(article.sum(value), article.style)) for m, value in steps
    ]


def _result(article: Article, scheme: Multistep, total: Sum, k: int) -> list[Entry]:
    """f_k by the recursion, and its value."""
    value = summands(article.sum(total), article.style)
    parts = _recipe(scheme, k)
    if k == 0 or not parts:
        return [(f"f_{{{k}}}", value)]
    return [(f"f_{{{k}}}", parts), ("", value)]


def _recipe(scheme: Multistep, k: int) -> list[Summand]:
    names = [(m, "Df" if m == 1 else f"D^{{{m}}}f") for m in range(1, k + 1) if scheme.mu[m]]
    return [Summand("+", (rf"\mu_{{{m}}}({name})_{{{k - m}}}",)) for m, name in names]
