"""The one entry point: is this the modified equation of this scheme?"""

from __future__ import annotations

import secrets
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from math import ceil, lcm
from random import Random
from typing import Any

from derive.errors import LimitError
from derive.language import Call, Expression, Number, Operation, constant, walk
from derive.scheme import Configuration
from verify.proof.bounds import Size, copies, sample_error, size_of
from verify.proof.claim import highest_derivative, rank_of_text
from verify.proof.classes import Split, leads, multiples, per_sample, places, samples_needed, split
from verify.proof.degrees import VERTEX
from verify.proof.errors import FractionalPower, Rejected, ShortPrecision, Undecided
from verify.proof.field import BITS, MORE_BITS, modulus
from verify.proof.known import RELATIONS
from verify.proof.layers import PILOT, first_layers, independent_sums, is_layer_sum, layouts
from verify.proof.paced import with_paces
from verify.proof.real import real_difference
from verify.proof.reflections import positive_places
from verify.proof.repeats import enough, named, numbers_of_steps, specialised
from verify.proof.sample import Plan, Sample, Sampler, vertices_matter
from verify.proof.statement import Claimed, Statement, root_of, statement

MOST_SAMPLES, MOST_SLACK, PROBES, MAX_TERMS = 1200, 4, 130, 2000
MOST_ERROR, MOST_NESTED, MOST_GRAIN = -2.0, 6, 12
#: rows and columns: of the first sample; of the proof, where those that decide all shapes are more than so many components
SIDES, NAMED, MOST_COMPONENTS = (2, 3), ((3, 3), (3, 2), (2, 3)), 36
MOST_CROSSED = 12  # with sums over rows or columns, whose roots make samples rare


@dataclass(frozen=True)
class Proof:
    """What was found.

    proved      for every smooth loss, every dimension and all parameters in their ranges; a false statement would have
                passed with a probability below 2**bound
    refuted     `variable` at gamma^`power` is not what is claimed, at `witness`
    undecided   for this `reason`
    """

    verdict: str
    bound: float | None = None
    samples: int = 0
    dimension: int = 0
    classes: int = 1
    power: int | None = None
    variable: str = ""
    witness: str = ""
    reason: str = ""
    label: str = "L"  # of the statement: a loss L or a vector field f
    maps: bool = False  # whether it is about declared maps too
    layers: bool = False  # whether it is about sums over layers
    elsewhere: bool = False  # whether gradients are taken at points that do not tend to theta
    sides: tuple[tuple[int, int], ...] = ()  # rows and columns, of a proof about matrices
    every: bool = False  # whether they decide all shapes
    repeats: str = ""  # for which numbers of repetitions, where they are symbols
    numbers: Mapping[str, int] = field(default_factory=dict)  # at which of them it is refuted or undecided
    root: int = 1  # powers are those of gamma**(1/root)

    @property
    def proved(self) -> bool:
        return self.verdict == "proved"

    @property
    def matrices(self) -> str:
        """Of which matrices the loss is a function, in a proof about some."""
        if not self.sides:
            return ""
        return "every number of rows and columns" if self.every else " and ".join(f"{m} x {n}" for m, n in self.sides)

    def to_json(self) -> dict[str, Any]:
        """`bound` is the base-2 logarithm of the error probability."""
        return {
            "verdict": self.verdict, "bound": self.bound, "samples": self.samples, "dimension": self.dimension,
            "sign_classes": self.classes, "reason": self.reason,
        }  # fmt: skip

    def __str__(self) -> str:
        if self.proved:
            assert self.bound is not None
            repeated = f" ({self.repeats})" if self.repeats else ""
            about = proved_for(self.label, self.maps, self.layers, self.matrices)
            return f"{about}{repeated}; error probability below 2^{ceil(self.bound)}"
        if self.verdict == "refuted":
            return f"refuted: {self.variable} at {power_text(self.power or 0, self.root)}; {self.witness}"
        return f"undecided: {self.reason}"


def power_text(k: int, root: int) -> str:
    """gamma^k, or the root of gamma that it stands for."""
    power = Fraction(k, root)
    return f"gamma^{power}" if power.denominator == 1 else f"gamma^({power})"


