"""The lines of a declared map as lines of code: a function of one array, in which a repeat is a loop.

    X = X/norm(X); repeat 3: X = 3/2*X - 1/2*X @ X.T @ X; P = X

    def P(X):
        X = X/norm(X)
        for _ in range(3):
            X = 3/2*X - 1/2*X @ X.T @ X
        return X
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.errors import UsageError
from derive.language import Assignment, Call, Meaning, Name, Operation, Repeat, Statement, assignments, interpret
from derive.language.calls import CHOICES, PIECES
from derive.language.layers import ROW, summed_call
from derive.language.matrices import PRODUCT, TRACE, TRANSPOSE
from derive.language.precedence import POWER, RAISED, SIGN, SUM
from derive.language.precedence import PRODUCT as TIMES
from derive.scheme.map_programs import MapProgram
from derive.writing.code.targets import Target

ATOM = RAISED + 1


@dataclass(frozen=True)
class Code:
    """An expression, how tightly it binds, whether its value is an array, and whether it is made of numbers and parameters."""

    text: str
    level: int = ATOM
    array: bool = True
    number: bool = False

    def within(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"


def map_function(program: MapProgram, target: Target, use: Callable[[str], str], parameter: Callable[[str], str]) -> list[str]:
    """The lines of a function of the map's name.

    `use` is told of functions that must be defined beside this one, `parameter` gives the name of a parameter.
    """
    return _Function(program, target, use, parameter).lines()


class _Function:
    def __init__(
        self, program: MapProgram, target: Target, use: Callable[[str], str], parameter: Callable[[str], str]
    ) -> None:
        self.program, self.target, self.use = program, target, use
        own = dict.fromkeys((program.argument, *(a.target for a in assignments(program.statements))))
        given = {n: parameter(n) for n in sorted(program.names)}
        reserved = {*target.spelling.names, *target.helpers, *given.values(), program.label}
        self.names = given | {n: _free(n, reserved) for n in own}
        self.numbers, self.own = frozenset(given), [self.names[n] for n in own]
        self.flat = False  # whether some line leaves one number where an array stood
        self.parts = 0

    def lines(self) -> list[str]:
        argument, *others = self.own
        label, target = self.names[self.program.label], self.target
        body = self._body(self.program.statements)
        if self.flat:
            whole = _free("whole", {*self.own, *target.spelling.names})
            body = [f"{whole} = {argument}", *body, f"return {target.infix('+', label, target.infix('*', '0', whole))}"]
        elif body[-1].startswith(start := f"{label} = "):
            body[-1] = f"return {body[-1].removeprefix(start)}"
            others.remove(label)
        else:
            body.append(f"return {label}")
        if self.program.of_matrices:
            body = [*target.matrix_check.format(argument, self.program.label).splitlines(), *body]
        return target.function(self.program.label, argument, others, body)

    def _body(self, statements: Sequence[Statement]) -> list[str]:
        lines: list[str] = []
        for s in statements:
            if isinstance(s, Repeat):
                assert s.times is not None
                lines += self.target.loop(s.times, self._body(s.body))
            else:
                lines += self._assignment(s)
        return lines

    def _assignment(self, line: Assignment) -> list[str]:
        writer = _Lines(self)
        value = interpret(line.value, writer)
        self.flat |= not value.array and (line.target == self.program.label or self.program.kinds.get(line.target) == "vector")
        return [*writer.before, f"{self.names[line.target]} = {value.text}"]

    def named(self, value: Code, before: list[str]) -> Code:
        """A name for what is written more than once."""
        if value.text.isidentifier() or value.number:
            return value
        self.parts += 1
        name = _free(f"part{self.parts}", {*self.own})
        self.own.append(name)
        before.append(f"{name} = {value.text}")
        return Code(name, array=value.array)


class _Lines(Meaning[Code]):
    """The expressions of one line, and the lines that it needs `before` it."""

    def __init__(self, around: _Function) -> None:
        self.around, self.target = around, around.target
        self.before: list[str] = []

    def number(self, value: Fraction) -> Code:
        text = decimal(value)
        return Code(text, ATOM if text.isdigit() or "." in text else TIMES, array=False, number=True)

    def name(self, node: Name) -> Code:
        number = node.id in self.around.numbers
        return Code(self.around.names[node.id], array=self.around.program.kinds.get(node.id) == "vector", number=number)

    def negate(self, a: Code) -> Code:
        return Code(f"-{a.within(SIGN)}", SIGN, a.array, a.number)

    def add(self, a: Code, b: Code, node: Operation) -> Code:
        return self._joined("+", a, b, SUM)

    def subtract(self, a: Code, b: Code, node: Operation) -> Code:
        return self._joined("-", a, b, SUM)

    def multiply(self, a: Code, b: Code, node: Operation) -> Code:
        return self._joined("*", a, b, TIMES)

    def divide(self, a: Code, b: Code, node: Operation) -> Code:
        return self._joined("/", a, b, TIMES)

    def _joined(self, sign: str, a: Code, b: Code, level: int) -> Code:
        text = self.target.infix(sign, a.within(level), b.within(level + 1))
        return Code(text, level, a.array or b.array, a.number and b.number)

    def power(self, base: Code, exponent: Fraction | None, node: Operation) -> Code:
        if exponent is None:
            raise UsageError(f"{self.around.program.label}: an exponent must be a rational number, such as 2 or 1/2")
        return self._raised(base, exponent)

    def _raised(self, base: Code, exponent: Fraction) -> Code:
        written = str(exponent) if exponent.denominator == 1 and exponent >= 0 else f"({exponent})"
        return Code(self.target.infix("**", base.within(RAISED), written), POWER, base.array, base.number)

    # ------------------------------------------------------------------ calls

    def call(self, node: Call, args: list[Code]) -> Code:
        name = node.function
        if summed := summed_call(name):
            return self._summed(*summed, args)
        if name in PIECES:
            return self._piece(name, args)
        match name:
            case _ if name == PRODUCT:
                return Code(f"{args[0].within(TIMES)} {self.target.spelling.product} {args[1].within(SIGN)}", TIMES)
            case _ if name == TRANSPOSE:
                return Code(self.target.spelling.transposed.format(args[0].within(ATOM)))
            case "sqrt":
                return self._raised(args[0], Fraction(1, 2))
        return self._called(name, args, array=name != TRACE and args[0].array)

    def _called(self, name: str, args: Sequence[Code], array: bool) -> Code:
        inner = ", ".join(self.target.number.format(a.text) if a.number else a.text for a in args)
        return Code(f"{self._function(name)}({inner})", ATOM, array)

    def _function(self, name: str) -> str:
        written, helper = self.target.in_maps(name)
        if not written:
            raise UsageError(f"{name}, which {self.around.program.label} is made of, has no name in that language")
        return self.around.use(helper) if helper else written

    def _summed(self, name: str, part: str, args: list[Code]) -> Code:
        """dot(x, y), norm(x) and mean(x), of the whole array or of the row or column in which a component stands."""
        if name == "norm":
            if not part:
                return self._called("norm", args, array=False)
            return self._raised(self._summed("dot", part, args * 2), Fraction(1, 2))
        terms = args[0]
        if name == "dot":
            same = args[0].text == args[1].text
            terms = self._raised(args[0], Fraction(2)) if same else self._joined("*", args[0], args[1], TIMES)
        if not part:
            return self._called("mean" if name == "mean" else "total", [terms], array=False)
        total = self._called("rows" if part == ROW else "columns", [terms], array=True)
        if name == "dot":
            return total
        ones = self._called("rows" if part == ROW else "columns", [Code(self.target.ones(terms.text))], array=True)
        return self._joined("/", total, ones, TIMES)

    def _piece(self, name: str, args: list[Code]) -> Code:
        """where(a > b, x, y), max and min by it."""
        if name == "clip":
            x, low, high = args
            return self._piece("min", [self._piece("max", [x, low]), high])
        a, b, *ways = args
        if not ways:
            a, b = ways = [self.around.named(x, self.before) for x in (a, b)]
        sign = ">" if name == "max" or CHOICES.get(name, "<")[0] == ">" else "<"
        condition = self.target.infix(sign, a.within(SUM), b.within(SUM))
        text = ", ".join((condition, *(x.text for x in ways)))
        if a.number and b.number and not self.target.branches:
            return Code(f"{ways[0].text} if {condition} else {ways[1].text}", SUM - 1, any(x.array for x in ways))
        return Code(f"{self._function('where')}({text})", ATOM, any(x.array for x in (a, b, *ways)))


def decimal(value: Fraction) -> str:
    """A number as people write it: 3.4445, and 1/3 where no decimal is the same number.

    >>> decimal(Fraction(6889, 2000)), decimal(Fraction(1, 3)), decimal(Fraction(4)), decimal(Fraction(1, 8))
    ('3.4445', '1/3', '4', '0.125')
    """
    digits = next((k for k in range(1, 16) if (value * 10**k).denominator == 1), 0)
    if value.denominator == 1 or not digits:
        return str(value)
    whole, rest = divmod(abs(value).numerator * 10**digits // value.denominator, 10**digits)
    return f"{'-' * (value < 0)}{whole}.{rest:0{digits}}"


def _free(name: str, reserved: set[str]) -> str:
    """The name, or one like it that has no meaning yet."""
    while name in reserved:
        name += "_"
    return name


__all__ = ["decimal", "map_function"]
