"""Linear forms in sequences and gradients, and Gaussian elimination over rational functions of the parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

from derive.errors import UndecidedError


@dataclass(frozen=True)
class Atom:
    """A sequence at n + index; the gradient (name 'grad') at a linear form; or the constant 1 (name '1'); a mark (name MARK)."""

    name: str
    index: Fraction = Fraction(0)
    argument: tuple[tuple[Atom, Any], ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.name, self.index, str(self.argument))


Form = dict[Atom, Any]
MARK = "#"  # no name of a sequence


def combined(a: Form, b: Form, scale: Any) -> Form:
    """a + scale*b, cancelled; elements of a field of rational functions cancel by themselves.

    >>> combined({Atom("v"): 1}, {Atom("v"): 1}, -1)
    {}
    """
    import sympy as sp
    from sympy.polys.fields import FracElement

    result = dict(a)
    for atom, c in b.items():
        total = result.get(atom, 0) + scale * c
        value = total if isinstance(total, FracElement) else sp.cancel(total)
        if value == 0:
            result.pop(atom, None)
        else:
            result[atom] = value
    return result


def shifted(form: Form, k: int) -> Form:
    """The form with n + k for n."""
    return {_shifted_atom(a, k): c for a, c in form.items()}


def _shifted_atom(a: Atom, k: int) -> Atom:
    if a.name == "1":
        return a
    if a.name == "grad":
        return gradient_atom(shifted(dict(a.argument), k))
    return Atom(a.name, a.index + k)


def gradient_atom(argument: Form) -> Atom:
    """The gradient at a linear form."""
    return Atom("grad", Fraction(0), tuple(sorted(argument.items(), key=lambda i: i[0].key)))


def atom_text(a: Atom) -> str:
    """
    >>> atom_text(Atom("eta", Fraction(-1, 2)))
    'eta(n-1/2)'
    """
    if a.name == "1":
        return "1"
    if a.name == "grad":
        return f"grad({form_text(dict(a.argument))})"
    return f"{a.name}(n{'+' if a.index > 0 else ''}{a.index if a.index else ''})"


def form_text(form: Form) -> str:
    """A form as text, coefficients factored."""
    from verify.claims.symbolic import text_of

    parts = []
    for a, c in sorted(form.items(), key=lambda i: i[0].key, reverse=True):
        text = text_of(c)
        sign = "-" if text.startswith("-") and " " not in text else "+"
        text = text[1:] if sign == "-" else text
        factor = "" if text == "1" else (f"({text})*" if " " in text else f"{text}*")
        parts.append(f"{sign} {factor}{atom_text(a)}" if a.name != "1" else f"{sign} {text}")
    joined = " ".join(parts).removeprefix("+ ")
    return ("-" + joined[2:] if joined.startswith("- ") else joined) or "0"


class Relations:
    """The span of given equations (each a form that vanishes) and their shifts in n, as far as the claims' indices reach.

    Every row carries a mark, Atom(MARK, i), so that what is found to vanish is known as a combination of given rows; the
    denominators of its coefficients are kept in `divided`.
    """

    def __init__(self, equations: Sequence[Form], spoken: Iterable[Form], complete: bool = False) -> None:
        spoken = list(spoken)
        self.count = len(equations)
        self.equations = list(equations)
        reach = max(1, ceil(_reach(equations) + _reach(spoken)))
        if complete:
            reach = _complete_reach(equations, spoken)
        shifts = (shifted(e, k) for e in equations for k in range(-reach, reach + 1))
        rows = [{**row, Atom(MARK, Fraction(i)): 1} for i, row in enumerate(shifts)]
        self.spoken = {a for f in spoken for a in f if a.name != "grad"}
        self.spoken |= {b for f in spoken for a in f for b, _ in a.argument}
        self.divided: set[Any] = set()
        for _ in range(4 + len(equations)):  # an equality of gradients may be found in every pass
            self.without = eliminated(rows, self._gradients_first)
            self.linear = {p: r for p, r in self.without.items() if not any(a.name == "grad" for a in r)}
            following = [self.canonical(r) for r in rows]
            if following == rows:
                break
            rows = following
        else:
            raise UndecidedError("the arguments of the gradients are still not reduced after many passes")
        self.rows = rows

    @property
    def contradiction(self) -> bool:
        """Whether the given equations say that a number other than zero vanishes."""
        return any(p.name == "1" for p in self.without)

    def _gradients_first(self, a: Atom) -> tuple[Any, ...]:
        return (a.name == MARK, a.name != "grad", *self._order(a))

    def _order(self, a: Atom) -> tuple[Any, ...]:
        """Pivots are sought among the auxiliary sequences first, late indices first; gradients, constants last, marks never."""
        return (a.name == MARK, a.name == "1", a.name == "grad", a in self.spoken, -a.index, a.name, str(a.argument))

    def canonical(self, form: Form) -> Form:
        """The form with the arguments of its gradients reduced modulo the equations without gradients."""
        result: Form = {}
        for a, c in form.items():
            if a.name == "grad":
                a = gradient_atom(self._unmarked(reduced_by(dict(a.argument), self.linear)))
            result = combined(result, {a: c}, 1)
        return result

    def _unmarked(self, form: Form) -> Form:
        """Without the marks, whose coefficients say which given rows were used, and divided by what."""
        self.divided |= {denominator(c) for a, c in form.items() if a.name == MARK}
        return {a: c for a, c in form.items() if a.name != MARK}

    def _pivots(self, left: Form) -> dict[Atom, Form]:
        def order(a: Atom) -> tuple[Any, ...]:
            return (a.name == MARK, a.name == "1", a.name == "grad", a in self.spoken and a not in left, *self._order(a))

        return eliminated(self.rows, order)

    def reduce(self, residual: Form, left: Form) -> Form:
        """The residual modulo the span; empty exactly when it follows."""
        return self._unmarked(reduced_by(self.canonical(residual), self._pivots(left)))

    def follows(self, residual: Form) -> bool | None:
        """Whether some combination of any shifts gives the residual; None where the given rows depend on one another.

        With z for the shift every equation is a vector of Laurent polynomials, and u M = b has one solution over the rational
        functions of z or none.  It counts where u has no denominator in z, and where the constants, which no shift moves,
        agree: u(1) c = c_b.
        """
        import sympy as sp

        forms = [self.canonical(f) for f in (*self.equations, residual)]
        rows = [_by_shift(f) for f in forms]
        constants = [exact(f.get(Atom("1"), 0)) for f in forms]
        found = _solved(rows)
        if found is None or not found:
            return found if found is None else False
        z = sp.Symbol(MARK)
        bottoms = [denominator(c) for c in found]
        if any(len(sp.Poly(b, z).terms()) > 1 for b in bottoms):
            return False
        self.divided |= {b.subs(z, 1) for b in bottoms}
        total = sum((u.subs(z, 1) * c for u, c in zip(found, constants[:-1], strict=True)), sp.Integer(0))
        return bool(sp.cancel(total - constants[-1]) == 0)

    def numbers(self, remainder: Form) -> str:
        """The remainder at numbers: L = x**2/2 (the gradient is its argument), simple parameters, all free sequences one."""
        import sympy as sp

        rows = [_on_quadratic({a: c for a, c in r.items() if a.name != MARK}) for r in self.rows]
        residual = _on_quadratic(remainder)
        symbols = sorted({s for f in (*rows, residual) for c in f.values() for s in getattr(c, "free_symbols", ())}, key=str)
        for numerator in (1, 3, 7):
            values = {s: sp.Rational(numerator, 10 + i) for i, s in enumerate(symbols)}
            at_values = [{a: sp.Integer(1) * c.subs(values) for a, c in f.items()} for f in (*rows, residual)]
            rest = reduced_by(at_values[-1], eliminated([r for r in at_values[:-1] if r], self._order))
            total = sum(rest.values())
            if total != 0:
                at = ", ".join(f"{s} = {v}" for s, v in values.items())
                start = ", ".join(f"{atom_text(a)} = 1" for a in rest if a.name != "1")
                return f"counterexample: L = x**2/2, {at}{', ' + start if start else ''}: left minus right = {total}"
        return self._any_gradients(remainder)

    def _any_gradients(self, remainder: Form) -> str:
        """Values of a gradient at different points are independent: the remainder with 2, 5, 10, ... for what it contains."""
        import sympy as sp

        values = {a: sp.Integer(1 if a.name == "1" else i**2 + 1) for i, a in enumerate(remainder, 1)}
        symbols = sorted({s for c in remainder.values() for s in c.free_symbols}, key=str)
        numbers = {s: sp.Rational(1, 10 + i) for i, s in enumerate(symbols)}
        total = sum(c.subs(numbers) * values[a] for a, c in remainder.items())
        shown = {atom_text(a): v for a, v in values.items() if a.name != "1"} | {str(s): v for s, v in numbers.items()}
        at = ", ".join(f"{n} = {v}" for n, v in shown.items())
        return f"counterexample: a loss with {at}: left minus right = {total}" if total != 0 else ""


def _solved(rows: Sequence[dict[Any, Any]]) -> list[Any] | None:
    """u with sum u_i rows[i] = rows[-1] over the rational functions of the shift and the parameters; [] for none, None where it
    is not unique or a coefficient is no rational function."""
    import sympy as sp
    from sympy.polys.matrices import DomainMatrix

    columns = sorted({key for row in rows for key in row}, key=str)
    entries = [[exact(row.get(key, 0)) for key in columns] for row in rows]
    symbols = sorted({s for row in entries for c in row for s in c.free_symbols} | {sp.Symbol(MARK)}, key=str)
    if not all(c.is_rational_function(*symbols) for row in entries for c in row):
        return None
    field = sp.QQ.frac_field(*symbols)
    matrix = DomainMatrix([[field.from_sympy(c) for c in row] for row in entries], (len(rows), len(columns)), field)
    count = len(rows) - 1
    if matrix[:-1, :].rank() < count:
        return None
    reduced, pivots = matrix.transpose().rref()
    if count in pivots:
        return []
    return [field.to_sympy(reduced[i, count].element) for i in range(count)]


def _by_shift(form: Form) -> dict[Any, Any]:
    """{sequence or gradient, moved to the least indices: polynomial in the shift}, without the constants."""
    import sympy as sp

    z = sp.Symbol(MARK)
    result: dict[Any, Any] = {}
    for a, c in form.items():
        if a.name != "1":
            k = floor(min((b.index for b, _ in a.argument), default=Fraction(0)) if a.name == "grad" else a.index)
            key = _shifted_atom(a, -k)
            result[key] = result.get(key, 0) + c * z**k
    return result


def _complete_reach(equations: Sequence[Form], spoken: Sequence[Form]) -> int:
    """Shifts that suffice.  With z for the shift, a consequence is a combination u M = b with Laurent polynomials in z: by
    Cramer's rule u has degrees up to (number of equations)*(spread of an equation) + (spread of b).

    Gradients at different points count as sequences of their own, since a smooth loss may have any gradients there.
    """
    spreads = [2 * ceil(_reach([e])) for e in equations]
    return sum(spreads) + 2 * ceil(_reach(spoken)) + 1


def exact(value: Any) -> Any:
    """A whole number, or a formula as it is."""
    import sympy as sp

    return sp.Integer(value) if isinstance(value, int) else value


def numerator(value: Any) -> Any:
    """The numerator of a formula in parameters."""
    import sympy as sp

    return sp.fraction(sp.together(exact(value)))[0]


def denominator(value: Any) -> Any:
    """The denominator of a formula in parameters."""
    import sympy as sp

    return sp.fraction(sp.together(exact(value)))[1]


def _reach(forms: Iterable[Form]) -> Fraction:
    """The largest |index| in the forms, also under gradients."""
    indices = [abs(b.index) for f in forms for a in f for b in (a, *(x for x, _ in a.argument))]
    return max(indices, default=Fraction(0))


def _on_quadratic(form: Form) -> Form:
    result: Form = {}
    for a, c in form.items():
        result = combined(result, dict(a.argument) if a.name == "grad" else {a: 1}, c)
    return result


def reduced_by(form: Form, pivots: dict[Atom, Form]) -> Form:
    """The form with every pivot eliminated; pivots[a] is a row in which a has coefficient one and no other pivot stands."""
    result = form
    for a in list(form):
        if a in pivots and a in result:
            result = combined(result, pivots[a], -result[a])
    return result


def eliminated(rows: Sequence[Form], order: Any) -> dict[Atom, Form]:
    """Reduced row echelon form: pivot atom -> row; over the field of rational functions where the coefficients lie in it.

    >>> import sympy as sp
    >>> a, b, c = Atom("a"), Atom("b"), sp.Symbol("c")
    >>> found = eliminated([{a: c, b: c**2}, {a: c - 1, b: 1}], lambda x: x.name)
    >>> {p.name: [f"{x}*{y.name}" for y, x in row.items()] for p, row in found.items()}
    {'a': ['1*a'], 'b': ['1*b']}
    """
    field = _field_of(rows)
    if field is None:
        return _eliminated(rows, order)
    inside = [{a: field.from_sympy(c) for a, c in row.items()} for row in rows]
    return {p: {a: field.to_sympy(c) for a, c in row.items()} for p, row in _eliminated(inside, order).items()}


def _field_of(rows: Sequence[Form]) -> Any:
    """The field of rational functions of the symbols in the rows; None where a coefficient (a root, a number) is outside."""
    import sympy as sp

    coefficients = [sp.Integer(1) * c for row in rows for c in row.values()]
    symbols = sorted({s for c in coefficients for s in c.free_symbols}, key=str)
    return sp.QQ.frac_field(*symbols) if symbols and all(c.is_rational_function(*symbols) for c in coefficients) else None


def _eliminated(rows: Sequence[Form], order: Any) -> dict[Atom, Form]:
    pivots: dict[Atom, Form] = {}
    for row in rows:
        row = reduced_by(row, pivots)
        row = reduced_by(row, pivots)
        if not row:
            continue
        pivot = min(row, key=order)
        if pivot.name == MARK:
            continue  # the given rows depend on one another
        row = combined({}, row, row[pivot] ** -1)
        pivots = {p: combined(r, row, -r[pivot]) if pivot in r else r for p, r in pivots.items()}
        pivots[pivot] = row
    return pivots
