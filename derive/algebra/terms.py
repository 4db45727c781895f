"""Terms: commutative products of factors at one index, hash-consed so that equal terms are the same object.

A factor is
    node      d^(k+1)L[m_1, ..., m_k]_i, children an unordered multiset of terms, k = 0 the gradient
              (label 'L'; for a general vector field, label 'f': d^k f[m_1, ..., m_k]_i)
    state     the component theta_i (or eta_i) of the point itself; a scalar for a scalar state variable
    base      a sum of terms that stands under a negative or fractional power, such as g^2 + eps
    abs       |x| of a single factor x whose sign is not known
    sum       sum_i m_i of a term m: a scalar (contraction); with the label 'layer', 'row' or 'column' the sum over that of the
              free index, which is the same for all of its components (`derive.algebra.layers`)
    map       d^kP(u)[m_1, ..., m_k] of a smooth map P: its body is the sum u, its children the directions; A(m) of a linear map
              has no body and the child m (`derive.algebra.maps`)
    moved     d^(k+1)L(u)[m_1, ..., m_k]_i at another point than theta: a node whose body is the sum u (that of all arguments of
              the function, each in its own space, where there are several)
    word      a product of matrices a @ b @ c, its children in their order; with the label `T` the transpose of its one child
              (`derive.algebra.words`)
    root      a polynomial in the parameters under a fractional power, such as eps^(1/2)
A term is a product of factors with rational exponents; its scalar factors stand outside of every derivative.

Normal form.  Two equal sums of terms have the same normal form, by these rules:
  1. scalars are pulled out of nodes; nodes are multilinear in their children;
  2. with a base B = m + r (m its leading monomial) in a term, powers of m are rewritten, m -> B - r, and positive
     integer powers of B are expanded; so g^2 (g^2+eps)^(-3/2) becomes (g^2+eps)^(-1/2) - eps (g^2+eps)^(-3/2);
     (a base that is one factor x takes up whole powers of x, so that G^-1 G^(-1/2) becomes G^(-3/2); by one in which m comes
     again times a constant, g + 2^(1/3) g + 1, nothing is rewritten);
  3. x^2 -> |x|^2 where |x| stands in the term, and even powers of |x| alone are powers of x;
  4. a contraction of symmetric derivatives is written from the index that makes it smallest
     (sum g (Hu) = sum u (Hg)).
Where a negative power of m itself meets B (|g|^-1 (|g|+eps)^-2) the term is left as it is, because the partial
fractions, with their 1/eps, would hide a cancellation; `Algebra.partial_fractions` resolves these for equality tests.

As text a term is in the formula language: grad, hess(u), d3(u, v), ..., products and powers at an index, dot(a, b); for a
general vector field the derivatives are field, dfield(u), d2field(u, v), ...  At another point x: grad(x), hess(x, u), ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from math import floor
from operator import and_
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from derive.algebra.factored import joined, unwrapped
from derive.algebra.functions import derivative_text, variable_of
from derive.language.calls import KNOWN_FUNCTIONS
from derive.language.layers import PARTS

if TYPE_CHECKING:
    from derive.algebra.coefficients import Ratio

Exponent = int | Fraction
Key = tuple[Any, ...]
Body = tuple[tuple["Term", "Ratio"], ...]
V = TypeVar("V")
WORD, TRANSPOSED = "", "T"  # the labels of words
_BITS = {part: 2**k for k, part in enumerate(PARTS)}
EVERY = sum(_BITS.values())


class Factor:
    """One factor; build through `Algebra`, compare by identity."""

    __slots__ = (
        "__weakref__", "absolute", "body", "children", "key", "kind", "label", "leading", "positive", "same", "scalar", "size",
        "slots", "space", "text",
    )  # fmt: skip

    def __init__(
        self,
        kind: str,
        label: str,
        children: tuple[Term, ...],
        scalar: bool,
        body: tuple[tuple[Term, Ratio], ...] = (),
        positive: bool = False,
    ) -> None:
        self.kind, self.label, self.children, self.body = kind, label, children, body
        self.scalar, self.positive = scalar, positive
        self.text: str | None = None  # of its body, once it is written
        inner = (*children, *(t for t, _ in body))
        #: the parts all of whose components have the same value of it
        self.same: int = EVERY if scalar else _BITS[label] if kind == "sum" else 0
        if not scalar and (kind in ("abs", "base") or (kind == "map" and label in KNOWN_FUNCTIONS)):  # component by component
            self.same = reduce(and_, (t.same for t in inner), EVERY)
        self.size: int = _KIND_SIZE[kind] + sum(t.size for t in inner)
        self.key: Key = (
            self.size,
            _KIND_RANK[kind],
            label,
            tuple(c.key for c in children),
            tuple((t.key, c.key) for t, c in body),
        )
        self.absolute: Factor | None = None  # the factor |self|, once it has been asked for
        self.leading: tuple[Term, Ratio] | None = None  # of a base: its leading monomial and coefficient
        self.space = ""  # of a state variable, where there are vectors of several spaces: the unknown in whose space it lies
        self.slots: tuple[str, ...] = ()  # of a derivative at another point: the arguments of its function


_KIND_RANK = {"root": 0, "sum": 1, "state": 2, "node": 3, "abs": 4, "base": 5, "map": 6, "moved": 7, "word": 8}
_KIND_SIZE = {"root": 0, "sum": 0, "state": 1, "node": 1, "abs": 0, "base": 0, "map": 0, "moved": 1, "word": 0}
#: the kinds of factor that are derivatives of a loss or a field
DERIVATIVES = ("node", "moved")


class Cases(ABC, Generic[V]):
    """One method a kind of factor: the one place that asks for the kind.  (Rules about one kind ask for that one.)"""

    def of_kind(self, f: Factor) -> V:
        match f.kind:
            case "state":
                return self.state(f)
            case "node":
                return self.node(f)
            case "sum":
                return self.contraction(f)
            case "abs":
                return self.absolute(f)
            case "root":
                return self.root(f)
            case "map":
                return self.map(f)
            case "moved":
                return self.moved(f)
            case "word":
                return self.word(f)
        return self.base(f)

    @abstractmethod
    def state(self, f: Factor) -> V: ...

    @abstractmethod
    def node(self, f: Factor) -> V: ...

    @abstractmethod
    def contraction(self, f: Factor) -> V: ...

    @abstractmethod
    def absolute(self, f: Factor) -> V: ...

    @abstractmethod
    def root(self, f: Factor) -> V: ...

    @abstractmethod
    def base(self, f: Factor) -> V: ...

    @abstractmethod
    def map(self, f: Factor) -> V: ...

    @abstractmethod
    def moved(self, f: Factor) -> V: ...

    @abstractmethod
    def word(self, f: Factor) -> V: ...


class Term:
    """A product of factors with exponents; `factors` is sorted.  Build through `Algebra`, compare by identity.

    `size` counts nodes and states with multiplicity: the number of vertices of the rooted tree, for a tree.
    """

    __slots__ = ("factors", "key", "same", "scalar", "size")

    def __init__(self, factors: tuple[tuple[Factor, Exponent], ...]) -> None:
        self.factors = factors
        self.scalar = all(f.scalar for f, _ in factors)
        self.same: int = reduce(and_, (f.same for f, _ in factors), EVERY)
        self.size: int = sum(f.size * max(1, floor(e if e > 0 else -e)) for f, e in factors)
        self.key: Key = (self.size, tuple((f.key, e) for f, e in factors))

    def __str__(self) -> str:
        return term_text(self)

    __repr__ = __str__

    @property
    def nonnegative(self) -> bool:
        """Whether it is a product of even powers and of what is positive anyway, such as g^2 |u|."""
        return all(f.positive or e % 2 == 0 for f, e in self.factors)

    @property
    def is_tree(self) -> bool:
        """One tensor node per index: a rooted tree, the term an elementary differential."""
        return (
            len(self.factors) == 1
            and self.factors[0][0].kind == "node"
            and self.factors[0][1] == 1
            and all(c.is_tree for c in self.factors[0][0].children)
        )


def is_same(x: Factor | Term, part: str) -> bool:
    """Whether all components of a part have the same value of it."""
    return bool(x.same & _BITS[part])


def space_of(term: Term) -> str:
    """The unknown in whose space a term's free index runs; nothing where all vectors lie in one, or where there is no index."""
    for f, _ in term.factors:
        if not f.scalar:
            match f.kind:
                case "state":
                    return f.space
                case "node" | "moved":
                    return variable_of(f.label)
            for inner in (*f.children, *(t for t, _ in f.body)):
                if found := space_of(inner):
                    return found
    return ""


