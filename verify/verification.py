"""All routes of one scheme in one table.

    proof  +  slopes  +  coefficients recovered  +  closed forms on quadratics  [+ from rest]   ->   verdict

`verified`: proved over prime fields (for all parameter values in their ranges), and confirmed by every route that ran.
`refuted`: some route found a difference.  `not proved`: no route found one, but the proof was not completed.  Where it was not,
exact orbits are compared too, at rational points if there are any, which gives a counterexample that a person can check.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive import ModifiedEquation
from derive.errors import UsageError
from derive.scheme import Configuration
from verify.counterexample.claimed import claimed_field
from verify.counterexample.comparison import Comparison, Mismatch, compare
from verify.counterexample.given import GivenLoss, check_given_loss, coordinates
from verify.counterexample.smaller import smaller
from verify.counterexample.specialise import is_special_case, with_arbitrary_functions
from verify.counterexample.wording import counterexample_json
from verify.orbits.branches import branch_text, real_text
from verify.proof import Proof, prove
from verify.proof.repeats import at, numbers_of_steps, written
from verify.proof.statement import claim_calls

#: what every numerical route takes first: configuration, JSON form of the result, parameter values
Shared = tuple[Configuration, Mapping[str, Any], Mapping[str, Fraction]]
Stated = tuple[Configuration, Mapping[str, Any]]
TYPICAL = 3  # a number of repetitions for routes that need one


@dataclass
class Verification:
    """What every route found; a route that could not run leaves its reason in `skipped`."""

    equation: ModifiedEquation
    proof: Proof | None = None
    exact: Comparison | None = None  # where there is no proof
    counterexample: Mismatch | None = None
    special_case: bool | None = None  # of the equation proved for every r(t), where a time function was set
    given: GivenLoss | None = None
    choice: Any = None  # of a branch: whether the text takes it where the conditions hold, and nowhere else
    table: Any = None
    recovery: Any = None
    quadratic: Any = None
    rest: Any = None
    loss: str = ""
    parameters: Mapping[str, Fraction] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def refuted_by(self) -> list[str]:
        routes = {
            "proof": self.proof is not None and self.proof.verdict == "refuted",
            "exact": self.exact is not None and self.exact.refuted,
            "special case": self.special_case is False,
        }
        for name in ("given", "choice", "table", "recovery", "quadratic"):
            result = getattr(self, name)
            routes[name] = result is not None and not result.confirmed
        return [{"table": "slopes", "recovery": "recovered", "choice": "region"}.get(n, n) for n, bad in routes.items() if bad]

    @property
    def verdict(self) -> str:
        if self.refuted_by:
            return "refuted"
        chosen = self.equation.scheme.region is None or self.choice is not None
        return "verified" if self.proof is not None and self.proof.proved and chosen else "not proved"

    def to_json(self) -> dict[str, Any]:
        """The documented keys; exact numbers as text."""
        e, configuration = self.exact, self.equation.configuration
        c = self.equation.region() if self.equation.scheme.region else None
        return {
            "scheme": configuration.scheme.name,
            "regime": configuration.regime,
            "order": self.equation.order,
            "verdict": self.verdict,
            "refuted_by": self.refuted_by,
            "proof": self.proof.to_json() if self.proof else None,
            "exact_first_nonzero_power": e.step.first_nonzero_power if e else None,
            "exact_remark": e.step.remark if e else "",
            "argument": str(self.proof) if self.proof else "",
            "special_case": self.special_case,
            "counterexample": counterexample_json(self.counterexample) if self.counterexample else None,
            **({} if c is None else {"region": {**c, "checked": self.choice.to_json() if self.choice else None}}),
            "slopes": list(self.table.slopes) if self.table else None,
            "slopes_table": self.table.to_json() if self.table else None,
            "recovered": self.recovery.to_json() if self.recovery else None,
            "quadratic": self.quadratic.to_json() if self.quadratic else None,
            "from_rest": self.rest.to_json() if self.rest else None,
            "loss": self.loss,
            "given_loss": self.given.to_json() if self.given else None,
            "parameters": {n: str(v) for n, v in self.parameters.items()},
            "skipped": dict(self.skipped),
            "seconds": {n: round(s, 3) for n, s in self.seconds.items()},
        }

    @contextmanager
    def route(self, name: str, announce: Callable[[str], None]) -> Any:
        """Runs a route; arithmetic that cannot be done is a reason to skip it, never a verdict."""
        announce(name)
        begin = time.perf_counter()
        try:
            yield
        except (ArithmeticError, UsageError) as error:
            self.skipped[name] = str(error) or type(error).__name__
        finally:
            self.seconds[name] = time.perf_counter() - begin


def overall(reports: Sequence[Verification]) -> str:
    """The verdict on all regions: refuted if one is, verified if all are."""
    verdicts = [r.verdict for r in reports]
    return next((v for v in ("refuted", "not proved") if v in verdicts), "verified")


@dataclass(frozen=True)
class Options:
    """What `verify scheme` was asked for.  Raises UsageError for a figure that could not be written."""

    loss: str | None = None
    losses: int = 1
    seed: int = 0
    digits: int = 60
    from_rest: bool = False
    plot: str | None = None

    def __post_init__(self) -> None:
        if self.plot is not None:
            from verify.numeric.plot import check_figure_name

            check_figure_name(self.plot)


def verify_scheme(
    equation: ModifiedEquation,
    options: Options,
    announce: Callable[[str], None] = lambda name: None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Run every route on a derived equation.

    Raises UsageError for input that no route can use.
    """
    if options.plot:
        equation.scheme.require_whole_powers("a figure is drawn of runs over one time")
    if equation.scheme.losses and (options.loss or options.plot):
        raise UsageError("--loss and --plot are for schemes of one loss L(theta); declared losses are random polynomials here")
    if equation.scheme.layered and (options.loss or options.plot):
        raise UsageError("--loss and --plot know no layers; a scheme that sums over layers is run on random polynomials here")
    verification = Verification(equation)
    if options.loss and not equation.scheme.losses:
        coordinates(equation.configuration, options.loss)
    data = equation.to_json()
    general = with_arbitrary_functions(equation)
    with verification.route("proof", announce):
        statement = general.to_json()
        branch = branch_text(general.configuration)
        verification.proof = prove(branch, statement["equations"], _of_states(branch, statement["memory"]))
        if general is not equation:
            verification.special_case = is_special_case(equation, general, options.seed)
    proof, symbols = verification.proof, numbers_of_steps(equation.configuration)
    numbers = (proof.numbers if proof else {}) or dict.fromkeys(symbols, TYPICAL)
    if proof is None or not proof.proved:
        with verification.route("exact", announce):
            branch, stated = _at(branch_text(general.configuration), general.to_json(), numbers)
            _compare(verification, (branch, {**stated, "memory": _of_states(branch, stated["memory"])}), options, progress)
    configuration, stated = _at(equation.configuration, data, numbers)
    if options.loss:
        with verification.route("given loss", announce):
            configuration.scheme.require_whole_powers("exact orbits are series")
            claim = claimed_field(branch_text(configuration), stated["equations"], stated["memory"])
            verification.given = check_given_loss(claim, options.loss, options.seed, options.digits)
    verification.parameters = {n: Fraction(k) for n, k in numbers.items()}
    _numerical(verification, configuration, stated, options, announce)
    return verification


