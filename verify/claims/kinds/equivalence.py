"""Kind equivalence: equations between sequences that follow from others, such as (13)+(14)+(15) => (16).

    theta(n+1) - theta(n) = gamma*eta(n+1/2)          sequences are written as functions of n, shifts are rational
    grad(theta(n))                                    a gradient is an unknown function of its argument

Every equation is linear in the sequences and the gradients, with rational functions of the parameters as coefficients.  The
claimed equations follow exactly when their residuals lie in the span of the given ones and their shifts in n; two gradients
are the same where their arguments are, modulo those given equations that contain no gradient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.errors import ParseError, UndecidedError, UsageError
from derive.language import Call, Expression, Name, Number, Operation, constant, names_of, parse_expression
from derive.readings.formula import limited
from derive.scheme import Scheme, configure, substitute
from verify.claims.elimination import Atom, Form, Relations, combined, denominator, form_text, gradient_atom, numerator
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted
from verify.claims.scheme_data import SchemeData
from verify.claims.symbolic import equation_of, symbolic, symbolic_tree, text_of

FARTHEST = 50  # as far as indices go; the cost grows with their cube


@dataclass(frozen=True)
class EquivalenceClaim:
    """given, let => then.  `let` defines new sequences; `parameters` new constants; a scheme stands for its update."""

    given: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    let: tuple[str, ...] = ()
    parameters: Mapping[str, str] | None = None
    given_scheme: SchemeData | None = None
    then_scheme: SchemeData | None = None

    def __post_init__(self) -> None:
        if not (self.given or self.given_scheme) or not (self.then or self.then_scheme):
            raise UsageError("give the equations 'given' (or 'given_scheme') and 'then' (or 'then_scheme')")


def states_equivalence(data: EquivalenceClaim) -> Stated:
    """What is stated."""
    where = f"where {', '.join(f'{n} = {t}' for n, t in (data.parameters or {}).items())}" if data.parameters else ""
    given = (f"given {e}" for e in (*data.given, *(scheme_equations(data.given_scheme) if data.given_scheme else ())))
    let = (f"let {e}" for e in data.let)
    then = [*data.then, *(scheme_equations(data.then_scheme) if data.then_scheme else ())]
    return Stated("for all whole numbers n " + ", ".join(then), tuple(x for x in ("any smooth loss", *given, *let, where) if x))


def judge_equivalence(data: EquivalenceClaim) -> Judgment:
    """equivalence: reduce every claimed residual modulo the given equations; what is left is the error."""
    given = [*data.given, *data.let, *(scheme_equations(data.given_scheme) if data.given_scheme else ())]
    then = [*data.then, *(scheme_equations(data.then_scheme) if data.then_scheme else ())]
    reader = SequenceReader([*given, *then], data.parameters or {})
    known = [reader.equation(text) for text in given]
    claims = [reader.equation(text) for text in then]
    reader.require_used()
    _require_new(data, reader)
    forms, spoken = [combined(a, b, -1) for a, b in known], [f for pair in claims for f in pair]
    relations = Relations(forms, spoken)
    if relations.contradiction:
        raise UndecidedError("the given equations contradict one another: everything follows from them, and nothing is shown")
    evidence = []
    for text, (left, right) in zip(then, claims, strict=True):
        residual = combined(left, right, -1)
        remainder = relations.reduce(residual, left)
        follows = relations.follows(residual) if remainder else True
        if follows is None:
            relations = Relations(forms, spoken, complete=True)
            remainder = relations.reduce(residual, left)
        if remainder and not follows:
            true = relations.canonical(combined(right, remainder, 1))
            mine = form_text(relations.canonical(left))
            correct = f"{mine} = {form_text(true)}" if form_text(true) != mine else f"left minus right is {form_text(remainder)}"
            rest = f"{text}: left minus right is {form_text(remainder)}, modulo what is given"
            return refuted(correct, rest, relations.numbers(remainder))
        evidence.append(f"{text}: in the span of the {relations.count} given equations and their shifts")
    if open_ := _may_vanish(relations.divided, reader.denominators):
        raise UndecidedError(f"shown only where {' and '.join(f'{d} != 0' for d in open_)}: {'; '.join(evidence)}")
    return proved(*evidence)


def _require_new(data: EquivalenceClaim, reader: SequenceReader) -> None:
    """A `let` defines a sequence that nothing before it speaks of."""
    before = SequenceReader.names(data.given) | ({"theta"} if data.given_scheme else set())
    for text in data.let:
        left, _ = reader.equation(text)
        name = next(iter(left)).name if len(left) == 1 else ""
        if name in ("", "1", "grad") or name in before or name in SequenceReader.names([equation_of(text, "let")[1]]):
            raise UsageError(f"let: '{text}' defines no new sequence; write 'new(n) = ...', or put it under 'given'")
        before |= SequenceReader.names([text])


def _may_vanish(divided: set[Any], defined: set[Any]) -> list[str]:
    """What was divided by, that may vanish for positive parameters where the equations themselves are defined."""
    import sympy as sp

    found: dict[str, None] = {}
    factors = {f for d in divided for f, _ in sp.factor_list(d)[1]}
    for f in sorted(factors, key=str):
        signs = {bool(c > 0) for c in sp.Poly(f, *sorted(f.free_symbols, key=str)).coeffs()} if f.free_symbols else set()
        if len(signs) > 1 and not any(sp.rem(d, f, *f.free_symbols) == 0 for d in defined if d.free_symbols >= f.free_symbols):
            found[text_of(f)] = None
    return list(found)


def scheme_equations(data: SchemeData) -> list[str]:
    """A scheme's update as equations between sequences: a variable read before it is assigned is at n, after it at n + 1.

    >>> scheme_equations(SchemeData(scheme="momentum"))
    ['v(n+1) = beta*v(n) - gamma*grad(theta(n))', 'theta(n+1) = theta(n) + v(n+1)']
    """
    from derive.language import unparse

    scheme, keywords = data.chosen()
    c = configure(scheme, keywords["regime"], keywords["settings"])
    return [f"{unparse(a)} = {unparse(b)}".replace("n + 1)", "n+1)") for a, b in _program(scheme, dict(c.bindings))]


def _program(scheme: Scheme, names: dict[str, Expression]) -> list[tuple[Expression, Expression]]:
    def at(name: str, shift: int) -> Expression:
        index: Expression = Name("n")
        if shift:
            index = Operation("+" if shift > 0 else "-", (index, Number(Fraction(abs(shift)))))
        return Call(name, (index,))

    names |= {s: at(s, 0) for s in scheme.states if s != "theta_prev"}
    names |= {"theta_prev": at("theta", -1), "theta_next": at("theta", 1)}
    found = []
    for a in scheme.program:
        value = substitute(a.value, names)
        if a.target in scheme.states:
            names[a.target] = at(a.target, 1)
            found.append((names[a.target], value))
        else:
            names[a.target] = value
    return found


class SequenceReader:
    """Equations -> linear forms {atom: coefficient}; `parameters` are put in for their names."""

    def __init__(self, texts: Sequence[str], parameters: Mapping[str, str]) -> None:
        self.sequences = self.names(texts)
        self.calls: dict[str, int | None] = {"grad": 1, **dict.fromkeys(self.sequences, 1)}
        self.values: dict[str, Any] = {}
        self.used: set[str] = set()
        self.denominators: set[Any] = set()  # of what the equations say
        for name, text in parameters.items():
            self.used |= set(names_of(parse_expression(text, f"parameters, {name}")))
            self.values[name] = symbolic(text, f"parameters, {name}", self.values)
            self.denominators.add(denominator(self.values[name]))

    @staticmethod
    def names(texts: Iterable[str]) -> set[str]:
        """The sequences that the texts speak of."""
        return {m for t in texts for m in re.findall(r"([A-Za-z_]\w*)\s*\(", t)} - {"grad"}

    def require_used(self) -> None:
        """Raises UsageError for a parameter that nothing mentions."""
        for name in self.values:
            if name not in self.used:
                raise UsageError(f"parameters: '{name}' occurs in no equation")

    def equation(self, text: str) -> tuple[Form, Form]:
        """(left, right).  Raises ParseError outside the grammar and for what is not linear."""
        a, b = equation_of(text, "equation")
        left, right = (limited(parse_expression(side, text, self.calls)) for side in (a, b))
        self.used |= {*names_of(left), *names_of(right)}
        return self.form(left, text), self.form(right, text)

    def form(self, e: Expression, where: str) -> Form:
        match e:
            case Number() | Name():
                if isinstance(e, Name) and e.id == "n":
                    raise ParseError("n may stand only in an index, theta(n+1)", where, e.line, e.column)
                return {Atom("1"): symbolic_tree(e, self.values)}
            case Operation("neg", (a,)):
                return combined({}, self.form(a, where), -1)
            case Operation("+" | "-", (a, b)):
                return combined(self.form(a, where), self.form(b, where), 1 if e.op == "+" else -1)
            case Operation("*", (a, b)):
                x, y = self.form(a, where), self.form(b, where)
                if set(y) <= {Atom("1")}:
                    x, y = y, x
                return combined({}, y, self._number(x, e, where))
            case Operation("/", (a, b)):
                bottom = self._number(self.form(b, where), e, where)
                self.denominators |= {numerator(bottom), denominator(bottom)}
                return combined({}, self.form(a, where), bottom**-1)
            case Operation("**", (a, b)):
                exponent = constant(b)
                if exponent is None or exponent.denominator != 1:
                    raise ParseError("an exponent must be a whole number", where, e.line, e.column)
                return {Atom("1"): self._number(self.form(a, where), e, where) ** int(exponent)}
            case Call("grad", (a,)):
                return {gradient_atom(self.form(a, where)): symbolic("1", where)}
            case Call(name, (a,)):
                return {Atom(name, self._index(a, where)): symbolic("1", where)}
        raise AssertionError(e)

    def _number(self, x: Form, e: Operation, where: str) -> Any:
        if set(x) - {Atom("1")}:
            raise ParseError("a product or quotient of sequences; the equations must be linear in them", where, e.line, e.column)
        return x.get(Atom("1"), 0)

    def _index(self, e: Expression, where: str) -> Fraction:
        at_zero, at_one = (constant(substitute(e, {"n": Number(Fraction(k))})) for k in (0, 1))
        if at_zero is None or at_one is None or at_one - at_zero != 1:
            raise ParseError("an index is n plus a number, such as n, n+1 or n-1/2", where, e.line, e.column)
        if abs(at_zero) > FARTHEST:
            raise ParseError(f"an index beyond n+{FARTHEST}", where, e.line, e.column)
        return at_zero


KIND = Kind("equivalence", EquivalenceClaim, states_equivalence, judge_equivalence)
