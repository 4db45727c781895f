"""Which expressions are vectors, one component a parameter of the model, and which are one number."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from fractions import Fraction

from derive.errors import ParseError
from derive.language import Assignment, Call, Expression, Meaning, Name, Operation, interpret
from derive.language.calls import Kind, call_of, written_name
from derive.language.matrices import LINE_CALLS, MATRIX_CALLS, TRANSPOSE


class _Kinds(Meaning[Kind]):
    """The kind of an expression: a vector as soon as one operand is one, and what the table says of calls."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = kinds

    def number(self, value: Fraction) -> Kind:
        return "scalar"

    def name(self, node: Name) -> Kind:
        return self.kinds.get(node.id, "scalar")

    def negate(self, a: Kind) -> Kind:
        return a

    def add(self, a: Kind, b: Kind, node: Operation) -> Kind:
        return "vector" if "vector" in (a, b) else "scalar"

    subtract = multiply = divide = add

    def exponent(self, node: Expression) -> Expression:
        return node

    def power(self, base: Kind, exponent: Expression, node: Operation) -> Kind:
        return self.add(base, interpret(exponent, self), node)

    def call(self, node: Call, args: list[Kind]) -> Kind:
        return call_of(node.function).kind_for(args)


Open = frozenset[str]  # names that no assignment gives a kind, in an expression that has none but for them
_RANKS: tuple[Kind | None, ...] = (None, "scalar", "vector")


class _Evidence(Meaning[tuple[Kind | None, Open]]):
    """The kind that an expression shows, with its open names where it shows none; `met` are the open names that stand where
    only a vector makes sense: in a sum with one, or as the argument of a call that takes one."""

    def __init__(self, kinds: Mapping[str, Kind | None]) -> None:
        self.kinds = kinds
        self.met: set[str] = set()

    def number(self, value: Fraction) -> tuple[Kind | None, Open]:
        return "scalar", frozenset()

    def name(self, node: Name) -> tuple[Kind | None, Open]:
        kind = self.kinds.get(node.id, "scalar")
        return kind, frozenset() if kind else frozenset((node.id,))

    def negate(self, a: tuple[Kind | None, Open]) -> tuple[Kind | None, Open]:
        return a

    def add(self, a: tuple[Kind | None, Open], b: tuple[Kind | None, Open], node: Operation) -> tuple[Kind | None, Open]:
        kind = max(a[0], b[0], key=_RANKS.index)
        if kind == "vector":
            self.met |= a[1] | b[1]
        return kind, frozenset() if kind else a[1] | b[1]

    subtract = add

    def multiply(self, a: tuple[Kind | None, Open], b: tuple[Kind | None, Open], node: Operation) -> tuple[Kind | None, Open]:
        if "vector" in (a[0], b[0]):
            return "vector", frozenset()
        return (None, a[1] | b[1]) if a[1] or b[1] else ("scalar", frozenset())

    divide = multiply

    def exponent(self, node: Expression) -> Expression:
        return node

    def power(self, base: tuple[Kind | None, Open], exponent: Expression, node: Operation) -> tuple[Kind | None, Open]:
        return self.multiply(base, interpret(exponent, self), node)

    def call(self, node: Call, args: list[tuple[Kind | None, Open]]) -> tuple[Kind | None, Open]:
        entry, names = call_of(node.function), frozenset[str]().union(*(a[1] for a in args))
        if entry.of_vectors or entry.kind == "scalar":  # a norm takes numbers too, of which something is known
            self.met |= names
        if names and entry.kind == "argument" and not any(a[0] == "vector" for a in args):
            return None, names
        return entry.kind_for([a[0] or "scalar" for a in args]), frozenset()


