"""A claimed generator proved, or refuted, in random worlds over prime fields.

The statement is  E phi(x_n) = exp(n gamma G) phi (x_0) + O(gamma^(N+1))  for n gamma bounded, the memory in the law that has come
to follow x; in one world it is  l T = exp(gamma G) l  through gamma^(N+1) (`verify.sde.family`).

**Every loss, every law of samples, every dimension.**  Claim minus truth is a sum of coefficients times forests with at most
M = N + 1 nodes (or as many as the claim has), each node on a sample or on the mean.  In M dimensions the indices of a forest can
all be different, and then the monomial in the derivatives determines the forest; with M samples its ties can be M different
samples.  Take the partitions of the nodes from the finest to the coarsest: where the blocks of a partition are given different
samples, only finer partitions contribute besides, which have gone before.  So if the sum vanishes for all weights and all losses
of M samples in M dimensions, every coefficient does.  Finitely many moments of any law are those of a law on finitely many
samples.  That is for texts that are linear in state variables, gradients and normal vectors.  Of others, such as normalised
gradients, the same is shown in M dimensions and with M samples only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import log2
from random import Random, SystemRandom
from typing import Any

from derive.errors import UndecidedError
from derive.language import Number, substitute
from derive.scheme import Configuration
from verify.numbers.evaluation import evaluate
from verify.proof.errors import Rejected
from verify.proof.field import is_prime
from verify.sde.bound import bound, degree_in
from verify.sde.elements import Elements
from verify.sde.family import Family, Residual
from verify.sde.forests import Operator, Spaces
from verify.sde.functions import with_functions
from verify.sde.reading import is_linear, read
from verify.sde.ring import MAX_MONOMIALS, MAX_PAIRS, Ring, size
from verify.sde.scalars import Modular
from verify.sde.statement import Claim
from verify.sde.step import Step
from verify.sde.structure import Structure, find_structure
from verify.sde.world import Shape, World, draw_world, normals, reads_time

BITS, WANTED, TRIES = 31, 100, 400
#: how many numbers of batches stand for all, and the largest
EPOCHS, MAX_BATCHES = 3, 8


@dataclass(frozen=True)
class Drawing:
    """How samples are drawn in a world: the size of a batch, or the number of batches in an epoch (0: independent samples)."""

    batch: int = 1
    batches: int = 0


def drawings(claim: Claim, linear: bool) -> list[Drawing]:
    """Every drawing in which a claim is looked at.

    A coefficient is a polynomial of degree N in 1/B, B the size of a batch, as a tie of r nodes has B^(1-r); a claimed one that
    is a quotient of degree D, where it is not the same, is so for N + D numbers B at most.
    """
    if claim.batches:
        least = max(2, claim.order + 1)
        numbers = [int(claim.batches)] if claim.batches.isdigit() else [least + k for k in range(EPOCHS)]
        if numbers[-1] > MAX_BATCHES:
            raise UndecidedError(f"epochs of {numbers[-1]} batches have too many orders; at most {MAX_BATCHES} are tried")
        return [Drawing(1, m) for m in numbers]
    if claim.batch.isdigit():
        return [Drawing(int(claim.batch))]
    if not linear:
        raise UndecidedError("batches of a text that is not linear in what it draws")
    degree = max((degree_in(claim.batch, t.coefficient) for power in claim.powers for t in power), default=0)
    return [Drawing(b) for b in range(1, claim.order + degree + 2)]


@dataclass(frozen=True)
class Verdict:
    """verdict: 'proved', 'refuted' or 'undecided', with the reason; `power` and `roots` say which part of the claim is wrong."""

    verdict: str
    reason: str = ""
    power: int | None = None
    roots: int | None = None
    shape: Shape | None = None
    structure: Structure | None = None
    worlds: int = 0
    bits: int = 0
    tests: int = field(default=0, compare=False)
    everywhere: bool = True  # in every dimension, for every law of the samples
    epochs: tuple[int, ...] = ()  # for which numbers of batches in an epoch

    def __str__(self) -> str:
        if self.verdict == "refuted":
            what = {1: "the drift", 2: "the diffusion"}.get(self.roots or 0, f"the part with {self.roots} roots")
            return f"refuted at gamma^{self.power}: {what} is not the scheme's"
        if self.verdict == "undecided" or self.shape is None:
            return f"undecided: {self.reason}"
        memory = ", for all parameter values at which the memory relaxes" if self.structure and self.structure.units else ""
        what = "proved for every smooth loss, every law of the samples and every dimension"
        if self.epochs:
            what = f"proved for all smooth losses of m = {', '.join(map(str, self.epochs))} batches in every dimension"
        if not self.everywhere:
            d, m = self.shape.dimension, self.shape.samples
            what = f"proved for every smooth loss in dimension {d} and every law of {m} samples, as the text is not linear"
        return f"{what}{memory}; error probability below 2^-{self.bits}"

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"verdict": self.verdict, "argument": str(self), "power": self.power, "roots": self.roots}
        found["worlds"] = self.worlds
        found |= {"everywhere": self.everywhere, "epochs": list(self.epochs)} if self.verdict == "proved" else {}
        return found | ({"dimension": self.shape.dimension, "samples": self.shape.samples} if self.shape else {})


def draw_prime(source: Random) -> int:
    """A random prime of 31 bits that is 3 modulo 4."""
    while True:
        p = 4 * source.randrange(2 ** (BITS - 3), 2 ** (BITS - 2)) - 1
        if is_prime(p):
            return p


def prove_generator(c: Configuration, claim: Claim, source: Random | None = None) -> Verdict:
    """The verdict on a claimed generator of a configuration.  Raises UsageError for a claim that cannot be read."""
    source = source or SystemRandom()
    try:
        return _decided(read(c), claim, source)
    except UndecidedError as error:
        return Verdict("undecided", str(error))
    except ZeroDivisionError:
        return Verdict("undecided", "the update divides by zero in every world that was drawn")


def _decided(c: Configuration, claim: Claim, source: Random) -> Verdict:
    linear = is_linear(c)
    cases, total = drawings(claim, linear), 0
    misses = 0.0
    for drawing in cases:
        wanted, count = 2, 0
        while count < wanted:
            world = _accepted(source, c, claim, drawing)
            total, count = total + 1, count + 1
            if (first := world.residual.first) is not None:
                power = max(0, -(-first // world.shape.half) - 1)
                return Verdict("refuted", "", power, world.residual.roots, world.shape, world.structure, total, 0, world.tests)
            limits = bound(c, claim, world.shape, world.structure, world.residual.passes)
            wanted = limits.worlds(WANTED)
        misses = max(misses, 2.0 ** (limits.misses * count))  # a false claim is false for one drawing at least
    epochs = tuple(d.batches for d in cases if d.batches)
    bits = int(-log2(misses))
    return Verdict("proved", "", None, None, world.shape, world.structure, total, bits, world.tests, linear, epochs)


@dataclass(frozen=True)
class Tried:
    """One random world: what the claim left, and on how many functions of the slow variables it was tried."""

    residual: Residual
    structure: Structure
    shape: Shape
    tests: int


def _accepted(source: Random, c: Configuration, claim: Claim, drawing: Drawing) -> Tried:
    for _ in range(TRIES):
        try:
            return one_world(source, c, claim, drawing)
        except Rejected:
            continue
    raise UndecidedError("no world was found in which every root exists")


def one_world(source: Random, c: Configuration, claim: Claim, drawing: Drawing, slack: int = 0) -> Tried:
    """The claim in one random world."""
    p, half = draw_prime(source), 2 if normals(c) else 1
    parameters = {n: source.randrange(1, p) for n in c.free}
    structure = find_structure(source, c, half, p, parameters)
    nodes = max(claim.order + 1, claim.size if is_linear(c) else 2)
    degree = half * (claim.order + 1)
    slack = max(slack, claim.reach - degree)
    shape = Shape(structure.slow, nodes, drawing.batches or nodes, half, degree + slack, reads_time(c))
    _require_small(shape, structure, normals(c))
    ring = Ring(Modular(p), shape.variables, shape.degree)
    world = draw_world(source, c, shape, ring, parameters, bool(drawing.batches))
    step = Step(c, world, structure.units, structure.follows, batch=drawing.batch)
    family = Family(step, operator_of(c, claim, world, structure, drawing), degree, p, drawing.batches)
    if family.known < degree:
        return one_world(source, c, claim, drawing, slack + degree - family.known)
    return Tried(family.residual(), structure, shape, size(shape.variables - 1, degree)[0])


def operator_of(c: Configuration, claim: Claim, world: World, structure: Structure, drawing: Drawing) -> Operator:
    """The claimed generator, with numbers for the symbols that the drawing brings."""
    numbers: dict[str, Any] = {claim.batches or claim.batch: drawing.batches or drawing.batch}
    known = replace(world, parameters={**numbers, **world.parameters})
    names, elements = known.names(Elements(world.ring)), Elements(world.ring)
    for symbol, expression in claim.symbols.items():
        powered = substitute(expression, {claim.batches: Number(Fraction(drawing.batches))})
        numbers[symbol] = evaluate(powered, names, elements, _no_call).plain().values[0]
    known = with_functions(replace(world, parameters={**numbers, **world.parameters}), claim.opaque, tuple(structure.units))
    spaces = {c.symbol(s): x for s, x in c.scheme.spaces.items()}
    return Operator(known, claim, Spaces(known, tuple(c.scheme.unknowns), spaces))


def _no_call(function: str, _: object) -> Any:
    raise UndecidedError(f"a symbol that calls {function}")


def _require_small(shape: Shape, structure: Structure, noise: int) -> None:
    variables = shape.variables + shape.dimension * (len(structure.units) + noise)
    monomials, pairs = size(variables, shape.degree)
    if monomials > MAX_MONOMIALS or pairs > MAX_PAIRS:
        raise UndecidedError(
            f"polynomials in {variables} variables through degree {shape.degree} are too large; take a lower order"
        )
