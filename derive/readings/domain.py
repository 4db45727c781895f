"""The stated ranges of a scheme's parameters as one statement about those that occur."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.factored import unwrapped
from derive.errors import DeriveError, UsageError
from derive.language import Name, names_of, parse_expression
from derive.readings.bounds import by_powers
from derive.readings.formula import limited
from derive.reals import All, Compare, Formula, Proved, compare, decide, example, ratio_of, real_roots
from derive.reals.formula import names_in
from derive.result import Equation
from derive.scheme import Configuration
from derive.scheme.ranges import comparisons

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Range:
    """One chain of comparisons, '0 <= beta < 1', as a statement; `bounds` are (op, number) where it is about one name."""

    text: str
    formula: Formula
    bounds: tuple[tuple[str, Fraction], ...] | None
    derived: bool  # the parameter is an expression in the free ones

    @property
    def names(self) -> set[str]:
        return names_in(self.formula)


def domain(configuration: Configuration, used: Iterable[str], given: Sequence[Range] = ()) -> tuple[Range, ...]:
    """The ranges that say something about the names in use: those of parameters, those of parameters that a regime or a
    setting made expressions in them, and gamma > 0.  What follows from the others is left out; so are ranges that a setting
    violates, and those of the parameters that `given` is about."""
    ring = Ring(sorted(used))
    stated_here = [n for n in configuration.scheme.parameters if not any(n in g.names for g in given)]
    found = [r for n in stated_here if (r := _range(configuration, n, ring)) is not None]
    if "gamma" in ring.symbols and not any("gamma" in g.names for g in given):
        found.append(Range("gamma > 0", compare(ring.symbol("gamma"), ">", ring.zero), ((">", Fraction(0)),), False))
    if example(_all([*given, *found])) is None:
        found = [r for r in found if not r.derived]
    return tuple(_independent(found, given))


def left_open(configuration: Configuration) -> Iterator[str]:
    """One sentence for every parameter set to an expression that leaves its range for some of the free parameters.

    >>> from derive.scheme import configure, load_scheme
    >>> [note[:60] for note in left_open(configure(load_scheme("qhm"), None, {"nu": "2*beta"}))]
    ["nu = 2*beta is in the scheme's range 0 <= nu <= 1 only where"]
    """
    scheme = configuration.scheme
    ring = Ring(sorted({*configuration.free, "gamma"}))
    found = {n: r for n in scheme.parameters if (r := _range(configuration, n, ring)) is not None}
    others = _all([r for n, r in found.items() if n not in configuration.settings])
    for name, text in configuration.settings.items():
        if (r := found.get(name)) is not None and not isinstance(decide(r.formula, others), Proved):
            yield (
                f"{name} = {text} is in the scheme's range {scheme.parameters[name].range} only where {r.text}; elsewhere the "
                "formulas still solve the scheme's equation, but its iterates need not follow them"
            )


def stated_ranges(names: Iterable[str], *equations: Equation) -> Formula:
    """The ranges of the parameters among the names, of all equations."""
    used = set(names)
    return _all([r for e in equations for r in domain(e.configuration, used)])


def nonzero(values: Iterable[Ratio], q: str, given: Sequence[Range]) -> tuple[Range, ...]:
    """That the denominators without q do not vanish, where the ranges leave it open: no scheme is there.

    >>> ring = Ring(["q", "b"]); b = ring.symbol("b")
    >>> [r.text for r in nonzero([ring.symbol("q") / (ring.one - b)], "q", ())]
    ['b != 1']
    >>> nonzero([b.inverse()], "q", stated({"b": ("0", "1")}))
    ()
    """
    found: list[Range] = []
    for value in values:
        for f in (Ratio(value.ring, value.ring.factors[i], ()) for i, _ in value.den):
            formula = Compare(f, "!=")
            if q not in f.symbols() and not isinstance(decide(formula, _all([*given, *found])), Proved):
                found.append(_nonzero(f, formula))
    return tuple(found)


def _nonzero(f: Ratio, formula: Formula) -> Range:
    names = sorted(f.symbols())
    roots = real_roots([c.number() for c in by_powers(f.num, f.ring, names[0])]) if len(names) == 1 else []
    rational = [x for x in roots if isinstance(x, Fraction)]
    if len(names) > 1 or len(rational) < len(roots):
        return Range(f"{unwrapped(str(f))} != 0", formula, None, False)
    return Range(" and ".join(f"{names[0]} != {x}" for x in rational), formula, tuple(("!=", x) for x in rational), False)


def satisfiable(ranges: Sequence[Range], where: str) -> None:
    """UsageError where no parameters lie in all ranges: anything would be true of them."""
    if example(_all(ranges)) is None:
        raise UsageError(f"{where}: no parameters satisfy {' and '.join(r.text for r in ranges)}")


def stated(ranges: Mapping[str, tuple[str, ...]], where: str = "for") -> tuple[Range, ...]:
    """{beta = ["0", "1"]} as open ranges between two numbers or expressions, or without bound, ["0", "oo"].

    >>> [r.text for r in stated({"beta": ("0", "1"), "lam": ("0", "oo")})]
    ['0 < beta < 1', '0 < lam']
    """
    found = []
    for name, ends in ranges.items():
        if len(ends) != 2:
            raise UsageError(f"{where}: '{name}' needs two bounds, {name} = [\"0\", \"1\"]")
        chain = [c for c in ((ends[0], "<", name), (name, "<", ends[1])) if not {"oo", "-oo"} & set(c)]
        names = {n for e in (*ends, name) for n in names_of(limited(parse_expression(e, where))) if n != "oo"}
        ring = Ring(sorted(names))
        found.append(_chain(chain, name, ring, {}))
    return tuple(found)


def _all(ranges: Sequence[Range]) -> Formula:
    return All(tuple(r.formula for r in ranges))


def _independent(found: list[Range], given: Sequence[Range]) -> list[Range]:
    kept = list(found)
    for r in found:
        rest = [x for x in kept if x is not r]
        if isinstance(decide(r.formula, _all([*given, *rest])), Proved):
            kept = rest
    return kept


def _range(configuration: Configuration, name: str, ring: Ring) -> Range | None:
    """None where it has no stated range, or one about numbers alone or about names out of use."""
    binding = None if name in configuration.free else configuration.bindings.get(name)
    chain = comparisons(configuration.scheme.parameters[name])
    try:
        values = {} if binding is None else {name: ratio_of(binding, ring)}
        found = _chain(chain, name, ring, values)
    except (DeriveError, ValueError, ZeroDivisionError):
        return None
    return found if chain and any(_names(chain, values)) else None


def _names(chain: Sequence[tuple[str, str, str]], values: Mapping[str, Ratio]) -> Iterator[str]:
    for left, _, right in chain:
        for side in (left, right):
            for n in names_of(parse_expression(side, "range")):
                yield from values[n].symbols() if n in values else (n,)


def _chain(chain: Sequence[tuple[str, str, str]], name: str, ring: Ring, values: Mapping[str, Ratio]) -> Range:
    def value(text: str) -> Ratio:
        e = parse_expression(text, "range")
        return values[e.id] if isinstance(e, Name) and e.id in values else ratio_of(e, ring)

    sides = [chain[0][0], *(right for _, _, right in chain)] if chain else []
    texts = [unwrapped(str(value(s).reduced())) for s in sides]
    text = "".join(f"{a} {op} " for a, (_, op, _) in zip(texts, chain, strict=False)) + (texts[-1] if texts else "")
    parts = tuple(compare(value(a), op, value(b)) for a, op, b in chain)
    bounds: list[tuple[str, Fraction]] = []
    for left, op, right in chain:
        if right == name and name not in values and value(left).is_number:
            bounds.append((_FLIPPED[op], value(left).number()))
        elif left == name and name not in values and value(right).is_number:
            bounds.append((op, value(right).number()))
    return Range(text, All(parts), tuple(bounds) if len(bounds) == len(chain) else None, bool(values))
