"""The statement to be proved: an update text with its regime, and a claimed field, as syntax trees.

    for every smooth L and all smooth maps, every dimension and all parameters in their ranges, on the slow manifold
    x' = sum_k gamma^k fields[x][k] + O(gamma^(order + 1))              (flow)
    x_1 = x_0 + gamma sum_k gamma^k fields[x][k] + O(gamma^(order + 2))  (map)

for every slow variable x, where the memory starts at sum_k gamma^k memory[m][k].  A field is a tuple of summands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeGuard

from derive.errors import UsageError
from derive.language import (
    Assignment,
    Call,
    Expression,
    Name,
    Number,
    Operation,
    constant,
    derivative_calls,
    parse_expression,
    plain_arities,
    symbolic,
    walk,
)
from derive.language.calls import ELSEWHERE, KNOWN_FUNCTIONS, Kind, partial_of
from derive.language.layers import CROSSED, LAYERED, NORMS, SUMMED
from derive.language.maps import MapKind, map_arities
from derive.language.matrices import MATRIX_CALLS
from derive.scheme import Configuration, Rescaling
from derive.scheme.losses import formula_calls, present_formula
from derive.scheme.names import UNKNOWNS, ahead
from derive.scheme.schedule import Schedule
from derive.scheme.shapes import Shape, shaped_formula, shapes_in_results
from verify.proof.errors import Undecided
from verify.proof.gathering import gathered

MAX_RANK = 40
DERIVATIVES = {**derivative_calls("L", MAX_RANK), **derivative_calls("f", MAX_RANK)}
JOINING = frozenset((*SUMMED, *CROSSED, "loss", *DERIVATIVES))
CALLS: dict[str, int | None] = {**DERIVATIVES, **plain_arities(), **ELSEWHERE}

Summands = tuple[Expression, ...]


@dataclass(frozen=True)
class Statement:
    """See the module.  States, slow variables and memory go by the names they have in the result (eta for v = gamma*eta)."""

    program: tuple[Assignment, ...]
    label: str
    states: Mapping[str, str]  # name in the text -> name in the result
    scalars: frozenset[str]  # results' names of states without components
    parameters: Mapping[str, str]  # free parameter -> its range
    bindings: Mapping[str, Expression]
    rescaled: Mapping[str, Rescaling]
    functions: Mapping[str, Expression | None]
    fields: Mapping[str, tuple[Summands, ...]]
    memory: Mapping[str, tuple[Summands, ...]]
    order: int
    form: str = "flow"
    unknowns: tuple[str, ...] = UNKNOWNS
    losses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # declared losses and the unknowns they depend on
    maps: Mapping[str, MapKind] = field(default_factory=dict)  # declared maps and their kinds
    inverses: Mapping[str, str] = field(default_factory=dict)  # map -> the map that is its inverse
    grain: int = 1  # a step is run on series in delta, gamma = delta^grain
    eliminated: tuple[str, ...] = ()  # variables of the text that its first lines give at the first step, see `program.Stepper`
    shapes: Mapping[str, Shape] = field(default_factory=dict)  # of matrices, by their names in the text and in results
    root: int = 1  # powers are those of h, gamma = h^root
    paces: Mapping[str, int] = field(default_factory=dict)  # by which power of h every state changes in a step, see `paced`

    @property
    def lag(self) -> int:
        """The power of h by which the memory that relaxes most slowly does so in a step; 0 for whole powers of gamma."""
        return max((self.paces.get(m, 0) for m in self.fast), default=0)

    @property
    def top(self) -> int:
        """The power of h at which the unknowns have the last coefficient of the field."""
        return self.order + self.root - self.lag

    @property
    def slow(self) -> tuple[str, ...]:
        return tuple(self.fields)

    @property
    def fast(self) -> tuple[str, ...]:
        """Memory, in the order of the text."""
        return tuple(s for s in self.states.values() if s not in self.fields)

    def claims(self) -> Iterator[Expression]:
        """Every summand of every claim."""
        for powers in (*self.fields.values(), *self.memory.values()):
            for summands in powers:
                yield from summands

    def texts(self) -> Iterator[Expression]:
        """Every tree that a run evaluates."""
        yield from (a.value for a in self.program)
        yield from self.bindings.values()
        yield from (r.factor for r in self.rescaled.values())
        yield from (f for f in self.functions.values() if f is not None)
        yield from self.claims()

    @cached_property
    def nodes(self) -> tuple[Expression, ...]:
        """Every part of every tree once, operands first."""
        return _parts(self.texts())

    @cached_property
    def roots(self) -> tuple[Expression, ...]:
        """Every root, absolute value and sign in the claims once, operands first."""
        calls = ("abs", "sign")
        return tuple(n for n in _parts(self.claims()) if root_of(n) or (isinstance(n, Call) and n.function in calls))

    @cached_property
    def implicit(self) -> bool:
        later = {ahead(x) for x in self.unknowns}
        return any(isinstance(n, Name) and n.id in later for a in self.program for n in walk(a.value))

    @cached_property
    def contracted(self) -> bool:
        """Whether scalar products or sums over layers occur; the loss at a moved point has the gradient's with the move."""
        return self.joined or self.layered or bool(self.shapes)

    @cached_property
    def layered(self) -> bool:
        """Whether sums over layers occur."""
        return any(isinstance(n, Call) and n.function in LAYERED for n in self.nodes)

    @cached_property
    def crossed(self) -> bool:
        """Whether sums over rows or columns occur."""
        return any(isinstance(n, Call) and n.function in CROSSED for n in self.nodes)

    @cached_property
    def joined(self) -> bool:
        """Whether sums over all components join them, so that none can be drawn again without the others."""
        calls = (*SUMMED, *MATRIX_CALLS, *CROSSED, "loss")
        return any(isinstance(n, Call) and (n.function in calls or is_value(n)) for n in self.nodes)

    @cached_property
    def separate(self) -> frozenset[int]:
        """What has at gamma^0 a value that depends on its component alone, or on its layer, where there are some, by identity."""
        if self.shapes and not self.crossed:
            return frozenset()
        found = set(apart(self.claims(), ()))
        limits = {m for m in self.fast if m in self.memory and all(id(n) in found for n in self.memory[m][0])}
        names = {text for text, x in self.states.items() if x in self.fast and x not in limits}
        for a in self.program:
            found |= apart((a.value,), names)
            names = names | {a.target} if id(a.value) not in found else names - {a.target}
        return frozenset(found)

    @cached_property
    def transcendental(self) -> bool:
        """Whether known functions occur: exp, log, sin, ..."""
        return any(isinstance(n, Call) and n.function in KNOWN_FUNCTIONS for n in self.nodes)

    @property
    def nesting(self) -> int:
        """No known functions stand deeper in each other than this: a line may read what every line before it gave."""
        return sum(isinstance(n, Call) and n.function in KNOWN_FUNCTIONS for n in self.nodes)

    def conditions(self) -> list[Expression]:
        """What the ranges of the free parameters make positive: '0 <= beta < 1' gives beta and 1 - beta."""
        return [c for name, text in self.parameters.items() for c in _positive_sides(name, text)]


