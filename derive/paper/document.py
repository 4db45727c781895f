"""The article: sections in order, from a configuration and an order to one LaTeX text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from derive.algebra.inequalities import Inequality
from derive.equation import TermSum, check_order, derivation_of, equation_of, modified_equation
from derive.paper.checks import checks
from derive.paper.context import Article
from derive.paper.independent import Verified, independent_paragraph
from derive.paper.indices import IndexWriter
from derive.paper.lossdoc import loss_reading, loss_section
from derive.paper.opening import abbreviations, ansatz_section, scheme_section, title
from derive.paper.operators import operator_section
from derive.paper.pieces import gamma_power, series_summands, summands
from derive.paper.preamble import PAPER, preamble
from derive.paper.sequences import sequence_section
from derive.paper.start import start_section, where
from derive.paper.treedoc import tree_section
from derive.scheme import Scheme, configure
from derive.scheme.bibliography import cited
from derive.writing.escape import escape
from derive.writing.latex import align
from derive.writing.letters import checked, names_in
from derive.writing.linebreak import Entry, Summand, block, rows
from derive.writing.prose import prose

MAX_TERMS = 2_000  # of an article at its highest power

MAX_INDEXED = 60  # terms also written in index notation


def article_of(
    scheme: Scheme,
    order: int,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
    progress: Callable[[int], None] | None = None,
    force: bool = False,
    letters: Mapping[str, str] | None = None,
) -> Article:
    """Run the engine once; its sequences and its equation share one algebra.  `letters` are the reader's own.

    Raises what `modified_equation` and `checked` raise.
    """
    scheme.require_plain("paper")
    conditions: tuple[Inequality, ...] = ()
    if scheme.region is not None:
        conditions = modified_equation(scheme, 0, regime=regime, settings=settings).conditions
    configuration = configure(scheme, regime, settings)
    own = checked(letters, names_in(configuration), True) if letters else {}
    check_order(configuration, order, force, MAX_TERMS)
    derivation = derivation_of(configuration, order, True, progress)
    return Article(derivation, equation_of(derivation, "flow", conditions), own)


def paper_latex(article: Article, verified: Verified | None = None) -> str:
    """The complete article, ready for pdflatex; the same input gives the same bytes.

    `verified` is what a program independent of the derivation proved; the section on verification quotes it.
    """
    loss, why = loss_reading(article)
    scheme = article.multistep
    sections = [
        title(article),
        scheme_section(article),
        ansatz_section(article),
        operator_section(article, scheme) if scheme is not None else sequence_section(article),
        _result_section(article),
        start_section(article),
        tree_section(article),
        loss_section(article, loss, why),
        _verification_section(article, checks(article, loss), verified),
        _sources(article.equation.scheme),
    ]
    sections[2] += abbreviations(article)  # the names that the sections gave
    body = "\n\n".join(s for s in sections if s)
    return f"\\documentclass[10pt]{{article}}\n{preamble(article.letters)}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"


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
        lines = [line for v, sums in equation.memory.items() for line in _memory_rows(article, v, sums[:2])]
        text.append(r"On the slow manifold the memory is, to first order,")
        text.append(align(lines))
    return "\n".join(text)


def _memory_rows(article: Article, variable: str, sums: Sequence[TermSum]) -> list[str]:
    items = series_summands(enumerate(sums), article.style)
    return rows(article.style.symbol(variable), [*items, Summand("+", (rf"O({gamma_power(len(sums))})",))])


def _index_text(article: Article) -> str:
    writer = IndexWriter(article.style, article.name_of, article.taken)
    entries: list[Entry] = []
    count = 0
    for x, sums in article.equation.equations.items():
        free = "" if article.equation.scheme_kind(x) == "scalar" else "i"
        for k, s in enumerate(sums):
            count += len(s)
            if count <= MAX_INDEXED:
                name = article.field(x, k)
                entries.append((rf"({name})_{{{free}}}" if free else name, summands(s, article.style, "", writer)))
    named = "".join(f", ${d}$" for d in writer.definitions())
    dimension = f", with the dimension ${article.style.symbol(article.style.dimension)}$" if writer.counted else ""
    partial = rf"\partial/\partial {article.point}_i"
    rest = f" (the first {MAX_INDEXED} terms at most)" if count > MAX_INDEXED else ""
    return (
        rf"In index notation{rest}, $\pd{{i}}={partial}$, with a sum over every index other than $i$, within the"
        f" smallest parentheses, bars or root that hold all its places{dimension}{named},\n{align(block(entries))}"
    )


def _verification_section(article: Article, found: list[tuple[str, int]], verified: Verified | None) -> str:
    proved = f"\n{independent_paragraph(article, verified)}" if verified else ""
    lines = "\n".join(rf"{what} & through $\step^{{{k}}}$ \\[2pt]" for what, k in found)
    return rf"""\section{{Verification}}
Each row was checked in exact arithmetic while this text was written. These are identities between sums of terms, for every
smooth {"loss" if article.is_loss else "field"}{where(article)}.
\begin{{center}}\small
\begin{{tabular}}{{p{{118mm}}l}}
\toprule
identity & holds \\
\midrule
{lines}
\bottomrule
\end{{tabular}}
\end{{center}}{proved}"""


def _sources(scheme: Scheme) -> str:
    items = [s.strip() for s in scheme.reference.split(";") if s.strip()]
    bib = [rf"\bibitem{{source{k}}} {prose(s, PAPER)}.{_in_full(s)}" for k, s in enumerate(items, 1)]
    bib.append(
        r"\bibitem{hlw} E. Hairer, C. Lubich, G. Wanner, \emph{Geometric Numerical Integration}, 2nd edition, Springer 2006, "
        "chapter IX: backward error analysis and modified equations."
    )
    cited = rf"\nocite{{{','.join(f'source{k}' for k in range(1, len(items) + 1))}}}" if items else ""
    return cited + "\n\\begin{thebibliography}{9}\n" + "\n".join(bib) + "\n\\end{thebibliography}"


def _in_full(text: str) -> str:
    """The works that a source names, with authors and titles."""
    return "".join(rf"\newline {escape(str(work))}" for work in cited(text))
