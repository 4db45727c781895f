"""The result: a modified equation with exact coefficients, its evaluation, substitution and forms of output.

    theta' = f_0(theta) + gamma f_1(theta) + ... + gamma^N f_N(theta)               (form 'flow')
    theta+ = theta + gamma (m_0(theta) + gamma m_1(theta) + ... )                   (form 'map')

`eq["theta"][k]` is f_k (or m_k) as a `TermSum`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.algebra.coefficients import Ratio
from derive.algebra.inequalities import Inequality
from derive.algebra.sums import Sum
from derive.errors import OrderError, UsageError
from derive.result import Combination, Equation, Relaxation
from derive.scheme import Configuration, Scheme, configure, load_scheme
from derive.scheme.slow_variables import in_slow_variables
from derive.writing.formulas import write_sum
from derive.writing.latex import equation_latex
from derive.writing.letters import for_reading
from derive.writing.notation import LATEX
from derive.writing.text import equation_text

if TYPE_CHECKING:
    from derive.concrete.games import Texts
    from derive.concrete.values import Values
    from derive.engine.run import Derivation

MAX_TERMS, MAX_ORDER = 50_000, 1_000_000
__all__ = [
    "ModifiedEquation", "Relaxation", "TermSum", "check_order", "derivation_of", "equation_of", "modified_equation",
    "modified_equations", "region",
]  # fmt: skip


class TermSum(Combination):
    """A linear combination of terms in normal form; iterate for (coefficient, term) pairs in a fixed order.

    A term that is a rooted tree tau appears with the coefficient b(tau)/sigma(tau): b of the literature, divided by the
    symmetry of the tree, with the sign of F(tau) for f = -grad L taken into the coefficient.

    >>> f1 = modified_equation("momentum", order=1)["theta"][1]
    >>> str(f1), str(f1.coefficient("hess(grad)"))
    ('-(1 + beta)/(2*(1 - beta)**3)*hess(grad)', '-(1 + beta)/(2*(1 - beta)**3)')
    """

    def coefficient(self, term: str) -> Ratio:
        """The coefficient of a term, written in any order and notation that is read; zero if it does not appear.

        Raises ParseError for what is no formula, UsageError for what is no single term.

        >>> f3 = modified_equation("gd", order=3)["theta"][3]
        >>> f3.coefficient("d3(hess(grad), grad)"), f3.coefficient("∇³L[∇L, ∇²L[∇L]]"), f3.coefficient("hess(grad)")
        (-1/12, -1/12, 0)
        """
        if term in self.by_text:
            return self.by_text[term]
        from derive.engine.formula import read_term

        return self.sum.get(read_term(self.algebra, term), self.algebra.ring.zero)

    def latex(self) -> str:
        return write_sum(self, LATEX)

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"


class ModifiedEquation(Equation):
    """The modified equation of a scheme in a regime, through gamma^order.

    `equations[x][k]` is the coefficient of gamma^k for the slow variable x, `memory[v][k]` that of a memory variable on the
    slow manifold, `residual_power` the power of gamma through which the solution, put back, left no residual.

    >>> modified_equation("momentum", order=2)
    <ModifiedEquation momentum, regime memory, flow, through gamma^2>
    """

    equations: Mapping[str, tuple[TermSum, ...]]
    memory: Mapping[str, tuple[TermSum, ...]]

    def __getitem__(self, variable: str) -> tuple[TermSum, ...]:
        """The coefficients of one slow variable, `eq["theta"][k]`; memory variables give their slow manifold."""
        if variable in self.equations:
            return self.equations[variable]
        if variable in self.memory:
            return self.memory[variable]
        known = ", ".join((*self.equations, *self.memory))
        raise UsageError(f"no variable '{variable}' in this equation (known: {known})")

    def __str__(self) -> str:
        return equation_text(self)

    def latex(self, letters: Mapping[str, str] | None = None) -> str:
        r"""An align* environment that compiles under amsmath, in letters of your own.

        >>> print(modified_equation("gd", order=0).latex({"theta": "x", "L": "f"}))
        \begin{align*}
        \dot{x} ={}& - \nabla f
        \end{align*}
        """
        return equation_latex(self, letters=for_reading(letters or {}, self, True))

    def _repr_latex_(self) -> str:
        return equation_latex(self, paged=False)

    def subs(self, **values: object) -> ModifiedEquation:
        """The same equation with parameters set, derived anew: eq.subs(beta="9/10").

        Raises UsageError for an unknown parameter or a float (write exact numbers as text, "0.9" or "9/10").
        """
        settings = dict(self.configuration.settings)
        for name, value in values.items():
            if isinstance(value, float):
                raise UsageError(f"{name}={value!r} is not exact; write it as text, for example {name}='9/10'")
            settings[name] = str(value)
        regime = self.configuration.regime or None
        return modified_equation(self.scheme, self.order, regime=regime, form=self.form, settings=settings, force=True)

    def on_loss(
        self, loss: Texts, parameters: Collection[str] = (), variables: Texts | None = None
    ) -> Mapping[str, tuple[tuple[Any, ...], ...]]:
        """The field as explicit sympy expressions: result[variable][k][component], components in order of names.

        What the scheme declares, and `parameters`, are parameters of the loss, pi and e the numbers, other names coordinates.
        Declared losses are given as "f = ...; g = ...", the `variables` of every unknown as "x = x1, x2; y = y1".

        >>> modified_equation("gd", order=1).on_loss("x**4/4")["theta"][1]
        (-3*x**5/2,)
        """
        from derive.concrete.explicit import explicit_field  # brings sympy

        return explicit_field(self, loss, parameters, variables)

    def evaluate(
        self,
        loss: Texts,
        at: Mapping[str, object],
        digits: int = 50,
        parameters: Collection[str] = (),
        variables: Texts | None = None,
    ) -> Values:
        """The exact value of every coefficient at a point: values["theta"][k] is a list of strings.

        Names as in `on_loss`; a parameter may have its value in the point, or stays.

        >>> modified_equation("gd", order=1).evaluate("x**4/4 + x*y**2", {"x": "1/2", "y": "1/3"}).values["theta"]
        [['-17/72', '-1/3'], ['-115/576', '-53/216']]
        """
        from derive.concrete.parametric import evaluate  # start-up: most runs print formulas

        return evaluate(self, loss, at, digits, parameters, variables)

    def function(
        self,
        loss: Any = None,
        *,
        backend: str = "jax",
        field: Callable[..., Any] | None = None,
        maps: Mapping[str, Callable[..., Any]] | None = None,
    ) -> Any:
        """The right side as a function, f(params, hyper={"beta": 0.9}, slow={}) -> {"theta": [f_0, f_1, ...]}.

        backend  'jax', 'torch': params is a tree of arrays (of torch also a module), the result of the same shapes; the loss a
                 function of params, its derivatives nested Jacobian-vector products.  'numpy': the loss a text, params an
                 array (..., d) of points
        loss     of a scheme that declares losses a mapping of each to a function of its unknowns
        field    for schemes of a vector field, a function of params
        maps     declared maps, each a function of a tree

        Raises UsageError for a backend that is not installed (its extra is named), and when called for a loss that is no number.

        >>> f = modified_equation("momentum", order=1).function("x**2/2", backend="numpy")
        >>> [float(x[0]) for x in f([2.0], hyper={"beta": 0.5})["theta"]]
        [-4.0, -12.0]
        """
        if backend == "numpy":
            from derive.network.points import points_function  # brings sympy

            return points_function(self, loss)
        from derive.network import field_function

        return field_function(self, loss, backend, field, maps)


def modified_equation(
    scheme: str | Path | Scheme,
    order: int = 1,
    *,
    regime: str | None = None,
    form: str = "flow",
    settings: Mapping[str, str] | None = None,
    force: bool = False,
    progress: Callable[[int], None] | None = None,
    assume: Sequence[str] = (),
) -> ModifiedEquation:
    """Derive the modified equation of a scheme through gamma^order.

    scheme    catalogue name, path of a TOML file, or a Scheme
    form      'flow': theta' = f_0 + gamma f_1 + ...; 'map': theta+ = theta + gamma (m_0 + gamma m_1 + ...)
    settings  exact values or expressions for free parameters and time functions, {"beta": "9/10", "r(t)": "1/(1+t)"}
    force     derive even if more than 50,000 terms are to be expected, or 250,000 products of terms are not enough
    assume    of a text with branches, what holds in the region that is meant, such as "norm(grad) > c"

    Raises UsageError (bad order, regime or setting; several regions; OrderError where it takes too many terms), SchemeError and
    ParseError (bad file or text),
    ReductionError (the scheme has no modified equation of this kind).

    >>> print(modified_equation("gd", order=2)["theta"][2])
    -1/12*d3(grad, grad) - 1/3*hess(hess(grad))
    >>> print(modified_equation("momentum", order=1, form="map")["theta"][1])
    -beta/(1 - beta)**3*hess(grad)
    """
    found = modified_equations(
        scheme, order, regime=regime, form=form, settings=settings, force=force, progress=progress, assume=assume
    )
    if len(found) > 1:
        raise several_regions(found[0].scheme, [e.conditions for e in found])
    return found[0]


def modified_equations(
    scheme: str | Path | Scheme,
    order: int = 1,
    *,
    regime: str | None = None,
    form: str = "flow",
    settings: Mapping[str, str] | None = None,
    force: bool = False,
    progress: Callable[[int], None] | None = None,
    assume: Sequence[str] = (),
) -> tuple[ModifiedEquation, ...]:
    """The modified equation of every region of a text with branches, with its conditions; of another text the one it has.

    Parameters and errors are those of `modified_equation`; a tie is a ReductionError.

    >>> from derive.scheme import inline_scheme
    >>> text = "g = grad(theta); theta = theta - gamma*where(norm(g) > 1, g/norm(g), g)"
    >>> for e in modified_equations(inline_scheme(text), order=0):
    ...     print(*e.conditions, "|", e["theta"][0])
    dot(grad, grad)**(1/2) > 1 | -grad*dot(grad, grad)**(-1/2)
    dot(grad, grad)**(1/2) < 1 | -grad
    """
    if form not in ("flow", "map"):
        raise UsageError(f"form must be 'flow' or 'map', not '{form}'")
    chosen = load_scheme(scheme)
    if not chosen.pieces and chosen.region is None:
        refuse_assumptions(chosen, assume)
        return (equation_of(derivation_of(configure(chosen, regime, settings), order, force, progress), form),)
    from derive.engine.regions import find_regions

    found = find_regions(chosen, regime, settings, lambda c: derivation_of(c, order, force, progress), assume)
    return tuple(equation_of(f.derivation, form, f.conditions) for f in found)


def region(
    scheme: str | Path | Scheme,
    assume: Sequence[str] = (),
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> Scheme:
    """The one branch of a scheme that is carried out where the assumptions hold, for every reading; else the scheme itself.

    Raises UsageError where several regions are left, and for an assumption that decides between none.

    >>> from derive.language import unparse
    >>> from derive.scheme import inline_scheme
    >>> text = "theta = theta - gamma*clip(grad(theta), -1, 1)"
    >>> unparse(region(inline_scheme(text), ["grad < 1", "grad > -1"]).program[-1].value)
    'theta - gamma*grad(theta)'
    """
    chosen = load_scheme(scheme)
    if not chosen.pieces:
        refuse_assumptions(chosen, assume)
        return chosen
    from derive.engine.regions import find_regions

    found = find_regions(chosen, regime, settings, lambda c: derivation_of(c, 0), assume)
    if len(found) > 1:
        raise several_regions(chosen, [f.conditions for f in found])
    return found[0].configuration.scheme


def refuse_assumptions(scheme: Scheme, assume: Sequence[str]) -> None:
    """An assumption picks a branch."""
    if assume and scheme.region is None:
        raise UsageError(f"--assume '{assume[0]}': {scheme.where} has no branches (max, min, clip, where); leave it out")


def several_regions(scheme: Scheme, found: Sequence[Sequence[Inequality]]) -> UsageError:
    """One region is read, and there are several."""
    listed = ", ".join(f"'{' and '.join(map(str, c)) or 'everywhere'}'" for c in found)
    many = f"{scheme.where} has {len(found)} regions, and one is read here"
    return UsageError(f"{many}; pick it with --assume: they are {listed}")


def derivation_of(
    configuration: Configuration, order: int, force: bool = False, progress: Callable[[int], None] | None = None
) -> Derivation:
    """One guarded run of the engine, in the variables in which it has slow ones; raises what `modified_equation` raises."""
    from derive.algebra.sums import Unbounded
    from derive.engine.run import Derivation
    from derive.engine.translation import PLAIN, Variant

    where, variant = configuration.scheme.where, Variant(algebra=Unbounded) if force else PLAIN

    def run(configuration: Configuration) -> Derivation:
        check_order(configuration, order, force)
        return Derivation(configuration, order, progress, variant)

    try:
        return in_slow_variables(configuration, run)
    except ZeroDivisionError:
        raise UsageError(f"{where}: a parameter setting makes a denominator vanish") from None
    except RecursionError:
        raise UsageError(f"{where}: the update is nested too deeply; name its parts on lines of their own") from None


def equation_of(derivation: Derivation, form: str, conditions: tuple[Inequality, ...] = ()) -> ModifiedEquation:
    """The public result of a run."""
    algebra = derivation.algebra

    def public(sums: Mapping[str, list[Sum]]) -> dict[str, tuple[TermSum, ...]]:
        return {name: tuple(TermSum(algebra, s) for s in values) for name, values in sums.items()}

    return ModifiedEquation(
        configuration=derivation.configuration,
        order=derivation.order,
        form=form,
        equations=public(derivation.fields if form == "flow" else derivation.maps),
        memory=public(derivation.memory),
        relaxations=tuple(_relaxations(derivation)),
        residual_power=derivation.residual_power,
        algebra=algebra,
        conditions=conditions,
    )


def _relaxations(derivation: Derivation) -> Iterator[Relaxation]:
    """Of components with constant matrices, then of those whose matrices depend on the point."""
    from derive.engine.decay import decays

    yield from _small_relaxations(derivation)
    for names, coefficients in derivation.relaxations():
        yield Relaxation(names, tuple(coefficients))
    for component in derivation.components:
        if derivation.pace_of(component):
            continue
        if (linear := component.linear) is not None and (polynomial := linear.constant_polynomial) is not None:
            yield Relaxation(component.names, tuple(polynomial))
        elif linear is not None:
            images = linear([derivation.symbols[x] for x in component.names])
            formula = linear.matrix[0][0] if len(component.names) == 1 and not linear.products else None
            yield Relaxation(
                component.names,
                (),
                tuple(TermSum(derivation.algebra, image) for image in images),
                None if formula is None else TermSum(derivation.algebra, formula),
                formula is not None and decays(derivation.configuration, formula),
            )


def _small_relaxations(derivation: Derivation) -> Iterator[Relaxation]:
    """Of memory that relaxes by a root of gamma."""
    from derive.engine.signs import signs_of

    for component in derivation.components:
        if (pace := derivation.pace_of(component)) and not component.slow:
            losses = [TermSum(derivation.algebra, s) for s in derivation.lost(component)]
            formula = TermSum(derivation.algebra, total) if (total := derivation.lost_factor(component)) is not None else None
            decays = formula is not None and signs_of(derivation.configuration).of(formula.sum) == 1
            yield Relaxation(component.names, (), tuple(losses), formula, decays, pace)


def check_order(configuration: Configuration, order: int, force: bool = False, most: int | None = None) -> None:
    """Refuse a negative order, and one that would take more terms than MAX_TERMS, or `most`, unless forced.

    Rooted trees with order+1 nodes are counted exactly (the terms of gradient descent); a scheme with products or roots has
    more, as measured by deriving its first two orders.
    """
    if not isinstance(order, int) or isinstance(order, bool) or order < 0:
        raise UsageError(f"order must be a whole number >= 0, not {order}; order 0 is the limit flow")
    if order > MAX_ORDER:
        raise UsageError(f"order must be at most {MAX_ORDER:,}, not a number of {len(str(order))} digits")
    if force or order < 5:
        return
    from derive.engine.run import Derivation

    counts = [sum(len(f[k]) for f in Derivation(configuration, 3).fields.values()) for k in (2, 3)] if order < 400 else [1, 3]
    growth = max(2.9558, counts[1] / max(1, counts[0]))
    digits = (order - 3) * log10(growth) - 1.5 * log10(order / 3) * (growth < 3.3) + log10(max(1, counts[1]))
    most = MAX_TERMS if most is None else most
    if digits > log10(most):
        amount = f"about {round(10**digits, -3):,.0f}" if digits < 9 else f"about 10^{digits:.0f}"
        raise OrderError(f"order {order} would take {amount} terms at gamma^{order} alone; the limit is {most:,}")
