"""Declared losses, and what a text says of them, once, in calls that every reader of expressions understands.

[unknowns]                   [functions]
x = "the first player"       f = "loss(x, y)"
y = "the second player"      g = "loss(x, y), what y minimises"

grad(f, x)              the gradient with respect to x at the present values      f.x(x, y)
grad(f(a, b), x)        at another point                                          f.x(a, b)
f(a, b)                 the value there; f is the value at the present values     f()(a, b)
hess(f, x, u)           its derivative in the direction u, in u's own space       f.x.y(x, y, u)
d3(f, x, u, v)          the next one                                              f.x.y.x(x, y, u, v)
P(u), dP(u, v)          a declared map, P = "map" (or "linear", "componentwise"), and its derivative at u
gradient(s, x)          the gradient of a number s: its text differentiated       (`derive.scheme.gradient`)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from derive.errors import ParseError, SchemeError, nearest
from derive.language import (
    Assignment,
    Call,
    Expression,
    Name,
    Operation,
    Statement,
    assignments,
    plain_arities,
    plain_name,
    rebuilt,
    walk,
)
from derive.language.calls import CALLS, MAX_RANK, Partial, partial_of
from derive.language.maps import MAP_KINDS, MapKind, map_arities, map_of
from derive.language.samples import SAMPLED, sample_of, sampled
from derive.language.syntax import whole_number
from derive.scheme.gradient import gradient_of
from derive.scheme.names import CLOCK, UNKNOWNS
from derive.scheme.spaces import Spaces, spaces_of

if TYPE_CHECKING:
    from derive.scheme.configuration import Configuration

Losses = Mapping[str, tuple[str, ...]]
_LOSS = re.compile(r"\s*loss\s*\(([^()]*)\)\s*(?:[,:;].*)?", re.DOTALL)
_INVERSE = re.compile(r"\s*inverse\s+of\s+([^\W\d]\w*)\s*(?=[,:;]|$)")
_OPEN = "?"  # a direction whose space is not yet known
#: name of a derivative in a text -> how many directions it has
_RANKS = {"grad": 0, "hess": 1, **{f"d{k}": k - 1 for k in range(3, MAX_RANK)}}


@dataclass(frozen=True)
class Declared:
    """The functions that a scheme declares: those of time, described; losses, with their variables; maps, with their kinds."""

    times: Mapping[str, str]
    losses: Losses
    maps: Mapping[str, MapKind]
    inverses: Mapping[str, str]  # map -> the map that is its inverse, both ways

    def calls(self) -> dict[str, int | None]:
        """What a text may call, and with how many arguments (None: looked at here)."""
        return {**dict.fromkeys(self.times, 1), **loss_calls(self.losses), **map_arities(self.maps)}


def declared(functions: Mapping[str, str], unknowns: Sequence[str], where: str) -> Declared:
    """What the functions of a file are, by their texts.

    >>> declared({"r": "learning rate", "f": "loss(x, y)", "P": "map, the mirror map"}, ["x", "y"], "example")
    Declared(times={'r': 'learning rate'}, losses={'f': ('x', 'y')}, maps={'P': 'map'}, inverses={})
    """
    times: dict[str, str] = {}
    losses: dict[str, tuple[str, ...]] = {}
    maps: dict[str, MapKind] = {}
    inverses = _inverses(functions, where)
    for name, text in functions.items():
        if kind := _map_kind(functions[inverses[name]] if _INVERSE.match(text) else text):
            maps[name] = kind
        elif found := _LOSS.fullmatch(text):
            losses[name] = _variables(name, found[1], unknowns, where)
        else:
            times[name] = text
    for name in (*losses, *maps):
        if name in (*CALLS, *_RANKS, *CLOCK, *unknowns, "field", "gradient", "loss"):
            raise SchemeError(f"{where}, [functions] {name}: '{name}' has a meaning already; choose another name")
    for name in functions:
        if (found_map := map_of(name, maps)) and found_map[1]:
            raise SchemeError(f"{where}, [functions] {name}: '{name}' is the derivative of {found_map[0]}; choose another name")
    return Declared(times, losses, maps, inverses)


def _inverses(functions: Mapping[str, str], where: str) -> dict[str, str]:
    """Pairs of maps that undo each other, from 'inverse of P'; P is a map with a kind, and has one inverse."""
    found: dict[str, str] = {}
    for name, text in functions.items():
        if written := _INVERSE.match(text):
            other = plain_name(written[1])
            if _map_kind(functions.get(other, "")) is None or other in found:
                known = [n for n, t in functions.items() if _map_kind(t) and n not in found]
                listed = f" (maps without one: {', '.join(known) or 'none'})"
                raise SchemeError(f"{where}, [functions] {name}: '{written[1]}' is no map that needs an inverse{listed}")
            found |= {name: other, other: name}
    return found


def _map_kind(text: str) -> MapKind | None:
    """Its kind, from 'linear' or 'linear, what it is'; a description that begins otherwise is one of a function of time."""
    word = re.split(r"[,:;]", text, maxsplit=1)[0].strip()
    return next((kind for kind in MAP_KINDS if kind == word), None)


def _variables(name: str, text: str, unknowns: Sequence[str], where: str) -> tuple[str, ...]:
    """Of a loss: different unknowns."""
    slots = tuple(plain_name(s.strip()) for s in text.split(","))
    for s in slots:
        if s not in unknowns:
            known = f"{nearest(s, unknowns)} (unknowns: {', '.join(unknowns)}; others are declared under [unknowns])"
            raise SchemeError(f"{where}, [functions] {name}: '{s}' is no unknown{known}")
    if len(set(slots)) < len(slots):
        raise SchemeError(f"{where}, [functions] {name}: a variable is named twice")
    return slots


def variables_of(functions: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of the losses among declared functions, in the order in which they are named.

    >>> variables_of({"r": "learning rate", "f": "loss(x, y)", "g": "loss(y, z)"})
    ('x', 'y', 'z')
    """
    found = (m[1] for text in functions.values() if (m := _LOSS.fullmatch(text)))
    return tuple(dict.fromkeys(plain_name(s.strip()) for slots in found for s in slots.split(",")))


