"""What a report shows, computed once: equation, modified loss, slopes, certificate.  A part that does not exist is its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import dist
from typing import Any

from derive import ModifiedEquation, modified_equation
from derive.concrete.problem import check_names, parse_point
from derive.errors import DeriveError, UsageError
from derive.readings.loss import ModifiedLoss, loss_of
from derive.scheme import Configuration, Scheme
from derive.scheme.ranges import is_bounded
from verify.numbers.kinds import EXACT
from verify.numbers.power_series import IrrationalRoot, to_fmpq
from verify.numbers.precision import precision
from verify.numeric.routes import orbits_for_plot
from verify.numeric.slopes import SlopeTable, choose_steps, slope_table
from verify.numeric.system import Recorder, build_system, chosen_parameters, layout_of
from verify.orbits.integrate import Flow, IntegrationError
from verify.orbits.slow_balls import NumericError, System
from verify.problems.landscape import Loss
from verify.proof import prove
from verify.report.javascript import Model

LOSS = "x**2/8 + y**2/2 + sin(x)*y/2"
FIELD = "y - x/4; -x - y**3/4"
START = (Fraction(-2), Fraction(-2))
STEPS = 40
_INSIDE = Fraction(1, 4)
Parameters = Mapping[str, Fraction]


@dataclass(frozen=True)
class Request:
    """What the page is asked for."""

    scheme: Scheme
    order: int = 1
    regime: str | None = None
    settings: Mapping[str, str] | None = None
    loss: str | None = None
    at: str | None = None
    gamma: Fraction | None = None
    steps: int = STEPS
    certificate: bool = True
    digits: int = 30


@dataclass(frozen=True)
class Material:
    """Everything the page is written from."""

    request: Request
    equation: ModifiedEquation
    model: Model
    loss: Loss
    parameters: Mapping[str, Fraction]
    start: tuple[Fraction, ...]
    others: tuple[Fraction, ...]
    gamma: Fraction
    potential: ModifiedLoss | str
    table: SlopeTable | str
    certificate: dict[str, Any] | str

    @property
    def contoured(self) -> ModifiedLoss | None:
        """The reading whose potential has contours of its own: the modified loss, or that of the preconditioned flow."""
        return contoured(self.potential)


def contoured(potential: ModifiedLoss | str) -> ModifiedLoss | None:
    """The modified loss where it has a correction, else the one behind the elementwise factor where that has."""
    if isinstance(potential, str):
        return None
    readings = (potential, potential.preconditioned)
    return next((v for v in readings if v is not None and any(v.potential[1:])), None)


def gather(request: Request, announce: Callable[[int], None] = lambda done: None) -> Material:
    """Derive, read, measure and prove; `announce` is told how many of STAGES are done.

    Raises UsageError for a loss that is not two-dimensional, and what `modified_equation` raises.
    """
    request.scheme.require_plain("report")
    equation, longer = (
        modified_equation(request.scheme, n, regime=request.regime, settings=request.settings, force=n > request.order)
        for n in (request.order, request.order + 1)
    )
    announce(1)
    loss = two_dimensional(request)
    parameters = usual_parameters(equation.configuration)
    start = starting_point(loss, request.at)
    potential = _potential(equation)
    shown = contoured(potential)
    blocks = shown.to_json()["potential"] if shown is not None else []
    model = Model(equation.configuration, equation.to_json(), longer.to_json(), loss, blocks)
    announce(2)
    system = build_system(equation.configuration, equation.to_json(), loss, parameters, start)
    table = _slopes(system, request.digits)
    announce(3)
    proof = _certificate(equation) if request.certificate else "not asked for"
    announce(STAGES)
    others = _others(equation, loss, parameters, start)
    gamma = request.gamma or _gamma(system, equation, loss, parameters, start)
    return Material(request, equation, model, loss, parameters, start, others, gamma, potential, table, proof)


STAGES = 4


def usual_parameters(configuration: Configuration) -> dict[str, Fraction]:
    """Values inside every range: 1/2, 3/4, ... where it ends, so that the second memory forgets more slowly than the first.

    >>> from derive import configure, load_scheme
    >>> usual_parameters(configure(load_scheme("adam")))["beta2"]
    Fraction(3, 4)
    """
    chosen = chosen_parameters(configuration)
    factors = [n for n in chosen if is_bounded(configuration.scheme.parameters.get(n))]
    return chosen | {n: 1 - Fraction(1, 2 ** (k + 1)) for k, n in enumerate(factors)}


def two_dimensional(request: Request) -> Loss:
    """The loss (or field) of the pictures.

    Raises UsageError for another number of variables than two.
    """
    is_field = request.scheme.label == "f"
    loss = Loss(request.loss or (FIELD if is_field else LOSS), is_field)
    if loss.dimension != 2:
        what = "field" if is_field else "loss"
        raise UsageError(
            f"a report draws the plane: the {what} '{loss.text}' has {loss.dimension} variable{'s' * (loss.dimension != 1)} "
            f"({', '.join(loss.variables)}); write one with two, such as {FIELD if is_field else LOSS}"
        )
    return loss


def starting_point(loss: Loss, at: str | None) -> tuple[Fraction, ...]:
    """The point given, else one from which the default loss is instructive."""
    if at is None:
        return START
    point = parse_point(at)
    check_names(point, loss.variables)
    return tuple(point[v] for v in loss.variables)


def _potential(equation: ModifiedEquation) -> ModifiedLoss | str:
    try:
        return loss_of(equation)
    except DeriveError as error:
        return str(error).removeprefix(f"{equation.scheme.where}: ")


def _slopes(system: System, digits: int) -> SlopeTable | str:
    try:
        return slope_table(system, digits)
    except (NumericError, IntegrationError, ArithmeticError) as error:
        return str(error) or type(error).__name__


def _certificate(equation: ModifiedEquation) -> dict[str, Any] | str:
    from verify.certificate.writing import certificate

    statement = equation.to_json()
    try:
        proof = prove(equation.configuration, statement["equations"], statement["memory"])
        if not proof.proved:
            return str(proof)
        return certificate(equation.configuration, statement["equations"], statement["memory"]) | {"proof": str(proof)}
    except Exception as error:  # a proof that cannot be completed is no reason against the page
        return " ".join(str(error).split()) or type(error).__name__


def _gamma(system: System, equation: ModifiedEquation, loss: Loss, parameters: Parameters, theta: Sequence[Fraction]) -> Fraction:
    """A step for which the eye tells the flows apart: the largest at which the modified flow stays near the iterates, close
    against the path's length and well closer than the limit flow; else a cautious one."""
    try:
        base = choose_steps(system, Flow(system.fields, system.slow_size), None, None)[1]
    except (NumericError, IntegrationError, ArithmeticError):
        return Fraction(1, 20)
    for factor in (48, 32, 24, 16, 12, 8, 6, 4, 3, 2):
        if _instructive(equation, loss, parameters, theta, _round(base * factor)):
            return _round(base * factor)
    return _round(base)


