"""Operands as people write them, and as this program prints them, beside the plain ones: ∇²L[u], f'[u], <a, b>, |x|, √x."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Container
from dataclasses import replace
from fractions import Fraction
from functools import partial

from derive.errors import ParseError, nearest
from derive.language.calls import AT_POINT, COMPARISONS, WHERE, function_called
from derive.language.layers import EXTREMA, PARTS, part_call
from derive.language.letters import is_letter
from derive.language.matrices import LINE_CALLS
from derive.language.precedence import AT_POINTS, POWER, RAISED, SIGN, Climbing
from derive.language.samples import SAMPLES, sampled
from derive.language.syntax import Call, Expression, Name, Number, Operation, whole_number
from derive.language.tokens import Token

_IN_BRACKETS = re.compile(r"hess|d[0-9]+|d[0-9]*field")
_OPERAND = ("√", "∇", "⟨", "‖")
_NUMBERS = ("(", "|", "‖", "⟨", "<")
_PLAIN = "takes plain arguments only"
_MAX = "write max(x, y) as (x + y + abs(x - y))/2, min(x, y) as (x + y - abs(x - y))/2"
_CLIP = "write x clipped to [-a, a] as (abs(x + a) - abs(x - a))/2"
_CASES = "an equation has one smooth branch; write the one that holds, with abs(x) and sign(x) where they say it"
_SUM = "sums over components are dot(x, y), norm(x) and mean(x)"
_MANY = {"maximum": "max(x, y)", "minimum": "min(x, y)", "clamp": "clip(x, low, high)"}  # where texts have them
_IN_LINES = (
    "{0} stands in the lines of a map, not here; write P(x), P = \"map, the {0} of x\" under [functions] and "
    "\"P(X)\" = \"P = {0}(X)\" under [maps]"
)
_COSINE = "write dot(x, y)/(norm(x)*norm(y))"
#: functions that people look for in vain, and what to write instead
_INSTEAD = {
    **dict.fromkeys(("max", "min", "maximum", "minimum"), _MAX), **dict.fromkeys(("clip", "clamp"), _CLIP), "where": _CASES,
    "sum": _SUM, **dict.fromkeys(("cosine", "cosine_similarity"), _COSINE),
}  # fmt: skip
_FUNCTIONS = {"f": "field", "L": "loss"}  # as they are written, and as they are called


class Reader(Climbing):
    """Reads expressions from the words of one text."""

    def operand(self) -> Callable[[], Expression]:
        token = self.token
        if token.kind in ("number", "name"):
            return self.number if token.kind == "number" else self.name
        if token.kind == "prime":
            raise self.fail("only numbers may stand here, such as 3, 1/2 or 0.9", token)
        found = _SIGNS.get(token.text) if token.kind == "sign" else None
        if found is not None:
            return partial(found, self)
        if token.text == "[":
            raise self.fail("'[' cannot stand here; brackets hold the arguments of a derivative, as in hess L[u]", token)
        if token.kind == "sign" and token.text not in ("*", "/", "**", ")", "]", ",", ">", "⟩", "="):
            self.refuse()
        raise self.fail("syntax error: an operand is missing", token)

    def number(self) -> Expression:
        token = self.advance()
        return Number(Fraction(token.text), token.line, token.column)

    # ------------------------------------------------------------------ operands that begin with a sign

    def minus(self) -> Expression:
        token = self.advance()
        return Operation("neg", (self.expression(SIGN),), token.line, token.column)

    def plus(self) -> Expression:
        self.advance()
        return self.expression(SIGN)

    def bracketed(self) -> Expression:
        return self.inside(self.advance(), ")")

    def root(self) -> Expression:
        """√x of the one operand after it, √(x + y)."""
        token = self.advance()
        plain = not self.at("(")
        self.descend(token)
        inner = self.operand()()
        self.depth -= 1
        if plain and (self.token.kind == "raised" or self.at("**")):
            raise self.fail("say which power is meant, (√x)^2 or √(x^2)", token)
        return self.call("sqrt", [inner], token)

    def bars(self) -> Expression:
        """|x|, ||x||, ‖x‖."""
        token = self.advance()
        twice = token.text == "|" and self.at("|", close=True)
        if twice:
            self.advance()
        value = self.inside(token, token.text)
        if twice:
            self.expect("|", token)
        return self.call("norm", [value, *self.of_layer()], token)

    def angle(self) -> Expression:
        """<a, b>."""
        token = self.advance()
        pair = [self.inside(token, ","), self.inside(token, "⟩" if token.text == "⟨" else ">")]
        return self.call("dot", [*pair, *self.of_layer()], token)

    def of_layer(self) -> list[Expression]:
        """The subscript of |x|_layer and of <a, b>_row, as a last argument."""
        part = self.token.text.removeprefix("_")
        found = part in PARTS and self.token.text != part and not self.token.blank
        return [self.of_name(part)] if found else []

    def of_name(self, name: str) -> Name:
        token = self.advance()
        return Name(name, token.line, token.column)

    def nabla(self) -> Expression:
        """∇L, ∇L(x), ∇²L[u], ∇³L[u, v], ∇|u|², ∇(s), ∇⟨u, v⟩."""
        token = self.advance()
        if self.calls.get("gradient") == 1 and self.at_number():
            return self.gradient_of_number(token)
        if self.declares and self.token.kind == "name" and self.token.text.startswith("_"):
            return self.partial_derivative([self.advance().text[1:]], token)
        order = int(self.advance().text) if self.token.kind == "raised" and self.token.text[:3].isdigit() else 1
        if self.declares and self.token.text in self.calls and 1 <= order <= 999:
            return self.of_loss([""] * order, self.advance(), token)
        if self.token.text != "L" or not 1 <= order <= 999:
            raise self.fail("write ∇L for the gradient of the loss, ∇²L[u], ∇³L[u, v] for its derivatives", token)
        self.advance()
        return self.derivative(order, token)

    # ------------------------------------------------------------------ derivatives

    def at_number(self) -> bool:
        """Whether a size, a scalar product or a bracket opens here, whose gradient is meant by a ∇ before it."""
        return self.token.kind == "sign" and self.token.text in _NUMBERS and not self.is_closing()

    def gradient_of_number(self, token: Token) -> Expression:
        """∇|u|² is the gradient of the square, ∇(s) that of s."""
        bracket = self.at("(")
        value = self.operand()()
        if self.token.kind == "raised" or self.at("**"):
            if bracket:
                raise self.fail("say which power is meant, (∇(s))^2 or ∇((s)^2)", token)
            value = self.operation(value, RAISED if self.token.kind == "raised" else POWER, token)
        return self.call("gradient", [value], token)

    @property
    def declares(self) -> bool:
        """Whether losses are declared: grad then takes a loss and a variable."""
        return "grad" in self.calls and self.calls["grad"] is None

    def partial_derivative(self, variables: list[str], token: Token) -> Expression:
        """∇_x f, ∇_x,y f[u], ∇_x,y f(a, b)[u]: subscripts, the loss, its point and its arguments."""
        while self.at(","):
            self.advance()
            variables.append(self.advance().text)
        if self.token.text not in self.calls:
            raise self.fail("the name of a loss is missing after the subscripts of a derivative, as in ∇_x,y f[u]", self.token)
        return self.of_loss(variables, self.advance(), token)

    def of_loss(self, variables: list[str], loss: Token, token: Token) -> Expression:
        """A derivative of a declared loss, by these variables; none is named where the loss has one."""
        self.descend(token)
        points = self.arguments(")") if self.at("(", close=True) else []
        directions = self.arguments("]") if self.at("[") else []
        self.depth -= 1
        if len(directions) != len(variables) - 1:
            given = f"{len(variables) - 1} argument{'s' * (len(variables) != 2)} in brackets, not {len(directions)}"
            raise self.fail(f"a derivative of this order takes {given}", token)
        return Call(".".join((loss.text, *variables)), (*points, *directions), token.line, token.column)

    def derivative(self, order: int, token: Token) -> Expression:
        """The derivative of L of this order, at its point or at another, with its arguments in brackets."""
        self.descend(token)
        points = self.arguments(")") if self.at("(", close=True) else None
        self.depth -= 1
        if order == 1:
            return Name("grad", token.line, token.column) if points is None else self.at_point("grad", points, token)
        name = "hess" if order == 2 else f"d{order}"
        moved = points is not None and points != [Name("theta")]
        anywhere = self.calls.get(name) == order or (moved and self.anywhere)  # with a point before the directions
        if moved and not anywhere:
            raise self.fail("a derivative is taken at theta; its arguments stand in brackets, as in ∇²L[∇L]", token)
        if not self.at("["):
            if moved and self.calls.get(name) != order:
                raise self.fail("the arguments of a derivative stand in brackets behind its point, as in ∇²L[∇L]", token)
            raise self.fail("the arguments of a derivative stand in brackets, as in ∇²L[u] or hess L[u]", token)
        here = [Name("theta", token.line, token.column)] if points is None else points
        return self.call(name, [*(here if anywhere else []), *self.arguments("]")], token)

    @property
    def anywhere(self) -> bool:
        """Whether derivatives may have a point before their directions."""
        return self.calls.get("grad") == 1

    def at_point(self, name: str, points: list[Expression], token: Token) -> Expression:
        """grad(x) or field(x): a call, or, where they are always taken at theta, the name alone or the gradient of a number."""
        formula = self.calls.get("hess") == 1 and "field" in self.calls  # a derivative without a point is the one at theta
        if points == [Name("theta")] and name in AT_POINTS and (formula or name not in self.calls):
            return Name(name, token.line, token.column)
        if name in self.calls or name not in AT_POINTS:
            return self.call(name, points, token)
        if name == "grad" and self.calls.get("gradient") == 1:
            return self.call("gradient", points, token)
        raise self.fail(f"{name} stands alone here, for its value at theta; for a product write {name}*(...)", token)

    def primed(self, token: Token, count: int) -> Expression:
        """f'[u], f'(x)[u], or r' as a name."""
        if token.text == "f" and (self.at("[") or (self.anywhere and self.at("(", close=True))):
            point = self.arguments(")") if self.at("(") else []
            return self.call("dfield" if count == 1 else f"d{count}field", [*point, *self.arguments("]")], token)
        return Name(token.text + "'" * count, token.line, token.column)

    # ------------------------------------------------------------------ names and calls

    def name(self) -> Expression:
        token = self.advance()
        if keyword.iskeyword(token.source):
            self.refuse_word(token)
        if (count := self.primes()) is not None:
            return self.primed(token, count)
        if self.declares and (found := _of_declared(token.text, self.token, self.calls)) is not None:
            rank, loss = found
            return self.of_loss([""] * rank, replace(token, text=loss) if rank > 2 else self.advance(), token)
        if self.declares and token.text.startswith("grad_") and token.text not in self.assigned:
            return self.partial_derivative([token.text.removeprefix("grad_")], token)
        if (order := _order(token.text, self.token)) is not None:
            self.position += self.token.text == "L"
            return self.derivative(order, token)
        if self.at("["):
            if not _IN_BRACKETS.fullmatch(token.text):
                self.refuse()
            return self.call(token.text, self.arguments("]"), token)
        if self.at("("):
            if self.is_call(token) and token.text == WHERE:
                return self.choice(token)
            if self.is_call(token):
                called = partial(self.at_point if token.text in AT_POINTS else self.call, token.text)
                return called(self.arguments(")") + (self.arguments("]") if self.at("[") else []), token)
            if self.is_at_point(token):
                return self.at_point(_FUNCTIONS.get(token.text, token.text), self.arguments(")"), token)
            self.require_name(token)
        elif token.text == "grad" and token.text not in self.names and self.at_number():
            raise self.fail("for a product write grad*(...), for the gradient of a number gradient(...)", token)
        elif token.text in self.calls and token.text not in (*self.assigned, *AT_POINTS) and self.begins_operand():
            raise self.fail(f"{token.text} is a function; write {token.text}(x)", token)
        return Name(token.text, token.line, token.column)

    def primes(self) -> int | None:
        """How many primes, or which raised (4), stand at a name."""
        if self.token.kind == "prime" and not self.token.blank:
            return len(self.advance().text)
        if self.token.kind == "raised" and self.token.text.startswith("("):
            return min(int(self.advance().text.strip("()")), 999)
        return None

    def begins_operand(self) -> bool:
        """Whether an operand comes next, as in sin x."""
        return self.token.kind in ("name", "number") or (self.token.kind == "sign" and self.token.text in _OPERAND)

    def is_call(self, token: Token) -> bool:
        """Whether a name before '(' is a function: a known one, but for a variable of that name with a blank behind it."""
        return token.text in self.calls and not (self.token.blank and token.text in self.assigned)

    def is_at_point(self, token: Token) -> bool:
        """Whether grad(theta) or field(theta) stands where they take no point, or f(x) where f is the field, L(x) the loss."""
        if token.text in self.names:
            return False
        return token.text in AT_POINTS or (_FUNCTIONS.get(token.text) in self.calls and not self.token.blank)

    def require_name(self, token: Token) -> None:
        """ParseError where a name before '(' is meant as a function: with no blank, or near to a known one, and no known name."""
        if token.text in (*self.names, "gamma", "theta") or is_letter(token.text):
            return
        if not self.token.blank or nearest(token.text, self.calls):
            raise self.unknown(token.text, token)

    def unknown(self, name: str, token: Token) -> ParseError:
        if name in _INSTEAD and "abs" in self.calls:
            instead = f"write {_MANY[name]}" if name in _MANY and "max" in self.calls else _INSTEAD[name]
            return self.fail(f"'{name}' is not part of the language: {instead}", token)
        if name in (*EXTREMA, *LINE_CALLS):
            return self.fail(_IN_LINES.format(name), token)
        calls = [c for c in self.calls if "." not in c]
        known = ", ".join(calls[:12]) + (", ..." if len(calls) > 12 else "")
        shown = name if len(name) <= 40 else f"{name[:40]}..."
        product = f"; for a product write {shown}*(...)" if token.kind == "name" and not name.startswith("_") else ""
        return self.fail(f"unknown function '{shown}'{nearest(name, self.calls)} (known: {known or 'none'}){product}", token)

    def choice(self, token: Token) -> Expression:
        """where(a < b, x, y): x where a is less than b, and y elsewhere."""
        opening = self.advance()
        self.open.append(opening.text)
        found = [self.expression()]
        sign = self.token.text
        if self.token.kind != "sign" or sign not in COMPARISONS:
            raise self.fail("where takes a comparison first, as in where(a < b, x, y)", self.token)
        self.advance()
        found.append(self.expression())
        for _ in range(2):
            self.expect(",", opening)
            found.append(self.expression())
        self.open.pop()
        self.expect(")", opening)
        return Call(WHERE + sign, tuple(found), token.line, token.column)

    def arguments(self, closing: str) -> list[Expression]:
        """What stands between brackets, with commas between."""
        opening = self.advance()
        function = self.words[self.position - 2].text
        found: list[Expression] = []
        self.open.append(opening.text)
        while not self.at(closing):
            if self.at("*") or self.at("**"):
                raise self.fail(f"{function} {_PLAIN}", self.token)
            found.append(self.expression())
            if self.at("="):
                raise self.fail(f"{function} {_PLAIN}", self.token)
            if not self.at(closing):
                self.expect(",", opening)
        self.open.pop()
        self.advance()
        return found

    def call(self, name: str, args: list[Expression], token: Token) -> Expression:
        if name not in self.calls:
            raise self.unknown(name, token)
        part = args[-1].id if args and isinstance(args[-1], Name) else ""
        if part in PARTS and self.calls.get(part_call(name, part)) == len(args) - 1:
            return Call(part_call(name, part), tuple(args[:-1]), token.line, token.column)
        arity = self.calls[name]
        if name in SAMPLES and arity is not None:
            return self.sampled(name, args, token)
        if arity is not None and len(args) != arity and not (self.anywhere and AT_POINT.get(name) == len(args)):
            raise self.fail(f"{name} takes {arity} argument{'s' * (arity != 1)}, not {len(args)}", token)
        return Call(function_called(name, len(args)) if arity is not None else name, tuple(args), token.line, token.column)

    def sampled(self, name: str, args: list[Expression], token: Token) -> Expression:
        """sgrad(x), or sgrad(x, 2): the gradient of one of the step's samples."""
        sample = whole_number(args[1]) if len(args) == 2 else "1"
        if len(args) not in (1, 2) or sample is None:
            usage = f"{name}(x), or {name}(x, 2) for a second sample of the step"
            raise self.fail(f"{name} takes a point and the number of a sample; write {usage}", token)
        return Call(sampled(SAMPLES[name], sample), (args[0],), token.line, token.column)


