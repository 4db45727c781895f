"""The signs of polynomials in the parameters, and the size of factors, wherever the parameters are in their stated ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.sums import Sum
from derive.algebra.terms import Factor
from derive.engine.signs import signs_of
from derive.reals import All, Budget, Proved, compare, decide
from derive.scheme import Configuration

MOST_ATOMS = 4  # of a factor that is decided


def signs_in_ranges(configuration: Configuration, ring: Ring) -> Callable[[Ratio], int]:
    """p -> 1 where p >= 0, -1 where p <= 0 on all ranges, 0 where neither is proved.

    >>> from derive.scheme import configure, inline_scheme, load_scheme
    >>> ring = Ring(["beta"]); beta = ring.symbol("beta")
    >>> sign = signs_in_ranges(configure(load_scheme("momentum")), ring)  # 0 <= beta < 1
    >>> sign(beta - ring.one), sign(beta), sign(beta - ring.constant(2) * beta * beta)
    (-1, 1, 0)
    """
    ranges = signs_of(configuration).given
    known: dict[str, int] = {}

    def proved(value: Ratio, op: str) -> bool:
        return isinstance(decide(compare(value, op, ring.zero), ranges), Proved)

    def sign(value: Ratio) -> int:
        if value.key not in known:
            known[value.key] = 1 if proved(value, ">=") else -1 if proved(value, "<=") else 0
        return known[value.key]

    return sign


def decays(configuration: Configuration, factor: Sum) -> bool:
    """Whether -1 < A < 1 is proved for a factor A, its derivatives, variables and scalar products being any real numbers.

    >>> from fractions import Fraction; from derive.algebra.sums import Algebra
    >>> from derive.scheme import configure, load_scheme
    >>> a = Algebra(Ring(["rho"])); g, one = a.node_sum("L", []), a.constant(a.ring.one)
    >>> bounded = a.scale(a.power(a.add(a.product(g, g), one), Fraction(-1)), a.ring.symbol("rho"))  # rho/(1 + g^2)
    >>> [decays(configure(load_scheme("rmsprop"), "memory"), x) for x in (bounded, a.add(bounded, one))]
    [True, False]
    """
    atoms = {f: f"x{i}" for i, f in enumerate(dict.fromkeys(_atoms(factor)))}
    if not factor or len(atoms) > MOST_ATOMS:
        return not factor
    source = next(iter(factor.values())).ring
    ring = Ring([*source.symbols, *atoms.values()])
    total = _ratio(factor, atoms, ring)
    if total is None:
        return False
    signs = [compare(ring.symbol(x), ">=", ring.zero) for f, x in atoms.items() if f.positive]
    claim = All((compare(total, "<", ring.one), compare(-total, "<", ring.one)))
    return isinstance(decide(claim, All((signs_of(configuration).given, *signs)), Budget(seconds=1)), Proved)


def _atoms(total: Sum) -> Iterator[Factor]:
    """What a sum is a rational function of."""
    for term in total:
        for f, _ in term.factors:
            yield from _atoms(dict(f.body)) if f.kind == "base" else (f,)


def _ratio(total: Sum, atoms: Mapping[Factor, str], ring: Ring) -> Ratio | None:
    """The sum as a rational function of its atoms, where no roots are in it."""
    result = ring.zero
    for term, c in total.items():
        product = c.substitute({}, ring)
        for f, e in term.factors:
            value = _ratio(dict(f.body), atoms, ring) if f.kind == "base" else ring.symbol(atoms[f])
            if value is None or not isinstance(e, int):
                return None
            product = product * (value**e if e > 0 else value.inverse() ** -e)
        result = result + product
    return result.reduced()