def _round(x: Fraction) -> Fraction:
    """Two significant decimal digits."""
    return Fraction(f"{float(x):.1e}")


def _instructive(
    equation: ModifiedEquation, loss: Loss, parameters: Parameters, theta: Sequence[Fraction], gamma: Fraction
) -> bool:
    try:
        orbits = orbits_for_plot(equation.configuration, equation.to_json(), parameters, loss, theta, gamma)
    except (NumericError, IntegrationError, ArithmeticError):
        return False
    if len(orbits.modified) < len(orbits.iterates) or len(orbits.limit) < len(orbits.iterates):
        return False
    limit, modified = (max(map(dist, path, orbits.iterates)) for path in (orbits.limit, orbits.modified))
    length = sum(map(dist, orbits.iterates, orbits.iterates[1:]))
    return modified < min(limit / 2.5, length / 25) or limit == modified < length / 25


def _others(equation: ModifiedEquation, loss: Loss, parameters: Parameters, theta: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Where the slow coordinates besides theta start: as users start them where the field exists there (time at one)."""
    layout = layout_of(equation.configuration, equation.to_json(), loss)
    runner = Recorder(equation.configuration, layout, loss, parameters).runner(EXACT)
    one = to_fmpq(Fraction(1))
    try:
        state = runner.at_rest([to_fmpq(x) for x in theta], one, one) | {"t": one}
    except (IrrationalRoot, ArithmeticError):
        state = {}
    slots = [(n, high - low) for n, (low, high) in layout.slots.items() if n != "theta" and n not in layout.memory]
    at_rest = {n: _fractions(state.get(n, to_fmpq(_INSIDE)), size) for n, size in slots}
    inside = {n: [Fraction(1) if n == "t" else _INSIDE] * size for n, size in slots}
    chosen = at_rest if _exists(equation, loss, parameters, theta, at_rest) else inside
    return tuple(x for values in chosen.values() for x in values)


def _fractions(value: Any, size: int) -> list[Fraction]:
    items = value if isinstance(value, list) else [value] * size
    return [Fraction(int(x.p), int(x.q)) for x in items]


def _exists(
    equation: ModifiedEquation,
    loss: Loss,
    parameters: Parameters,
    theta: Sequence[Fraction],
    others: Mapping[str, list[Fraction]],
) -> bool:
    """Whether every coefficient of the field is finite there."""
    system = build_system(equation.configuration, equation.to_json(), loss, parameters, theta, others)
    try:
        with precision(100):
            return all(c.is_finite() for vector in Flow(system.fields, system.slow_size).value(system.start) for c in vector)
    except (IntegrationError, ArithmeticError):
        return False


__all__ = [
    "FIELD",
    "LOSS",
    "STAGES",
    "Material",
    "Request",
    "contoured",
    "gather",
    "starting_point",
    "two_dimensional",
    "usual_parameters",
]
