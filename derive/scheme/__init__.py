"""Schemes: the update text of an optimizer with its parameters and regimes, loaded from TOML and checked.

A `Scheme` is what a file says.  A `Configuration` is a scheme in one regime with some parameters set: every
parameter is then an expression in gamma, t and the free parameters, and every state variable is either itself or a
power of gamma times a rescaled one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from importlib import resources
from pathlib import Path

from derive.errors import ParseError, SchemeError, UsageError, nearest
from derive.language import (
    Assignment,
    Call,
    Expression,
    Name,
    Number,
    Operation,
    fresh_name,
    names_of,
    parse_expression,
    parse_update,
    walk,
)
from derive.scheme.schedule import Schedule, parse_function_setting

GREEK = (
    "alpha", "beta", "delta", "epsilon", "eps", "zeta", "eta", "iota", "kappa", "lam", "mu", "nu", "xi", "omicron", "pi",
    "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
)  # fmt: skip
RESERVED = ("gamma", "t", "theta", "theta_prev", "theta_next")
_DERIVATIVE = re.compile(r"d\d*(\w+)")
_SYMBOL = re.compile(rf"(?:{'|'.join(GREEK)}|[α-ω])_?\d*")


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter: what it is, and the range in which the scheme is meant to be used (may be empty)."""

    name: str
    description: str = ""
    range: str = ""


@dataclass(frozen=True)
class Regime:
    """How parameters and state variables scale with gamma: name -> expression."""

    name: str
    title: str = ""
    substitutions: Mapping[str, Expression] = field(default_factory=dict)