def proved_for(label: str, maps: bool = False, layers: bool = False, matrices: str = "") -> str:
    """What a proof is about, in words; `label` is 'L' for schemes written with a loss, 'f' for those with a vector field.

    >>> proved_for("f")
    'proved for all parameter values in their ranges, every smooth vector field, every dimension'
    >>> proved_for("L", matrices="2 x 3 and 3 x 2")
    'proved for all parameter values in their ranges, every smooth loss of a matrix, 2 x 3 and 3 x 2'
    """
    problem = ("vector field" if label == "f" else "loss") + " and every map of its kind" * maps
    partitions = ", every partition of the components into layers" * layers
    where = f" of a matrix, {matrices}" if matrices else ", every dimension"
    return f"proved for all parameter values in their ranges, every smooth {problem}{where}{partitions}"


def prove(
    configuration: Configuration,
    equations: Claimed,
    memory: Claimed | None = None,
    order: int | None = None,
    *,
    form: str = "flow",
    seed: int | None = None,
) -> Proof:
    """Prove or refute that `equations` are the modified equation of `configuration` through gamma^order.

    `equations` and `memory` as in `ModifiedEquation.to_json()`, or one formula for each power of gamma.  Without `memory` its
    limit at gamma = 0 is found if it solves affine equations in stages.  A `seed` makes the run repeatable.

    >>> from derive import configure, load_scheme
    >>> scheme = configure(load_scheme("momentum"))
    >>> prove(scheme, {"theta": ["-grad/(1 - beta)", "-(1 + beta)/(2*(1 - beta)**3)*hess(grad)"]}).verdict
    'proved'
    >>> prove(scheme, {"theta": ["-grad/(1 - beta)", "-(1 + beta)/(2*(1 - beta)**2)*hess(grad)"]}).verdict
    'refuted'
    """
    source = Random(secrets.randbits(256) if seed is None else seed)
    terms = sum(len(power["terms"]) for powers in equations.values() for power in powers if not isinstance(power, str))
    if terms > MAX_TERMS:
        raise LimitError(f"a proof about {terms:,} terms; the limit is {MAX_TERMS:,}: lower --order")
    try:
        claim = statement(configuration, equations, memory, order, form)
        found = decide_repeated(claim, configuration, source) if numbers_of_steps(configuration) else decide(claim, source)
        return replace(found, root=claim.root)
    except Undecided as error:
        return Proof("undecided", reason=str(error))


def decide_repeated(claim: Statement, configuration: Configuration, source: Random) -> Proof:
    """The verdict on a statement for every number of repetitions, from those at enough numbers.

    A false statement is false at one of them at least, so the error is at most the largest.
    """
    found: list[Proof] = []
    for values in (tried := enough(claim, configuration)):
        proof = decide(specialised(claim, configuration, values), source)
        if not proof.proved:
            place = f"{named(values)}: "
            witness, reason = (text and place + text for text in (proof.witness, proof.reason))
            return replace(proof, witness=witness, reason=reason, numbers=values)
        if proof.elsewhere:
            raise Undecided("a gradient is taken away from theta in a text with repeat, for whatever number of steps")
        found.append(proof)
    return replace(
        max(found, key=lambda proof: proof.bound or 0.0),
        samples=sum(p.samples for p in found),
        repeats=f"every {', '.join(tried[-1])} from proofs through {named(tried[-1])}, more than the degree of any difference",
    )


def decide(claim: Statement, source: Random) -> Proof:
    """The verdict on a statement; more coefficients are kept where the text divides by gamma."""
    if claim.layered and claim.maps:
        raise Undecided("the proof knows no declared maps beside sums over layers")
    if claim.root > 1:
        claim = with_paces(claim, Sampler(_plan(claim), source))
    try:
        return _decide(claim, source)
    except FractionalPower:
        grain = lcm(*(q for n in claim.nodes if (q := root_of(n))))
        if grain > MOST_GRAIN:
            raise
        return _decide(replace(claim, grain=grain), source)


def _plan(claim: Statement) -> Plan:
    """How the first sample is drawn."""
    rank = rank_of_text(claim)
    return Plan(
        claim,
        SIDES[0] * SIDES[1] if claim.shapes else sum(PILOT) if claim.layered else 3 if claim.contracted else 2,
        max(claim.order + 1 + rank, highest_derivative(claim)),
        modulus(*_roots(claim)),
        positive=positive_places(claim),
        layers=PILOT if claim.layered else (),
        bits=MORE_BITS if claim.layered or claim.crossed else BITS,
        sides=SIDES if claim.shapes else None,
    )