_SIGNS: dict[str, Callable[[Reader], Expression]] = {
    "-": Reader.minus, "+": Reader.plus, "(": Reader.bracketed, "√": Reader.root, "∇": Reader.nabla,
    "|": Reader.bars, "‖": Reader.bars, "⟨": Reader.angle, "<": Reader.angle,
}  # fmt: skip


def _of_declared(name: str, after: Token, losses: Container[str]) -> tuple[int, str] | None:
    """The order of a derivative that is written 'grad L1', 'hess L1', 'd3L1[', and the loss."""
    if after.kind == "name" and after.text in losses and name in ("grad", "hess"):
        return ("grad", "hess").index(name) + 1, after.text
    found = re.fullmatch(r"d([3-9]|[1-9][0-9]{1,2})([^\W\d]\w*)", name) if after.text in ("[", "(") else None
    return (int(found[1]), found[2]) if found and found[2] in losses else None


def _order(name: str, after: Token) -> int | None:
    """The order of a derivative that is written 'grad L', 'hess L', 'd3L['."""
    if after.kind == "name" and after.text == "L":
        return {"grad": 1, "hess": 2}.get(name)
    found = re.fullmatch(r"d([0-9]{1,3})L", name) if after.text in ("[", "(") else None
    return int(found[1]) if found else None
