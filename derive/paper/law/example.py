"""A worked example: the generator at a point of the losses of a few samples, every value exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from derive.errors import DeriveError
from derive.language import Operation, parse_expression
from derive.language.calls import LOSS_CALLS
from derive.paper.law.context import LawArticle
from derive.scheme import inline_scheme
from derive.weak_equation import OnLosses, modified_sde
from derive.writing.expression import typed
from derive.writing.formulas import gamma_power
from derive.writing.latex import align
from derive.writing.linebreak import Summand, block
from derive.writing.standing import listed
from derive.writing.weak_values import indexed

if TYPE_CHECKING:
    from derive.concrete.expectation import Expectation

MAX_VALUES = 60


def example_section(article: LawArticle) -> str:
    """Empty where there are no losses, or where those that stand for the reader's have no value."""
    if article.data is None:
        return ""
    try:
        found = article.data.evaluate(article.at())
    except DeriveError:
        if article.example is not None and article.example.own:
            raise
        return ""
    g, d, epochs = article.report.fresh("G"), article.report.fresh("D"), article.equation.epochs
    where = listed([f"${typed(n, article.style)} = {typed(str(x), article.style)}$" for n, x in found.point.items()])
    drawn = "in every epoch each of these batches comes once" if epochs else "drawn with the probabilities"
    return rf"""\section{{An example}}
Take the samples
{align(_samples(article))}
{drawn}{_probabilities(article)}. {_moments(article, article.data, found)}With $[\partial]\,{g}$ for the coefficient of the
derivative $\partial$ of ${article.report.phi}$ in ${g}${f", at {where}" if where else ""},
{align(_values(article, found))}
The rows with one derivative are the components of the drift; of the diffusion matrix ${d}$ an entry of the diagonal is
twice the row of a square, another the row of its two derivatives (both orders together).{_third(found)}"""


def _samples(article: LawArticle) -> list[str]:
    assert article.data is not None
    name = article.style.symbol(article.equation.scheme.label)
    lines = []
    for k, said in enumerate(article.data.samples.to_json(), 1):
        if isinstance(said, dict):
            lines += [rf"{article.style.symbol(f)}_{{{k}}} ={{}}& {typed(str(e), article.style)}" for f, e in said.items()]
        else:
            each = said if isinstance(said, list) else [said]
            shown = r",\; ".join(typed(str(e), article.style) for e in each)
            lines.append(rf"{name}_{{{k}}} ={{}}& " + (rf"\left({shown}\right)" if len(each) > 1 else shown))
    return lines


def _probabilities(article: LawArticle) -> str:
    assert article.data is not None
    if article.equation.epochs:
        return ""
    weights = listed([f"${typed(str(w), article.style)}$" for w in article.data.samples.weights])
    return f" {weights}"


def _values(article: LawArticle, found: Expectation) -> list[str]:
    """One row a derivative, its value a series in gamma."""
    g, rows = article.report.fresh("G"), dict[str, list[Summand]]()
    for k, power in enumerate(found.values):
        for index, x in power.items():
            rows.setdefault(index, []).append(_summand(article, k, x))
    by = sorted(rows, key=lambda index: len(indexed(index, found.names)))
    entries = [(rf"[{_partial(article, index, found)}]\,{g}", rows[index]) for index in by[:MAX_VALUES]]
    return block(entries)


def _partial(article: LawArticle, index: str, found: Expectation) -> str:
    by = Counter(typed(n, article.style) for n in indexed(index, found.names))
    return "".join(rf"\partial_{{{n}}}" + (f"^{{{e}}}" if e > 1 else "") for n, e in by.items())


def _summand(article: LawArticle, k: int, value: str) -> Summand:
    front = gamma_power(k, article.style)
    written, sign = typed(value, article.style), "+"
    if front and _is_sum(value):
        written = rf"\left({written}\right)"
    elif written.startswith("-") and not _is_sum(value):
        written, sign = written.removeprefix("-"), "-"
    return Summand(sign, (r"\, ".join(x for x in (front, written) if x),))


def _is_sum(value: str) -> bool:
    try:
        e = parse_expression(value, "value", LOSS_CALLS)
    except DeriveError:
        return False
    return isinstance(e, Operation) and e.op in ("+", "-")


def _third(found: Expectation) -> str:
    beyond = any(len(indexed(i, found.names)) > 2 for power in found.values for i in power)
    return " Rows with three derivatives and more belong to no stochastic differential equation." if beyond else ""


# ---------------------------------------------------------------------------------------------- mean and covariance


def _moments(article: LawArticle, data: OnLosses, found: Expectation) -> str:
    """Mean and covariance matrix of the gradients at the point, by plain arithmetic with numbers."""
    names = data.samples.problem.variables
    numbers = all(n in found.point for n in names)
    if article.equation.scheme.label != "L" or article.equation.scheme.losses or not numbers or data.samples.problem.parameters:
        return ""
    mean, covariance = mean_and_covariance(data, {n: found.point[n] for n in names})
    if not all(isinstance(x, Fraction | int) for x in (*mean, *(x for row in covariance for x in row))):
        return ""
    def write(x: object) -> str:
        return typed(str(x), article.style)

    vector = r",\; ".join(map(write, mean))
    matrix = r"\\ ".join(" & ".join(map(write, row)) for row in covariance)
    space = r"\renewcommand{\arraystretch}{1.25}"
    return (
        rf"There $\gradL = ({vector})$ and ${{{space}\Sigma = \begin{{pmatrix}} {matrix} \end{{pmatrix}}}}$,"
        " the mean and the covariance of the gradients of the samples. "
    )


def mean_and_covariance(data: OnLosses, point: dict[str, Fraction]) -> tuple[list[Fraction], list[list[Fraction]]]:
    """Of plain SGD: G_0 is minus the mean gradient, and the second derivatives at gamma^1 have half the covariance.

    >>> data = modified_sde("gd", 1).on_losses(["x**2/2", "x**2/2 + x*y"])
    >>> mean_and_covariance(data, {"x": Fraction(1), "y": Fraction(2)})
    ([Fraction(2, 1), Fraction(1, 2)], [[Fraction(1, 1), Fraction(1, 2)], [Fraction(1, 2), Fraction(1, 4)]])
    """
    names, plain = data.samples.problem.variables, modified_sde(inline_scheme("theta = theta - gamma*grad(theta)"), 1)
    texts = [str(e) for e in data.samples.to_json()]
    values = plain.on_losses(texts, data.samples.weights).evaluate({n: str(x) for n, x in point.items()})
    first, second = (dict(_by_names(values, k)) for k in (0, 1))
    mean = [-first.get((a,), Fraction(0)) for a in names]
    return mean, [[second.get(tuple(sorted((a, b))), Fraction(0)) * (2 if a == b else 1) for b in names] for a in names]


def _by_names(values: Expectation, power: int) -> Iterator[tuple[tuple[str, ...], Fraction]]:
    for index, x in values[power].items():
        yield tuple(sorted(indexed(index, values.names))), x