def is_value(node: Call) -> bool:
    """Whether it is the value of a declared loss."""
    partial = partial_of(node.function)
    return partial is not None and not partial.variables


def apart(texts: Iterable[Expression], names: Collection[str]) -> set[int]:
    """The parts, by identity, in which no sums over components, rows or columns, derivatives in directions or these names stand.

    A part is one where it does not join components itself and all its operands are; each is looked at once, operands first.

    >>> from derive.language import plain_arities
    >>> tree = parse_expression("a*norm(u) + b*u", "example", plain_arities())
    >>> found = apart([tree], ["b"])
    >>> [id(n) in found for n in (tree, *tree.args, *tree.args[0].args, *tree.args[1].args)]
    [False, False, False, True, False, False, True]
    """
    known: dict[int, bool] = {}

    def look(n: Expression) -> bool:
        if id(n) not in known:
            inside = [look(a) for a in n.args] if isinstance(n, Operation | Call) else []
            known[id(n)] = all(inside) and not _joins(n, names)
        return known[id(n)]

    for text in texts:
        look(text)
    return {n for n, alone in known.items() if alone}


def _joins(n: Expression, names: Collection[str]) -> bool:
    """Whether a node by itself joins components, or is one of these names."""
    if isinstance(n, Call):
        partial = partial_of(n.function)
        return n.function in JOINING or (partial is not None and len(partial.variables) > 1)
    return isinstance(n, Name) and n.id in names


