"""Expressions evaluated on any numbers; vectors are lists, everything is componentwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import isqrt
from operator import add, mul, sub, truediv
from typing import Any

from derive.errors import UsageError, nearest
from derive.language import Call, Expression, Name, Number, Operation, constant
from derive.language.calls import CHOICES, KNOWN_FUNCTIONS, PIECES
from derive.language.layers import LAYER, ROW, extreme_call, summed_call
from verify.numbers.kinds import Numbers
from verify.numbers.known import known_function
from verify.numbers.power_series import SingularSeries, sum_of

Value = Any
Functions = Callable[[str, list[Any]], Any]


def componentwise(a: Value, b: Value, combine: Callable[[Any, Any], Any]) -> Value:
    """combine(a, b), component by component where one of them is a vector."""
    if isinstance(a, list):
        return [combine(x, y) for x, y in zip(a, b if isinstance(b, list) else [b] * len(a), strict=True)]
    return [combine(a, y) for y in b] if isinstance(b, list) else combine(a, b)


def mapped(f: Callable[[Any], Any], a: Value) -> Value:
    """f of a number, or of every component."""
    return [f(x) for x in a] if isinstance(a, list) else f(a)


#: the four operations of the language
COMBINE: dict[str, Callable[[Any, Any], Any]] = {"+": add, "-": sub, "*": mul, "/": truediv}


def evaluate(expression: Expression, names: Mapping[str, Value], numbers: Numbers, call: Functions) -> Value:
    """The value of an expression; `call` does the functions.

    >>> from flint import fmpq
    >>> from derive.language import parse_expression
    >>> from verify.numbers.kinds import EXACT
    >>> evaluate(parse_expression("2*x**2 - 1/3", "example"), {"x": fmpq(1, 2)}, EXACT, lambda f, args: None)
    1/6
    """
    match expression:
        case Number(value):
            return numbers.lift(value)
        case Name(id):
            if id not in names:
                raise UsageError(f"'{id}' has no value{nearest(id, names)}; give it with --set {id}=...")
            return names[id]
        case Operation("neg", (a,)):
            return mapped(lambda x: -x, evaluate(a, names, numbers, call))
        case Operation("**", (a, b)):
            exponent = constant(b)
            if exponent is None:
                raise UsageError("an exponent must be a rational number, such as 2 or -1/2")
            return mapped(lambda x: numbers.power(x, exponent), evaluate(a, names, numbers, call))
        case Operation(op, (a, b)):
            return componentwise(evaluate(a, names, numbers, call), evaluate(b, names, numbers, call), COMBINE[op])
        case Call(function, args):
            return call(function, [evaluate(a, names, numbers, call) for a in args])
    raise AssertionError(expression)


def elementary(function: str, args: list[Value], numbers: Numbers) -> Value:
    """sqrt, abs, sign, the known functions, and real comparisons."""
    if function in PIECES:
        return compared(function, args, numbers)
    if function in KNOWN_FUNCTIONS:
        return mapped(lambda x: known_function(function, x), args[0])
    match function:
        case "sqrt":
            return mapped(lambda x: numbers.power(x, Fraction(1, 2)), args[0])
        case "abs":
            return mapped(numbers.absolute, args[0])
        case "sign":
            return mapped(numbers.sign, args[0])
    raise UsageError(f"function '{function}' cannot be evaluated here")


def compared(function: str, args: list[Value], numbers: Numbers) -> Value:
    """max, min, clip and where by the signs of differences, which are those of the numbers as they run.

    >>> from verify.numbers.kinds import FRACTIONS
    >>> one, two, three = map(Fraction, (1, 2, 3))
    >>> [str(compared("max", [[one, three], two], FRACTIONS)[i]) for i in (0, 1)]
    ['2', '3']
    >>> str(compared("clip", [three, one, two], FRACTIONS)), str(compared("where>", [one, two, one, three], FRACTIONS))
    ('2', '3')
    """
    if function == "clip":
        x, low, high = args
        return compared("min", [compared("max", [x, low], numbers), high], numbers)
    a, b = args[:2]
    if function in ("max", "min"):
        return _either(a, b, a, b, numbers) if function == "max" else _either(b, a, a, b, numbers)
    greater, less = (b, a) if CHOICES[function][0] == "<" else (a, b)
    return _either(greater, less, args[2], args[3], numbers)


def _either(a: Value, b: Value, x: Value, y: Value, numbers: Numbers) -> Value:
    """x where a > b, and y where a < b:  y + (x - y) (1 + sign(a - b))/2."""
    half = numbers.lift(Fraction(1, 2))
    weight = mapped(lambda d: (numbers.sign(d) + numbers.lift(Fraction(1))) * half, componentwise(a, b, sub))
    return componentwise(y, componentwise(componentwise(x, y, sub), weight, mul), add)


def summed(function: str, args: Sequence[Value], dimension: int, layers: Iterable[Sequence[int]], numbers: Numbers) -> Value:
    """dot, norm or mean: a number; over the layer of each component (their places given), its row or column: a vector.

    A number among the arguments is a vector of equal components, of this dimension if all arguments are numbers.

    >>> from verify.numbers.kinds import FRACTIONS
    >>> x = [Fraction(3), Fraction(4), Fraction(5)]
    >>> summed("dot", [x, 1], 3, (), FRACTIONS), [str(n) for n in summed("norm.layer", [x], 3, ((0, 1), (2,)), FRACTIONS)]
    (Fraction(12, 1), ['5', '5', '5'])
    """
    name, part = summed_call(function) or (function, "")
    size = max((len(x) for x in args if isinstance(x, list)), default=dimension)
    vectors = [x if isinstance(x, list) else [x] * size for x in args]
    if not part:
        return _summed(name, vectors, numbers)
    if part != LAYER:
        layers = lines_of(size, part == ROW)
    found: dict[int, Any] = {}
    for layer in layers:
        found |= dict.fromkeys(layer, _summed(name, [[x[i] for i in layer] for x in vectors], numbers))
    return [found[i] for i in range(size)]


def extreme(function: str, x: Sequence[Value], numbers: Numbers) -> Value:
    """largest or smallest: a number; over the row or column of each component: a vector.

    Raises ZeroDivisionError or SingularSeries where two are equal and none is beyond them.

    >>> from verify.numbers.kinds import FRACTIONS
    >>> x = [Fraction(n) for n in (1, 1, 3, -2, -1, -2)]
    >>> str(extreme("largest", x, FRACTIONS)), [str(n) for n in extreme("smallest.column", x, FRACTIONS)[:3]]
    ('3', ['-2', '-1', '-2'])
    >>> extreme("smallest", x, FRACTIONS)
    Traceback (most recent call last):
        ...
    ZeroDivisionError: Fraction(0, 0)
    """
    name, part = extreme_call(function) or (function, "")
    if not part:
        return _extreme(name, x, numbers)
    found: dict[int, Any] = {}
    for line in lines_of(len(x), part == ROW):
        found |= dict.fromkeys(line, _extreme(name, [x[i] for i in line], numbers))
    return [found[i] for i in range(len(x))]


def _extreme(name: str, values: Sequence[Any], numbers: Numbers) -> Any:
    """The last that was beyond those before it; what was equal to one of them then must be below it in the end."""
    choice, equal = "max" if name == "largest" else "min", []
    best = values[0]
    for x in values[1:]:
        try:
            best = compared(choice, [x, best], numbers)
        except (ZeroDivisionError, SingularSeries):
            equal.append(x)
    for x in equal:
        numbers.sign(best - x)
    return best


def sides_of(dimension: int) -> tuple[int, int]:
    """Rows and columns of a matrix of so many components: the most nearly square shape with no more rows than columns.

    >>> [sides_of(d) for d in (1, 2, 4, 6, 12)]
    [(1, 1), (1, 2), (2, 2), (2, 3), (3, 4)]
    """
    rows = next(m for m in range(isqrt(dimension), 0, -1) if dimension % m == 0)
    return rows, dimension // rows


def lines_of(dimension: int, rows: bool) -> list[range]:
    """The places of the components of every row, or of every column.

    >>> lines_of(6, True), lines_of(4, False)
    ([range(0, 3), range(3, 6)], [range(0, 4, 2), range(1, 4, 2)])
    """
    n = sides_of(dimension)[1]
    return [range(i, i + n) for i in range(0, dimension, n)] if rows else [range(j, dimension, n) for j in range(n)]


def _summed(name: str, vectors: Sequence[list[Any]], numbers: Numbers) -> Any:
    if name == "mean":
        return sum_of(vectors[0]) * numbers.lift(Fraction(1, len(vectors[0])))
    total = sum_of([x * y for x, y in zip(vectors[0], vectors[-1], strict=True)])
    return total if name == "dot" else numbers.power(total, Fraction(1, 2))
