"""The initial layer: a scheme started from rest, off the slow manifold, and the shifted point from which its flow starts.

    theta_n = sum_k gamma^k sum_m P_{k,m}(n, rho^n) m,    P a polynomial in n and the relaxation factors' powers rho^n

solves the scheme from rest exactly (memory as the scheme's [initial] says, 0 by default; theta_prev = theta).  Without the
decaying parts it is the modified flow started from  theta_0 + gamma c_1 + gamma^2 c_2 + ...,  c_k = P_k(n = 0, rho^n -> 0).
Source: heavy ball c_1 = beta/(1-beta)^2 grad L (initial layer of Kovachki & Stuart, JMLR 22(17), 2021).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.algebra.coefficients import Ratio
from derive.algebra.sequences import coefficient_of_n
from derive.algebra.sums import reduced
from derive.concrete.games import Texts
from derive.concrete.parametric import evaluate
from derive.engine.run import Derivation
from derive.engine.translation import Variant
from derive.equation import ModifiedEquation, TermSum, check_order, modified_equation
from derive.errors import ReductionError
from derive.result import Described, blocks
from derive.scheme import Configuration, Scheme, configure, load_scheme

if TYPE_CHECKING:
    from derive.network.layer import LayerFunction


@dataclass(frozen=True, repr=False)
class InitialLayer(Described):
    """The flow from rest starts, for every slow variable x, at x_0 + sum_k gamma^k shifts[x][k] (shifts[x][0] = 0).

    `transients[x][k]` is the decaying part of x_n at gamma^k; its coefficients contain n and the symbols of `factors`, each
    standing for rho^n: x_n = flow(n gamma) from the shifted point + sum_k gamma^k transients[x][k].
    """

    equation: ModifiedEquation
    shifts: Mapping[str, tuple[TermSum, ...]]
    transients: Mapping[str, tuple[TermSum, ...]]
    factors: Mapping[str, Ratio]

    @property
    def shift(self) -> tuple[TermSum, ...]:
        """theta's."""
        return self.shifts["theta"]

    @property
    def transient(self) -> tuple[TermSum, ...]:
        """theta's."""
        return self.transients["theta"]

    @property
    def unknowns(self) -> tuple[str, ...]:
        """theta, or the players."""
        return tuple(self.equation.scheme.unknowns)

    def evaluate(self, loss: str, at: str | Mapping[str, object], digits: int = 50) -> list[list[str]]:
        """values[k][i]: component i of the shift's coefficient of gamma^k at a point."""
        return self.values(loss, at, digits)["theta"]

    def values(
        self, loss: Texts, at: str | Mapping[str, object], digits: int = 50, variables: Texts | None = None
    ) -> dict[str, list[list[str]]]:
        """The same of every unknown; for the players of a game `loss` gives their losses, `variables` those of each.

        >>> layer = initial_layer("game-negative-momentum", 1, settings={"beta": "-1/2"})
        >>> layer.values("f = x*y; g = -x*y", "x=1,y=3")
        {'x': [['0'], ['-2/3']], 'y': [['0'], ['2/9']]}
        """
        shifts = replace(self.equation, equations={x: self.shifts[x] for x in self.unknowns})
        return dict(evaluate(shifts, loss, at, digits, variables=variables).values)

    def function(self, loss: Any = None, *, backend: str = "jax", field: Any = None) -> LayerFunction:
        """The layer as functions of parameters; arguments as in ModifiedEquation.function.

        `f.start(params, gamma, hyper)` is the point from which the flow starts, `f.transient(n, params, gamma, hyper)` what is
        left of the layer after n steps.
        """
        from derive.network.layer import layer_function

        ring = next(iter(self.transients.values()))[-1].algebra.ring
        return layer_function(self.equation, self.shifts, self.transients, self.factors, ring.names[0], loss, backend, field)

    def describe(self) -> str:
        return f"{self.equation.name}, from rest, through gamma^{len(self.shift) - 1}"

    def to_json(self) -> dict[str, Any]:
        """`shift` and `transient` of theta (lists by power), `factors`: symbol -> rho, the symbol being rho^n; where there are
        slow variables beside theta that move too, `others`: variable -> its `shift` and `transient`; of a game, `players` in
        place of theta's."""
        parts = {x: {"shift": blocks(s), "transient": blocks(self.transients[x])} for x, s in self.shifts.items()}
        others = {x: part for x, part in parts.items() if x not in self.unknowns and any(self.shifts[x])}
        own = parts["theta"] if "theta" in parts else {"players": {x: parts[x] for x in self.unknowns}}
        factors = {"factors": {name: str(rho) for name, rho in self.factors.items()}}
        return own | factors | ({"others": others} if others else {})


