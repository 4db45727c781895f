"""The article: sections in order, from a configuration and an order to one LaTeX text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from derive.engine import Derivation
from derive.equation import TermSum, _equation, check_order
from derive.errors import UsageError
from derive.export.notation import write_combination
from derive.export.text import decay
from derive.language import Expression, Name
from derive.paper.checks import checks
from derive.paper.context import Article
from derive.paper.escape import escape
from derive.paper.indices import IndexWriter
from derive.paper.linebreak import TEXT_WIDTH, Entry, Summand, align, block, rows, width
from derive.paper.lossdoc import loss_reading, loss_section
from derive.paper.operators import operator_section
from derive.paper.pieces import coefficient_text, series_summands, summands
from derive.paper.preamble import PREAMBLE
from derive.paper.sequences import sequence_section
from derive.paper.treedoc import tree_section
from derive.paper.update import ExpressionWriter, bound_parameters, function_settings, uses_products
from derive.scheme import GREEK, Scheme, configure

MAX_INDEXED = 60  # terms also written in index notation
_GREEK = re.compile(rf"(?<![\w\\])((?:{'|'.join([*GREEK, 'gamma', 'theta'])})_?\d*)(?!\w)|(->|<=|>=|<|>)|\*\*(\w+)")
_SIGNS = {"->": r"\to", "<=": r"\le", ">=": r"\ge", "<": "<", ">": ">"}


def article_of(
    scheme: Scheme,
    order: int,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
    progress: Callable[[int], None] | None = None,
    force: bool = False,
) -> Article:
    """Run the engine once; its sequences and its equation share one algebra.

    Raises what `modified_equation` raises.
    """
    configuration = configure(scheme, regime, settings)
    check_order(configuration, order, force)
    try:
        derivation = Derivation(configuration, order, progress)
    except ZeroDivisionError:
        raise UsageError(f"{scheme.where}: a parameter setting makes a denominator vanish") from None
    except RecursionError:
        raise UsageError(f"{scheme.where}: the update is nested too deeply; name its parts on lines of their own") from None
    return Article(derivation, _equation(derivation, "flow"))


def paper_latex(article: Article) -> str:
    """The complete article, ready for pdflatex; the same input gives the same bytes."""
    loss, why = loss_reading(article)
    scheme = article.multistep
    sections = [
        _title(article),
        _scheme_section(article),
        _ansatz_section(article),
        operator_section(article, scheme) if scheme is not None else sequence_section(article),
        _result_section(article),
        tree_section(article),
        loss_section(article, loss, why),
        _verification_section(article, checks(article, loss)),
        _sources(article.equation.scheme),
    ]
    sections[2] += _abbreviations(article)  # the names that the sections gave
    body = "\n\n".join(s for s in sections if s)
    return (
        f"\\documentclass[10pt]{{article}}\n{PREAMBLE}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    )


def prose(text: str) -> str:
    """Escaped text in which names of Greek letters, arrows and comparisons are set as mathematics.

    >>> prose("0 <= beta1 < 1, 50%")
    '0 $\\\\le$ $\\\\beta_{1}$ $<$ 1, 50\\\\%'
    """
    from derive.paper.preamble import PAPER

    pieces, last = [], 0
    for m in _GREEK.finditer(text):
        pieces.append(escape(text[last : m.start()]))
        shown = PAPER.symbol(m[1]) if m[1] else _SIGNS[m[2]] if m[2] else rf"^{{\text{{{escape(m[3])}}}}}"
        pieces.append(f"${shown}$")
        last = m.end()
    return "".join([*pieces, escape(text[last:])])


# ---------------------------------------------------------------------------------------------- opening


def _title(article: Article) -> str:
    c, scheme = article.equation.configuration, article.equation.scheme
    regime = rf"\medskip{{\large Regime {escape(c.regime)}: {prose(c.title)}\par}}" if c.regime else ""
    terms = sum(len(s) for sums in article.equation.equations.values() for s in sums)
    slow = ", ".join(f"${article.style.symbol(x)}$" for x in article.equation.equations)
    route = "operator series" if article.multistep is not None else "a solution in which the step number stays symbolic"
    return rf"""\begin{{center}}
{{\LARGE The modified equation of\\[3pt] {escape(scheme.title)}\par}}{regime}
\end{{center}}
\begin{{abstract}}
\noindent
The iterates of the scheme with step size $\step$ follow, to all orders in $\step$, a differential equation for {slow}. It is
derived here through $\step^{{{article.order}}}$ ({terms} term{'' if terms == 1 else 's'}) by {route}, for every smooth
{'loss' if article.is_loss else 'vector field'} in any dimension, with exact coefficients.{_summary(article)}
\end{{abstract}}"""


def _summary(article: Article) -> str:
    """The first terms, where they are few; sums under powers are written out."""
    sums = {x: [(k, s) for k, s in enumerate(sums[:2])] for x, sums in article.equation.equations.items()}
    if sum(len(s) for x in sums for _, s in sums[x]) > 6:
        return ""
    style = replace(article.style, abbreviation=None)
    style = replace(style, nested=replace(article.style.nested, abbreviation=None) if article.style.nested else None)
    entries = [(rf"\dot{{{style.symbol(x)}}}", series_summands(sums[x], style)) for x in sums]
    lines = block(entries, 0.8 * TEXT_WIDTH)
    return f" To leading orders\n{align(lines)}" if article.order > 1 else f" It is\n{align(lines)}"


def _scheme_section(article: Article) -> str:
    scheme, c = article.equation.scheme, article.equation.configuration
    write = ExpressionWriter(scheme, article.style)
    lines = [line for a in scheme.program for line in _assignment(a.target, write.summands(a.value), article)]
    loss = r"the loss $L$ has the gradient $\gradL$" if article.is_loss else "$f$ is the vector field"
    product = r"; products, quotients, powers and roots of vectors are taken at each index, $\had$ is such a product"
    text = [
        r"\section{The scheme}",
        f"One step carries out, from top to bottom,\n{align(lines)}",
        rf"where {loss}{product if uses_products(article.equation) else ''}.",
        _special_names(article),
        _parameters(article, write),
        _relaxation(article),
        "\n".join([r"\paragraph{Remarks.} " + prose(" ".join(scheme.notes.split()))] if scheme.notes else []),
    ]
    return "\n".join(t for t in text if t)


def _assignment(target: str, items: list[Summand], article: Article) -> list[str]:
    first, *rest = rows(article.style.symbol(target), items)
    return [first.replace("={}&", r"\leftarrow{}&", 1), *rest]


def _special_names(article: Article) -> str:
    from derive.language import names_of

    used = {n for a in article.equation.scheme.program for n in names_of(a.value)}
    said = []
    if "theta_prev" in used:
        said.append(r"$\theta^{-}$ is the point one step before")
    if "theta_next" in used:
        said.append(r"$\theta^{+}$ the point that the step arrives at (an implicit scheme)")
    if "t" in used:
        said.append(r"$t = t_0 + n\step$ is the time at the start of the step")
    return f"Here {', and '.join(said)}." if said else ""


def _parameters(article: Article, write: ExpressionWriter) -> str:
    c = article.equation.configuration
    used = [p for n, p in c.scheme.parameters.items() if n in c.bindings or n in c.free]
    items = [_parameter_item(article, p.name, p.description, p.range) for p in used]
    items += [rf"\item[${article.style.symbol(n)}(t)$] {prose(d)}" for n, d in c.scheme.functions.items()]
    text = ["\\begin{description}\n" + "\n".join(items) + "\n\\end{description}"] if items else []
    given: list[tuple[str, Expression]] = [*bound_parameters(c)]
    formulas = [f"{article.style.symbol(n)} = {write(e)}" for n, e in given]
    for v, r in c.rescaled.items():
        formulas.append(rf"{article.style.symbol(v)} = {write(r.factor, 2)}\,{article.style.symbol(r.symbol)}")
    if formulas:
        where = f"In the regime \\emph{{{escape(c.regime)}}}" if c.regime else "Here"
        text.append(f"{where}\n\\begin{{gather*}}\n" + ",\\\\\n".join(_packed(formulas)) + ".\n\\end{gather*}")
    text += [f"The time function ${article.style.symbol(n)}(t)$ is {s}." for n, s in function_settings(c, write)]
    return "\n".join(text)


def _packed(formulas: list[str]) -> list[str]:
    """Short formulas side by side."""
    lines: list[str] = []
    for f in formulas:
        if lines and width(lines[-1]) + width(f) < 0.7 * TEXT_WIDTH:
            lines[-1] += r",\qquad " + f
        else:
            lines.append(f)
    return lines


def _parameter_item(article: Article, name: str, description: str, span: str) -> str:
    told = ", ".join(x for x in (prose(description), prose(span)) if x)
    return rf"\item[${article.style.symbol(name)}$] {told}"


def _relaxation(article: Article) -> str:
    said = []
    for r in article.equation.relaxations:
        names = ", ".join(f"${article.style.symbol(v)}$" for v in r.variables if v != "theta")
        what = "The scheme has a parasitic root" if "theta" in r.variables else f"At $\\step=0$ the memory {names} relaxes with factor"
        if r.factor is not None:
            condition = decay(r.factor, article.style)
            shown = condition if r.factor.is_number else rf"decays for $|{coefficient_text(r.factor, article.style)}|<1$"
            said.append(rf"{what} ${coefficient_text(r.factor, article.style)}$ ({shown}).")
        else:
            powers = " + ".join(
                rf"\left({coefficient_text(p, article.style)}\right)" + ("" if k == 0 else f"z^{{{k}}}")
                for k, p in reversed(list(enumerate(r.polynomial))) if p
            )  # fmt: skip
            said.append(f"At $\\step=0$ the memory {names} relaxes with the roots of ${powers}$.")
    return " ".join(said)


def _ansatz_section(article: Article) -> str:
    fields = align([article.expansion(x).replace(" = ", " ={}& ", 1) for x in article.equation.equations])
    return rf"""\section{{The ansatz}}
