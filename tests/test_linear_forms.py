"""Update texts on linear forms: against the text executed on numbers, against each other, and what is refused where."""

from __future__ import annotations

import pytest
from flint import fmpq

from derive.algebra.coefficients import Ratio, Ring
from derive.engine.run import Derivation
from derive.errors import DeriveError, ReductionError
from derive.paper.multistep import multistep
from derive.scheme import Configuration, catalogue, configure, inline_scheme, load_scheme
from derive.scheme.linear_map import linear_map
from derive.trees.program import compile_scheme
from verify.numbers.evaluation import evaluate
from verify.numbers.kinds import EXACT


def _linear_schemes() -> list[tuple[str, str | None]]:
    found = []
    for name in catalogue():
        for regime in load_scheme(name).regimes or [None]:
            try:
                linear_map(configure(load_scheme(name), regime))
            except DeriveError:
                continue
            found.append((name, regime))
    return found


def _at(c: Ratio, values: dict[str, fmpq]) -> fmpq:
    ring = Ring(())
    number = c.substitute({n: ring.one.scaled(v) for n, v in values.items()}, ring).reduced().number()
    return fmpq(number.numerator, number.denominator)


def _executed(configuration: Configuration, state: dict[str, fmpq], ahead: fmpq, values: dict[str, fmpq]) -> dict[str, fmpq]:
    """One step on numbers, by the interpreter of `verify`, with grad(x) = h x, hess(x, u) = h u and theta_next given."""

    def call(function: str, args: list[fmpq]) -> fmpq:
        assert function in ("grad", "L..")
        return values["h"] * args[-1]

    names = values | {n: evaluate(e, values, EXACT, call) for n, e in configuration.bindings.items()}
    names |= state | {"theta_next": ahead}
    for a in configuration.scheme.program:
        names[a.target] = evaluate(a.value, names, EXACT, call)
    if "theta_prev" not in configuration.scheme.assigned:
        names["theta_prev"] = state["theta"]
    return {s: names[s] for s in state}


@pytest.mark.parametrize(("name", "regime"), _linear_schemes())
def test_the_matrix_is_the_step(name: str, regime: str | None) -> None:
    """The matrix times a state is what the update does to it; theta_next is consistent with itself."""
    found = linear_map(configure(load_scheme(name), regime))
    values = {s: fmpq(i + 2, 2 * i + 7) for i, s in enumerate(found.ring.symbols)}
    state = {s: fmpq(3 - 2 * i, i + 5) for i, s in enumerate(found.states)}
    rows = [[_at(c, values) for c in row] for row in found.matrix]
    new = {s: sum((c * x for c, x in zip(row, state.values(), strict=True)), fmpq(0)) for s, row in zip(state, rows, strict=True)}
    assert _executed(found.configuration, state, new["theta"], values) == new


@pytest.mark.parametrize("name", ["gd", "momentum", "adams-bashforth-2", "bdf2", "leapfrog-two-step", "ogda", "implicit-euler"])
def test_a_multistep_scheme_has_the_characteristic_polynomial_of_its_linear_map(name: str) -> None:
    """On L = h theta^2/2 the scheme sum rho_j theta = gamma sum sigma_j f(theta) has the polynomial rho + gamma h sigma."""
    c = configure(load_scheme(name))
    scheme = multistep(Derivation(c, 1))
    assert scheme is not None
    found = linear_map(c)
    q = found.ring.symbol("gamma") * found.ring.symbol("h")
    pairs = zip(scheme.rho, scheme.sigma, strict=True)
    expected = [r.substitute({}, found.ring) + q * s.substitute({}, found.ring) for r, s in pairs]
    polynomial = found.polynomial()
    assert len(polynomial) == len(expected)
    assert all(a * expected[-1] == b * polynomial[-1] for a, b in zip(polynomial, expected, strict=True))


REFUSED = [
    ("theta = theta - gamma/(1 - 1)*grad(theta)", ", line 1, column 17: ", "division by zero"),
    ("theta = theta - gamma*(beta - beta)**-1*grad(theta)", ", line 1, column 23: ", "division by zero"),
    ("theta = theta_next - gamma*grad(theta)", ": ", "theta_next cancels from its own equation"),
]


@pytest.mark.parametrize(("text", "place", "problem"), REFUSED)
def test_an_update_without_a_value_is_refused_by_every_reader(text: str, place: str, problem: str) -> None:
    for read in (linear_map, compile_scheme):
        with pytest.raises(ReductionError) as caught:
            read(configure(inline_scheme(text)))
        assert str(caught.value).startswith(f"scheme update{place}")
        assert problem in str(caught.value)


LINE = "v = beta*v - gamma*grad(theta)\ntheta = "
OUTSIDE = [
    ("theta*v", 2, 9, "vectors may be multiplied by numbers only"),
    ("theta + v/theta", 2, 17, "vectors may be multiplied by numbers only"),
    ("theta + sqrt(v*v)", 2, 17, "sqrt(...) is not affine in the state"),  # the call; on quadratics, the product in it
    ("theta + v**2", 2, 17, "only numbers may be raised to a power"),
]


@pytest.mark.parametrize(("value", "line", "column", "problem"), OUTSIDE)
def test_what_is_not_linear_is_refused_at_its_place(value: str, line: int, column: int, problem: str) -> None:
    c = configure(inline_scheme(LINE + value))
    with pytest.raises(ReductionError) as caught:
        compile_scheme(c)
    assert f"line {line}, column {column}: not a pure tree scheme: {problem}" in str(caught.value)
    with pytest.raises(ReductionError) as caught:
        linear_map(c)
    column += len("sqrt(") * ("sqrt" in value)
    assert f"line {line}, column {column}: on a quadratic loss the update is not a linear map" in str(caught.value)


def test_a_vector_that_vanishes_is_still_no_number() -> None:
    compile_scheme(configure(inline_scheme("v = theta - theta; theta = theta + v - gamma*grad(theta)")))
    for zero in ("0", "beta - beta", "0*beta", "0/beta"):
        with pytest.raises(ReductionError, match="a constant is added to a vector"):
            compile_scheme(configure(inline_scheme(f"v = {zero}; theta = theta + v - gamma*grad(theta)")))
    assert linear_map(configure(inline_scheme("v = 0; theta = theta + v - gamma*grad(theta)"))).states == ("theta",)
