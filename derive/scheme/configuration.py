"""A scheme in one regime with some parameters set to exact expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from derive.errors import ReductionError, UsageError, nearest
from derive.language import (
    Expression,
    Name,
    Number,
    Repeat,
    check_size,
    check_sizes,
    constant,
    count_names,
    counted,
    fresh_name,
    names_of,
    parse_expression,
    plain_key,
    substitute,
    unparse,
)
from derive.language.letters import GREEK, is_letter
from derive.scheme.map_programs import MapProgram
from derive.scheme.map_settings import MapFormula, parse_map_setting
from derive.scheme.model import Regime, Scheme
from derive.scheme.names import CLOCK
from derive.scheme.regions import names_of_pieces
from derive.scheme.rescaling import Rescaling, check_constant
from derive.scheme.schedule import Schedule, parse_function_setting


@dataclass(frozen=True)
class Configuration:
    """A scheme in one regime with some parameters set.

    `bindings` gives every parameter of the scheme as an expression in gamma, t and the `free` parameters;
    `rescaled` the state variables that are carried in other units; `functions` each declared time function: None while
    it stays a symbol, else its expression in t or a piecewise-linear schedule; `maps` what declared maps are,
    where that is set or stated.
    """

    scheme: Scheme
    regime: str
    bindings: Mapping[str, Expression]
    free: tuple[str, ...]
    rescaled: Mapping[str, Rescaling]
    functions: Mapping[str, Expression | Schedule | None]
    settings: Mapping[str, str]
    maps: Mapping[str, MapFormula | MapProgram] = field(default_factory=dict)

    @property
    def title(self) -> str:
        regime = self.scheme.regimes.get(self.regime)
        return regime.title if regime else ""

    def fresh(self, letter: str) -> str:
        """A symbol of a reading's own: the letter, or more of it where the scheme or a setting has that name."""
        return fresh_name(letter, {*self.scheme.names, *self.free})

    def symbol(self, state: str) -> str:
        """The name under which a state variable appears in results: eta for v = gamma*eta."""
        return self.rescaled[state].symbol if state in self.rescaled else state


def configure(
    scheme: Scheme,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
    noise: bool = False,
    pieces: bool = False,
) -> Configuration:
    """The scheme in a regime (the first by default) with parameters set to exact expressions.

    `settings` maps a free parameter, or a declared function written as 'r(t)' or map written as 'P(u)', to a text:
    {"beta": "9/10", "r(t)": "1/(1+t)"}.  A setting may name a new symbol if it is a Greek letter: {"alpha": "κ γ"}.

    Raises UsageError for an unknown regime, an unknown parameter or one that the regime fixes, and ReductionError for a scheme
    that draws at random, unless `noise` says that the caller reads laws, and for one with pieces, unless `pieces` says that it is
    run and not derived.

    >>> from derive.scheme import load_scheme
    >>> c = configure(load_scheme("momentum"), "inertial", {"lam": "0"})
    >>> c.free, c.symbol("v")
    ((), 'eta')
    """
    if scheme.whole.pieces and (noise or scheme.stochastic):
        what = f"{scheme.where} has branches ({names_of_pieces(scheme.whole)})"
        raise ReductionError(f"{what}, and which one a step takes depends on its sample: no law is derived")
    if not noise:
        scheme.require_no_noise()
    if scheme.pieces and not pieces:
        raise ReductionError(
            f"{scheme.where} has branches ({names_of_pieces(scheme)}), and this reads one of its regions: derive modified-eq "
            "lists them, --assume picks one, derive.region does in Python"
        )
    given = {plain_key(key): text for key, text in (settings or {}).items()}
    given_maps = dict(_map_settings(scheme, given))
    if given_maps:
        from derive.scheme.map_pairs import check_pairs

        check_pairs(given_maps, scheme.inverses)
    chosen = _regime(scheme, regime)
    rescaled = {v: scheme.rescaling(chosen, v) for v in chosen.substitutions if v in scheme.states}
    fixed = {n: e for n, e in chosen.substitutions.items() if n not in rescaled}
    used = _used_parameters(scheme) | (given.keys() - _named_parameters(scheme))
    bindings = {name: fixed.get(name, Name(name)) for name in scheme.parameters if name in used}
    values, functions = _read_settings(scheme, _plain(scheme, given), _free_names(bindings, rescaled), fixed, chosen.name)
    bindings = {name: substitute(e, values) for name, e in bindings.items()}
    rescaled = {v: Rescaling(r.symbol, substitute(r.factor, values)) for v, r in rescaled.items()}
    for v, r in rescaled.items():
        check_constant(r.factor, f"{scheme.where}, regime {chosen.name}, {v}")
    maps = {p: program.bound(bindings) for p, program in scheme.definitions.items()}
    scheme = _counted(scheme, bindings)
    check_sizes(scheme.statements, scheme.where, {n: check_size(e, n) for n, e in bindings.items()})
    free = _free_names(bindings, rescaled)
    return Configuration(scheme, chosen.name, bindings, free, rescaled, functions, given, {**maps, **given_maps})