Let $n$ count the steps and keep it symbolic. Every variable of the scheme is expanded about the point where the field is wanted,
\begin{{equation*}}
X_n = \sum_{{k\ge0}} \step^{{k}} X_k(n), \qquad X_k(n) = \sum_m P_{{k,m}}(n)\; m(\theta),
\end{{equation*}}
where $m$ runs over expressions in the derivatives of ${'L' if article.is_loss else 'f'}$ at $\theta$ and the $P_{{k,m}}$ are polynomials in $n$. With the
time $t=n\step$ these iterates lie on a smooth curve, the solution of the modified equation
{fields}
whose coefficient $f_k$ is the coefficient of $n$ in $\theta_{{k+1}}(n)$ (backward error analysis \cite{{hlw}}). The value at $n=1$
is the memoryless map $\theta\mapsto\theta+\step(\cdots)$, the other form found in the literature; its coefficients differ."""


def _abbreviations(article: Article) -> str:
    """Names for sums under powers; a definition may name further ones."""
    said: list[str] = []
    while len(said) < len(article.bases):
        f, name = list(article.bases.items())[len(said)]
        said.append(f"${name} = {write_combination(f.body, article.style)}$")
    return f"\nThroughout, {', '.join(said)}." if said else ""


# ---------------------------------------------------------------------------------------------- result and end


def _result_section(article: Article) -> str:
    equation = article.equation
    text = [r"\section{The result}\label{sec:result}", "In vector notation"]
    meaning = r"$\derL{k}\args{u_1,\dots}$ is the $k$-th derivative of the loss with all but one of its slots filled"
    text.append(f"({meaning})," if article.is_loss else "($f^{(k)}$ is the $k$-th derivative of the field),")
    entries = [
        (article.field(x, k), summands(s, article.style)) for x, sums in equation.equations.items() for k, s in enumerate(sums)
    ]
    text += [align(block(entries)), _index_text(article)]
    if equation.memory:
        lines = [
            line for v, sums in equation.memory.items() for line in _memory_rows(article, v, sums[: 2])
        ]
        text.append(r"On the slow manifold the memory is, to first order,")
        text.append(align(lines))
    return "\n".join(text)


def _memory_rows(article: Article, variable: str, sums: Sequence[TermSum]) -> list[str]:
    lines = rows(article.style.symbol(variable), series_summands(list(enumerate(sums)), article.style))
    lines[-1] += rf" + O(\step^{{{len(sums)}}})" if len(sums) > 1 else r" + O(\step)"
    return lines


def _index_text(article: Article) -> str:
    writer = IndexWriter(article.style, article.name_of)
    entries: list[Entry] = []
    count = 0
    for x, sums in article.equation.equations.items():
        free = "" if article.equation.scheme_kind(x) == "scalar" else "i"
        for k, s in enumerate(sums):
            count += len(s)
            if count <= MAX_INDEXED:
                name = article.field(x, k)
                entries.append((rf"({name})_{{{free}}}" if free else name, summands(s, article.style, "", writer)))
    named = "".join(f", ${writer.definition(f)}$" for f in writer.used)
    rest = f" (the first {MAX_INDEXED} terms at most)" if count > MAX_INDEXED else ""
    return (
        rf"In index notation{rest}, $\pd{{i}}=\partial/\partial\theta_i$, with a sum over every index other than $i$ that appears"
        f"{named},\n{align(block(entries))}"
    )


def _verification_section(article: Article, found: list[tuple[str, int]]) -> str:
    lines = "\n".join(rf"{what} & through $\step^{{{k}}}$ \\[2pt]" for what, k in found)
    return rf"""\section{{Verification}}
Each row was checked in exact arithmetic while this text was written, for every smooth {'loss' if article.is_loss else 'field'}: the two sides agree as
sums of terms.
\begin{{center}}\small
\begin{{tabular}}{{p{{118mm}}l}}
\toprule
identity & holds \\
\midrule
{lines}
\bottomrule
\end{{tabular}}
\end{{center}}"""


def _sources(scheme: Scheme) -> str:
    items = [s.strip() for s in scheme.reference.split(";") if s.strip()]
    bib = [rf"\bibitem{{source{k}}} {prose(s)}." for k, s in enumerate(items, 1)]
    bib.append(
        r"\bibitem{hlw} E. Hairer, C. Lubich, G. Wanner, \emph{Geometric Numerical Integration}, 2nd edition, Springer 2006, "
        "chapter IX: backward error analysis and modified equations."
    )
    cited = rf"\nocite{{{','.join(f'source{k}' for k in range(1, len(items) + 1))}}}" if items else ""
    return cited + "\n\\begin{thebibliography}{9}\n" + "\n".join(bib) + "\n\\end{thebibliography}"


__all__ = ["Name", "article_of", "paper_latex", "prose"]
