"""The weak modified equation: the generator of the law of a stochastic optimizer, with exact coefficients, and what it says.

    E phi(theta_n) = (exp(n gamma G) phi)(theta_0),        G = G_0 + gamma G_1 + ... + gamma^N G_N

`eq[k]` is G_k as a `ForestSum`.  The part with one derivative of phi is the drift, twice that with two the diffusion matrix of a
stochastic differential equation at the time n gamma; where there are more, no such equation has this law.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.algebra.coefficients import Ratio
from derive.equation import check_order
from derive.errors import UsageError
from derive.language import unparse
from derive.noise.generator import Generator, generator
from derive.noise.reshuffled import EpochGenerator, batches_setting, reshuffled_generator
from derive.noise.sampling import MAX_WEAK_ORDER, batch_size, by_batch, require_few_forests, with_samples
from derive.noise.sums import ForestSum, labels_of
from derive.result import Described, declarations, function_text, named, origin
from derive.scheme import Configuration, Scheme, configure, load_scheme
from derive.scheme.model import Sampling

if TYPE_CHECKING:
    from derive.concrete.expectation import Expectation
    from derive.concrete.games import Texts
    from derive.concrete.samples import Losses, Samples

__all__ = ["OnLosses", "WeakEquation", "modified_sde"]
MAX_BATCH_ORDER = 3


@dataclass(frozen=True, repr=False)
class WeakEquation(Described):
    """The weak modified equation of a scheme in a regime, through gamma^order; `eq[k]` is the coefficient of gamma^k in G.

    `sampling` says how samples follow each other, `batch` over how many of them every gradient is a mean.

    >>> eq = modified_sde("momentum", order=1)
    >>> eq, str(eq.coefficient("g1 g1")), eq.no_sde_from
    (<WeakEquation momentum, regime memory, through gamma^1>, '1/(2*(1 - beta)**2)', None)
    >>> print(eq.drift[1])
    -(1 + beta)/(2*(1 - beta)**3)*g[g]
    """

    generator: Generator
    batch: str = "1"

    @property
    def epochs(self) -> EpochGenerator | None:
        """The generator of epochs, where the batches of a data set come in a random order."""
        return self.generator if isinstance(self.generator, EpochGenerator) else None

    @property
    def sampling(self) -> Sampling:
        return "reshuffled" if self.epochs else "iid"

    @property
    def configuration(self) -> Configuration:
        return self.generator.configuration

    @property
    def scheme(self) -> Scheme:
        return self.configuration.scheme

    @property
    def order(self) -> int:
        return self.generator.order

    @cached_property
    def powers(self) -> tuple[ForestSum, ...]:
        labels = labels_of(self.generator)
        return tuple(ForestSum(power, labels) for power in self.generator.powers)

    def __getitem__(self, power: int) -> ForestSum:
        if not isinstance(power, int) or not 0 <= power <= self.order:
            raise UsageError(f"no power gamma^{power} in this equation (known: 0 to {self.order})")
        return self.powers[power]

    def coefficient(self, forest: str) -> Ratio | int:
        """The coefficient of a tied forest that stands at one power of gamma; 0 where it stands at none.

        Raises UsageError for what is no tied forest of this equation, and where it stands at several powers.
        """
        found = {k: c for k, power in enumerate(self.powers) if (c := power.coefficient(forest))}
        if len(found) > 1:
            known = ", ".join(map(str, found))
            raise UsageError(f"'{forest}' stands at several powers of gamma, {known}; write eq[k].coefficient(...)")
        return next(iter(found.values()), 0)

    @property
    def drift(self) -> tuple[ForestSum, ...]:
        """By powers of gamma; the equation of a slow variable has the trees whose root is a derivative of phi by it."""
        return tuple(power.through(1) for power in self.powers)

    @property
    def diffusion(self) -> tuple[ForestSum, ...]:
        """The diffusion matrix by powers of gamma: of two vectors a, b the coefficient of (a b^T + b a^T)/2."""
        return tuple(power.through(2).times(2) for power in self.powers)

    @property
    def beyond(self) -> tuple[ForestSum, ...]:
        """What no stochastic differential equation has: three and more derivatives of phi."""
        most = max((len(f) for power in self.generator.powers for f in power), default=0)
        return tuple(power.through(*range(3, most + 1)) for power in self.powers)

    @property
    def no_sde_from(self) -> int | None:
        """The power of gamma from which no stochastic differential equation has this law; None where one has it so far."""
        return next((k for k, part in enumerate(self.beyond) if len(part)), None)

    def function(
        self,
        loss: Any,
        samples: Any = None,
        *,
        backend: str = "jax",
        weights: Any = None,
        field: Callable[..., Any] | None = None,
        parameters: Sequence[str] = (),
        variables: Texts | None = None,
    ) -> Any:
        """The law as functions: f.drift(params, hyper), f.covariance(params, vector, hyper), f.noise(params, draws, hyper), by
        powers of gamma, and f.on(phi, params, hyper) for G phi.

        backend  'jax', 'torch': `loss(params, sample)` is one number, `samples` a tree of arrays whose first axis goes over the
                 samples, params a tree of arrays.  'numpy': the loss a text for every sample, params an array (..., d) of points
        loss     of a scheme that declares losses a mapping of each; its functions take each unknown, then the sample
        weights  the probabilities of the samples; equal ones where they are left out
        field    for schemes of a vector field, field(params, sample)

        In an epoch every sample is a batch, and there are as many as samples.

        >>> f = modified_sde("sgd", order=1, batch="B").function(["x**2/2", "x**2/2 + x"], backend="numpy")
        >>> float(f.covariance([3.0], [1.0], hyper={"B": 2})["theta"][1][0])
        0.125
        """
        if backend == "numpy":
            from derive.network.law_points import law_points  # brings sympy

            return law_points(self.generator, loss, weights, parameters, variables)
        from derive.network.law import law_function

        return law_function(self.generator, loss, samples, backend, weights, field)

    def describe(self) -> str:
        said = f", epochs of {self.epochs.batches} batches" if self.epochs else f", batch {self.batch}" * (self.batch != "1")
        return f"{named(self.configuration)}, through gamma^{self.order}{said}"

    def __str__(self) -> str:
        from derive.writing.weak import weak_text

        return weak_text(self)

    def latex(self, letters: Mapping[str, str] | None = None) -> str:
        """Sentences and align* environments that compile under amsmath and amssymb, in letters of your own."""
        from derive.writing.weak import weak_latex

        return weak_latex(self, letters or {})

    def to_json(self) -> dict[str, Any]:
        """The documented, stable JSON form (docs/reference/json.md)."""
        c = self.configuration
        return {
            **origin(c, self.order),
            "update": self.scheme.update,
            **declarations(self.scheme),
            "parameters": {n: unparse(e) for n, e in c.bindings.items()},
            "functions": {n: None if f is None else function_text(f) for n, f in c.functions.items()},
            "rescaled": {s: [r.symbol, unparse(r.factor)] for s, r in c.rescaled.items()},
            "sampling": self.sampling,
            "batch": self.batch,
            **({"batch_order": self.generator.inverse, "centres": self._centres()} if self.generator.inverse is not None else {}),
            **({"batches": self.epochs.batches, "symbols": dict(self.epochs.symbols)} if self.epochs else {}),
            "time": f"n {self.epochs.batches} gamma" if self.epochs else "n gamma",
            "slow": list(self.generator.slow),
            "opaque": dict(self.generator.opaque),
            "generator": _blocks(self.powers),
            "drift": _blocks(self.drift),
            "diffusion": _blocks(self.diffusion),
            "beyond": _blocks(self.beyond),
            "no_sde_from": self.no_sde_from,
        }

    def _centres(self) -> dict[str, dict[str, str]]:
        """What the arguments of functions fluctuate about: argument -> label -> factor."""
        found = self.generator.centres
        return {name: {label: str(c) for label, c in parts.items()} for name, parts in found.items()}

    def on_losses(
        self,
        losses: Losses,
        weights: str | Sequence[object] | None = None,
        parameters: Collection[str] = (),
        variables: Texts | None = None,
    ) -> OnLosses:
        """The same on the losses of a finite data set, one a sample, with equal weights or these.

        Of a scheme with declared losses `losses` gives a list for each; `parameters` and `variables` as in
        ModifiedEquation.on_loss.

        >>> data = modified_sde("gd", order=1).on_losses(["x**2/2", "x**2/2 + x"], weights=["1/3", "2/3"])
        >>> [dict(power) for power in data.evaluate("x=1/2").values]
        [{'x': '-7/6'}, {'x': '-7/12', 'xx': '1/9'}]
        """
        from derive.concrete.samples import parse_samples

        samples = parse_samples(self.configuration, losses, weights, parameters, variables)
        return OnLosses(self if self.epochs is None else _epochs_of(self.epochs, samples), samples)


@dataclass(frozen=True, repr=False)
class OnLosses(Described):
    """A weak modified equation on the losses of a finite data set."""

    equation: WeakEquation
    samples: Samples

    def evaluate(self, at: str | Mapping[str, object] = "", digits: int = 50) -> Expectation:
        """The coefficient of every derivative of phi; what the point gives no value stays a symbol.

        >>> modified_sde("gd", order=0).on_losses(["x**2/2 + y", "x*y"]).evaluate().values[0]
        {'x': '-(x + y)/2', 'y': '-(1 + x)/2'}
        """
        from derive.concrete.expectation import expectation
        from derive.concrete.names import parse_point

        return expectation(self.equation.generator, self.samples, parse_point(at), digits)

    def describe(self) -> str:
        return f"{self.equation.describe()}, on {len(self.samples.weights)} samples"


def _epochs_of(generator: EpochGenerator, samples: Samples) -> WeakEquation:
    """The equation of epochs with these batches."""
    count, known = len(samples.weights), generator.batches
    if len({*samples.weights}) > 1:
        raise UsageError("weights: in an epoch every batch comes once, so that all have the same; leave them out")
    if known.isdigit() and int(known) != count:
        raise UsageError(f"the losses: {count} batches, and an epoch has {known}; give the loss of each, or leave --set m out")
    return WeakEquation(reshuffled_generator(generator.configuration, generator.order, count))


def _blocks(powers: Sequence[ForestSum]) -> list[dict[str, Any]]:
    return [{"power": k, "terms": power.to_json()} for k, power in enumerate(powers)]


def modified_sde(
    scheme: str | Path | Scheme,
    order: int = 1,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
    sampling: str | None = None,
    batch: str | int | None = None,
    batch_order: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> WeakEquation:
    """Derive the weak modified equation of a stochastic scheme through gamma^order.

    scheme    catalogue name, path of a TOML file, or a Scheme; a text that draws nothing is read with every gradient that of the
              step's sample
    sampling  'iid' or 'reshuffled', as the scheme's file says if it is left out; settings={"m": "8"} gives an epoch 8 batches
    batch     over how many samples every gradient is a mean, a number or a symbol
    batch_order
              expand in 1/B through this power: functions of gradients and of memory that fluctuates are then taken about the mean
              gradient, so that Adam with fixed betas has a law

    Raises what `modified_equation` raises.

    >>> print(modified_sde("gd", order=1, batch="B")[1])
    -1/2*g[g] + 1/(2*B)*(g1 g1)
    """
    chosen = with_samples(load_scheme(scheme))
    chosen.require_whole_powers("laws are derived")
    if chosen.of_matrices:
        chosen.require_no_layers("modified-sde")
    how = chosen.sampling if sampling is None else sampling
    if how not in MAX_WEAK_ORDER:
        raise UsageError(f"sampling: '{how}' is not known; write {' or '.join(MAX_WEAK_ORDER)}")
    epochs = how == "reshuffled"
    given, batches = batches_setting(chosen, dict(settings or {})) if epochs else (settings, None)
    configuration = configure(chosen, regime, given, noise=True)
    check_order(configuration, order, force=True)
    require_few_forests(order, how)
    if batch_order is not None and (epochs or not 0 <= batch_order <= MAX_BATCH_ORDER):
        what = "independent samples" if epochs else f"orders 0 to {MAX_BATCH_ORDER}"
        raise UsageError(f"batch-order: powers of 1/B are for {what}")
    if not epochs:
        default = "1" if batch_order is None else configuration.fresh("B")
        size = batch_size(str(batch), configuration) if batch is not None else default
        return WeakEquation(by_batch(generator(configuration, order, progress, batch_order), size), size)
    if batch is not None:
        raise UsageError("batch: in an epoch every step has one of its batches; leave --batch out, their number is --set m=8")
    return WeakEquation(reshuffled_generator(configuration, order, batches, progress))
