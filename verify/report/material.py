"""What a report shows, computed once: equation, modified loss, slopes, certificate.  A part that does not exist is its reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from derive import ModifiedEquation, modified_equation
from derive.concrete.names import check_names, parse_point
from derive.errors import DeriveError, UsageError
from derive.readings.loss import ModifiedLoss, loss_of
from derive.scheme import Configuration, Scheme
from derive.scheme.ranges import is_bounded
from verify.numbers.kinds import EXACT
from verify.numbers.power_series import IrrationalRoot, to_fmpq
from verify.numbers.precision import precision
from verify.numeric.plane import FIELD, LOSS, START, instructive_step
from verify.numeric.slopes import SlopeTable, slope_table
from verify.numeric.system import Recorder, build_system, chosen_parameters, layout_of
from verify.orbits.integrate import Flow, IntegrationError
from verify.orbits.slow_balls import NumericError, System
from verify.problems.game import divided
from verify.problems.landscape import Loss
from verify.problems.plane_game import Planar, PlaneGame
from verify.problems.problem import check_coordinates
from verify.proof import prove
from verify.report.drawn_maps import drawn_settings
from verify.report.javascript import Model
from verify.report.players import GameModel, plane_game, require_drawn
from verify.report.scaling import set_numbers

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
    """Everything the page is written from.

    `parameters` are the values of the equation's free parameters; `opened` those at which the sliders stand first, with the
    numbers that were set: the model of the pictures leaves these free.
    """

    request: Request
    equation: ModifiedEquation
    model: Model
    loss: Planar
    parameters: Mapping[str, Fraction]
    opened: Mapping[str, Fraction]
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
    request.scheme.require_no_layers("report")
    if request.scheme.losses:
        require_drawn(request.scheme)
    request = replace(request, settings=drawn_settings(request.scheme, request.settings or {}))
    equation, longer = (
        modified_equation(request.scheme, n, regime=request.regime, settings=request.settings, force=n > request.order)
        for n in (request.order, request.order + 1)
    )
    announce(1)
    loss = two_dimensional(request, equation.configuration.free)
    parameters = usual_parameters(equation.configuration)
    start = starting_point(loss, request.at)
    potential = _potential(equation)
    model = _sliding_model(request, equation, potential, loss) or _model(equation, longer, potential, loss)
    announce(2)
    system = build_system(equation.configuration, equation.to_json(), loss, parameters, start)
    table = _slopes(system, request.digits)
    announce(3)
    proof = _certificate(equation) if request.certificate else "not asked for"
    announce(STAGES)
    others = _others(equation, loss, parameters, start)
    gamma = request.gamma or instructive_step(equation.configuration, equation.to_json(), parameters, loss, start)
    opened = set_numbers(equation.configuration) | parameters
    opened = {n: opened[n] for n in model.parameters}
    return Material(request, equation, model, loss, parameters, opened, start, others, gamma, potential, table, proof)


STAGES = 4


def _model(equation: ModifiedEquation, longer: ModifiedEquation, potential: ModifiedLoss | str, loss: Planar) -> Model:
    shown = contoured(potential)
    blocks = shown.to_json()["potential"] if shown is not None else []
    kind: type[Model] = GameModel if isinstance(loss, PlaneGame) else Model
    return kind(equation.configuration, equation.to_json(), longer.to_json(), loss, blocks)


def _sliding_model(request: Request, equation: ModifiedEquation, potential: ModifiedLoss | str, loss: Planar) -> Model | None:
    """The model in which parameters set to numbers are free again; None where none is, or the pictures would be others."""
    numbers = set_numbers(equation.configuration)
    if not numbers:
        return None
    settings = {n: text for n, text in (request.settings or {}).items() if n not in numbers}
    try:
        general, longer = (
            modified_equation(request.scheme, n, regime=request.regime, settings=settings, force=n > request.order)
            for n in (request.order, request.order + 1)
        )
        found = _potential(general)
    except DeriveError:
        return None
    same = (contoured(found) is None) == (contoured(potential) is None)
    return _model(general, longer, found, loss) if same else None


def usual_parameters(configuration: Configuration) -> dict[str, Fraction]:
    """Values inside every range: 1/2, 3/4, ... where it ends, so that the second memory forgets more slowly than the first.

    >>> from derive import configure, load_scheme
    >>> usual_parameters(configure(load_scheme("adam")))["beta2"]
    Fraction(3, 4)
    """
    chosen = chosen_parameters(configuration)
    factors = [n for n in chosen if is_bounded(configuration.scheme.parameters.get(n))]
    return chosen | {n: 1 - Fraction(1, 2 ** (k + 1)) for k, n in enumerate(factors)}


def two_dimensional(request: Request, free: Collection[str] = ()) -> Planar:
    """The loss (or field, or game) of the pictures.

    Raises UsageError for another number of variables than two, and for a parameter of the scheme, or a `free` one, among them.
    """
    if request.scheme.losses:
        return plane_game(request.scheme, request.loss, [*request.scheme.parameters, *free])
    is_field = request.scheme.label == "f"
    what = "field" if is_field else "loss"
    loss = Loss(request.loss or (FIELD if is_field else LOSS), is_field)
    if request.loss:
        check_coordinates(loss.variables, {*request.scheme.parameters, *free}, what)
    if loss.dimension != 2:
        raise UsageError(
            f"a report draws the plane: the {what} '{loss.text}' has {loss.dimension} variable{'s' * (loss.dimension != 1)} "
            f"({', '.join(loss.variables)}); write one with two, such as {FIELD if is_field else LOSS}"
        )
    return loss


def starting_point(loss: Planar, at: str | None) -> tuple[Fraction, ...]:
    """The point given, else one from which the default loss is instructive."""
    if at is None:
        return START
    point = parse_point(at)
    check_names(point, loss.variables)
    return tuple(point[v] for v in loss.variables)


def _potential(equation: ModifiedEquation) -> ModifiedLoss | str:
    if equation.scheme.losses:
        return "each player has its own"
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
    from verify.certificate.writing import certificate, decided

    statement = equation.to_json()
    try:
        proof = prove(equation.configuration, statement["equations"], statement["memory"])
        if not proof.proved:
            return str(proof)
        own = certificate(equation.configuration, statement["equations"], statement["memory"])
        return dict(decided(own)) | {"proof": str(proof)}
    except Exception as error:  # a proof that cannot be completed is no reason against the page
        return " ".join(str(error).split()) or type(error).__name__


def _others(equation: ModifiedEquation, loss: Planar, parameters: Parameters, theta: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Where the slow coordinates besides theta start: as users start them where the field exists there (time at one)."""
    layout = layout_of(equation.configuration, equation.to_json(), loss)
    runner = Recorder(equation.configuration, layout, loss, parameters).runner(EXACT)
    one = to_fmpq(Fraction(1))
    try:
        state = runner.at_rest(divided([to_fmpq(x) for x in theta], loss.sizes), one, one) | {"t": one}
    except (IrrationalRoot, ArithmeticError):
        state = {}
    slots = [(n, high - low) for n, (low, high) in layout.slots.items() if n not in (*layout.unknowns, *layout.memory)]
    at_rest = {n: _fractions(state.get(n, to_fmpq(_INSIDE)), size) for n, size in slots}
    inside = {n: [Fraction(1) if n == "t" else _INSIDE] * size for n, size in slots}
    chosen = at_rest if _exists(equation, loss, parameters, theta, at_rest) else inside
    return tuple(x for values in chosen.values() for x in values)


def _fractions(value: Any, size: int) -> list[Fraction]:
    items = value if isinstance(value, list) else [value] * size
    return [Fraction(int(x.p), int(x.q)) for x in items]


def _exists(
    equation: ModifiedEquation,
    loss: Planar,
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
