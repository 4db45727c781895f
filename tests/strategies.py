"""Random losses, points and update texts for the property tests."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from hypothesis import strategies as st
from oracle import Polynomial

small = st.fractions(min_value=-2, max_value=2, max_denominator=4)
nonzero = small.filter(bool)


@st.composite
def losses(draw: st.DrawFn, size: int, degree: int = 4) -> Polynomial:
    """A random polynomial of total degree <= degree in `size` variables, coupled as it comes."""
    exponents = [k for k in product(range(degree + 1), repeat=size) if 1 <= sum(k) <= degree]
    chosen = draw(st.lists(st.sampled_from(exponents), min_size=2, max_size=6, unique=True))
    loss = {k: draw(nonzero) for k in chosen}
    for i in range(size):  # a slope in every direction, so that no term vanishes by accident
        unit = tuple(1 if j == i else 0 for j in range(size))
        loss[unit] = draw(nonzero)
    return loss


def points(size: int) -> st.SearchStrategy[list[Fraction]]:
    return st.lists(small, min_size=size, max_size=size)


def _number(draw: st.DrawFn) -> str:
    return str(draw(st.fractions(min_value=-1, max_value=1, max_denominator=3).filter(bool)))


@st.composite
def tree_schemes(draw: st.DrawFn) -> str:
    """A random update text whose terms are products of trees: momentum-like memory, stages, two-step parts, products."""
    lines: list[str] = []
    for i in range(draw(st.integers(0, 2))):
        inner = f"k{i - 1}" if i else "grad(theta)"
        lines.append(f"k{i} = grad(theta + ({_number(draw)})*gamma*{inner})")
    gradient = f"k{len(lines) - 1}" if lines else "grad(theta)"
    if draw(st.booleans()):
        a = draw(st.fractions(min_value=Fraction(-2, 3), max_value=Fraction(2, 3), max_denominator=3))
        lines.append(f"m = ({a})*m + ({_number(draw)})*{gradient}")
        gradient = f"(m + ({_number(draw)})*grad(theta))"
    if draw(st.booleans()):
        lines.append(f"q = ({draw(st.sampled_from(['1/2', '1/3', '-1/2']))})*q + grad(theta)*grad(theta)")
        gradient = f"({gradient} + ({_number(draw)})*q)"
    if draw(st.booleans()):
        gradient = f"({gradient} + ({_number(draw)})*dot(grad(theta), {gradient})*theta)"
    two_step = draw(st.booleans())
    old = f" + ({draw(st.sampled_from(['1/2', '-1/3', '1/4']))})*(theta - theta_prev)" if two_step else ""
    lines.append(f"theta = theta{old} - gamma*{gradient}")
    return "; ".join(lines)


# ---------------------------------------------------------------------------------------------- expressions of the algebra


@st.composite
def ratios(draw: st.DrawFn, symbols: tuple[str, ...] = ("a", "b"), depth: int = 3, inverses: bool = True) -> str:
    """A rational function as text, such as (a + 2)*(b - 1/2)/(1 - a)."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from([*symbols, "1", "2", "-1/2", "3/4", "0"]))
    x, y = (draw(ratios(symbols, depth - 1, inverses)) for _ in range(2))
    return f"({x}) {draw(st.sampled_from(['+', '-', '*', '*', '/'] if inverses else ['+', '-', '*']))} ({y})"


LEAVES = ("grad", "grad", "theta", "u", "eta", "s", "a", "1", "2", "-1/2")


@st.composite
def terms(draw: st.DrawFn, depth: int = 2, leaves: tuple[str, ...] = LEAVES, powers: bool = True) -> str:
    """A product, derivative, contraction or power as text of the formula language."""
    if depth == 0:
        return draw(st.sampled_from(leaves))
    inner = lambda: draw(terms(depth - 1, leaves, powers))
    kinds = ["leaf", "product", "product", "hess", "d3", "dot"] + ["abs", "square", "root", "inverse"] * powers
    match draw(st.sampled_from(kinds)):
        case "product":
            return f"({inner()})*({inner()})"
        case "hess":
            return f"hess({inner()})"
        case "d3":
            return f"d3({inner()}, {inner()})"
        case "dot":
            return f"dot({inner()}, {inner()})"
        case "abs":
            return f"abs({draw(sums(depth - 1, leaves, powers))})"
        case "square":
            return f"({draw(sums(depth - 1, leaves, powers))})**2"
        case "root":
            return f"(({inner()})**2 + {draw(st.sampled_from(['a', 'b', '1', '(u)**2']))})**({draw(st.sampled_from(ROOTS))})"
        case "inverse":
            return f"(abs({inner()}) + {draw(st.sampled_from(['a', '1']))})**({draw(st.sampled_from(['-1', '-2', '1/2']))})"
    return draw(st.sampled_from(leaves))


ROOTS = ("1/2", "-1/2", "-1", "-2", "-3/2", "3/2")


@st.composite
def sums(draw: st.DrawFn, depth: int = 2, leaves: tuple[str, ...] = LEAVES, powers: bool = True) -> str:
    """One to three terms with coefficients."""
    count = draw(st.integers(1, 3))
    pieces = [f"({draw(st.sampled_from(COEFFICIENTS))})*({draw(terms(depth, leaves, powers))})" for _ in range(count)]
    return draw(st.sampled_from([" + ", " - "])).join(pieces)


COEFFICIENTS = ("1", "-1", "2", "1/2", "a", "b", "1/(1 - a)", "a*b/(1 + b)**2")