def _parts(texts: Iterable[Expression]) -> tuple[Expression, ...]:
    """Every part of these trees once, operands first."""
    found: dict[int, Expression] = {}

    def look(n: Expression) -> None:
        if id(n) not in found:
            for argument in n.args if isinstance(n, Operation | Call) else ():
                look(argument)
            found[id(n)] = n

    for text in texts:
        look(text)
    return tuple(found.values())


def _positive_sides(name: str, text: str) -> list[Expression]:
    parts = [p.strip() for p in re.split(r"(<=|>=|<|>)", text)]
    found: list[Expression] = []
    for left, op, right in zip(parts[::2], parts[1::2], parts[2::2]):
        small, large = (left, right) if op[0] == "<" else (right, left)
        a, b = (parse_expression(side, f"range of {name}") for side in (small, large))
        found.append(b if constant(a) == 0 else Operation("-", (b, a)))
    return found


def is_exponential(node: Expression) -> TypeGuard[Call]:
    """exp(u), whose power to q is exp(q u)."""
    return isinstance(node, Call) and node.function == "exp"


def root_of(node: Expression) -> int | None:
    """The order of the root that this node takes: sqrt, norm, or ** to a fraction."""
    match node:
        case Operation("**", (base, _)) if is_exponential(base):
            return None
        case Call(function, _) if function == "sqrt" or function in NORMS:
            return 2
        case Operation("**", (_, exponent)):
            r = constant(exponent)
            return r.denominator if r is not None and r.denominator > 1 else None
    return None


def denominator_of(node: Expression) -> tuple[Hashable, Expression] | None:
    """The place at which a node divides, and by what: a/b, or b ** to a negative number."""
    match node:
        case Operation("/", (_, base)):
            return ("over", id(base)), base
        case Operation("**", (base, exponent)) if (r := constant(exponent)) is not None and r < 0:
            return id(node), base
    return None


def interned(expression: Expression, known: dict[Any, Expression]) -> Expression:
    """The same tree with equal subtrees one object, so that its parts can be told apart and remembered by identity."""
    key: Any = expression
    if isinstance(expression, Operation | Call):
        args = tuple(interned(a, known) for a in expression.args)
        if isinstance(expression, Operation):
            expression = Operation(expression.op, args, expression.line, expression.column)
        else:
            expression = Call(expression.function, args, expression.line, expression.column)
        key = (type(expression), expression.op if isinstance(expression, Operation) else expression.function, *map(id, args))
    return known.setdefault(key, expression)


# ------------------------------------------------------------------------------------------ reading

Claimed = Mapping[str, Sequence[Any]]


