"""The article on a law: sections in order, what was verified, sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from derive.paper.law.context import LawArticle
from derive.paper.law.example import example_section
from derive.paper.law.forests import MACRO, forest_section
from derive.paper.law.opening import map_section, scheme_section, title
from derive.paper.law.result import result_section
from derive.paper.preamble import PAPER, preamble
from derive.scheme.bibliography import Work, cited, works
from derive.writing.escape import escape
from derive.writing.prose import prose
from derive.writing.standing import listed

ORIGIN, EPOCHS = "li-tai-e", "smith"


@dataclass(frozen=True)
class VerifiedLaw:
    """What a program independent of the derivation found: a proof with an error probability below 2^-bits, or why there is
    none; for which (dimension, samples), where it is not for all, and for which numbers of batches in an epoch.  `slopes[k]` of
    the error of moments with G through gamma^k (None where it is exact), `variance` that of the variance after a long time;
    `skipped` why something could not be run."""

    bits: int | None = None
    reason: str = ""
    within: tuple[int, int] | None = None
    epochs: Sequence[int] = ()
    slopes: Sequence[float | None] = ()
    variance: float | None = None
    skipped: Sequence[str] = field(default_factory=tuple)


def law_latex(article: LawArticle, verified: VerifiedLaw | None = None) -> str:
    """The complete article, ready for pdflatex; the same input gives the same bytes."""
    sections = [
        title(article), scheme_section(article), map_section(article), forest_section(article), result_section(article),
        example_section(article), _verification(article, verified) if verified else "", _sources(article),
    ]  # fmt: skip
    body = "\n\n".join(s for s in sections if s)
    head = preamble(article.letters) + MACRO
    return f"\\documentclass[10pt]{{article}}\n{head}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"


# ---------------------------------------------------------------------------------------------- verification


def _verification(article: LawArticle, v: VerifiedLaw) -> str:
    g = f"${article.report.fresh('G')}$"
    rows = [
        rf"moments at $n\step=1$, quadratic losses, {g} through $\step^{{{k}}}$ &"
        rf" {'exact' if s is None else f'{s:.4f}'} & {k + 1} \\[2pt]"
        for k, s in enumerate(v.slopes)
    ]
    if v.variance is not None:
        left = f"variance that is left after a long time, quadratic losses, all of {g}"
        rows.append(rf"{left} & {v.variance:.4f} & {article.order + 1} \\[2pt]")
    skipped = "".join(f" Not run: {escape(reason)}." for reason in dict.fromkeys(v.skipped))
    return f"\\section{{Verification}}\n{_proof(article, v)}{_table(rows)}{skipped}"


def _proof(article: LawArticle, v: VerifiedLaw) -> str:
    if v.bits is None:
        return f"A proof by a program independent of the derivation was not completed: {escape(v.reason)}."
    memory = ", for all parameter values at which the memory relaxes" if article.memory else ""
    return (
        f"A program that shares nothing with the derivation proved the generator through $\\step^{{{article.order}}}$ from the"
        f" update: for every smooth {_scope(article, v)}{memory}. It runs the scheme in random finite worlds over prime fields;"
        rf" a false statement would have passed with a probability below $2^{{-{v.bits}}}$."
    )


def _scope(article: LawArticle, v: VerifiedLaw) -> str:
    """For which problems: all, or those of one dimension and number of samples where the text is not linear."""
    problem = "loss" if article.equation.scheme.label == "L" else "vector field"
    if v.epochs:
        counts = listed([f"${m}$" for m in v.epochs])
        return f"{problem} and every dimension, with {counts} batches in an epoch"
    if v.within is None:
        return f"{problem}, every law of the samples and every dimension"
    return f"{problem} in dimension {v.within[0]} and every law of {v.within[1]} samples, as the text is not linear"


def _table(rows: Sequence[str]) -> str:
    if not rows:
        return ""
    body = "\n".join(rows)
    return rf"""
The same program computed laws without sampling, in exact arithmetic, and compared them with the generator; the slope is that of
the difference against $\step$ in doubly logarithmic scale, extrapolated to $\step\to0$.
\begin{{center}}\small
\begin{{tabular}}{{p{{110mm}}ll}}
\toprule
difference & slope & expected \\
\midrule
{body}
\bottomrule
\end{{tabular}}
\end{{center}}"""


# ---------------------------------------------------------------------------------------------- sources


def law_works(article: LawArticle) -> tuple[Work, ...]:
    """What the article cites: the scheme's sources, and who wrote of such equations."""
    epochs = [works()[EPOCHS]] if article.equation.epochs else []
    found = [*cited(article.equation.scheme.reference), works()[ORIGIN], *epochs]
    return tuple({w.key: w for w in found}.values())


def _sources(article: LawArticle) -> str:
    items = [s.strip() for s in article.equation.scheme.reference.split(";") if s.strip()]
    bib = [rf"\bibitem{{source{k}}} {prose(s, PAPER)}.{_in_full(s)}" for k, s in enumerate(items, 1)]
    bib.append(rf"\bibitem{{law}} {escape(str(works()[ORIGIN]))}")
    if article.equation.epochs:
        bib.append(rf"\bibitem{{epochs}} {escape(str(works()[EPOCHS]))}")
    uncited = [f"source{k}" for k in range(1, len(items) + 1)] + ["epochs"] * bool(article.equation.epochs)
    nocite = rf"\nocite{{{','.join(uncited)}}}" if uncited else ""
    return nocite + "\n\\begin{thebibliography}{9}\n" + "\n".join(bib) + "\n\\end{thebibliography}"


def _in_full(text: str) -> str:
    return "".join(rf"\newline {escape(str(work))}" for work in cited(text))
