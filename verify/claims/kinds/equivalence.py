"""Kind equivalence: equations between sequences that follow from others, such as (13)+(14)+(15) => (16).

    theta(n+1) - theta(n) = gamma*eta(n+1/2)          sequences are written as functions of n, shifts are rational
    grad(theta(n))                                    a gradient is an unknown function of its argument

Every equation is linear in the sequences and the gradients, with rational functions of the parameters as coefficients.  The
claimed equations follow exactly when their residuals lie in the span of the given ones and their shifts in n; two gradients
are the same where their arguments are, modulo those given equations that contain no gradient.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.errors import ParseError, UsageError
from derive.language import Call, Expression, Name, Number, Operation, constant, parse_expression
from derive.readings.formula import limited
from derive.scheme import Scheme, configure, substitute
from verify.claims.elimination import Atom, Form, Relations, combined, form_text, gradient_atom
from verify.claims.judgment import Judgment, Kind, proved, refuted
from verify.claims.scheme_data import SchemeData
from verify.claims.symbolic import equation_of, symbolic, symbolic_tree


@dataclass(frozen=True)
class EquivalenceClaim:
    """given, let => then.  `let` defines new sequences; `parameters` new constants; a scheme stands for its update."""

    given: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    let: tuple[str, ...] = ()
    parameters: Mapping[str, str] | None = None
    given_scheme: SchemeData | None = None
    then_scheme: SchemeData | None = None


def judge_equivalence(data: EquivalenceClaim) -> Judgment:
    """equivalence: reduce every claimed residual modulo the given equations; what is left is the error."""
    given = [*data.given, *data.let, *(scheme_equations(data.given_scheme) if data.given_scheme else ())]
    then = [*data.then, *(scheme_equations(data.then_scheme) if data.then_scheme else ())]
    if not given or not then:
        raise UsageError("give the equations 'given' (or 'given_scheme') and 'then' (or 'then_scheme')")
    reader = SequenceReader([*given, *then], data.parameters or {})
    known = [reader.equation(text) for text in given]
    claims = [reader.equation(text) for text in then]
    relations = Relations([combined(a, b, -1) for a, b in known], [f for pair in claims for f in pair])
    evidence = []
    for text, (left, right) in zip(then, claims, strict=True):
        remainder = relations.reduce(combined(left, right, -1), left)
        if remainder:
            true = relations.canonical(combined(right, remainder, 1))
            correct = f"{form_text(relations.canonical(left))} = {form_text(true)}"
            rest = f"{text}: left minus right is {form_text(remainder)}, modulo what is given"
            return refuted(correct, rest, relations.numbers(remainder))
        evidence.append(f"{text}: in the span of the {relations.count} given equations and their shifts")
    return proved(*evidence)


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
        self.sequences = {m for t in texts for m in re.findall(r"([A-Za-z_]\w*)\s*\(", t)} - {"grad"}
        self.calls: dict[str, int | None] = {"grad": 1, **dict.fromkeys(self.sequences, 1)}
        self.values: dict[str, Any] = {}
        for name, text in parameters.items():
            self.values[name] = symbolic(text, f"parameters, {name}", self.values)

    def equation(self, text: str) -> tuple[Form, Form]:
        """(left, right).  Raises ParseError outside the grammar and for what is not linear."""
        a, b = equation_of(text, "equation")
        left, right = (limited(parse_expression(side, text, self.calls)) for side in (a, b))
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
                return combined({}, self.form(a, where), self._number(self.form(b, where), e, where) ** -1)
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
        return at_zero


KIND = Kind("equivalence", EquivalenceClaim, judge_equivalence)
