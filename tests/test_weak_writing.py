"""What is printed of a tied forest has the value of the forest: read by `printed_tensors`, which knows no forest."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from flint import fmpq
from game_maps import Polynomial
from printed_tensors import Data, combined, symmetric_polynomial, transposed
from sample_steps import derivative
from test_weak_values import LOSSES, POINT, WEIGHTS, polynomial, texts

from derive import WeakEquation, inline_scheme, modified_sde
from derive.concrete.sampled_functions import SampledFunctions
from derive.concrete.samples import Samples, parse_samples
from derive.concrete.tied import TiedForests
from derive.noise.forests import Forest, text
from derive.writing.forests import ForestWriter
from derive.writing.series import notation

F = Fraction
ETA = (F(3, 2), F(-2, 5))
FIELDS = (("y**2 + x", "x*y"), ("x**2*y", "x - y**2"), ("x**3", "x**2 + y**3"))
FIELD_POLYNOMIALS = (
    ([("1", (0, 2)), ("1", (1, 0))], [("1", (1, 1))]), ([("1", (2, 1))], [("1", (1, 0)), ("-1", (0, 2))]),
    ([("1", (3, 0))], [("1", (2, 0)), ("1", (0, 3))]),
)  # fmt: skip
UPDATES = {
    "sgd": ("theta = theta - gamma*sgrad(theta)", 4),
    "one sample in two gradients": ("y = theta - gamma*sgrad(theta); theta = theta - gamma*sgrad(y)", 2),
    "langevin": ("theta = theta - gamma*grad(theta) + sqrt(2*gamma)*normal()", 2),
    "both noises": ("theta = theta - gamma*sgrad(theta) + sqrt(2*gamma)*normal()", 1),
    "field": ("theta = theta - gamma*sfield(theta)", 2),
}


def at_point(p: Polynomial) -> Fraction:
    return sum((c * POINT[0] ** m[0] * POINT[1] ** m[1] for m, c in p.items()), F(0))


def of_losses(sample: int, index: tuple[int, ...]) -> Fraction:
    p = polynomial(LOSSES[sample])
    for i in index:
        p = derivative(p, i)
    return at_point(p)


def of_fields(sample: int, index: tuple[int, ...]) -> Fraction:
    p = polynomial(FIELD_POLYNOMIALS[sample][index[0]])
    for i in index[1:]:
        p = derivative(p, i)
    return at_point(p)


def forests_at(equation: WeakEquation, samples: Samples, state: dict[str, tuple[Fraction, ...]]) -> TiedForests:
    exact = {v: [fmpq(x.numerator, x.denominator) for x in components] for v, components in state.items()}
    jets = samples.problem.jets(exact["theta"], 6)
    functions = SampledFunctions(equation.generator, samples, jets, exact, 5, {})
    return TiedForests(equation.generator, samples, jets, exact, functions)


class Case:
    """A generator on the data set, as forests and as printed."""

    def __init__(self, name: str) -> None:
        update, order = UPDATES[name]
        self.equation: WeakEquation = modified_sde(inline_scheme(update), order)
        self.field = "field" in update
        losses = [", ".join(f) for f in FIELDS] if self.field else texts(LOSSES)
        samples = parse_samples(self.equation.configuration, losses, WEIGHTS)
        self.forests = forests_at(self.equation, samples, {"theta": POINT})
        self.data = Data(2, WEIGHTS, of_fields if self.field else of_losses)
        style = notation("ascii").knowing(self.equation.scheme)
        self.writer = ForestWriter(self.equation.generator, style)

    def exact(self, forest: Forest) -> dict[tuple[int, ...], Fraction]:
        return {i: F(int(x.p), int(x.q)) for i, x in self.forests.forest(forest).items()}

    def printed(self, written: Sequence[str]) -> dict[tuple[int, ...], Fraction]:
        halves = [self.data.value(w) for w in written]
        if len(halves) == 2:
            assert halves[1] == transposed(halves[0])
        return symmetric_polynomial(combined([(F(1, len(halves)), h) for h in halves]), 2)


@pytest.mark.parametrize("name", UPDATES)
def test_every_printed_tensor_has_the_value_of_its_forest(name: str) -> None:
    case = Case(name)
    for power in case.equation.powers:
        for forest in (f for f in power.forests if len(f) < 5):
            written = case.writer.written(forest)
            if "kappa" in " ".join(written):
                continue  # joint cumulants of four, which are read as K4 alone
            assert case.printed(written) == case.exact(forest), (text(forest), written)


def test_blocks_beside_the_diagonal_are_not_transposed() -> None:
    """Heavy ball with a slow velocity: of a matrix in the block of theta and eta the rows are theta's."""
    equation = modified_sde("momentum", 3, regime="inertial")
    samples = parse_samples(equation.configuration, texts(LOSSES), WEIGHTS)
    forests = forests_at(equation, samples, {"theta": POINT, "eta": ETA})
    data = Data(2, WEIGHTS, of_losses, {"eta": ETA})
    writer = ForestWriter(equation.generator, notation("ascii").knowing(equation.scheme))
    seen = 0
    for forest in (f for power in equation.diffusion for f in power.forests if len({r.slot for r in f}) > 1):
        block = data.value(writer.written(forest)[0])
        found = {tuple(int(k in (i, 2 + j)) for k in range(4)): x for (i, j), x in block.items() if x}
        assert found == {i: F(int(x.p), int(x.q)) for i, x in forests.forest(forest).items()}, text(forest)
        seen += block != transposed(block)
    assert seen > 1


def test_the_values_tell_tensors_apart() -> None:
    case = Case("sgd")
    found = {text(f): case.writer.written(f) for power in case.equation.powers[:4] for f in power.forests}
    values = {f: tuple(sorted(case.printed(w).items())) for f, w in found.items()}
    assert len({*values.values()}) == len(values)
    assert found["g1 g[g1]"] == ("Sigma hess L", "hess L Sigma")
    assert case.printed(("Sigma",)) != case.printed(("cov(grad L_xi, hess L_xi[grad L])",))


def test_the_reader_of_printed_tensors_reads() -> None:
    data = Data(2, (F(1, 2), F(1, 2)), lambda s, i: F(s + 1) * (1 + sum(i)))
    assert data.value("grad L") == {(0,): F(3, 2), (1,): F(3)}
    assert data.value("Sigma") == data.value("cov(grad L_xi)") == data.value("E delta grad L_xi (x) delta grad L_xi")
    assert data.value("hess L Sigma") == transposed(data.value("Sigma hess L"))
    assert data.value("sym(hess L Sigma)") == data.value("sym(Sigma hess L)") != data.value("hess L Sigma")
