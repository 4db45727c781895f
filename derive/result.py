"""What a run of the engine found, as data: linear combinations of terms, and a modified equation made of them.

    theta' = f_0(theta) + gamma f_1(theta) + ... + gamma^N f_N(theta)               (form 'flow')
    theta+ = theta + gamma (m_0(theta) + gamma m_1(theta) + ... )                   (form 'map')

Results are equal when they say the same: coefficients as functions of their parameters, combinations as functions for every
loss, whatever algebra each was derived in.  They pickle and copy; a copy has an algebra of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.algebra.calculus import Transfer, same
from derive.algebra.coefficients import Ratio
from derive.algebra.frozen import Frozen, freeze, thaw
from derive.algebra.inequalities import Inequality
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Term, combination_text, term_text
from derive.language import statement_text, unparse
from derive.scheme import Configuration, Scheme
from derive.scheme.masks import componentwise
from derive.scheme.schedule import Schedule

#: an equation of a branch holds where its conditions hold at every component, or at those where they hold
EVERY, EACH = "every component", "each component"
MAX_SHOWN = 100  # characters of a combination at the prompt


class Described:
    """At the prompt a result is one line: <Kind what it is about, in short>."""

    def describe(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.describe()}>"


@dataclass(frozen=True, eq=False, repr=False)
class Combination:
    """A linear combination of terms in normal form; iterate for (coefficient, term) pairs in a fixed order.

    A term that is a rooted tree tau appears with the coefficient b(tau)/sigma(tau): b of the literature, divided by the
    symmetry of the tree, with the sign of F(tau) for f = -grad L taken into the coefficient.

    >>> from derive.algebra.coefficients import Ring
    >>> a = Algebra(Ring(["beta"])); g = a.node_sum("L", [])
    >>> f = Combination(a, a.scale(g, -a.ring.symbol("beta")))
    >>> str(f), [(str(c), str(t)) for c, t in f]
    ('-beta*grad', [('-beta', 'grad')])
    """

    algebra: Algebra
    sum: Sum

    def __iter__(self) -> Iterator[tuple[Ratio, Term]]:
        return ((c, t) for t, c in self.algebra.sorted(self.sum))

    def __len__(self) -> int:
        return len(self.sum)

    def __bool__(self) -> bool:
        return bool(self.sum)

    @cached_property
    def by_text(self) -> Mapping[str, Ratio]:
        """Term in the formula language -> coefficient."""
        return {term_text(t): c for c, t in self}

    def __eq__(self, other: object) -> bool:
        """Equality as functions, for every loss (partial fractions resolve what normal forms leave)."""
        if not isinstance(other, Combination):
            return NotImplemented
        if self.algebra is other.algebra:
            return same(self.algebra, self.sum, other.sum)
        common = self.algebra.beside(other.algebra)
        return same(common, *(Transfer(a.algebra, common)(a.sum) for a in (self, other)))

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return combination_text((t, c) for c, t in self) if self.sum else "0"

    def __repr__(self) -> str:
        text = str(self)
        return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}... ({len(self)} terms)"

    def __reduce__(self) -> tuple[Any, ...]:
        return _thawed, (type(self), self.algebra, freeze(self.sum))

    def to_json(self) -> list[dict[str, str]]:
        return [{"coefficient": str(c), "term": term_text(t)} for c, t in self]


def _thawed(kind: type[Combination], algebra: Algebra, data: Frozen) -> Combination:
    return kind(algebra, thaw(algebra, data))


Blocks = Mapping[int, Combination] | Sequence[Combination]  # by power of gamma


def by_power(sums: Blocks, first_power: int = 0) -> Iterator[tuple[int, Combination]]:
    """(power of gamma, its coefficient); a sequence starts at `first_power`."""
    yield from sums.items() if isinstance(sums, Mapping) else enumerate(sums, first_power)


def blocks(sums: Blocks) -> list[dict[str, Any]]:
    """JSON: [{"power": k, "terms": [{"coefficient": ..., "term": ...}]}, ...]."""
    return [{"power": k, "terms": s.to_json()} for k, s in by_power(sums)]


@dataclass(frozen=True, repr=False)
class Relaxation(Described):
    """Memory variables that relax together: the roots of the polynomial (coefficients from z^0 up) are the factors.

    One variable: the factor is -polynomial[0].  A two-step scheme's parasitic root is of this kind.  Where the factors depend on
    the point there is no polynomial: a small change u of the memory becomes `images` (linear in the variables) after a step, and
    `formula` u where that is a product, which `decays` if it is proved to lie between -1 and 1 at every point.  Memory that
    relaxes by gamma^`pace`, pace > 0, loses gamma^pace `images` of it, and `decays` where `formula` is proved to be positive.
    """

    variables: tuple[str, ...]
    polynomial: tuple[Ratio, ...]
    images: tuple[Combination, ...] = ()
    formula: Combination | None = None
    decays: bool = False
    pace: Fraction = Fraction(0)

    @property
    def factor(self) -> Ratio | None:
        """The relaxation factor where there is exactly one."""
        return -self.polynomial[0] if len(self.polynomial) == 2 else None

    def describe(self) -> str:
        if self.pace:
            return f"{', '.join(self.variables)}: by gamma^({self.pace}) a step"
        if self.images:
            return f"{', '.join(self.variables)}: {f'factor {self.formula}' if self.formula else 'factors of the point'}"
        what = f"factor {self.factor}" if self.factor is not None else f"{len(self.polynomial) - 1} factors"
        return f"{', '.join(self.variables)}: {what}"

    def to_json(self) -> dict[str, Any]:
        if self.images:
            pace = {"pace": str(self.pace)} if self.pace else {}
            factor = {} if self.formula is None else {"factor": self.formula.to_json()}
            images = {x: image.to_json() for x, image in zip(self.variables, self.images, strict=True)}
            return {"variables": list(self.variables), **pace, **factor, "map": images}
        return {"variables": list(self.variables), "polynomial": [str(p) for p in self.polynomial]}


@dataclass(frozen=True, repr=False)
class Equation(Described):
    """The modified equation of a scheme in a regime, through gamma^order.

    `equations[x][k]` is the coefficient of gamma^k for the slow variable x, `memory[v][k]` that of a memory variable on the
    slow manifold, `residual_power` the power of gamma through which the solution, put back, left no residual.  Where the text has
    branches, `conditions` say where this one holds.
    """

    configuration: Configuration
    order: int
    form: str
    equations: Mapping[str, tuple[Combination, ...]]
    memory: Mapping[str, tuple[Combination, ...]]
    relaxations: tuple[Relaxation, ...]
    residual_power: int
    algebra: Algebra = field(compare=False)
    conditions: tuple[Inequality, ...] = field(default=(), compare=False)

    @property
    def scheme(self) -> Scheme:
        return self.configuration.scheme

    @property
    def name(self) -> str:
        """The scheme and its regime."""
        return named(self.configuration)

    def describe(self) -> str:
        return f"{self.name}, {self.form}, through {self.scheme.power(self.order + (self.form == 'map') * self.scheme.root)}"

    def scheme_kind(self, variable: str) -> str:
        """'vector' or 'scalar' for a variable of the result."""
        return next((k for v, k in self.scheme.kinds.items() if self.configuration.symbol(v) == variable), "vector")

    def space(self, variable: str) -> str:
        """The unknown in whose space a variable of the result lies."""
        return next((s for v, s in self.scheme.spaces.items() if self.configuration.symbol(v) == variable), "")

    def to_json(self) -> dict[str, Any]:
        """The documented, stable JSON form (docs/reference/json.md)."""
        c = self.configuration
        return {
            **origin(c, self.order),
            "form": self.form,
            "update": self.scheme.update,
            "label": self.scheme.label,
            **declarations(self.scheme),
            "parameters": {n: unparse(e) for n, e in c.bindings.items()},
            "functions": {n: None if f is None else function_text(f) for n, f in c.functions.items()} | map_texts(c),
            "equations": {x: blocks(sums) for x, sums in self.equations.items()},
            "memory": {v: blocks(sums) for v, sums in self.memory.items()},
            "relaxation": [r.to_json() for r in self.relaxations],
            "residual_zero_through": self.residual_power,
            **self.region(),
        }

    def region(self) -> dict[str, Any]:
        """JSON: where the equation of a branch holds, and the branch."""
        if self.scheme.region is None:
            return {}
        branch = [statement_text(s) for s in self.scheme.branch]
        return {"condition": [str(c) for c in self.conditions], "holds": self.holds, "branch": branch}

    @property
    def holds(self) -> str:
        """How conditions about vectors are meant: of every component, or of each alone where none reads another one."""
        if not any(c.componentwise for c in self.conditions):
            return ""
        moving = any(c.power > 0 for c in self.conditions)  # a coefficient of gamma knows how the other components move
        return EACH if not moving and componentwise(self.scheme, self.order) else EVERY


def origin(c: Configuration, order: int) -> dict[str, Any]:
    """The JSON keys with which every equation begins: which scheme, in which regime, to which order."""
    scheme = c.scheme
    return {"scheme": scheme.name, "title": scheme.title, "reference": scheme.reference, "regime": c.regime, "order": order}


def declarations(scheme: Scheme) -> dict[str, Any]:
    """JSON: the unknowns and the losses of them, of a scheme that declares losses; maps with what its file says of them; states
    that are functions of the others, with the lags in their place; units in which memory that grows is carried; the root of gamma
    in which powers are counted."""
    losses = {f: list(slots) for f, slots in scheme.losses.items()}
    small = {"expansion": f"gamma**(1/{scheme.root})"} if scheme.root > 1 else {}
    found: dict[str, Any] = small | ({"unknowns": dict(scheme.unknowns), "losses": losses} if losses else {})
    found |= {"maps": dict(scheme.map_words)} if scheme.maps else {}
    found |= {"eliminated": {z: unparse(e) for z, e in scheme.eliminated.items()}} if scheme.eliminated else {}
    found |= {"lags": {a.target: unparse(a.value) for a in scheme.lines if a.target in scheme.lags}} if scheme.lags else {}
    return found | ({"units": {v: unparse(e) for v, e in scheme.units.items()}} if scheme.units else {})


def map_texts(c: Configuration) -> dict[str, str | None]:
    """JSON: what declared maps are, where that is set."""
    return {n: c.maps[n].text if n in c.maps else None for n in c.scheme.maps}


def named(configuration: Configuration) -> str:
    """A scheme and its regime in a few words."""
    return configuration.scheme.name + (f", regime {configuration.regime}" if configuration.regime else "")


def function_text(setting: object) -> str:
    """A concrete time function as text: an expression in t, or a schedule with its parameters."""
    return str(setting) if isinstance(setting, Schedule) else unparse(setting)  # type: ignore[arg-type]
