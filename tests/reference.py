"""The catalogue's schemes next to the optimizers whose names they carry.

tests/optimizers.toml has a row for every optimizer that the libraries offer; a row that names a scheme is one of this battery.
Both start at the same point and read the same gradient in float64; the iterates must agree to rounding.  Where a scheme is
the stationary form of an optimizer (no bias correction), the row says `count = 10_000_000`: the optimizer's step counter is
set to that before it starts, which makes its corrections equal to one in float64.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any

from libraries import ADAPTERS, START, Given, Point, gradient, loss, optax_normals

from derive.language import SCHEME_CALLS, parse_expression
from derive.language.maps import map_arities
from derive.scheme import Configuration, configure, load_scheme
from verify.numbers.evaluation import evaluate
from verify.numbers.kinds import OrderedNumbers
from verify.orbits.run import Runner

DATA = Path(__file__).with_name("optimizers.toml")
GAMMA = 0.02


def _power(x: float, r: Fraction) -> float:
    if r == Fraction(1, 2):
        return math.sqrt(x)
    value: float = x ** (int(r) if r.denominator == 1 else float(r))
    return value


class Floats(OrderedNumbers):
    """float64; the sign of zero is zero, as libraries have it."""

    def absolute(self, x: float) -> float:
        return abs(x)

    def sign(self, x: float) -> float:
        return float((x > 0) - (x < 0))


FLOATS = Floats(float, _power)


@dataclass(frozen=True)
class OneLayer:
    """What a text asks of a problem beside gradients: the loss; all components are one layer, as libraries have one tensor."""

    dimension: int = len(START)

    @property
    def layers(self) -> tuple[range, ...]:
        return (range(self.dimension),)

    def value(self, theta: Point) -> float:
        return loss(theta)


@dataclass(frozen=True)
class Reference:
    """One form of one optimizer: the scheme that it is, or why there is none.

    library    torch.optim, optax, optax.contrib, keras.optimizers, pytorch_optimizer
    optimizer  its name there; `form` tells several rows of one optimizer apart
    options    what it is built with; a table with `make` is another optimizer, built first
    make       what is built in its place: a chain with it, where it is no optimizer alone
    scheme     of the catalogue, with `values` for its parameters in `regime`, at the step `gamma`
    memory     what the scheme's memory starts with, as expressions or components, where it is not what its file says
    count      what the optimizer's step counter starts at
    state      more of the optimizer's state to start with
    functions  the scheme's functions of time, as expressions in t and gamma
    key        what the library draws its normal numbers from
    start      where both start, in a tensor of this shape
    samples    of so many samples a gradient has the gradients
    skip       its first steps, in which it does not move
    every      its iterates that are compared: every k-th
    refused    the mathematical reason why there is no equation
    missing    what stands in the way of a scheme today
    """

    library: str
    optimizer: str
    form: str = ""
    scheme: str = ""
    make: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    regime: str | None = None
    gamma: float = GAMMA
    memory: Mapping[str, str | list[float]] = field(default_factory=dict)
    count: int = 0
    state: Mapping[str, float] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    key: int | None = None
    start: Sequence[float] = START
    shape: Sequence[int] = (len(START),)
    samples: int | None = None
    skip: int = 0
    every: int = 1
    note: str = ""
    refused: str = ""
    missing: str = ""

    def __post_init__(self) -> None:
        said = [x for x in (self.scheme, self.refused, self.missing) if x]
        assert len(said) == 1, f"{self}: one of scheme, refused, missing"
        assert self.library in ADAPTERS, self

    def __str__(self) -> str:
        return f"{self.library}.{self.optimizer}" + (f" ({self.form})" if self.form else "")


@cache
def references() -> tuple[Reference, ...]:
    """The rows of the file, in its order."""
    data = tomllib.loads(DATA.read_text("utf-8"))
    return tuple(Reference(library=row.pop("library", library), **row) for library, rows in data["rows"].items() for row in rows)


def versions() -> Mapping[str, str]:
    """Distribution -> the version that the rows were read from."""
    found: dict[str, str] = tomllib.loads(DATA.read_text("utf-8"))["versions"]
    return found


def battery() -> tuple[Reference, ...]:
    return tuple(r for r in references() if r.scheme)


def _at_start(text: str | list[float], reference: Reference, runner: Runner) -> float | list[float]:
    """An expression in theta, gamma, parameters and gradients at the starting point; or the components themselves."""
    if not isinstance(text, str):
        return list(text)
    names = {**runner.parameters(reference.gamma, 0.0), "gamma": reference.gamma, "theta": list(reference.start)}
    calls = {**SCHEME_CALLS, **map_arities(runner.configuration.scheme.maps)}
    value = evaluate(parse_expression(text, f"{reference}, memory", calls), names, FLOATS, runner._call)
    return value if isinstance(value, list) else float(value)


def configured(reference: Reference) -> Configuration:
    """The scheme in its regime, as it is run."""
    scheme = load_scheme(reference.scheme)
    return configure(scheme, reference.regime, noise=scheme.stochastic, pieces=True)


def _time_function(text: str, reference: Reference) -> Callable[[float], float]:
    expression = parse_expression(text, f"{reference}, functions", SCHEME_CALLS)
    known = {"gamma": reference.gamma}
    return lambda t: float(evaluate(expression, known | {"t": t}, FLOATS, lambda name, args: None))


def scheme_iterates(reference: Reference, steps: int, normals: Iterator[list[float]] | None = None) -> list[list[float]]:
    """The iterates of the catalogue's scheme in float64; without `normals` what it draws is zero."""
    functions = {name: _time_function(text, reference) for name, text in reference.functions.items()}
    drawn = normals or repeat([0.0] * len(reference.start))
    runner = Runner(
        configured(reference), gradient, dict(reference.values), FLOATS, functions, problem=OneLayer(len(reference.start)),
        noise=lambda name, args: next(drawn),
    )  # fmt: skip
    state = runner.at_rest({"theta": list(reference.start)}, reference.gamma, 0.0)
    state |= {n: _at_start(text, reference, runner) for n, text in reference.memory.items()}
    path = []
    for n in range(steps):
        state = runner.step(state, reference.gamma, n * reference.gamma)
        path.append(list(state["theta"]))
    return path


def optimizer_iterates(reference: Reference, steps: int) -> list[list[float]]:
    """The iterates of the optimizer; ImportError without its library."""
    r = reference
    given = Given(tuple(r.start), tuple(r.shape), r.count, r.state, r.samples)
    step = ADAPTERS[r.library](r.make or r.optimizer, r.options, given)
    theta, path = list(r.start), []
    for n in range(1 - r.skip, steps * r.every + 1):
        theta = step(theta, gradient(theta))
        if n > 0 and n % r.every == 0:
            path.append(theta)
    return path


def largest_difference(reference: Reference, steps: int = 60) -> float:
    """The largest distance between the two, relative to the size of the point."""
    normals = None if reference.key is None else optax_normals(reference.key, len(reference.start))
    pairs = zip(scheme_iterates(reference, steps, normals), optimizer_iterates(reference, steps), strict=True)
    return max(abs(a - b) / max(1.0, abs(b)) for p, q in pairs for a, b in zip(p, q, strict=True))


__all__ = [
    "Reference", "battery", "configured", "largest_difference", "optimizer_iterates", "references", "scheme_iterates", "versions",
]  # fmt: skip