def initial_layer(
    scheme: str | Path | Scheme,
    order: int = 1,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> InitialLayer:
    """The shift of the starting point through gamma^order, and the transient, for a scheme started from rest.

    Raises ReductionError where the transient is no finite sum of n^a rho^(b n): under a root or in a denominator (Adam), with
    a factor 0 or one that does not decay, with memory variables that relax together.

    >>> layer = initial_layer("momentum", 1)
    >>> str(layer.shift[1]), str(layer.transient[1])
    ('beta/(1 - beta)**2*grad', '-beta*z/(1 - beta)**2*grad')
    """
    chosen = load_scheme(scheme)
    chosen.require_no_layers("initial-layer")
    configuration = configure(chosen, regime, settings)
    check_order(configuration, order)
    equation = modified_equation(chosen, 0, regime=regime, settings=settings)
    if moved := [*equation.scheme.eliminated, *equation.scheme.units]:
        raise ReductionError(f"{chosen.where}: {', '.join(moved)} does not start at rest in the variables of the equation")
    run = run_from_rest(configuration, max(0, order - 1))
    shifts, transients = {}, {}
    for x in run.slow:
        solution = [run.solution[x][k] if k else {} for k in range(order + 1)]
        settled = [{t: coefficient_of_n(run.sequences.settled(c), 0) for t, c in s.items()} for s in solution]
        moving = [{t: run.sequences.moving(c) for t, c in s.items()} for s in solution]
        shifts[x] = tuple(TermSum(run.algebra, reduced(s)) for s in settled)
        transients[x] = tuple(TermSum(run.algebra, reduced(s)) for s in moving)
    return InitialLayer(equation, shifts, transients, run.sequences.factors)


def run_from_rest(configuration: Configuration, order: int) -> Derivation:
    """The engine from rest through gamma^(order+1).

    Raises ReductionError where the transients are no sum of powers of relaxation factors, or stand under a root.
    """
    probe = Derivation(configuration, 0)
    factors = decaying_factors(probe)
    rest = dict(zip(fresh_names(probe.ring.symbols, len(factors)), factors, strict=True))
    return Derivation(configuration, order, variant=Variant(from_rest=True, rest=rest))


def fresh_names(taken: tuple[str, ...], count: int) -> list[str]:
    """z, or z1, z2, ...; names that are taken are avoided."""
    stem = "z"
    while any(s.startswith(stem) for s in taken):
        stem += "z"
    return [stem] if count == 1 else [f"{stem}{i}" for i in range(1, count + 1)]


def decaying_factors(probe: Derivation) -> list[Ratio]:
    """The distinct relaxation factors; refused where the transient is not a sum of their powers."""
    found: list[Ratio] = []
    for names, polynomial in probe.relaxations():
        memory = ", ".join(n for n in names if n not in probe.scheme.unknowns)
        if len(polynomial) != 2:
            raise probe.fail(f"the memory variables {memory} relax together, which is not a sum of powers of rational factors")
        factor = (-polynomial[0]).reduced()
        if not factor:
            raise probe.fail(f"{memory} relaxes with factor 0: its transient is over after a step and is no sum of n^a rho^(b n)")
        if factor.is_number and abs(factor.number()) >= 1:
            raise probe.fail(f"the transient of {memory} has the factor {factor}, which does not decay, so no flow settles")
        if factor not in found:
            found.append(factor)
    return found
