"""The result: G as forests, drift, diffusion matrix, what is beyond, and what the letters mean."""

from __future__ import annotations

from derive.paper.law.context import LawArticle
from derive.writing.latex import fragment, words
from derive.writing.weak_words import meanings


def result_section(article: LawArticle) -> str:
    report, style = article.report, article.style
    drift = fragment([words(f"in the words of a stochastic differential equation {report.sde} with", style), *report.sde_lines()])
    first, *rest = report.beyond_lines()
    beyond = fragment([words(first, style), *rest])
    said = fragment([words(s, style) for s in meanings(report.to)])
    return rf"""\section{{The result}}\label{{sec:result}}
{drift}
{beyond}
\paragraph{{Where}} {said}
{_square_root(article)}"""


def _square_root(article: LawArticle) -> str:
    s, d = article.report.fresh("S"), article.report.fresh("D")
    if not any(map(len, article.equation.diffusion)):
        return ""
    return (
        rf"The matrix ${d}$ is a series in $\step$ and positive as such at most: its root ${s}$ is to be taken of the series cut"
        " off where it is positive, or expanded. Times are bounded: at times of the order $1/\\step$ other limits exist."
    )