def _decide(claim: Statement, source: Random) -> Proof:
    plan, rank = _plan(claim), rank_of_text(claim)
    for slack in range(MOST_SLACK + 1):
        current = replace(plan, slack=slack, degree=max(plan.degree, claim.order + 1 + rank + slack))
        try:
            return _Trial(current, source).decide()
        except ShortPrecision:
            continue
    raise Undecided("the text loses more powers of gamma than are kept")


def _roots(claim: Statement) -> tuple[list[int], list[Fraction]]:
    """Orders of roots, and constants that stand under a root or sign."""
    orders = [q for n in claim.nodes if (q := root_of(n))]
    constants: set[Fraction] = set()
    for node in claim.nodes:
        if root_of(node) or (isinstance(node, Call) and node.function in ("abs", "sign")):
            assert isinstance(node, Operation | Call)
            constants |= set(_factors(node.args[0]))
    if constants or places(claim):
        texts = [*(line.value for line in claim.program), *claim.bindings.values()]
        constants |= {n.value for text in texts for n in walk(text) if isinstance(n, Number)}
    return orders, sorted(c for c in constants if c)


def _factors(node: Expression) -> list[Fraction]:
    """Constant factors of a tree."""
    value = constant(node)
    if value is not None:
        return [value]
    if isinstance(node, Operation) and node.op in ("*", "/", "neg"):
        return [c for a in node.args for c in _factors(a)]
    return [node.value] if isinstance(node, Number) else []


Found = tuple[str, int, str]