def statement(
    configuration: Configuration, equations: Claimed, memory: Claimed | None = None, order: int | None = None, form: str = "flow"
) -> Statement:
    """The statement that these equations are the modified equation of this configuration.

    `equations` and `memory` give for each variable its powers of gamma in order, each a formula or
    {"power", "terms": [{"coefficient", "term"}]}.  `order` cuts them; it may not lie above them.

    Raises UsageError for what is no statement (unknown variables, powers that are missing), Undecided for piecewise schedules.

    >>> from derive import configure, load_scheme
    >>> s = statement(configure(load_scheme("momentum")), {"theta": ["-grad/(1 - beta)"]})
    >>> s.order, s.slow, s.fast, [type(c).__name__ for c in s.conditions()]
    (0, ('theta',), ('v',), ['Name', 'Operation'])
    """
    scheme = configuration.scheme
    if form not in ("flow", "map"):
        raise UsageError(f"unknown form '{form}' (flow or map)")
    states = {s: configuration.symbol(s) for s in scheme.states}
    _check_variables(equations, memory or {}, states, scheme.unknowns)
    if order is None:
        order = min(map(len, equations.values())) - 1
    known = _Reading(configuration)
    fields = {x: _powers(x, equations[x], known)[: order + 1] for x in states.values() if x in equations}
    if order < 0 or any(len(powers) <= order for powers in fields.values()):
        raise UsageError(f"the equations do not give every power of gamma through {order}")
    functions: dict[str, Expression | None] = {}
    for name, value in configuration.functions.items():
        if isinstance(value, Schedule):
            raise Undecided(f"{name} is a piecewise schedule: choose the branch first")
        functions[name] = value
    return Statement(
        program=() if symbolic(scheme.statements) else scheme.program,  # where a repeat is open, see `repeats`
        label=scheme.label,
        states=states,
        scalars=frozenset(x for s, x in states.items() if scheme.kinds[s] == "scalar"),
        parameters={n: scheme.parameters[n].range if n in scheme.parameters else "" for n in configuration.free},
        bindings={n: e for n, e in configuration.bindings.items() if e != Name(n)},
        rescaled=configuration.rescaled,
        functions=functions,
        fields=fields,
        memory={m: _powers(m, powers, known)[: order + 2] for m, powers in (memory or {}).items()},
        order=order,
        form=form,
        unknowns=tuple(scheme.unknowns),
        losses=scheme.losses,
        maps=scheme.maps,
        inverses=scheme.inverses,
        eliminated=tuple(scheme.eliminated),
        shapes={**scheme.shapes, **shapes_in_results(configuration)} if scheme.of_matrices else {},
        root=scheme.root,
    )


def _check_variables(equations: Claimed, memory: Claimed, states: Mapping[str, str], unknowns: Iterable[str]) -> None:
    for x in unknowns:
        if x not in equations:
            raise UsageError(f"the equations say nothing of {x}")
    for name in (*equations, *memory):
        if name not in states.values():
            raise UsageError(f"'{name}' is no state variable of the scheme ({', '.join(states.values())})")
    if both := set(equations) & set(memory):
        raise UsageError(f"{', '.join(sorted(both))}: both a slow variable and memory")


def claim_calls(configuration: Configuration) -> Mapping[str, int | None]:
    """What a claim about a scheme may call."""
    known = formula_calls(configuration) if configuration.scheme.losses else CALLS
    return {**known, **map_arities(configuration.scheme.maps)}


@dataclass
class _Reading:
    """Reads formulas; equal parts of all of them are one object."""

    configuration: Configuration
    known: dict[Any, Expression] = field(default_factory=dict)

    def read(self, text: str, where: str) -> Expression:
        if text not in self.known:
            self.known[text] = interned(self.parsed(text, where), self.known)
        return self.known[text]

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """What names of claims are vectors."""
        scheme = self.configuration.scheme
        vectors = (self.configuration.symbol(s) for s in scheme.states if scheme.kinds[s] == "vector")
        return dict.fromkeys((*vectors, "grad", "field"), "vector")

    def parsed(self, text: str, where: str) -> Expression:
        read = parse_expression(text, where, claim_calls(self.configuration))
        shaped_formula(read, self.configuration, where)
        if self.configuration.scheme.losses:
            return present_formula(self.configuration, read, where)
        return gathered(read, self.kinds)


def _powers(variable: str, powers: Sequence[Any], known: _Reading) -> tuple[Summands, ...]:
    if isinstance(powers, str) or any(isinstance(p, Mapping) and p.get("power", k) != k for k, p in enumerate(powers)):
        raise UsageError(f"{variable}: the powers of gamma must come in order, one entry each")
    return tuple(tuple(_summands(p, f"{variable} at gamma^{k}", known)) for k, p in enumerate(powers))


def _summands(power: Any, where: str, known: _Reading) -> Iterable[Expression]:
    if isinstance(power, str):
        yield known.read(power, where)
        return
    if not isinstance(power, Mapping) or not isinstance(power.get("terms"), list):
        raise UsageError(f"{where}: write a formula, or a list of terms")
    for item in power["terms"]:
        coefficient, term = (known.read(item[key], where) for key in ("coefficient", "term"))
        product = Operation("*", (coefficient, term))
        key = (Operation, "*", id(coefficient), id(term))
        yield coefficient if term == Number(Fraction(1)) else known.known.setdefault(key, product)