def arguments(f: Factor) -> list[Body]:
    """The point at which a moved derivative is taken, one sum for each argument of its function."""
    if len(f.slots) == 1:
        return [f.body]
    return [tuple((t, c) for t, c in f.body if space_of(t) == x) for x in f.slots]


def split_scalars(term: Term) -> tuple[list[tuple[Factor, Exponent]], list[tuple[Factor, Exponent]]]:
    """(scalar factors, factors that carry the index)."""
    scalars = [fe for fe in term.factors if fe[0].scalar]
    return scalars, [fe for fe in term.factors if not fe[0].scalar]


def as_exponent(value: Exponent) -> Exponent:
    """Integers as int, so that keys of equal exponents are equal."""
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


class Interner:
    """Tables of all factors and terms of one algebra."""

    def __init__(self) -> None:
        self._factors: dict[Key, Factor] = {}
        self._terms: dict[tuple[tuple[Factor, Exponent], ...], Term] = {}
        self.unit = self.term({})

    def factors(self, kind: str) -> list[Factor]:
        """All of one kind, in the order in which they were met."""
        return [f for f in self._factors.values() if f.kind == kind]

    def factor(
        self,
        kind: str,
        label: str = "",
        children: Iterable[Term] = (),
        scalar: bool = False,
        body: tuple[tuple[Term, Ratio], ...] = (),
        positive: bool = False,
    ) -> Factor:
        kids = tuple(children)
        if kind in ("node", "map", "moved") and len(kids) > 1:
            kids = tuple(sorted(kids, key=_by_key))
        key = (kind, label, kids, scalar, tuple((t, c.key) for t, c in body))
        found = self._factors.get(key)
        if found is None:
            found = self._factors[key] = Factor(kind, label, kids, scalar, body, positive)
        return found

    def term(self, exponents: Mapping[Factor, Exponent]) -> Term:
        items = [(f, e) for f, e in exponents.items() if e]
        if len(items) > 1:
            items.sort(key=_by_factor_key)
        key = tuple(items)
        found = self._terms.get(key)
        if found is None:
            found = self._terms[key] = Term(key)
        return found