class _Trial:
    """One attempt with a given number of spare coefficients."""

    def __init__(self, plan: Plan, source: Random) -> None:
        self.plan, self.source, self.claim = plan, source, plan.claim
        self.failed: set[tuple[Any, int | None]] = set()
        self.leading: dict[Any, int] = {}

    def decide(self) -> Proof:
        pilot, found = self.examine(self.plan)
        if found:
            return self.mismatch(self.plan, pilot, found)
        self.leading = powers(pilot)
        plans, size = self.sized(pilot)
        plan = plans[0]
        self.failed = set()
        first, found = self.examine(plan)
        if found:
            return self.mismatch(plan, first, found)
        if plan.flow:
            self.require_flow(plan, first)
        parts = self.split(plan, first)
        error = sample_error(size, self.conditions(plan, pilot), plan.modulus, plan.bits) + RELATIONS * self.claim.transcendental
        if error > MOST_ERROR or not per_sample(parts.signs, error):
            if plan.bits < MORE_BITS:
                return _Trial(replace(self.plan, bits=MORE_BITS), self.source).decide()
            raise Undecided("the degrees are too high for an error bound: lower the order")
        count = samples_needed(parts.signs, error)
        if count > MOST_SAMPLES:
            raise Undecided(f"2^{parts.signs} classes of signs: too many to visit")
        for n, current in [(n, current) for current in plans for n in range(count)][1:]:
            sample, found = self.examine(current)
            if found:
                return self.mismatch(current, sample, found)
            if n < 3 and size.coupled and vertices_matter(self.sampler(current), sample):
                raise Undecided("the relaxation of the memory depends on second derivatives")
        bound = count * per_sample(parts.signs, error)
        samples = count * len(plans)
        proof = Proof("proved", bound, samples, plan.dimension, 2**parts.signs, label=self.claim.label)
        sides = tuple(plan.sides for plan in plans if plan.sides)
        elsewhere, every = bool(pilot.point.problem.elsewhere), sides != NAMED
        maps, layers = bool(self.claim.maps), self.claim.layered
        return replace(proof, maps=maps, layers=layers, elsewhere=elsewhere, sides=sides, every=every)

    def require_flow(self, plan: Plan, sample: Sample) -> None:
        """That what stands under roots does not change with other derivatives than hess(f_0)."""
        other = self.sampler(plan).other_along(sample)
        difference(self.claim, other)
        if leads(other) != leads(sample) or powers(other) != powers(sample):
            raise Undecided(f"{VERTEX}, other than the Hessian of the leading field")

    def sampler(self, plan: Plan) -> Sampler:
        sampler = Sampler(plan, self.source)
        sampler.failed = self.failed
        return sampler

    def examine(self, plan: Plan) -> tuple[Sample, Found | None]:
        """A sample, and the first difference there."""
        for _ in range(10):
            sample = self.sampler(plan).draw()
            try:
                sample.orbit.find()
                found = difference(self.claim, sample)
            except (Rejected, ZeroDivisionError):
                continue
            if not found and self.leading and powers(sample) != self.leading:
                raise Undecided("leading powers differ from point to point")
            return sample, found
        raise Undecided("a denominator vanishes at every point")

    def sized(self, pilot: Sample) -> tuple[list[Plan], Size]:
        """The dimension that decides every dimension, with the partitions into layers that decide all, and bounds in it."""
        values = products(pilot)
        guess = layers = 2 * self.claim.order + 4
        same = alike(pilot)
        nested = self.claim.nesting if pilot.ring.functions.exponentials.takes_logarithms else 0
        if nested > MOST_NESTED:
            raise Undecided("exp of logarithms among too many known functions")
        if pilot.orbit.vanishing:  # the last pass has changed nothing
            self.plan = replace(self.plan, passes=pilot.orbit.passes - 1)
        passes = self.plan.passes if pilot.orbit.vanishing else 0
        bound = partial(size_of, passes=passes, nested=nested, elsewhere=pilot.point.problem.elsewhere)
        for _ in range(6):
            known = (self.claim, guess, self.plan.slack, self.leading, same, self.plan.degree + 4, layers)
            try:
                size = bound(*known, flow=self.plan.flow)
            except Undecided:
                others = self.claim.layered or self.claim.losses or self.claim.maps or self.claim.shapes
                if self.plan.flow or not pilot.orbit.vanishing or others:
                    raise
                self.plan = replace(self.plan, flow=True)
                size = bound(*known, flow=True)
            if self.claim.shapes:
                plans, size = self.of_matrices(size, bound(*known, side="n"), values)
            else:
                plans = self.plans(size, values, pilot.ring)
            most = max(len(plan.layers) for plan in plans)
            if plans[0].dimension <= guess and most <= layers:
                return plans, size
            guess, layers = plans[0].dimension, most
        raise Undecided("the number of index variables is not bounded")

    def plans(self, size: Size, values: Mapping[Any, tuple[int, Any]], ring: Any) -> list[Plan]:
        """The largest number of components first."""
        products = len({values[key][1] for key in size.contractions if key in values and not is_layer_sum(key)})
        if not self.claim.layered:
            needed = 1 + size.indices + size.copies + products + (1 + products) * self.plan.flow
            return [replace(self.plan, dimension=max(needed, self.claim.order + 1, 2))]
        sums = independent_sums(values, [key for key in size.contractions if is_layer_sum(key)], ring)
        found = layouts(max(1 + size.indices, self.claim.order + 1), sums, products)
        return [replace(self.plan, dimension=sum(sizes), layers=sizes) for sizes in found]

    def of_matrices(self, rows: Size, columns: Size, values: Mapping[Any, tuple[int, Any]]) -> tuple[list[Plan], Size]:
        """One plan with so many rows and columns that they decide all shapes; where these are too many, the named shapes."""
        size = replace(rows, contractions=rows.contractions | columns.contractions, coupled=rows.coupled or columns.coupled)
        products = len({values[key][1] for key in size.contractions if key in values})
        m, n = (max(1 + s.indices + s.copies + products, self.claim.order + 1, 2) for s in (rows, columns))
        most = MOST_CROSSED if self.claim.crossed else MOST_COMPONENTS
        sides = [(m, n)] if m * n <= most and not self.claim.maps else NAMED
        return [replace(self.plan, dimension=m * n, sides=(m, n)) for m, n in sides], size

    def conditions(self, plan: Plan, pilot: Sample) -> int:
        """How many numbers must be residues."""
        known = leads(pilot)
        bases = {tuple(map(str, known[k])): (kind(pilot, known[k]), k) for k in self.even() if k in known}
        return len(self.claim.conditions()) + sum(copies(key, plan.dimension, len(plan.layers)) for key in bases.values())

    def even(self) -> set[Hashable]:
        return {k for k, n in places(self.claim).items() if root_of(n)} | set(self.plan.positive)

    def split(self, plan: Plan, sample: Sample) -> Split:
        """Signs that are independent; roots are looked at again before they count as roots of squares, and factors between
        quantities before they count as numbers of one sign."""
        parts = split(self.claim, sample, self.failed, self.plan.positive)
        if parts.signs and parts.squares:
            loose = replace(plan, ranges=False)
            for _ in range(PROBES):
                self.sampler(loose).draw()
                parts = split(self.claim, sample, self.failed, self.plan.positive)
                if not (parts.signs and parts.squares):
                    break
        if parts.signs and (signs := multiples(self.claim, sample)):
            for _ in range(PROBES):
                now = multiples(self.claim, self.sampler(plan).draw())
                signs = {place: sign for place, sign in signs.items() if now.get(place) == sign}
                if not signs:
                    return parts
            parts = split(self.claim, sample, self.failed, self.plan.positive, frozenset(signs))
        return parts

    def mismatch(self, plan: Plan, sample: Sample, found: Found) -> Proof:
        variable, power, witness = found
        if places(self.claim) or self.claim.transcendental:
            real = real_difference(plan, powers(sample), self.source)
            if real is None:
                where = f"{variable} at {power_text(power, self.claim.root)}"
                raise Undecided(f"{where} differs modulo a prime but at no real point tried")
            variable, power, witness = real
        return Proof("refuted", samples=1, dimension=plan.dimension, power=power, variable=variable, witness=witness)