def inferred(
    program: Sequence[Assignment], known: Mapping[str, Kind], names: Iterable[str], meets: Callable[[str], None]
) -> dict[str, Kind]:
    """The kinds of all names: the least that the assignments show.  A name of which they show nothing, x0 in x0 = x0, is a vector
    where it stands in a sum with one, and a number elsewhere; `meets` hears of those that become vectors in this way.

    >>> from derive.language import parse_update
    >>> program = parse_update("x0 = x0; p = b*p; u = theta - x0; s = p*dot(u, u)")
    >>> found = inferred(program, {"theta": "vector"}, ["x0", "p", "u", "s"], lambda name: None)
    >>> [found[n] for n in ("x0", "p", "u", "s")]
    ['vector', 'scalar', 'vector', 'scalar']
    """
    kinds: dict[str, Kind | None] = {**dict.fromkeys(names), **known}
    changed = True
    while changed:  # a name only ever goes from open to scalar to vector, so this ends
        changed, evidence = False, _Evidence(kinds)
        shown = [(a.target, *interpret(a.value, evidence)) for a in program]
        for target, kind, _ in shown:
            if _RANKS.index(kind) > _RANKS.index(kinds[target]):
                kinds[target], changed = kind, True
        if not changed:
            for name in _with_their_parts(evidence.met, shown):
                meets(name)
                kinds[name], changed = "vector", True
    return {name: kind or "scalar" for name, kind in kinds.items()}


def _with_their_parts(met: Collection[str], shown: Sequence[tuple[str, Kind | None, Open]]) -> list[str]:
    """The open names, and those that they are made of."""
    found = dict.fromkeys(sorted(met))
    while more := {n for target, _, names in shown if target in found for n in names} - found.keys():
        found |= dict.fromkeys(sorted(more))
    return list(found)


class _Derived(_Kinds):
    """The same where some calls are vectors whatever they are given: derivatives of the loss."""

    def __init__(self, kinds: Mapping[str, Kind], vectors: Collection[str]) -> None:
        super().__init__(kinds)
        self.vectors = vectors

    def call(self, node: Call, args: list[Kind]) -> Kind:
        return "vector" if node.function in self.vectors else super().call(node, args)


class _Checked(_Kinds):
    """The same, refusing scalars where a call takes vectors."""

    def __init__(self, kinds: Mapping[str, Kind], where: str, of_vectors: Collection[str]) -> None:
        super().__init__(kinds)
        self.where, self.of_vectors = where, of_vectors

    def call(self, node: Call, args: list[Kind]) -> Kind:
        if (call_of(node.function).of_vectors or node.function in self.of_vectors) and "scalar" in args:
            what = "matrices" if node.function in (*MATRIX_CALLS, *LINE_CALLS) else "vectors"
            raise ParseError(f"{_shown(node.function)} takes {what}", self.where, node.line, node.column)
        return super().call(node, args)


def _shown(function: str) -> str:
    return ".T" if function == TRANSPOSE else written_name(function)


def kind_of(expression: Expression, kinds: Mapping[str, Kind], vectors: Collection[str] = ()) -> Kind:
    """'vector' or 'scalar'; names that are not listed are scalars, `vectors` are calls that are always vectors.

    >>> from derive.language import SCHEME_CALLS, parse_expression
    >>> [kind_of(parse_expression(e, "example", SCHEME_CALLS), {"u": "vector"}) for e in ("a*sqrt(u)", "a*norm(u)", "a**2")]
    ['vector', 'scalar', 'scalar']
    """
    return interpret(expression, _Derived(kinds, vectors))


def check_kinds(expression: Expression, kinds: Mapping[str, Kind], where: str, of_vectors: Collection[str] = ()) -> None:
    """Raise ParseError at a call of vectors, such as dot or one of those named, that is given a number."""
    interpret(expression, _Checked(kinds, where, of_vectors))


def sized(expression: Expression, kinds: Mapping[str, Kind], vectors: Collection[str] = ()) -> Expression:
    """The expression with the norm of one number, |a|, as its absolute value; `vectors` are calls that are always vectors.

    >>> from derive.language import SCHEME_CALLS, parse_expression, unparse
    >>> unparse(sized(parse_expression("|u|*|1 - |b u||", "example", SCHEME_CALLS), {"u": "vector"}))
    'norm(u)*abs(1 - norm(b*u))'
    """
    match expression:
        case Operation(op, args, line, column):
            return Operation(op, tuple(sized(a, kinds, vectors) for a in args), line, column)
        case Call(function, args, line, column):
            if function == "norm" and kind_of(args[0], kinds, vectors) == "scalar":
                function = "abs"
            return Call(function, tuple(sized(a, kinds, vectors) for a in args), line, column)
    return expression