def loss_calls(losses: Losses) -> dict[str, int | None]:
    """What a text may call where losses are declared, and with how many arguments (None: looked at here)."""
    if not losses:
        return {}
    return {**dict.fromkeys((*_RANKS, SAMPLED)), "gradient": 2, **{f: len(slots) for f, slots in losses.items()}}


def resolved(statements: Sequence[Statement], losses: Losses, unknowns: Sequence[str], where: str) -> tuple[Statement, ...]:
    """The statements with every derivative of a declared loss as one call, all its spaces known and checked."""
    if not losses and list(unknowns) == list(UNKNOWNS):
        return tuple(statements)
    program = list(assignments(statements))
    _refuse_plain(program, losses, unknowns, where)
    reader = Resolver(losses, unknowns, where, frozenset(a.target for a in program))
    opened = [replace(a, value=reader.opened(a.value)) for a in program]
    spaces = spaces_of(opened, unknowns, where, losses)
    return rebuilt(statements, iter([replace(a, value=closed(a.value, Spaces(spaces))) for a in opened]))


def _refuse_plain(program: Sequence[Assignment], losses: Losses, unknowns: Sequence[str], where: str) -> None:
    """A gradient or value of no declared loss, and a vector field, which have one unknown, theta."""
    for node in (n for a in program for n in walk(a.value)):
        if isinstance(node, Call) and (node.function in ("field", "loss") or (node.function == "grad" and len(node.args) == 1)):
            f, slots = next(iter(losses.items()), ("f", tuple(unknowns)))
            loss = f"loss({', '.join(slots)})"
            declared = f"{f} = \"{loss}\" under [functions], or --function '{f} = {loss}'"
            text = f"with declared losses write grad({f}, {slots[0]}), and {declared}"
            raise ParseError(text, where, node.line, node.column)


def formula_calls(configuration: Configuration) -> dict[str, int | None]:
    """What a formula about a scheme with declared losses may call."""
    return {**plain_arities(), **loss_calls(configuration.scheme.losses), **map_arities(configuration.scheme.maps)}


def declared_formula(configuration: Configuration, e: Expression, where: str) -> Expression:
    """A formula of declared losses, slow variables and memory, every derivative as one call."""
    scheme = configuration.scheme
    spaces = {configuration.symbol(s): x for s, x in scheme.spaces.items()}
    return closed(Resolver(scheme.losses, tuple(scheme.unknowns), where).opened(e), Spaces(spaces))


def present_formula(configuration: Configuration, e: Expression, where: str) -> Expression:
    """The same where the value of a loss is at the present values of the unknowns and goes by its name, as in results."""
    return _at_present(declared_formula(configuration, e, where), configuration.scheme.losses, where)


def _at_present(e: Expression, losses: Losses, where: str) -> Expression:
    match e:
        case Operation(op, args, line, column):
            return Operation(op, tuple(_at_present(a, losses, where) for a in args), line, column)
        case Call(function, args, line, column):
            inside = tuple(_at_present(a, losses, where) for a in args)
            if (partial := partial_of(function)) and not partial.variables:
                slots = losses[partial.loss]
                if list(inside) != [Name(s) for s in slots]:
                    text = f"a formula has {partial.loss} at the present values alone, {partial.loss}({', '.join(slots)})"
                    raise ParseError(f"{text}; expand it about them", where, line, column)
                return Name(partial.loss, line, column)
            return Call(function, inside, line, column)
    return e


