"""Sample losses: the loss of every sample of a finite data set, with the probability of each.

    x**2/2 + x*y; x**4; y**2          three samples of one loss L, equally likely
    f = x*y; f = x**2; g = -x*y; g = y**2
                                      two samples of the declared losses f and g: the first of f belongs to the first of g
    y, -x; 2*y, -x                    two samples of a vector field, one expression a component
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from derive.concrete.games import Texts, items, parse_game
from derive.concrete.names import with_values
from derive.concrete.problem import Problem, gathered
from derive.errors import UsageError, nearest
from derive.language import LOSS_CALLS, constant, parse_expression, plain_name, unparse
from derive.scheme import Configuration

#: the losses of samples: a text, a list of samples, or a list for every declared loss
Losses = str | Sequence[str] | Mapping[str, Sequence[str]]
MAX_SAMPLES = 64


@dataclass(frozen=True)
class Samples:
    """`problem` has the expressions of all samples one after the other, `width` for each: one a declared loss, or component."""

    problem: Problem
    width: int
    weights: tuple[Fraction, ...]

    @property
    def losses(self) -> list[str]:
        """The declared losses."""
        return [name.partition(",")[0] for name in self.problem.losses[: self.width]]

    def which(self, label: str, component: int, sample: int) -> int:
        """The place of a sample's loss, or of a component of its field, among the expressions."""
        here = self.losses.index(label.partition(".")[0]) if self.losses else 0 if self.problem.is_loss else component
        return sample * self.width + here

    def to_json(self) -> list[object]:
        """Every sample: its loss, the components of its field, or its loss by name."""
        texts = [unparse(e) for e in self.problem.expressions]
        split = [texts[k : k + self.width] for k in range(0, len(texts), self.width)]
        if self.problem.losses:
            return [dict(zip(self.losses, each, strict=True)) for each in split]
        return [each[0] if self.problem.is_loss else each for each in split]


def parse_samples(
    c: Configuration,
    losses: Losses,
    weights: str | Sequence[object] | None = None,
    parameters: Collection[str] = (),
    variables: Texts | None = None,
) -> Samples:
    """The samples for a scheme: what it declares, and `parameters`, are parameters, set ones their values.

    Raises UsageError for losses or weights that are none, ParseError for a text outside the grammar.
    """
    declared = {*c.scheme.parameters, *c.free, *map(plain_name, parameters)}
    if c.scheme.losses:
        problem, width = _declared(c, losses, declared, variables), len(c.scheme.losses)
    else:
        if variables is not None:
            raise UsageError("variables are grouped for schemes with declared losses; here components go by their names, sorted")
        problem, width = _plain(c.scheme.label == "L", _texts(losses), declared)
    problem = with_values(c, problem)
    return Samples(problem, width, _weights(weights, len(problem.expressions) // width))


def _texts(losses: Losses) -> list[str]:
    if isinstance(losses, Mapping):
        raise UsageError("the samples of one loss are a list; this scheme declares no losses of other names")
    texts = losses.split(";") if isinstance(losses, str) else [str(e) for e in losses]
    return _counted([e.strip() for e in texts if e.strip()], "the losses")


def _counted(texts: list[str], what: str) -> list[str]:
    if not texts:
        raise UsageError(f"{what} have no sample; write one loss a sample, such as 'x**2/2; x**2/2 + x'")
    if len(texts) > MAX_SAMPLES:
        raise UsageError(f"{what} have {len(texts)} samples; the limit is {MAX_SAMPLES}")
    return texts


def _plain(is_loss: bool, texts: Sequence[str], declared: Collection[str]) -> tuple[Problem, int]:
    """All samples as one problem: what is a variable of one sample is a variable of all."""
    split = [[e] if is_loss else e.split(",") for e in texts]
    width = len(split[0])
    if any(len(parts) != width for parts in split):
        raise UsageError("the samples of a field have different numbers of components; write each as 'y, -x', with ';' between")
    what = "loss" if is_loss else "field"
    read = [parse_expression(part, f"{what} of sample {k}", LOSS_CALLS, declared) for k, e in enumerate(split, 1) for part in e]
    return gathered("; ".join(texts), read, is_loss, declared, len(texts)), width


def _declared(c: Configuration, losses: Losses, declared: Collection[str], variables: Texts | None) -> Problem:
    """The expressions in the order of samples, then of declared losses."""
    found: dict[str, list[str]] = {f: [] for f in c.scheme.losses}
    for name, text in _named(losses, c.scheme.losses):
        if name not in found:
            known = f"{nearest(name, found)} (losses: {', '.join(found)})"
            raise UsageError(f"losses: '{name}' is no loss of the scheme{known}")
        found[name].append(text)
    counts = {f: len(_counted(texts, f"losses: {f}")) for f, texts in found.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{n} of {f}" for f, n in counts.items())
        raise UsageError(f"losses: {listed}; every sample has all losses, the first of each belong together")
    names = [(f, k) for k in range(next(iter(counts.values()))) for f in found]
    slots = {_sample_name(f, k): c.scheme.losses[f] for f, k in names}
    texts = {_sample_name(f, k): found[f][k] for f, k in names}
    return parse_game(slots, tuple(c.scheme.unknowns), texts, variables, declared)


def _sample_name(loss: str, k: int) -> str:
    return f"{loss}, sample {k + 1}"


def _named(losses: Losses, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """(declared loss, the text of its next sample)."""
    alone = next(iter(known)) if len(known) == 1 else ""
    if isinstance(losses, Mapping):
        for f, texts in losses.items():
            yield from ((str(f).strip(), str(e)) for e in ([texts] if isinstance(texts, str) else texts))
    else:
        yield from items(losses if isinstance(losses, str) else ";".join(map(str, losses)), "losses", alone)


def _weights(given: str | Sequence[object] | None, count: int) -> tuple[Fraction, ...]:
    """Positive rationals with sum 1; equal ones where none are given.

    >>> _weights("1/2, 1/3, 1/6", 3)
    (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))
    """
    if given is None:
        return (Fraction(1, count),) * count
    texts = [str(w).strip() for w in (given.split(",") if isinstance(given, str) else given)]
    found = [constant(parse_expression(w, "weights")) for w in texts]
    numbers = [w for w in found if w is not None and w > 0]
    if len(numbers) < len(texts) or len(texts) != count or sum(numbers) != 1:
        what = f"{count} positive rational numbers with sum 1, one a sample"
        raise UsageError(f"weights: '{', '.join(texts)}' are not {what}; write for example {_example(count)}")
    return tuple(numbers)


def _example(count: int) -> str:
    return ",".join(["1"] if count == 1 else ["1/2", *[f"1/{2 * (count - 1)}"] * (count - 1)])