@dataclass(frozen=True)
class Scheme:
    """An optimizer as its file states it.  Construct with `load_scheme`, `scheme_from_toml` or `inline_scheme`.

    `program` is executed top to bottom once a step.  `states` are the variables that live from step to step: theta,
    and every name that is read before it is assigned.  `kinds` says which names are vectors and which scalars.
    """

    name: str
    update: str
    program: tuple[Assignment, ...]
    title: str = ""
    reference: str = ""
    notes: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    initial: Mapping[str, Expression] = field(default_factory=dict)
    regimes: Mapping[str, Regime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_names(self)
        _ = self.kinds

    @property
    def where(self) -> str:
        return f"scheme {self.name}"

    @cached_property
    def assigned(self) -> frozenset[str]:
        return frozenset(a.target for a in self.program)

    @cached_property
    def states(self) -> tuple[str, ...]:
        """theta, then memory in the order in which it is first read."""
        seen: set[str] = set()
        found = ["theta"]
        for assignment in self.program:
            for name in names_of(assignment.value):
                if name in seen or name in found:
                    continue
                if name == "theta_prev" or name in self.assigned:
                    found.append(name)
            seen.add(assignment.target)
        return tuple(found)

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """name -> 'vector' or 'scalar', the least assignment consistent with the program."""
        kinds = dict.fromkeys((*self.states, *self.assigned), "scalar")
        kinds |= {"theta": "vector", "theta_prev": "vector", "theta_next": "vector"}
        changed = True
        while changed:  # a name only ever goes from scalar to vector, so this ends
            changed = False
            for a in self.program:
                if _kind(a.value, kinds, self.where) == "vector" and kinds[a.target] == "scalar":
                    kinds[a.target], changed = "vector", True
        for a in self.program:
            _kind(a.value, kinds, self.where, final=True)
        return kinds

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that the file uses: parameters, variables, time functions, the symbols of its regimes."""
        symbols = {n for r in self.regimes.values() for e in r.substitutions.values() for n in names_of(e)}
        return frozenset({*self.parameters, *self.states, *self.assigned, *self.functions, *symbols})

    @property
    def label(self) -> str:
        """`function` label of the problem: 'L' for a loss (grad), 'f' for a vector field (field)."""
        used = {node.function for a in self.program for node in walk(a.value) if isinstance(node, Call)}
        return "f" if "field" in used else "L"


def _kind(expression: Expression, kinds: Mapping[str, str], where: str, final: bool = False) -> str:
    match expression:
        case Name(id):
            return kinds.get(id, "scalar")
        case Call(function, args):
            inner = [_kind(a, kinds, where, final) for a in args]
            if final and function in ("grad", "field", "dot", "norm") and "scalar" in inner:
                raise ParseError(f"{function} takes vectors", where, expression.line, expression.column)
            if function in ("grad", "field"):
                return "vector"
            return "scalar" if function in ("dot", "norm") else "vector" if "vector" in inner else "scalar"
        case Operation(_, args):
            inner = [_kind(a, kinds, where, final) for a in args]
            return "vector" if "vector" in inner else "scalar"
    return "scalar"


def _check_names(scheme: Scheme) -> None:
    where = scheme.where
    if "theta" not in scheme.assigned:
        raise SchemeError(f"{where}: theta is never assigned; an update must end in 'theta = ...'")
    for a in scheme.program:
        if a.target in ("gamma", "t", "theta_next"):
            raise ParseError(f"'{a.target}' cannot be assigned", where, a.line, a.column)
        if a.target in scheme.parameters:
            raise ParseError(f"'{a.target}' is a parameter and cannot be assigned", where, a.line, a.column)
        for node in walk(a.value):
            if isinstance(node, Call) and node.function in scheme.functions:
                for inner in node.args:
                    if any(n not in ("t", "gamma") and n not in scheme.parameters for n in names_of(inner)):
                        text = f"{node.function} is a function of time; write {node.function}(t)"
                        raise ParseError(text, where, node.line, node.column)
        for name, place in names_of(a.value).items():
            if name not in RESERVED and name not in scheme.assigned and name not in scheme.parameters:
                known = [*RESERVED, *scheme.assigned, *scheme.parameters]
                raise ParseError(
                    f"name '{name}' is never assigned and is no parameter{nearest(name, known)}"
                    " (declare a symbolic hyperparameter under [parameters], or with --parameter)",
                    where,
                    place.line,
                    place.column,
                )
    labels = {n.function for a in scheme.program for n in walk(a.value) if isinstance(n, Call)}
    if {"grad", "field"} <= labels:
        raise SchemeError(f"{where}: both grad and field are used; write one of them")
    targets = {*scheme.parameters, *scheme.states}
    for regime in scheme.regimes.values():
        for name in regime.substitutions:
            if name not in targets:
                raise SchemeError(
                    f"{where}, regime {regime.name}: '{name}' is neither a parameter nor a state variable{nearest(name, targets)}"
                )
            if name == "theta":
                raise SchemeError(f"{where}, regime {regime.name}: theta cannot be rescaled")
            if name in scheme.states:
                _rescaling(scheme, regime.name, name, regime.substitutions[name])
    for name in sorted({*scheme.parameters, *scheme.states}):  # locals do not appear in results
        found = _DERIVATIVE.fullmatch(name)
        taken = "the derivative of the problem" if name in ("grad", "field") else ""
        if found and found[1] in scheme.functions:
            taken = f"a derivative of {found[1]}(t)"
        if taken:
            raise SchemeError(f"{where}: '{name}' is how {taken} is written in results; choose another name")
    for name in scheme.initial:
        if name not in scheme.states:
            raise SchemeError(f"{where}, [initial]: '{name}' is no state variable{nearest(name, scheme.states)}")


# ---------------------------------------------------------------------------------------------- configurations


@dataclass(frozen=True)
class Rescaling:
    """A state variable written as factor * symbol, e.g. v = gamma*eta: symbol 'eta', factor gamma."""

    symbol: str
    factor: Expression


@dataclass(frozen=True)
class Configuration:
    """A scheme in one regime with some parameters set.

    `bindings` gives every parameter of the scheme as an expression in gamma, t and the `free` parameters;
    `rescaled` the state variables that are carried in other units; `functions` each declared time function: None while
    it stays a symbol, else its expression in t or a piecewise-linear schedule.
    """

    scheme: Scheme
    regime: str
    bindings: Mapping[str, Expression]
    free: tuple[str, ...]
    rescaled: Mapping[str, Rescaling]
    functions: Mapping[str, Expression | Schedule | None]
    settings: Mapping[str, str]

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


def substitute(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """The expression with names replaced by expressions."""
    match expression:
        case Name(id) if id in values:
            return values[id]
        case Operation(op, args, line, column):
            return Operation(op, tuple(substitute(a, values) for a in args), line, column)
        case Call(function, args, line, column):
            return Call(function, tuple(substitute(a, values) for a in args), line, column)
    return expression


def configure(scheme: Scheme, regime: str | None = None, settings: Mapping[str, str] | None = None) -> Configuration:
    """The scheme in a regime (the first by default) with parameters set to exact expressions.

    `settings` maps a free parameter, or a declared function written as 'r(t)', to a text:
    {"beta": "9/10", "r(t)": "1/(1+t)"}.

    Raises UsageError for an unknown regime, an unknown parameter or one that the regime fixes.

    >>> c = configure(load_scheme("momentum"), "inertial", {"lam": "0"})
    >>> c.free, c.symbol("v")
    ((), 'eta')
    """
    if regime is None:
        regime = next(iter(scheme.regimes), "")
    elif regime not in scheme.regimes:
        if not scheme.regimes:
            raise UsageError(f"{scheme.where} has no regimes; leave --regime out")
        known = ", ".join(scheme.regimes)
        raise UsageError(f"unknown regime '{regime}' of {scheme.name}{nearest(regime, scheme.regimes)} (known: {known})")
    fixed = dict(scheme.regimes[regime].substitutions) if regime else {}
    rescaled = {v: _rescaling(scheme, regime, v, fixed.pop(v)) for v in list(fixed) if v in scheme.states}
    bindings = {name: fixed.get(name, Name(name)) for name in scheme.parameters}
    used = _used_parameters(scheme, bindings, rescaled)
    bindings = {name: value for name, value in bindings.items() if name in used}
    free = _free_names(bindings, rescaled)
    functions: dict[str, Expression | Schedule | None] = dict.fromkeys(scheme.functions)
    values: dict[str, Expression] = {}
    for key, text in (settings or {}).items():
        name, call, _ = key.partition("(")
        if name in functions:
            functions[name] = parse_function_setting(text, f"--set {key}")
        elif name in free and not call:
            values[name] = parse_expression(text, f"--set {key}")
            for n in names_of(values[name]):
                if n in ("theta", "theta_prev", "theta_next") or n in scheme.states:
                    raise UsageError(f"--set {key}: a parameter cannot depend on the state variable '{n}'")
        elif name in scheme.parameters and name in fixed:
            raise UsageError(f"--set {key}: regime {regime} fixes {name}; free here: {', '.join(free) or 'none'}")
        else:
            choices = [*free, *(f"{f}(t)" for f in functions)]
            listed = ", ".join(choices) or "none"
            raise UsageError(f"--set {key}: unknown parameter{nearest(name, choices)} (free here: {listed})")
    bindings = {name: substitute(e, values) for name, e in bindings.items()}
    rescaled = {v: Rescaling(r.symbol, substitute(r.factor, values)) for v, r in rescaled.items()}
    free = _free_names(bindings, rescaled)
    return Configuration(scheme, regime, bindings, free, rescaled, functions, dict(settings or {}))


def _used_parameters(scheme: Scheme, bindings: Mapping[str, Expression], rescaled: Mapping[str, Rescaling]) -> set[str]:
    read = {n for a in scheme.program for n in names_of(a.value)}
    read |= {n for e in scheme.initial.values() for n in names_of(e)}
    return read & set(bindings)


def _free_names(bindings: Mapping[str, Expression], rescaled: Mapping[str, Rescaling]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for expression in (*bindings.values(), *(r.factor for r in rescaled.values())):
        found |= dict.fromkeys(n for n in names_of(expression) if n not in ("gamma", "t"))
    return tuple(found)


def _rescaling(scheme: Scheme, regime: str, state: str, expression: Expression) -> Rescaling:
    """state = factor * symbol; the one name that is no parameter, gamma or t is the symbol."""
    where = f"{scheme.where}, regime {regime}, {state}"
    symbols = [n for n in names_of(expression) if n not in scheme.parameters and n not in RESERVED]
    if len(symbols) != 1:
        raise SchemeError(f"{where}: write the variable as a factor times one new name, such as 'gamma*eta'")
    symbol = symbols[0]
    if symbol in scheme.assigned:
        raise SchemeError(f"{where}: '{symbol}' is already a variable of the update; choose a new name")
    if not _is_factor_times(expression, symbol):
        raise SchemeError(f"{where}: write the variable as a factor times the new name, such as 'gamma*{symbol}'")
    return Rescaling(symbol, substitute(expression, {symbol: Number(Fraction(1))}))


def _is_factor_times(expression: Expression, symbol: str) -> bool:
    match expression:
        case Name(id):
            return id == symbol
        case Operation("*", (a, b)):
            one, other = (a, b) if symbol in names_of(a) else (b, a)
            return _is_factor_times(one, symbol) and symbol not in names_of(other)
        case Operation("/", (a, b)):
            return _is_factor_times(a, symbol) and symbol not in names_of(b)
        case Operation("neg", (a,)):
            return _is_factor_times(a, symbol)
    return False


# ---------------------------------------------------------------------------------------------- loading


def catalogue() -> tuple[str, ...]:
    """Names of the schemes that come with the package, sorted."""
    folder = resources.files("derive") / "schemes"
    return tuple(sorted(p.name[: -len(".toml")] for p in folder.iterdir() if p.name.endswith(".toml")))


def load_scheme(source: str | Path | Scheme) -> Scheme:
    """A scheme from its catalogue name, the path of a TOML file, or itself.

    Raises UsageError (unknown name, with the nearest one; unreadable file), SchemeError, ParseError.

    >>> load_scheme("momentum").states
    ('theta', 'v')
    """
    if isinstance(source, Scheme):
        return source
    text = str(source)
    if isinstance(source, Path) or text.endswith(".toml") or "/" in text:
        try:
            data = Path(text).read_bytes().decode()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise UsageError(f"cannot read scheme file '{text}': {reason}") from None
        return scheme_from_toml(data, Path(text).stem)
    names = catalogue()
    if text not in names:
        raise UsageError(f"unknown scheme '{text}'{nearest(text, names)} (see 'derive schemes', or name a .toml file)")
    return scheme_from_toml((resources.files("derive") / "schemes" / f"{text}.toml").read_text("utf-8"), text)


def inline_scheme(update: str, parameters: Iterable[str] = ()) -> Scheme:
    """A scheme from its update text alone; lines may be separated by ';'.

    Greek letters' names (beta, eps, lam, mu1, ...) are symbolic hyperparameters without a declaration; other names must
    be assigned, or listed in `parameters`.

    >>> inline_scheme("v = beta*v - gamma*grad(theta); theta = theta + v").states
    ('theta', 'v')
    """
    program = parse_update(update)
    assigned = {a.target for a in program}
    read = {n for a in program for n in names_of(a.value)}
    declared = {n for n in read if _SYMBOL.fullmatch(n)} | set(parameters)
    names = sorted(n for n in declared if n not in assigned and n not in RESERVED)
    return Scheme("update", update, program, title="Scheme as typed", parameters={n: Parameter(n) for n in names})


_TEXTS = ("name", "title", "reference", "notes", "update")
_TABLES = ("parameters", "functions", "initial", "regimes")


def scheme_from_toml(text: str, source: str = "scheme") -> Scheme:
    """A scheme from the text of a TOML file (format: README, "How to write a scheme").

    Raises SchemeError for a key or type the format does not have, ParseError for a bad update text or expression.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SchemeError(f"{source}: not valid TOML: {error}") from None
    for key, value in data.items():
        if key not in (*_TEXTS, *_TABLES):
            raise SchemeError(f"{source}{_line_of(text, key)}: unknown key '{key}'{nearest(key, (*_TEXTS, *_TABLES))}")
        expected = str if key in _TEXTS else dict
        if not isinstance(value, expected):
            kind = "text" if expected is str else "a table"
            raise SchemeError(f"{source}{_line_of(text, key)}: '{key}' must be {kind}")
    if "update" not in data:
        raise SchemeError(f'{source}: \'update\' is missing; write update = """theta = theta - gamma*grad(theta)"""')
    name = data.get("name", source)
    for key in ("parameters", "functions", "initial"):
        for inner, value in data.get(key, {}).items():
            if not isinstance(value, str):
                raise SchemeError(f"{source}{_line_of(text, inner)}: [{key}] {inner} must be text in quotes")
            if not inner.isidentifier() or (key == "parameters" and inner in RESERVED):
                raise SchemeError(f"{source}{_line_of(text, inner)}: [{key}] '{inner}' cannot be used as a name")
    functions = data.get("functions", {})
    return Scheme(
        name=name,
        update=data["update"],
        program=parse_update(data["update"], f"scheme {name}", dict.fromkeys(functions, 1)),
        title=data.get("title", name),
        reference=data.get("reference", ""),
        notes=data.get("notes", "").strip(),
        parameters={n: _parameter(n, d) for n, d in data.get("parameters", {}).items()},
        functions=functions,
        initial={n: parse_expression(e, f"scheme {name}, [initial] {n}") for n, e in data.get("initial", {}).items()},
        regimes=dict(_regimes(data.get("regimes", {}), name)),
    )


def _regimes(tables: Mapping[str, object], name: str) -> Iterator[tuple[str, Regime]]:
    for key, table in tables.items():
        if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
            raise SchemeError(f"scheme {name}: [regimes.{key}] must be a table of texts")
        items = {k: parse_expression(v, f"scheme {name}, regime {key}, {k}") for k, v in table.items() if k != "title"}
        yield key, Regime(key, table.get("title", key), items)


def _parameter(name: str, text: str) -> Parameter:
    """'momentum, 0 <= beta < 1' -> description and range; the range is the part after the last comma, if it compares."""
    description, comma, last = text.rpartition(",")
    if comma and any(c in last for c in "<>") and re.search(rf"\b{re.escape(name)}\b", last):
        return Parameter(name, description.strip(), last.strip())
    return Parameter(name, text.strip())


def _line_of(text: str, key: str) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*\[?{re.escape(key)}\b", line):
            return f", line {number}"
    return ""
