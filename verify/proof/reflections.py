"""What a reflection theta_i -> -theta_i of one coordinate does to a text: it turns the losses into losses, the gradient's
component i into its negative, and every variable's into itself (even) or its negative (odd), if the text is made of

    odd * odd = even,  odd + odd = odd,  |odd| = even,  grad(odd) = odd,  d^(k+1)L[odd, ..] = odd,  dot(odd, odd) = even ...

Then a claim with the same parities that holds at one choice of signs of the odd quantities holds at all.  Positivity that
can be read off a text is found here too.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

from derive.language import Call, Expression, Name, Number, Operation, constant
from derive.language.calls import KNOWN_FUNCTIONS, partial_of
from derive.language.layers import DOTS, NORMS, summed_call
from derive.language.maps import MapKind, map_of
from derive.language.matrices import MATRIX_CALLS
from derive.scheme.names import ahead, previous
from verify.proof.statement import DERIVATIVES, Statement, denominator_of

Parity = int | None  # 0 even, 1 odd, None zero: both


class Mixed(Exception):
    """A reflection does not act on this text by signs."""


@dataclass
class Parities:
    """Parities of trees given those of names; arguments of signs and absolute values that are odd are kept in `odd`."""

    functions: Mapping[str, object]
    maps: Mapping[str, MapKind] = field(default_factory=dict)
    inverses: Mapping[str, str] = field(default_factory=dict)
    odd: set[int] = field(default_factory=set)
    points: dict[str, int] = field(default_factory=dict)  # map -> the parity of all points at which it is taken

    def of(self, node: Expression, names: Mapping[str, Parity], known: dict[int, Parity] | None = None) -> Parity:
        if known is not None and id(node) in known:
            return known[id(node)]
        found = self._of(node, names, known)
        if known is not None:
            known[id(node)] = found
        return found

    def _of(self, node: Expression, names: Mapping[str, Parity], known: dict[int, Parity] | None) -> Parity:
        match node:
            case Number(value):
                return None if value == 0 else 0
            case Name(word):
                return names.get(word, 0)
            case Operation("**", (base, exponent)):
                return self._power(self.of(base, names, known), constant(exponent))
        assert isinstance(node, Operation | Call)
        args = [self.of(a, names, known) for a in node.args]
        if isinstance(node, Call):
            return self._call(node, args)
        if node.op == "neg":
            return args[0]
        return _product(args) if node.op in "*/" else _same(args)

    def _power(self, base: Parity, exponent: Fraction | None) -> Parity:
        if exponent is None or (base == 1 and exponent.denominator % 2 == 0):
            raise Mixed
        return base if base is None else base * (exponent.numerator % 2)

    def _call(self, node: Call, args: list[Parity]) -> Parity:
        name, partial = node.function, partial_of(node.function)
        if name in MATRIX_CALLS:
            raise Mixed  # the reflection of one component is none of its row or column
        if name == "loss" or (partial and not partial.variables):
            if 0 in args:
                raise Mixed
            return 0
        if name in ("grad", "field") or name in DERIVATIVES or partial:
            if 0 in args:
                raise Mixed
            return 1
        if found := map_of(name, self.maps):
            return self._mapped(*found, args)
        if name in ("abs", "sign"):
            if args[0] == 1:
                self.odd.add(id(node))
            return args[0] if name == "sign" else 0
        if name in ("sin", "tanh", "atan", "erf"):
            return args[0]
        if args[0] == 1 and (name == "sqrt" or (name in KNOWN_FUNCTIONS and name not in ("cos", "derf"))):
            raise Mixed
        if summed := summed_call(name):
            _same([*args, 0] if summed[0] == "mean" else args)
        return 0


    def _mapped(self, label: str, rank: int, args: list[Parity]) -> Parity:
        """With R the reflection, R P(R u) is a map as P is, and -p(-x) a function as p is; at even points P may stay as it is.

        Points of both parities, such as g and |g|, may be one point for some signs and two for others: no symmetry.
        """
        parity = args[0] or 0
        if self.points.setdefault(min(label, self.inverses.get(label, label)), parity) != parity:
            raise Mixed
        if self.maps[label] == "componentwise":
            return parity * (1 + rank) % 2
        if (parity == 0 and self.maps[label] == "linear") or any(p != 1 for p in args[1:]) or (parity == 0 and rank):
            raise Mixed
        return parity


def _product(args: Iterable[Parity]) -> Parity:
    found = list(args)
    return None if None in found else sum(p for p in found if p) % 2


def _same(args: Iterable[Parity]) -> Parity:
    found = {p for p in args if p is not None}
    if len(found) > 1:
        raise Mixed
    return found.pop() if found else None


def reflected(claim: Statement) -> tuple[dict[str, Parity], set[int]] | None:
    """Parities of every variable of the text after a step, and the signs of odd quantities; None if reflections do not act.

    >>> from derive import configure, load_scheme
    >>> from verify.proof.statement import statement
    >>> names, _ = reflected(statement(configure(load_scheme("adam")), {"theta": ["-grad/(abs(grad) + eps)"]}))
    >>> names["m"], names["v"]
    (1, 0)
    """
    points = {name: 1 for x in claim.unknowns for name in (x, previous(x))}
    free = [s for s, x in claim.states.items() if s not in points and x not in claim.scalars]
    if len(free) > 8:
        return None
    for choice in product((0, 1), repeat=len(free)):
        states: dict[str, Parity] = {**points, **dict(zip(free, choice))}
        parities = Parities(claim.functions, claim.maps, claim.inverses)
        try:
            return _after(claim, states, parities), parities.odd
        except Mixed:
            continue
    return None


def _after(claim: Statement, states: dict[str, Parity], parities: Parities) -> dict[str, Parity]:
    names: dict[str, Parity] = {**{ahead(x): 1 for x in claim.unknowns}, **states}
    for line in claim.program:
        names[line.target] = parities.of(line.value, names)
    for s in claim.states:
        _same([names.get(s, 0), states.get(s, 0)])
    results: dict[str, Parity] = {x: states.get(s, 0) for s, x in claim.states.items()}
    leaves: dict[str, Parity] = {**results, "grad": 1, "field": 1}
    known: dict[int, Parity] = {}
    for x, powers in (*claim.fields.items(), *claim.memory.items()):
        for summand in (s for summands in powers for s in summands):
            _same([results[x], parities.of(summand, leaves, known)])
    return names


def positive_places(claim: Statement) -> frozenset[Hashable]:
    """Signs and absolute values whose argument is positive by its form: sums of positives, squares, ranges.  Scalar products of
    different positive vectors, sum_i |x_i|, are places where they are denominators: |a/sum_i |x_i|| is |a|/sum_i |x_i|."""
    conditions = set(claim.conditions())
    names = {c.id for c in conditions if isinstance(c, Name)}
    found: set[Hashable] = set()
    for line in claim.program:
        found |= _signs(line.value, names, conditions)
        (names.add if _positive(line.value, names, conditions) else names.discard)(line.target)
    fixed = {c.id for c in conditions if isinstance(c, Name)}
    for summand in claim.claims():
        found |= _signs(summand, fixed, conditions)
    return frozenset(found)


def _signs(text: Expression, names: set[str], conditions: set[Expression]) -> set[Hashable]:
    if not isinstance(text, Operation | Call):
        return set()
    found = set[Hashable]().union(*(_signs(a, names, conditions) for a in text.args))
    if isinstance(text, Call) and text.function in ("abs", "sign") and _positive(text.args[0], names, conditions):
        found.add(id(text))
    if (denominator := denominator_of(text)) and _is_sum_of_sizes(denominator[1]):
        found.add(denominator[0])
    return found


def _is_sum_of_sizes(node: Expression) -> bool:
    """dot(abs(x), 1) or dot(x, sign(x)), whatever x is."""
    match node:
        case Call(function, (a, b)) if function in DOTS and a != b:
            return all(_positive(x, set(), set()) for x in (a, b)) or _is_size(a, b)
    return False


def _is_size(a: Expression, b: Expression) -> bool:
    """Whether a b is |x|: x sign(x)."""
    return any(isinstance(y, Call) and y.function == "sign" and y.args == (x,) for x, y in ((a, b), (b, a)))


def _positive(node: Expression, names: set[str], conditions: set[Expression]) -> bool:
    match node:
        case Number(value):
            return value > 0
        case Name(word):
            return word in names
        case Call(function, _) if function in ("abs", "sqrt", "exp", "sigmoid", "softplus", "derf", *NORMS):
            return True
        case Call(function, (a, b)) if function in DOTS:
            return a == b or _is_sum_of_sizes(node)
        case Operation("**", (base, exponent)):
            r = constant(exponent)
            return r is not None and (r.numerator % 2 == 0 or r.denominator % 2 == 0 or _positive(base, names, conditions))
        case Operation("*", (a, b)) if a == b:
            return True
        case Operation("+" | "*" | "/", (a, b)):
            return all(_positive(x, names, conditions) for x in (a, b))
    return node in conditions