def _of_states(configuration: Configuration, memory: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of the memory of a branch; what only its conditions read is none of it."""
    names = {configuration.symbol(s) for s in configuration.scheme.states}
    return {m: said for m, said in memory.items() if m in names}


def _at(configuration: Configuration, data: Mapping[str, Any], numbers: Mapping[str, int]) -> Stated:
    """A scheme and what is claimed of it, with these numbers of repetitions."""
    if not numbers:
        return configuration, data
    calls = claim_calls(configuration)
    return at(configuration, numbers), {**data, **{key: written(data[key], numbers, calls) for key in ("equations", "memory")}}


def _compare(
    verification: Verification, stated: Stated, options: Options, progress: Callable[[int, int], None] | None
) -> None:
    configuration, statement = stated
    claim = claimed_field(configuration, statement["equations"], statement["memory"])
    verification.exact = found = compare(claim, options.seed, points=max(2, options.losses), progress=progress)
    if found.mismatches:
        verification.counterexample = smaller(claim, found.mismatches[0], options.seed)


def _numerical(
    verification: Verification,
    configuration: Configuration,
    data: Mapping[str, Any],
    options: Options,
    announce: Callable[[str], None],
) -> None:
    from verify.numeric import routes
    from verify.numeric.quadratic import check_quadratic
    from verify.numeric.regions import check_choice, start_inside
    from verify.numeric.system import chosen_parameters
    from verify.problems.landscape import Loss

    order, chosen = verification.equation.order, chosen_parameters(real_text(configuration))
    verification.parameters = {**verification.parameters, **chosen}
    if options.loss:
        loss: Any = Loss(options.loss, data["label"] == "f")
    else:
        loss = routes.rich_problem(configuration, min(order + 3, 5), options.seed)
    verification.loss = loss.text
    theta, others = routes.random_point(loss.dimension, options.seed), None
    if configuration.scheme.region is not None:
        with verification.route("region", announce):
            losses = [loss] if options.loss else [loss, *(routes.rich_problem(configuration, 5, k) for k in range(1, 6))]
            loss, (theta, others), chosen = start_inside(real_text(configuration), data, losses, chosen, options.seed)
            verification.loss = loss.text
            verification.choice = check_choice(configuration, data, loss, chosen, options.seed)
        if verification.choice is None:
            return
    verification.parameters = {**verification.parameters, **chosen}
    shared: Shared = (configuration, data, chosen)
    with verification.route("slopes", announce):
        verification.table = routes.check_slopes(*shared, loss, theta, options.digits, others)
    with verification.route("recovered", announce):
        configuration.scheme.require_whole_powers("coefficients are recovered")
        verification.recovery = routes.recover_coefficients(*shared, seed=options.seed)
    with verification.route("quadratic", announce):
        configuration.scheme.require_whole_powers("closed forms are series")
        found = check_quadratic(branch_text(configuration), data, chosen, 12)
        if found.applicable:
            verification.quadratic = found
        else:
            verification.skipped["quadratic"] = found.reason
    if options.from_rest:
        with verification.route("from rest", announce):
            configuration.scheme.require_whole_powers("starts from rest are followed")
            verification.rest = routes.check_from_rest(*shared, loss, theta, min(options.digits, 30))
    if options.plot:
        _plot(verification, shared, loss, theta, options)


def _plot(verification: Verification, shared: Shared, loss: Any, theta: Sequence[Fraction], options: Options) -> None:
    """The figure on the loss given, else on one whose orbits stay bounded (the routes' own loss is a random polynomial)."""
    from verify.numeric import plane, routes
    from verify.numeric.plot import save_figure
    from verify.problems.landscape import Loss

    table, route = verification.table, "slopes"
    if not options.loss:
        table, route = None, "figure"
        loss, theta = Loss(plane.FIELD if loss.is_field else plane.LOSS, loss.is_field), plane.START
        with verification.route(route, lambda name: None):
            table = routes.check_slopes(*shared, loss, theta, options.digits)
    if table is None:
        raise UsageError(f"--plot: the slopes could not be measured: {verification.skipped.get(route, '')}")
    orbits = None
    if loss.dimension == 2:
        try:
            orbits = plane.orbits_for_plot(*shared, loss, theta, parts=4)
        except ArithmeticError as error:
            verification.skipped["orbits"] = str(error)
    save_figure(str(options.plot), table, verification.equation.scheme.title, orbits, _captions(verification, loss))


def _captions(verification: Verification, loss: Any) -> str:
    """The regime, the loss and the parameters of a figure, in a line."""
    from verify.numeric.plot import letter, readable

    regime = verification.equation.configuration.regime
    values = [f"{letter(n)} = {v}" for n, v in verification.parameters.items()]
    problem = f"{'f' if loss.is_field else 'L'} = {readable(loss.text)}"
    return "; ".join(x for x in (f"regime {regime}" if regime else "", problem, ", ".join(values)) if x)
