"""The calls of the scheme language, once: what each takes, what it gives, how it is written.

Everything about a call stands in its entry of `CALLS`, except its power series (`derive.engine.calls`).  A declared time
function, such as r(t), has no entry; it takes one number and is written by its name.  The derivatives of losses have names
that no text can contain, made of the loss, the variable of the gradient and those of further directions, none of which is
named where the text has one loss L(theta):

    f()(a, b)         f(a, b)                the value of f at (a, b)
    f.x(a, b)         grad(f(a, b), x)       the gradient with respect to x of f there
    f.x.y(a, b, u)    hess(f(a, b), x, u)    its derivative in the direction u of y's space
    L..(a, u)         hess(a, u)             the Hessian of L at a, applied to u;  L...(a, u, v) is d3(a, u, v)

and so have sums over layers, norm.layer(x) for norm(x, layer) (`derive.language.layers`), gradients of a sample, grad#1(x)
for sgrad(x) (`derive.language.samples`), and choices, where<(a, b, x, y) for where(a < b, x, y).

    kind         vector or scalar, or "argument": of the kind of its arguments, component by component
    of_vectors   its arguments must be vectors
    label        the function that it evaluates: 'L' for a loss or its gradient, 'f' for a vector field
                 (norm takes numbers too, of which it is the absolute value: see `derive.scheme.kinds.sized`)
    unicode, ascii, latex
                 a pattern with a place {0}, {1} for every argument, or what stands before arguments in parentheses
    piece        one smooth branch on each side of a comparison (`derive.scheme.regions`); a formula has none
    lines        stands only in the lines of a declared map (`derive.scheme.map_programs`)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from derive.language.layers import COLUMN, PARTS, ROW, over_components, part_call
from derive.language.matrices import EIGENVECTORS, PRODUCT, TRACE, TRANSPOSE, UNIT
from derive.language.samples import NORMAL, SAMPLED, sample_of, sampled_name

Kind = Literal["vector", "scalar"]
Medium = Literal["unicode", "ascii", "latex"]
T = TypeVar("T")

MAX_RANK = 40  # of a derivative, its free index included
_VALUE = "()"


#: functions of one number that are taken at each component; derf is erf'
KNOWN_FUNCTIONS = ("exp", "log", "sin", "cos", "tanh", "sigmoid", "softplus", "atan", "erf", "derf")


@dataclass(frozen=True)
class SchemeCall:
    name: str
    arity: int = 1
    kind: Kind | Literal["argument"] = "argument"
    of_vectors: bool = False
    label: str = ""
    unicode: str = ""
    ascii: str = ""
    latex: str = ""
    piece: bool = False
    lines: bool = False

    def kind_for(self, arguments: Sequence[Kind]) -> Kind:
        """The kind of the call on arguments of these kinds.

        >>> CALLS["sqrt"].kind_for(["vector"]), CALLS["dot"].kind_for(["vector", "vector"])
        ('vector', 'scalar')
        """
        if self.kind != "argument":
            return self.kind
        return "vector" if "vector" in arguments else "scalar"


_LATEX_NAMES = {
    "atan": r"\arctan",
    "derf": r"\operatorname{erf}'",
    **{name: rf"\operatorname{{{name}}}" for name in ("sigmoid", "softplus", "erf")},
}
#: the comparisons by which where(a < b, x, y) chooses, and how they are printed
COMPARISONS = {"<": ("<", "<"), ">": (">", ">"), "<=": ("≤", r"\le"), ">=": ("≥", r"\ge")}
WHERE = "where"
CHOICES = {WHERE + sign: sign for sign in COMPARISONS}


def _choice(sign: str) -> SchemeCall:
    """The entry of where<: x where a < b, and y elsewhere.

    >>> write_call("where<=", ["a", "b", "x", "y"], "unicode"), write_call("where<=", ["a", "b", "x", "y"], "ascii")
    ('where(a ≤ b, x, y)', 'where(a <= b, x, y)')
    """
    shown, latex = COMPARISONS[sign]
    patterns = [f"{WHERE}({{0}} {s} {{1}}, {{2}}, {{3}})" for s in (shown, sign)]
    return SchemeCall(WHERE + sign, 4, unicode=patterns[0], ascii=patterns[1], piece=True,
                      latex=rf"\operatorname{{{{{WHERE}}}}}({{0}} {latex} {{1}}, {{2}}, {{3}})")  # fmt: skip


def _over(part: str) -> tuple[SchemeCall, ...]:
    """Sums over the part of a component: its layer, its row, its column."""
    below = r"_{{\ell}}" if part == "layer" else rf"_{{{{\mathrm{{{{{part}}}}}}}}}"
    return (
        SchemeCall(f"dot.{part}", 2, "vector", True, unicode=f"⟨{{0}}, {{1}}⟩_{part}", ascii=f"<{{0}}, {{1}}>_{part}",
                   latex=rf"\inner{{{{{{0}}}}}}{{{{{{1}}}}}}{below}"),
        SchemeCall(f"norm.{part}", 1, "vector", True, unicode=f"|{{0}}|_{part}", ascii=f"|{{0}}|_{part}",
                   latex=rf"\norm{{{{{{0}}}}}}{below}"),
        SchemeCall(f"mean.{part}", 1, "vector", True, unicode=f"mean({{0}}, {part})", ascii=f"mean({{0}}, {part})",
                   latex=rf"\operatorname{{{{mean}}}}{below}({{0}})"),
    )  # fmt: skip


def _extreme(name: str, latex: str) -> tuple[SchemeCall, ...]:
    """The largest or smallest component of all, and that of the row or column of each component.

    >>> write_call("smallest.row", ["x"], "unicode"), write_call("largest.row", ["x"], "latex")
    ('smallest(x, row)', '\\\\max_{\\\\mathrm{row}}(x)')
    """
    return (
        SchemeCall(name, 1, "scalar", True, latex=rf"{latex}({{0}})", lines=True),
        *(
            SchemeCall(part_call(name, part), 1, "vector", True, unicode=f"{name}({{0}}, {part})", ascii=f"{name}({{0}}, {part})",
                       latex=rf"{latex}_{{{{\mathrm{{{{{part}}}}}}}}}({{0}})", lines=True)
            for part in (ROW, COLUMN)
        ),
    )  # fmt: skip


CALLS: dict[str, SchemeCall] = {
    call.name: call
    for call in (
        SchemeCall("grad", kind="vector", of_vectors=True, label="L", unicode="∇L", ascii="grad L", latex=r"\gradL"),
        SchemeCall(SAMPLED, kind="vector", of_vectors=True, label="L", unicode="∇L_ξ", ascii="grad L_xi", latex=r"\gradL_\xi"),
        SchemeCall("sfield", kind="vector", of_vectors=True, label="f", unicode="f_ξ", ascii="f_xi", latex=r"f_\xi"),
        SchemeCall(NORMAL, 0, "vector", unicode="Z", ascii="Z", latex="Z"),
        SchemeCall("loss", kind="scalar", of_vectors=True, label="L", unicode="L", ascii="L", latex="L"),
        SchemeCall("field", kind="vector", of_vectors=True, label="f", unicode="f", ascii="f", latex="f"),
        SchemeCall("sqrt", unicode="√", latex=r"\sqrt{{{0}}}"),
        SchemeCall("abs", latex=r"\abs{{{0}}}"),
        SchemeCall("sign"),
        SchemeCall("max", 2, latex=r"\max({0}, {1})", piece=True),
        SchemeCall("min", 2, latex=r"\min({0}, {1})", piece=True),
        SchemeCall("clip", 3, latex=r"\operatorname{{clip}}({0}, {1}, {2})", piece=True),
        *map(_choice, COMPARISONS),
        SchemeCall("dot", 2, "scalar", True, unicode="⟨{0}, {1}⟩", ascii="<{0}, {1}>", latex=r"\inner{{{0}}}{{{1}}}"),
        *(SchemeCall(name, latex=_LATEX_NAMES.get(name, rf"\{name}")) for name in KNOWN_FUNCTIONS),
        SchemeCall("norm", 1, "scalar", unicode="|{0}|", ascii="|{0}|", latex=r"\norm{{{0}}}"),
        SchemeCall("mean", 1, "scalar", True, latex=r"\operatorname{{mean}}({0})"),
        *(call for part in PARTS for call in _over(part)),
        SchemeCall(PRODUCT, 2, "vector", True, unicode="{0} @ {1}", ascii="{0} @ {1}", latex=r"{0}\, {1}"),
        SchemeCall(TRANSPOSE, 1, "vector", True, unicode="{0}.T", ascii="{0}.T", latex=r"{0}^{{\top}}"),
        SchemeCall(TRACE, 1, "scalar", True, latex=r"\operatorname{{tr}}({0})"),
        SchemeCall(UNIT, 1, "vector", True, latex=r"\operatorname{{eye}}({0})", lines=True),
        SchemeCall(EIGENVECTORS, 1, "vector", True, latex=r"\operatorname{{eigvec}}({0})", lines=True),
        *_extreme("largest", r"\max"),
        *_extreme("smallest", r"\min"),
    )
}

#: the calls that have branches
PIECES = frozenset(name for name, call in CALLS.items() if call.piece)


def call_of(name: str) -> SchemeCall:
    """The entry of a call; of a declared time function, one that says nothing special."""
    name, sample = sample_of(name)
    if partial := partial_of(name):
        return SchemeCall(name, kind="vector" if partial.variables else "scalar", of_vectors=True, label=partial.label)
    return CALLS.get(sampled_name(name) if sample else name) or SchemeCall(name)


@dataclass(frozen=True)
class Partial:
    """A derivative of a loss by the name of its call: `variables` are those of the free index and of the directions.

    There are none where it is the loss itself.
    """

    loss: str
    variables: tuple[str, ...]

    @property
    def label(self) -> str:
        """That of the gradient: f.x for f.x.y, L for L.. ; f for the loss itself."""
        return f"{self.loss}.{self.variables[0]}" if any(self.variables[:1]) else self.loss

    @property
    def call(self) -> str:
        return ".".join((self.loss, *self.variables)) if self.variables else f"{self.loss}{_VALUE}"

    @property
    def written(self) -> str:
        """The name by which a text calls it: grad, hess, d3, ..., of a vector field field, dfield, d2field, ..."""
        rank = len(self.variables)
        if self.loss == "f" and rank and not any(self.variables):
            return ("field", "dfield")[rank - 1] if rank < 3 else f"d{rank - 1}field"
        return (self.loss, "grad", "hess")[rank] if rank < 3 else f"d{rank}"

    def divided(self, arguments: Sequence[T]) -> tuple[list[T], list[T]]:
        """(the point, the directions)."""
        cut = len(arguments) - max(len(self.variables) - 1, 0)
        return list(arguments[:cut]), list(arguments[cut:])


def partial_of(name: str) -> Partial | None:
    """The derivative of a loss, or its value, that a call's name says, if it says one.

    >>> partial_of("f.x.y").divided(["a", "b", "u"]), partial_of("f()").divided(["a", "b"]), partial_of("grad")
    ((['a', 'b'], ['u']), (['a', 'b'], []), None)
    """
    name, _ = sample_of(name)
    if name.endswith(_VALUE):
        return Partial(name.removesuffix(_VALUE), ())
    loss, dot, variables = name.partition(".")
    if over_components(name):
        return None
    return Partial(loss, tuple(variables.split("."))) if dot else None


def written_name(function: str) -> str:
    """The name by which a text calls a function: hess for L.., and what it is called itself where it is no derivative."""
    partial, (name, sample) = partial_of(function), sample_of(function)
    return sampled_name(name) if sample else partial.written if partial else WHERE if name in CHOICES else name


def derivative_calls(label: str, below: int) -> dict[str, int]:
    """Derivatives of a loss 'L' or a field 'f' by their names in formulas, and how many arguments each takes.

    >>> derivative_calls("L", 5), derivative_calls("f", 4)
    ({'hess': 1, 'd3': 2, 'd4': 3}, {'dfield': 1, 'd2field': 2, 'd3field': 3})
    """
    if label == "L":
        return {"hess": 1} | {f"d{k}": k - 1 for k in range(3, below)}
    return {"dfield": 1} | {f"d{k}field": k for k in range(2, below)}


#: derivatives of the one loss L, or the field, in texts: their names, and how many arguments each takes, the point first
AT_POINT = {name: count + 1 for label in "Lf" for name, count in derivative_calls(label, MAX_RANK).items()}
#: the calls of formulas in which derivatives may be taken at another point than the present one
ELSEWHERE: dict[str, int | None] = {"grad": 1, "field": 1}


def plain_arities() -> dict[str, int]:
    """The calls that evaluate no function of theta and have one branch: roots, sizes, signs, scalar products."""
    return {name: call.arity for name, call in CALLS.items() if not (call.label or call.piece or call.lines)}


def line_arities() -> dict[str, int]:
    """The calls that stand only in the lines of a declared map."""
    return {name: call.arity for name, call in CALLS.items() if call.lines}


def arities() -> dict[str, int]:
    """How many arguments each call of the scheme language takes, by the names by which a text calls them."""
    found = {written_name(name): 3 if name in CHOICES else call.arity for name, call in CALLS.items() if not call.lines}
    return found | AT_POINT


def function_called(name: str, count: int) -> str:
    """The function of a call with so many arguments; in a formula derivatives at the present point are written without it.

    >>> function_called("hess", 2), function_called("hess", 1), function_called("dot", 2), function_called("dfield", 2)
    ('L..', 'hess', 'dot', 'f..')
    """
    return Partial("f" if name.endswith("field") else "L", ("",) * count).call if AT_POINT.get(name) == count else name


def write_call(
    name: str, arguments: Sequence[str], medium: Medium, head: str = "", parenthesised: Callable[[str], str] = "({})".format
) -> str:
    """A call with its arguments already written; `head` stands before them where the table has nothing for this medium.

    A sign that is no letter, such as the root, stands before one letter without parentheses.

    >>> write_call("norm", ["u"], "unicode"), write_call("sign", ["u"], "ascii"), write_call("grad", ["θ"], "unicode")
    ('|u|', 'sign(u)', '∇L(θ)')
    >>> write_call("sqrt", ["v"], "unicode"), write_call("sqrt", ["v + 1"], "unicode")
    ('√v', '√(v + 1)')
    """
    pattern: str = getattr(call_of(name), medium)
    inner = ", ".join(arguments)
    if "{" in pattern:
        return pattern.format(*arguments)
    if pattern and not pattern[-1].isalnum() and inner.isalnum():
        return pattern + inner
    return (pattern or head or name) + parenthesised(inner)


#: the calls of the scheme language and how many arguments each takes
SCHEME_CALLS: Mapping[str, int] = arities()
#: the functions of a loss, each of one argument
LOSS_CALLS: Mapping[str, int] = dict.fromkeys(("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "sqrt"), 1)
