"""What a term does, in words.

Terms are read from their formulas ('hess(grad)', 'grad*(abs(grad) + eps)**(-1)'), so that every term has words; the
sentences that people know ("penalises the squared gradient norm") are a table in front of the general rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial

from derive.language import Call, Expression, Name, Operation, constant
from derive.language.calls import ELSEWHERE, partial_of
from derive.language.maps import MapKind, map_arities, map_of
from verify.problems.formula import DERIVATIVES, parsed

_ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
Letter = Callable[[str], str]
VELOCITY = "theta'"  # in the tables: the slow variable that is theta' in the limit, whatever a scheme calls it

#: parts of a modified loss that have a name
SCALARS = {
    "dot(grad, grad)": "the squared gradient norm",
    "dot(grad, hess(grad))": "the curvature along the gradient, ⟨∇L, ∇²L ∇L⟩",
    "dot(theta, theta)": "the squared distance of the parameters from the origin",
    "dot(theta, grad)": "the slope of the loss along the parameters, ⟨θ, ∇L⟩",
    "norm(grad)": "the gradient norm",
}

#: terms of the equation of theta that have a sentence of their own: (with a negative coefficient, with a positive one)
FIELDS = {
    "grad": ("follows the negative gradient", "climbs along the gradient"),
    "hess(grad)": (
        "lowers the squared gradient norm: ∇²L ∇L is half its gradient, so this leads to flatter ground",
        "raises the squared gradient norm: ∇²L ∇L is half its gradient, so this leads to steeper ground",
    ),
    "hess(hess(grad))": (
        "follows the negative gradient with the squares of the Hessian's curvatures as weights",
        "climbs along the gradient with the squares of the Hessian's curvatures as weights",
    ),
    "d3(grad, grad)": (
        "moves towards smaller curvature along the gradient's present direction",
        "moves towards larger curvature along the gradient's present direction",
    ),
    "theta": ("shrinks the parameters towards zero, as weight decay does", "pushes the parameters away from zero"),
    VELOCITY: ("moves against the velocity", "moves with the velocity"),
    "1": ("decreases, wherever it is", "grows, wherever it is"),
}  # fmt: skip


#: the same for the velocity's own equation in the limit, where it is theta''; corrections to it mix with those of theta'
FORCES = {
    "grad": ("accelerates down the gradient", "accelerates up the gradient"),
    VELOCITY: ("slows down: friction on the velocity", "speeds up: negative friction"),
    f"hess({VELOCITY})": (
        "damps motion in directions of positive curvature", "drives motion in directions of positive curvature"
    ),
}  # fmt: skip


def ordinal(k: int) -> str:
    """'third' for 3.

    >>> [ordinal(k) for k in (2, 12, 21, 33)]
    ['second', '12th', '21st', '33rd']
    """
    ending = "th" if 10 < k % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(k % 10, "th")
    return _ORDINALS[k] if 0 < k < len(_ORDINALS) else f"{k}{ending}"


def power_words(k: int) -> str:
    """'γ²' for 2.

    >>> power_words(12)
    'γ¹²'
    """
    return "γ" + str(k).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def listed(parts: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def applied(vectors: list[str]) -> str:
    """What a derivative is applied to.

    >>> applied(["the gradient"] * 3), applied(["v", "w"])
    ('the gradient 3 times', 'v and w')
    """
    if len(vectors) > 1 and len(set(vectors)) == 1:
        return f"{vectors[0]} {'twice' if len(vectors) == 2 else f'{len(vectors)} times'}"
    return listed(vectors)


def number_words(x: Fraction) -> str:
    """A number; a small power of ten as such.

    >>> number_words(Fraction(1, 10**8)), number_words(Fraction(3, 4))
    ('10⁻⁸', '3/4')
    """
    power = len(str(x.denominator)) - 1
    small = x.numerator == 1 and power > 3 and x.denominator == 10**power
    return "10⁻" + power_words(power)[1:] if small else str(x)


class Phrases:
    """Noun phrases for formulas.

    `letter` writes a parameter or a state variable; `velocity` and `loss` are the names of theta' and of the loss itself, `maps`
    the declared maps.
    """

    def __init__(
        self, letter: Letter, velocity: str | None = None, loss: str = "L", maps: Mapping[str, MapKind] | None = None
    ) -> None:
        self.letter, self.velocity, self.loss, self.maps = letter, velocity, loss, maps or {}
        self.parsed = partial(parsed, maps=tuple(map_arities(self.maps).items()))

    def of(self, formula: str) -> str:
        """The phrase for a term.

        >>> say = Phrases(lambda name: {"eps": "ε"}.get(name, name))
        >>> say.of("hess(hess(grad))")
        'the Hessian applied to (the Hessian applied to the gradient)'
        >>> say.of("grad*(abs(grad) + eps)**(-1)")
        'the gradient, divided by |∇L| + ε'
        """
        return self.phrase(self.parsed(formula))

    def phrase(self, e: Expression) -> str:
        if (number := constant(e)) is not None:
            return number_words(number)
        match e:
            case Name(id):
                return self._name(id)
            case Call(function, args):
                return self._call(function, args)
            case Operation("neg", (a,)):
                return f"minus {self._inner(a)}"
            case Operation("**", (a, b)):
                return self._power(a, constant(b) or Fraction(1))
            case Operation("*" | "/"):
                return self._product(e)
            case Operation(op, (a, b)):
                return f"{self.phrase(a)} {'plus' if op == '+' else 'minus'} {self.phrase(b)}"
        raise AssertionError(e)

    def _name(self, name: str) -> str:
        known = {"grad": "the gradient", "field": "the field", "theta": "the parameters", self.loss: "the loss"}
        return "the velocity" if name == self.velocity else known.get(name, self.letter(name))

    def key(self, term: str) -> str:
        """The term as the tables have it.

        >>> Phrases(str, "w").key("hess(w)")
        "hess(theta')"
        """
        return re.sub(rf"\b{re.escape(self.velocity)}\b", VELOCITY, term) if self.velocity else term

    def _inner(self, e: Expression) -> str:
        text = self.phrase(e)
        simple = isinstance(e, Name) or constant(e) is not None or (isinstance(e, Call) and e.function in ("abs", "sign", "norm"))
        simple = simple or (isinstance(e, Call) and e.function == "dot" and e.args[0] == e.args[1] == Name("grad"))
        return text if simple else f"({text})"

    def _call(self, function: str, args: tuple[Expression, ...]) -> str:
        inner = [self._inner(a) for a in args]
        if found := map_of(function, self.maps):
            return self._mapped(*found, *inner)
        if function in ELSEWHERE:
            return f"{self._name(function)} at ({self.phrase(args[0])})"
        if (elsewhere := partial_of(function)) and not any(elsewhere.variables):
            name, (point, *directions) = elsewhere.written, args
            return f"{self._call(name, tuple(directions))}, taken at ({self.phrase(point)})"
        if function in ("hess", "dfield"):
            return f"the {'Hessian' if function == 'hess' else 'Jacobian'} applied to {inner[0]}"
        if function in DERIVATIVES:
            rank = DERIVATIVES[function]
            of = "field" if function.endswith("field") else "loss"
            return f"the {ordinal(rank if of == 'field' else rank + 1)} derivative of the {of} applied to {applied(inner)}"
        match function:
            case "dot":
                if args[0] == args[1]:
                    return f"the squared norm of {inner[0]}"
                return f"the inner product of {inner[0]} with {inner[1]}"
            case "norm":
                return f"the norm of {inner[0]}"
            case "abs":
                return f"the size of {inner[0]}"
            case "sign":
                return f"the sign of {inner[0]}"
        return f"the square root of {inner[0]}"

    def _mapped(self, label: str, rank: int, point: str, *directions: str) -> str:
        """P of a vector, and derivatives of P at it.

        >>> Phrases(str, maps={"P": "map"}).of("dP(theta, hess(grad))")
        'the derivative of P at the parameters applied to (the Hessian applied to the gradient)'
        """
        if rank == 0:
            return f"{label} {'applied to' if self.maps[label] == 'linear' else 'of'} {point}"
        derivative = f"the {f'{ordinal(rank)} ' if rank > 1 else ''}derivative of {label} at {point}"
        return f"{derivative} applied to {applied(list(directions))}" if directions else derivative

    def _power(self, base: Expression, exponent: Fraction) -> str:
        if exponent < 0:
            return f"one over {self._inner_power(base, -exponent)}"
        return self._inner_power(base, exponent)

    def _inner_power(self, base: Expression, exponent: Fraction) -> str:
        base, exponent = _as_norm(base, exponent)
        inner = self._inner(base)
        if exponent == 1:
            return inner
        named = {Fraction(2): "the square of", Fraction(3): "the cube of", Fraction(1, 2): "the square root of"}
        return f"{named[exponent]} {inner}" if exponent in named else f"{inner} to the power {exponent}"

    def _product(self, e: Expression) -> str:
        above: list[tuple[Expression, Fraction]] = []
        below: list[tuple[Expression, Fraction]] = []
        for factor, upside in factors(e):
            if constant(factor) == 1:
                continue
            exponent = Fraction(1)
            base = factor
            if isinstance(factor, Operation) and factor.op == "**":
                base, exponent = factor.args[0], constant(factor.args[1]) or Fraction(1)
            (above if (exponent > 0) == upside else below).append((base, abs(exponent)))
        text = self.phrase(above[0][0]) if len(above) == 1 and above[0][1] == 1 else ""
        text = text or " times ".join(self._inner_power(f, e) for f, e in above) or "one"
        return f"{text}, divided by {' and by '.join(self._divisor(f, e) for f, e in below)}" if below else text

    def _divisor(self, e: Expression, exponent: Fraction) -> str:
        e, exponent = _as_norm(e, exponent)
        symbols = self._symbols(e)
        if symbols is None:
            return self._inner_power(e, exponent)
        if exponent == 1:
            return symbols
        bracketed = f"({symbols})" if isinstance(e, Operation) else symbols
        if exponent == Fraction(1, 2):
            return f"√{bracketed}"
        raised = bracketed.startswith("(") or bracketed.isalpha() or bracketed[-1] in "|‖"
        bracketed = bracketed if raised else f"({bracketed})"
        return f"{bracketed}{_superscript(exponent)}" if exponent.denominator == 1 else f"{bracketed} to the power {exponent}"

    def of_symbols(self, e: Expression) -> str:
        """A short formula such as |∇L| + ε; the phrase for what is no sum of gradients and parameters."""
        return self._symbols(e) or self.phrase(e)

    def _symbols(self, e: Expression) -> str | None:
        """A short formula such as |∇L| + ε; None for what is no sum of gradients and parameters."""
        if (number := constant(e)) is not None:
            return number_words(number)
        match e:
            case Name(id):
                return {"grad": "∇L", "field": "f", "theta": "θ"}.get(id, self.letter(id))
            case Call("abs", (a,)) if (inner := self._symbols(a)) is not None:
                return f"|{inner}|"
            case Call("norm", (a,)) if (inner := self._symbols(a)) is not None:
                return f"‖{inner}‖"
            case Call("dot", (a, b)) if a == b and (inner := self._symbols(a)) is not None:
                return f"‖{inner}‖²"
            case Operation("+", (a, b)) if (x := self._symbols(a)) is not None and (y := self._symbols(b)) is not None:
                return f"{x} + {y}"
            case Operation("**", (a, b)) if constant(b) == 2 and isinstance(a, Name):
                symbol = self._symbols(a) or ""
                return f"{symbol}²" if symbol.isalpha() else f"({symbol})²"
        return None


def factors(e: Expression, upside: bool = True) -> list[tuple[Expression, bool]]:
    """The factors of a product, each with whether it stands above the line."""
    if isinstance(e, Operation) and e.op in ("*", "/"):
        return factors(e.args[0], upside) + factors(e.args[1], upside if e.op == "*" else not upside)
    return [(e, upside)]


def _as_norm(base: Expression, exponent: Fraction) -> tuple[Expression, Fraction]:
    """dot(x, x)**e is the norm of x to the power 2 e; dot(x, x) itself stays as it is."""
    match base:
        case Call("dot", (a, b)) if a == b and exponent != 1:
            return Call("norm", (a,)), 2 * exponent
    return base, exponent


def _superscript(k: Fraction) -> str:
    return str(k).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def field_words(term: str, positive: bool | None, phrases: Phrases, variable: str = "theta", limit: bool = True) -> str:
    """What a term does in the equation of a variable; `positive` is None where the sign of its coefficient is not known.

    `limit` is false for corrections, which for a velocity have no sentences of their own.

    >>> field_words("grad", False, Phrases(str))
    'follows the negative gradient'
    """
    if positive is None:
        what = "moves along or against" if variable == "theta" else "adds or takes away"
        return f"{what} {phrases.of(term)}, by the sign of the weight"
    table = FIELDS if variable == "theta" else FORCES if variable == phrases.velocity and limit else {}
    if (key := phrases.key(term)) in table:
        return table[key][int(positive)]
    if variable != "theta":
        return f"{'adds' if positive else 'takes away'} {phrases.of(term)}"
    return f"moves {'along' if positive else 'against'} {phrases.of(term)}"


def potential_words(term: str, positive: bool | None, phrases: Phrases) -> str:
    """What a scheme does to a term of its modified loss, ready for 'with strength ...'; `positive` is None for no known sign.

    >>> potential_words("dot(grad, grad)", True, Phrases(str))
    'penalises the squared gradient norm'
    """
    what = SCALARS.get(term) or phrases.of(term)
    if positive is None:
        return f"penalises or rewards {what}, by the sign of the weight,"
    if term == phrases.loss:
        return "minimises the loss itself" if positive else "maximises the loss itself"
    return f"{'penalises' if positive else 'rewards'} {what}"


__all__ = [
    "FIELDS",
    "FORCES",
    "SCALARS",
    "Phrases",
    "factors",
    "field_words",
    "listed",
    "number_words",
    "ordinal",
    "potential_words",
    "power_words",
]
