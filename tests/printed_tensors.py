"""The value of a printed tensor, in ASCII, on a finite data set: read as a person reads it, knowing no forest.

    Sigma hess L        cov(hess L_xi, grad L_xi)        sym(E delta grad L_xi (x) hess L[delta grad L_xi])        f'[f] f'^T

A tensor is a dict from indices to fractions; `E` is the mean over the letters behind it, each sample by its weight, and over the
unit vectors for a normal vector, which stands twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

Tensor = dict[tuple[int, ...], Fraction]
SAMPLES, NORMALS = ("xi", "zeta", "chi"), ("Z", "Y", "X")
_NAME = re.compile(r"(delta~)?(?:(grad|hess|d\d+)~?((?:Lap)*)L|f('*))(?:_(\w+))?")


@dataclass
class Data:
    """A loss or field of every sample: `derivative(sample, index)` is d_index L, or of a field d_(index[1:]) f_(index[0])."""

    dimension: int
    weights: Sequence[Fraction]
    derivative: Callable[[int, tuple[int, ...]], Fraction]
    states: Mapping[str, Sequence[Fraction]] = field(default_factory=dict)

    def tensor(self, sample: int, rank: int) -> Tensor:
        return {i: self.derivative(sample, i) for i in product(range(self.dimension), repeat=rank)}

    def mean(self, rank: int) -> Tensor:
        return combined([(w, self.tensor(s, rank)) for s, w in enumerate(self.weights)])

    # ------------------------------------------------------------------------------------------ reading

    def value(self, text: str, letters: Mapping[str, int] | None = None) -> Tensor:
        return self.sum(re.sub(r"\b(delta|grad|hess) ", r"\1~", text), letters or {})

    def sum(self, text: str, letters: Mapping[str, int]) -> Tensor:
        return combined([(Fraction(1), self.outer(part, letters)) for part in split(text, " + ")])

    def outer(self, text: str, letters: Mapping[str, int]) -> Tensor:
        if text.startswith("E "):  # over all factors; a mean in a later factor is of that one
            return self.over(text[2:], letters, lambda bound: self.outer(text[2:], bound))
        result: Tensor = {(): Fraction(1)}
        for part in split(text, " (x) "):
            factor = self.chain(part, letters)
            result = {(*i, *j): x * y for (i, x), (j, y) in product(result.items(), factor.items())}
        return result

    def chain(self, text: str, letters: Mapping[str, int]) -> Tensor:
        if text.startswith("E "):
            return self.over(text[2:], letters, lambda bound: self.chain(text[2:], bound))
        first, *rest = (self.factor(part, letters) for part in split(text, " "))
        for other in rest:
            first = contracted(first, other)
        return first

    def factor(self, text: str, letters: Mapping[str, int]) -> Tensor:
        if text.endswith("^T"):
            return transposed(self.factor(text[:-2], letters))
        if text.startswith("sym("):
            inside = self.sum(text[4:-1], letters)
            return combined([(Fraction(1, 2), inside), (Fraction(1, 2), transposed(inside))])
        if text.startswith("cov("):
            return self.covariance(split(text[4:-1], ", "), letters)
        if text in NORMALS:
            return {(j,): Fraction(j == letters[text]) for j in range(self.dimension)}
        if text in self.states:
            return {(j,): x for j, x in enumerate(self.states[text])}
        if text == "I":
            return {(i, j): Fraction(i == j) for i, j in product(range(self.dimension), repeat=2)}
        if text == "Sigma" or re.fullmatch(r"K\d", text):
            return self.cumulant(2 if text == "Sigma" else int(text[1:]))
        head, bracket, rest = text.partition("[")
        result = self.named(head, letters)
        for argument in split(rest[:-1], ", ") if bracket else ():
            result = applied(result, self.outer(argument, letters))
        return result

    def named(self, text: str, letters: Mapping[str, int]) -> Tensor:
        found = _NAME.fullmatch(text)
        assert found, text
        centred, loss, laplacians, primes, letter = found.groups()
        rank = 1 + len(primes or "") if not loss else {"grad": 1, "hess": 2}.get(loss) or int(loss[1:])
        flat = len(laplacians or "") // 3
        whole = rank + 2 * flat
        result = self.tensor(letters[letter], whole) if letter else self.mean(whole)
        if centred:
            result = combined([(Fraction(1), result), (Fraction(-1), self.mean(whole))])
        for _ in range(flat):
            result = traced(result)
        return result

    def covariance(self, parts: Sequence[str], letters: Mapping[str, int]) -> Tensor:
        both = [parts[0], parts[-1]]
        means = [self.over(p, letters, lambda bound, p=p: self.chain(p, bound)) for p in both]

        def one(bound: Mapping[str, int]) -> Tensor:
            a, b = (combined([(Fraction(1), self.chain(p, bound)), (Fraction(-1), m)]) for p, m in zip(both, means, strict=True))
            if len(next(iter(a))) == 2:
                return contracted(a, b)
            return {(*i, *j): x * y for (i, x), (j, y) in product(a.items(), b.items())}

        return self.over(" ".join(both), letters, one)

    def cumulant(self, order: int) -> Tensor:
        """Of the gradient: central moments; less the three pairings of the covariance for the fourth."""
        mean, total = self.mean(1), []
        for s, w in enumerate(self.weights):
            x = combined([(Fraction(1), self.tensor(s, 1)), (Fraction(-1), mean)])
            power: Tensor = {(): w}
            for _ in range(order):
                power = {(*i, *j): a * b for (i, a), (j, b) in product(power.items(), x.items())}
            total.append((Fraction(1), power))
        moment = combined(total)
        if order < 4:
            return moment
        c = self.cumulant(2)
        pairs = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2))
        return {i: x - sum(c[i[a], i[b]] * c[i[p], i[q]] for a, b, p, q in pairs) for i, x in moment.items()}

    def over(self, text: str, letters: Mapping[str, int], of: Callable[[Mapping[str, int]], Tensor]) -> Tensor:
        """The mean over the letters in a text that have no value."""
        new = [x for x in SAMPLES if re.search(rf"_{x}\b", text) and x not in letters]
        normal = [x for x in NORMALS if re.search(rf"(?<!\w){x}(?!\w)", text) and x not in letters]
        units = [(j, Fraction(1)) for j in range(self.dimension)]
        choices = [*([*enumerate(self.weights)] for _ in new), *(units for _ in normal)]
        found = []
        for choice in product(*choices):
            weight = Fraction(1)
            for _, w in choice:
                weight *= w
            found.append((weight, of({**letters, **dict(zip([*new, *normal], (k for k, _ in choice), strict=True))})))
        return combined(found)


def split(text: str, gap: str) -> list[str]:
    """At gaps outside of all brackets."""
    parts, depth, start = [], 0, 0
    for k, c in enumerate(text):
        depth += (c in "([") - (c in ")]")
        inside = text[k : k + 5] == " (x) " and gap == " "
        if depth == 0 and k >= start and text.startswith(gap, k) and not inside:
            parts.append(text[start:k])
            start = k + len(gap)
    return [*parts, text[start:]]


def combined(parts: Sequence[tuple[Fraction, Tensor]]) -> Tensor:
    total: Tensor = {}
    for c, t in parts:
        for i, x in t.items():
            total[i] = total.get(i, Fraction(0)) + c * x
    return total


def contracted(a: Tensor, b: Tensor) -> Tensor:
    """sum_j a_(... j) b_(j ...)."""
    pairs = product(a.items(), b.items())
    return combined([(x * y, {(*i[:-1], *j[1:]): Fraction(1)}) for (i, x), (j, y) in pairs if i[-1] == j[0]])


def applied(a: Tensor, b: Tensor) -> Tensor:
    """A derivative in the direction b, or, of a tensor b, in all of its directions: contracted behind the first index."""
    rank = len(next(iter(b)))
    return combined([(Fraction(1), {(i[0], *i[1 + rank :]): x * b[i[1 : 1 + rank]]}) for i, x in a.items()])


def traced(a: Tensor) -> Tensor:
    return combined([(Fraction(1), {i[:-2]: x}) for i, x in a.items() if i[-1] == i[-2]])


def transposed(a: Tensor) -> Tensor:
    return {(j, i): x for (i, j), x in a.items()}


def symmetric_polynomial(t: Tensor, dimension: int) -> dict[tuple[int, ...], Fraction]:
    """sum t_(ij...) X_i X_j ..., by exponents."""
    total: dict[tuple[int, ...], Fraction] = {}
    for i, x in t.items():
        key = tuple(i.count(k) for k in range(dimension))
        total[key] = total.get(key, Fraction(0)) + x
    return {k: x for k, x in total.items() if x}
