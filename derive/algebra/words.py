"""Products of matrices as words, for terms at an index pair (i, j): the components of a matrix of parameters.

    (a @ b)_ij = sum_k a_ik b_kj          (a.T)_ij = a_ji          trace(a @ b) = sum_ij a_ij b_ji

A factor of the kind word with no label is a product of two matrices or more, its children the letters in their order, each a
product of factors at an index pair.  With the label `T` it is the transpose of its one child, which is one factor.  Both carry
an index pair, so that they stand in products by components, in derivatives and in scalar products as every vector does.

Normal form:
    words are linear in every letter, and numbers are pulled out of them; a word in a word is spelled out (associativity)
    (a @ b).T = b.T @ a.T,  (a * b).T = a.T * b.T,  f(a).T = f(a.T) for f that is taken at each component:  a transpose stands at
    a derivative, a variable or a map
    D(a @ b)[u] = D(a)[u] @ b + a @ D(b)[u]
    sum_ij c_ij (a @ b @ d)_ij = sum_kl b_kl (a.T @ c @ d.T)_kl:  a contraction is written from the letter that makes it smallest,
    so that traces are cyclic, and sum_ij c_ij = sum_ij (c.T)_ij

The algebra does not know the shapes of matrices: texts are checked before (`derive.scheme.shapes`).  The laws are tested with
matrices of rational numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from derive.algebra.coefficients import Ring
from derive.algebra.functions import FUNCTIONS, Function
from derive.algebra.maps import Maps
from derive.algebra.normal import Sum, accumulate, combined, nonzero
from derive.algebra.terms import TRANSPOSED, WORD, Factor, Term
from derive.errors import ReductionError
from derive.language.calls import KNOWN_FUNCTIONS

_NUMBER = (
    "a number stands where a matrix is meant, in a product of matrices, a transpose or a trace; write a matrix there, such as "
    "sign(x)*x in the place of abs(x)"
)


class Words(Maps):
    """Products, transposes and traces over one ring.

    >>> from derive.algebra.coefficients import Ring
    >>> from derive.algebra.sums import Algebra
    >>> a = Algebra(Ring()); x, y = a.state("x"), a.state("y")
    >>> a.transposed(a.matmul(a.matmul(x, a.transposed(y)), x)), a.trace(a.matmul(y, x)) == a.trace(a.matmul(x, y))
    ({x.T @ y @ x.T: 1}, True)
    """

    def __init__(
        self, ring: Ring, functions: Mapping[str, Function] = FUNCTIONS, spaces: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(ring, functions, spaces)
        self._transposes: dict[Term, Sum] = {}

    def matmul(self, a: Sum, b: Sum) -> Sum:
        """The product of two matrices.  Counts with the products of terms."""
        self.count_products(a, b)
        return self.word_of_sums([a, b])

    def word_of_sums(self, letters: Sequence[Sum]) -> Sum:
        return self.multilinear(self._word, letters)

    def _word(self, letters: tuple[Term, ...]) -> Sum:
        matrices, outer = self.without_scalars(letters)
        spelled = [letter for m in matrices for letter in letters_of(m)]
        _require_matrices(spelled)
        word = self.interner.factor("word", WORD, spelled, positive=all(m.nonnegative for m in spelled))
        return self.product(outer, {self.interner.term({word: 1}): self.ring.one})

    # ------------------------------------------------------------------ transposes

    def transposed(self, a: Sum) -> Sum:
        result: Sum = {}
        for t, c in a.items():
            accumulate(result, self.scale(self.transposed_term(t), c))
        return nonzero(result)

    def transposed_term(self, term: Term) -> Sum:
        """By its factors: scalars stay as they are."""
        found = self._transposes.get(term)
        if found is None:
            found = self._transposes[term] = self._by_factors(term)
        return found

    def _by_factors(self, term: Term) -> Sum:
        result: Sum = {self.unit: self.ring.one}
        for f, e in term.factors:
            image = {self.interner.term({f: e}): self.ring.one} if f.scalar else self.power(self._transposed(f), Fraction(e))
            result = self.product(result, image)
        return result

    def _transposed(self, f: Factor) -> Sum:
        match f.kind:
            case "word" if f.label == TRANSPOSED:
                return {f.children[0]: self.ring.one}
            case "word":
                return self.word_of_sums([self.transposed_term(m) for m in reversed(f.children)])
            case "abs":
                return self.absolute(self.transposed_term(f.children[0]))
            case "base":
                return self.transposed(dict(f.body))
            case "map" if f.label in KNOWN_FUNCTIONS or self.is_componentwise(f.label):
                return self.mapped(f.label, self.transposed(dict(f.body)))
        letter = self.interner.factor("word", TRANSPOSED, [self.interner.term({f: 1})], positive=f.positive)
        return {self.interner.term({letter: 1}): self.ring.one}

    # ------------------------------------------------------------------ traces

    def trace(self, a: Sum) -> Sum:
        """sum_i a_ii, for products of matrices.

        Raises ReductionError for what is no product: the diagonal of a product by components is no contraction of it.
        """
        result: Sum = {}
        for t, c in a.items():
            (matrix,), outer = self.without_scalars([t])
            first, *rest = letters_of(matrix)
            _require_matrices([first])
            if not rest:
                raise ReductionError(f"the trace of {t}, which is no product of matrices; write trace(x @ y) or dot(x, y)")
            others: list[Sum] = [{m: self.ring.one} for m in rest]
            other = self.transposed(self.word_of_sums(others) if rest[1:] else others[0])
            total = self.contract(self.product({first: self.ring.one}, other))
            accumulate(result, self.scale(self.product(outer, total), c))
        return nonzero(result)

    def contract(self, a: Sum, label: str = "") -> Sum:
        raise NotImplementedError

    def turned(self, term: Term) -> Iterator[Term]:
        """The terms that have the same sum over all components as this one: its transpose, and each letter of each of its words
        with all else around it.

        >>> from derive.algebra.coefficients import Ring
        >>> from derive.algebra.sums import Algebra
        >>> a = Algebra(Ring()); x, y, z = map(a.state, "xyz")
        >>> [str(t) for t in a.turned(next(iter(a.product(z, a.matmul(x, y)))))]
        ['z.T*(y.T @ x.T)', 'x*(z @ y.T)', 'y*(x.T @ z)']
        """
        words = [f for f, e in term.factors if f.kind == "word" and f.label == WORD and e == 1]
        if words or any(f.kind == "word" for f, _ in term.factors):
            yield from self._alone(self.transposed_term(term))
        for f in words:
            rest = self.interner.term(combined(dict(term.factors), {f: -1}))
            if not rest.factors:
                continue
            for k, letter in enumerate(f.children):
                before = [self.transposed_term(m) for m in reversed(f.children[:k])]
                after = [self.transposed_term(m) for m in reversed(f.children[k + 1 :])]
                around = self.word_of_sums([*before, {rest: self.ring.one}, *after])
                yield from self._alone(self.product({letter: self.ring.one}, around))

    def _alone(self, image: Sum) -> Iterable[Term]:
        """The term that a sum is, with the coefficient 1."""
        return [t for t, c in image.items() if len(image) == 1 and c == self.ring.one]


def letters_of(term: Term) -> tuple[Term, ...]:
    """Those of a word, or the term itself."""
    if len(term.factors) == 1 and term.factors[0][1] == 1 and (f := term.factors[0][0]).kind == "word" and f.label == WORD:
        return f.children
    return (term,)


def _require_matrices(letters: Iterable[Term]) -> None:
    if not all(m.factors for m in letters):
        raise ReductionError(_NUMBER)