@dataclass(frozen=True)
class Resolver:
    """Reads the derivatives and values of declared losses in expressions; `assigned` are the names that a program assigns."""

    losses: Losses
    unknowns: Sequence[str]
    where: str
    assigned: frozenset[str] = frozenset()

    def fail(self, message: str, node: Expression) -> ParseError:
        return ParseError(message, self.where, node.line, node.column)

    def opened(self, e: Expression) -> Expression:
        """The expression with calls f.x and f.x.?, the spaces of directions left open."""
        match e:
            case Call(function, args) if function in _RANKS:
                return self._derivative(e, args)
            case Call("sgrad", args):
                return self._sampled(e, args)
            case Call("gradient", (scalar, Name(x))) if x in self.unknowns:
                body = closed(self.opened(scalar), Spaces({u: u for u in self.unknowns}))
                return gradient_of(body, x, self.unknowns, self.assigned - set(self.unknowns), self.where)
            case Call("gradient", _):
                raise self.fail(f"gradient takes a number and an unknown, as in gradient(s, {self.unknowns[0]})", e)
            case Call(function, args) if (partial := partial_of(function)) and not sample_of(function)[1]:
                return self._written(e, partial, tuple(map(self.opened, args)))
            case Name(f) if f in self.losses and f not in self.assigned:
                return Call(Partial(f, ()).call, self._present(f, e), e.line, e.column)
            case Call(f, args) if f in self.losses:
                return Call(Partial(f, ()).call, tuple(map(self.opened, args)), e.line, e.column)
            case Call(function, args, line, column):
                return Call(function, tuple(map(self.opened, args)), line, column)
            case Operation(op, args, line, column):
                return Operation(op, tuple(map(self.opened, args)), line, column)
        return e

    def _present(self, loss: str, e: Expression) -> tuple[Expression, ...]:
        return tuple(Name(s, e.line, e.column) for s in self.losses[loss])

    def _written(self, e: Call, partial: Partial, args: tuple[Expression, ...]) -> Expression:
        """A derivative with subscripts, ∇_x,y f[u], at the present values where no point is written."""
        if partial.loss not in self.losses:
            raise self.fail(f"'{partial.loss}' is no loss{nearest(partial.loss, self.losses)}", e)
        slots = self.losses[partial.loss]
        if len(slots) > 1 and "" in partial.variables:
            raise self.fail(f"say by which unknown, as in ∇_{slots[0]} {partial.loss}", e)
        variables = tuple(x or slots[0] for x in partial.variables)
        for x in variables:
            if x not in slots:
                raise self.fail(f"{partial.loss} does not depend on '{x}' (its variables: {', '.join(slots)})", e)
        point = len(args) - len(variables) + 1
        if point not in (0, len(slots)):
            raise self.fail(f"{partial.loss} takes {len(slots)} arguments, not {point}", e)
        here = () if point else self._present(partial.loss, e)
        return Call(Partial(partial.loss, variables).call, (*here, *args), e.line, e.column)

    def _derivative(self, e: Call, args: tuple[Expression, ...]) -> Expression:
        rank = _RANKS[e.function]
        loss, *_ = self.losses
        directions = [", u", ", v", ", w"][:rank] if rank < 4 else [", ..."]
        usage = f"write {e.function}({loss}, {self.losses[loss][0]}{''.join(directions)}): a loss, an unknown" + (
            f" and {rank} direction{'s' * (rank > 1)}" if rank else ""
        )
        if len(args) != rank + 2 or not isinstance(args[1], Name):
            raise self.fail(usage, e)
        name, point = self._point(args[0], usage)
        x, slots = args[1].id, self.losses[name]
        if x not in slots:
            raise self.fail(f"{name} does not depend on '{x}'{nearest(x, slots)} (its variables: {', '.join(slots)})", args[1])
        call = Partial(name, (x, *[_OPEN] * rank)).call
        return Call(call, (*point, *map(self.opened, args[2:])), e.line, e.column)

    def _sampled(self, e: Call, args: tuple[Expression, ...]) -> Expression:
        """sgrad(f, x, 2): the gradient of one of the step's samples of a declared loss."""
        sample = whole_number(args[2]) if len(args) == 3 else "1"
        if sample is None or len(args) > 3:
            loss, x = next((f, slots[0]) for f, slots in self.losses.items())
            raise self.fail(f"write {SAMPLED}({loss}, {x}), or {SAMPLED}({loss}, {x}, 2) for a second sample of the step", e)
        call = self._derivative(Call("grad", args[:2], e.line, e.column), args[:2])
        assert isinstance(call, Call)
        return Call(sampled(call.function, sample), call.args, e.line, e.column)

    def _point(self, e: Expression, usage: str) -> tuple[str, tuple[Expression, ...]]:
        """(the loss, where it is differentiated)."""
        match e:
            case Name(f) if f in self.losses:
                return f, self._present(f, e)
            case Call(f, args) if f in self.losses:
                return f, tuple(map(self.opened, args))
        raise self.fail(usage, e)


def closed(e: Expression, spaces: Spaces) -> Expression:
    """The expression with the spaces of all directions; one that its loss does not depend on is refused."""
    if not isinstance(e, Call | Operation):
        return e
    args = tuple(closed(a, spaces) for a in e.args)
    if isinstance(e, Operation):
        return Operation(e.op, args, e.line, e.column)
    partial = partial_of(e.function)
    if partial is None or _OPEN not in partial.variables:
        return Call(e.function, args, e.line, e.column)
    _, directions = partial.divided(args)
    variables = (partial.variables[0], *(spaces.of(u) or _OPEN for u in directions))
    return Call(Partial(partial.loss, variables).call, args, e.line, e.column)