def _by_key(term: Term) -> Key:
    return term.key


def _by_factor_key(item: tuple[Factor, Exponent]) -> Key:
    return item[0].key


# ---------------------------------------------------------------------------------------------- text


def term_text(term: Term) -> str:
    """
    >>> from derive.algebra.coefficients import Ring; from derive.algebra.sums import Algebra
    >>> a = Algebra(Ring()); g = a.node_sum("L", []); (t,) = g
    >>> term_text(next(iter(a.product(g, a.node_sum("L", [t])))))
    'grad*hess(grad)'
    """
    return _product(term.factors) or "1"


def _product(factors: Sequence[tuple[Factor, Exponent]]) -> str:
    if len(factors) == 1 and is_word(f := factors[0][0]) and factors[0][1] == 1:
        return _TEXT.word(f)
    return "*".join(_power(f, e) for f, e in factors)


def is_word(f: Factor) -> bool:
    """Whether it is a product of matrices, which stands in parentheses beside others."""
    return f.kind == "word" and f.label == WORD


def _power(f: Factor, e: Exponent) -> str:
    text = _TEXT.of_kind(f)
    if is_word(f):
        text = f"({text})"
    if e == 1:
        return f"({text})" if f.kind == "base" and len(f.body) > 1 else text
    atomic = f.kind not in ("base", "root") or text.isidentifier()
    exponent = str(e) if isinstance(e, int) and e > 0 else f"({Fraction(e)})"
    return f"{text if atomic else f'({text})'}**{exponent}"


class _Text(Cases[str]):
    """A factor without its exponent."""

    def state(self, f: Factor) -> str:
        return f.label

    def node(self, f: Factor) -> str:
        return derivative_text(f.label, [term_text(c) for c in f.children])

    def contraction(self, f: Factor) -> str:
        """sum_i of a product, as dot(one factor, the others); a square as dot(x, x); dot(x, y, layer) over a layer."""
        return f"dot({', '.join((*_two(f.children[0]), *filter(None, [f.label])))})"

    def absolute(self, f: Factor) -> str:
        inner = term_text(f.children[0])
        return f"abs{inner}" if f.children[0].factors[0][0].kind == "base" else f"abs({inner})"

    def root(self, f: Factor) -> str:
        text = unwrapped(str(f.body[0][1]))
        return f"abs({text})" if f.label == "abs" else text

    def base(self, f: Factor) -> str:
        """Written once: many terms have the same base."""
        if f.text is None:
            f.text = combination_text(f.body)
        return f.text

    def map(self, f: Factor) -> str:
        """d2P(u, v, w): the argument, then the directions."""
        inner = [combination_text(f.body)] if f.body else []
        return f"{f.label}({', '.join([*inner, *map(term_text, f.children)])})"

    def moved(self, f: Factor) -> str:
        """hess(x, u): the point, then the directions; hess(f(a, b), x, u) of a declared loss."""
        return derivative_text(f.label, [term_text(c) for c in f.children], [combination_text(x) for x in arguments(f)])

    def word(self, f: Factor) -> str:
        """x @ y @ x.T; letters that are products of several factors in parentheses."""
        if f.label == TRANSPOSED:
            return f"{term_text(f.children[0])}.T"
        letters = [(term_text(m), len(m.factors) > 1) for m in f.children]
        return " @ ".join(f"({text})" if several else text for text, several in letters)


def _two(term: Term) -> tuple[str, str]:
    """A product as the two arguments of dot; dot(1, 1) is the number of components."""
    if not term.factors:
        return "1", "1"
    *others, (g, e) = term.factors
    if isinstance(e, int) and e > 1:
        return _product([*others, (g, e // 2)]), _product([(g, e - e // 2)])
    return (_product(others), _product([(g, e)])) if others else (_product([(g, e)]), "1")


_TEXT = _Text()


def combination_text(body: Iterable[tuple[Term, Ratio]]) -> str:
    """A sum of terms with coefficients."""
    pieces = []
    for term, ratio in body:
        c = str(ratio)
        sign, c = (" - ", c[1:]) if c.startswith("-") else (" + ", c)
        if term.factors and c == "1":
            c = term_text(term)
        elif term.factors:
            c = f"{c}*{term_text(term)}"
        pieces.append(sign + c)
    return joined(pieces) if pieces else "0"