def _plain(scheme: Scheme, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings without those of maps."""
    return {key: text for key, text in settings.items() if key.partition("(")[0] not in scheme.maps}


def _map_settings(scheme: Scheme, settings: Mapping[str, str]) -> Iterator[tuple[str, MapFormula]]:
    """What every map is that is set."""
    for key, text in settings.items():
        name, _, arguments = key.partition("(")
        if name in scheme.maps:
            yield name, parse_map_setting(scheme.maps[name], arguments, text, f"--set {key}")


def _counted(scheme: Scheme, bindings: Mapping[str, Expression]) -> Scheme:
    """The scheme with every number of repetitions that the settings or the regime give."""

    def times(r: Repeat) -> int | None:
        if isinstance(r.count, Number):
            return r.times
        value = bindings[r.count.id]
        number = constant(value)
        if number is not None and number.denominator == 1 and number > 0:
            return int(number)
        if isinstance(value, Name) and value.id not in CLOCK:
            return None
        name = r.count.id
        raise UsageError(f"{scheme.where}: repeat {name} takes a positive whole number, and {name} = {unparse(value)}")

    return replace(scheme, statements=counted(scheme.statements, times)) if count_names(scheme.statements) else scheme


def _regime(scheme: Scheme, name: str | None) -> Regime:
    """The regime of that name; the first, or an empty one, where none is named."""
    regimes = scheme.regimes
    if name is None:
        return next(iter(regimes.values()), Regime(""))
    if not regimes:
        raise UsageError(f"{scheme.where} has no regimes; leave --regime out")
    if name not in regimes:
        raise UsageError(f"unknown regime '{name}' of {scheme.name}{nearest(name, regimes)} (known: {', '.join(regimes)})")
    return regimes[name]


def _read_settings(
    scheme: Scheme, settings: Mapping[str, str], free: tuple[str, ...], fixed: Mapping[str, Expression], regime: str
) -> tuple[dict[str, Expression], dict[str, Expression | Schedule | None]]:
    """The values of parameters and of time functions that the settings give."""
    values: dict[str, Expression] = {}
    functions: dict[str, Expression | Schedule | None] = dict.fromkeys(scheme.functions)
    for key, text in settings.items():
        name, call, _ = key.partition("(")
        if name in functions:
            functions[name] = parse_function_setting(text, f"--set {key}")
        elif name in free and not call:
            values[name] = _parameter_value(scheme, text, f"--set {key}", free)
        elif name in scheme.parameters and name in fixed:
            raise UsageError(f"--set {key}: regime {regime} fixes {name}; free here: {', '.join(free) or 'none'}")
        elif name == "gamma":
            raise UsageError(f"--set {key}: {_STEP}")
        elif name in scheme.parameters and not call:
            others = ", ".join(r.name for r in scheme.regimes.values() if name in _names_of_regime(r))
            raise UsageError(f"--set {key}: regime {regime} has no {name}; choose one that has it with --regime: {others}")
        else:
            choices = [*free, *(f"{f}(t)" for f in functions), *(f"{p}(u)" for p in scheme.maps)]
            listed = ", ".join(choices) or "none"
            raise UsageError(f"--set {key}: unknown parameter{nearest(name, choices)} (free here: {listed})")
    return values, functions


_STEP = (
    "gamma is the step in which the equation is expanded, and has no value here; write how a parameter scales with it, such as "
    "--set alpha=gamma, and give a step to what takes one: verify report --gamma 1/10"
)


def _parameter_value(scheme: Scheme, text: str, where: str, free: tuple[str, ...]) -> Expression:
    """The expression of a setting: in gamma, t, parameters, and new symbols that are Greek letters."""
    known = (*CLOCK, *free, *scheme.parameters)
    value = parse_expression(text, where, names=known)
    for n in names_of(value):
        if n not in CLOCK and (n in scheme.reserved or n in scheme.states):
            raise UsageError(f"{where}: a parameter cannot depend on the state variable '{n}'")
        if n not in known and not is_letter(n):
            declare = f"a new symbol is a Greek letter, or declared with --parameter {n}" if n.isidentifier() else "no name"
            raise UsageError(f"{where}: unknown name '{n}'{nearest(n, (*known, *GREEK))} ({declare})")
    return value


def _names_of_regime(regime: Regime) -> set[str]:
    """What a regime sets, and what it names."""
    return {*regime.substitutions, *(n for e in regime.substitutions.values() for n in names_of(e))}


def _named_parameters(scheme: Scheme) -> set[str]:
    """Parameters of the update or of a regime; others are there for a loss."""
    return _used_parameters(scheme).union(*map(_names_of_regime, scheme.regimes.values()))


def _used_parameters(scheme: Scheme) -> set[str]:
    read = {n for a in scheme.lines for n in names_of(a.value)} | set(count_names(scheme.statements))
    read |= {n for p in scheme.definitions.values() for n in p.names}
    return read | {n for e in scheme.initial.values() for n in names_of(e)}


def _free_names(bindings: Mapping[str, Expression], rescaled: Mapping[str, Rescaling]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for expression in (*bindings.values(), *(r.factor for r in rescaled.values())):
        found |= dict.fromkeys(n for n in names_of(expression) if n not in CLOCK)
    return tuple(found)