def difference(claim: Statement, sample: Sample) -> Found | None:
    """The first power and variable at which claim and truth differ."""
    orbit, claims, p = sample.orbit, sample.claims, sample.ring.p
    wrong = [(x, k) for x, k in orbit.off if k == 0 and x in claim.memory]
    if wrong:
        return wrong[0][0], 0, f"this is no fixed point of the memory at gamma^0, modulo {p}"
    if orbit.off:
        x, k = orbit.off[0]
        where = f"{x} at {power_text(k, claim.root)}"
        if x in claim.fields and 0 < k < claim.root:
            raise Undecided(f"{where} changes from step to step, by more than gamma: it is no slow variable")
        raise Undecided(f"{where} is no polynomial in the number of steps: no slow orbit passes through these variables")
    for k in range(claim.order + 2):
        rows = [(x, claims.field(x, k), orbit.fields[x][k]) for x in claim.slow if k <= claim.order]
        rows += [(m, claims.memory(m, k), orbit.memory[m][k]) for m in claim.memory if k < len(claim.memory[m])]
        for x, claimed, true in rows:
            for i, (a, b) in enumerate(zip(claimed, true)):
                if a != b:
                    return x, k, f"component {i + 1} is {b}, claimed {a}, modulo {p} at {_at(sample)}"
    return None


def _at(sample: Sample) -> str:
    text = ", ".join(f"{n} = {x}" for n, x in sample.point.parameters.items())
    return text or "a random point"


def powers(sample: Sample) -> dict[Any, int]:
    """The power of gamma at which everything under a root, sign, denominator or scalar product begins."""
    found: dict[Any, int] = {}
    for algebra in filter(None, (sample.orbit.last, sample.claims.algebra)):
        for (key, _), (power, _) in algebra.noted.items():
            if found.setdefault(key, power) != power:
                raise Undecided("components begin at different powers of gamma under a root, sign or denominator")
        found |= {key: power for key, (power, _) in first_layers(algebra.found).items()}
    return found


def products(sample: Sample) -> dict[Any, tuple[int, Any]]:
    assert sample.orbit.last is not None
    return {**sample.orbit.last.found, **sample.claims.algebra.found}


def alike(sample: Sample) -> dict[Hashable, Hashable]:
    """Places with equal leading coefficients get one name."""
    names: dict[Any, Hashable] = {}
    found: dict[Hashable, Hashable] = {}
    for key, values in leads(sample).items():
        found[key] = names.setdefault(tuple(map(str, values)), (kind(sample, values), key))
    return found


def kind(sample: Sample, values: Sequence[Any]) -> str:
    """Whether the leading coefficients at a place are one number, one a layer, or one a component."""
    if isinstance(values[0], tuple):
        return "scalar"
    layers = sample.point.layers
    return "layer" if layers and all(len({values[i] for i in layer}) == 1 for layer in layers) else "vector"
