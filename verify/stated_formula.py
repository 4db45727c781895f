"""Somebody's formula, read as one is written, printed or pasted: the scheme it is about, and what it claims of each variable.

    theta: -grad/(1-beta) - gamma*(1+beta)/(2*(1-beta)**3)*hess(grad)        a claimed field
    loss: L + gamma/4*dot(grad, grad)                                        a claimed modified loss, theta' = -its gradient
    θ' = - 1/(1-β) ∇L - γ (1+β)/(2 (1-β)^3) ∇²L[∇L]                          the same field as it is printed
    V = 1/(1-β) L + γ (1+β)/(4 (1-β)^3) |∇L|^2                               a modified loss as it is printed
    x: -grad(f, x) - gamma/2*hess(f, x, grad(g, y)); y: -grad(g, y)          claims about the players of a game

The formula is a polynomial in gamma; its power k is compared with f_k.  Other slow variables may be claimed beside theta.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from derive import ModifiedEquation, modified_equation, region
from derive.errors import UsageError, nearest
from derive.language import (
    ONE,
    Assignment,
    Call,
    Expression,
    Name,
    Number,
    Operation,
    constant,
    names_of,
    parse_expression,
    plain_arities,
    plain_name,
    plain_primes,
    walk,
)
from derive.language.calls import Kind
from derive.language.maps import map_arities
from derive.language.sources import read_text, toml_data
from derive.scheme import Configuration, Scheme, catalogue, inline_scheme, load_scheme, substitute
from derive.scheme.kinds import sized
from derive.scheme.losses import loss_calls, present_formula
from derive.scheme.shapes import shaped_formula
from derive.scheme.spaces import Spaces, check_spaces
from verify.counterexample.claimed import ClaimedField, memory_limit
from verify.problems.formula import DERIVATIVES, split_powers, squared_norms
from verify.problems.gradients import differentiated, gradient_formula

#: names of blackboards, and what is written instead
_MEANT = {"g": "; write grad for the gradient", "H": "; write hess(u) for Hu", "Hg": "; write hess(grad) for Hg"}
KEYS = ("scheme", "update", "order", "says", "regime", "set")
LOSS = ("loss", "V")  # on the left side of a modified loss
_NEXT = re.compile(r";|\n(?=\s*\w+['′’]\s*=)")  # between two claims
_DOWN_V = re.compile(r"\s*(θ|theta)['′’]\s*=\s*[-−]\s*(∇|grad)\s*V\s*\n")  # the line above a modified loss that is printed


@dataclass(frozen=True)
class StatedFormula:
    """A formula as it was given, with the scheme it is about."""

    configuration: Configuration
    equation: ModifiedEquation
    order: int
    says: tuple[str, ...]
    claim: ClaimedField

    @property
    def claim_is_loss(self) -> bool:
        return any(_sides(says)[0] in LOSS for says in self.says) and "V" not in self.equation.equations


@dataclass
class _Given:
    scheme: str | None = None
    update: str | None = None
    order: int | None = None
    regime: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()


def read_formula(
    file: str | None,
    scheme: str | None,
    update: str | None,
    order: int | None,
    regime: str | None,
    settings: Mapping[str, str],
    says: Sequence[str],
    parameters: Sequence[str] = (),
    functions: Mapping[str, str] | None = None,
    assume: Sequence[str] = (),
) -> StatedFormula:
    """A claim from a TOML file, from options, or both (options win); `assume` picks the branch that it is about.

    Raises UsageError, ParseError.
    """
    given = _from_file(file) if file else _Given()
    given.scheme, given.update = (scheme, update) if scheme or update else (given.scheme, given.update)
    given.order = order if order is not None else given.order
    given.regime = regime or given.regime
    given.settings |= settings
    given.says = tuple(says) or given.says
    if (given.scheme is None) == (given.update is None):
        raise UsageError('say which scheme the formula is about: --scheme NAME or --update "theta = ..."')
    if not given.says:
        raise UsageError("say the formula: --says 'theta: -grad - gamma/2*hess(grad)'")
    typed = given.update or ""
    chosen = load_scheme(given.scheme) if given.scheme else inline_scheme(typed, parameters, given.settings, functions)
    return _stated(region(chosen, assume, regime=given.regime, settings=given.settings), given)


def _from_file(path: str) -> _Given:
    if not path.endswith(".toml") and path in catalogue():
        raise UsageError(f"'{path}' is a scheme, and a formula file is asked for here; write --scheme {path} --says 'theta: ...'")
    data = toml_data(read_text(path), path)
    if isinstance(data.get("update"), str) and "says" not in data and not data.keys() <= {*KEYS}:
        raise UsageError(f"{path} is a scheme file, where a formula file is asked for; write --scheme {path} --says 'theta: ...'")
    for key in data:
        if key not in KEYS:
            raise UsageError(f"{path}: unknown key '{key}'{nearest(key, KEYS)} (known: {', '.join(KEYS)})")
    says = data.get("says", [])
    texts = [says] if isinstance(says, str) else says
    table = data.get("set", {})
    order = data.get("order")
    if not isinstance(texts, list) or not all(isinstance(t, str) for t in texts) or not isinstance(table, dict):
        raise UsageError(f"{path}: 'says' must be a text or a list of texts, 'set' a table of texts")
    if order is not None and (not isinstance(order, int) or isinstance(order, bool) or not 0 <= order <= 12):
        raise UsageError(f"{path}: 'order' must be a whole number from 0 to 12")
    for key in ("scheme", "update", "regime"):
        if not isinstance(data.get(key, ""), str):
            raise UsageError(f"{path}: '{key}' must be a text")
    scheme = data.get("scheme")
    if scheme and scheme.endswith(".toml") and not Path(scheme).is_absolute():
        scheme = str(Path(path).parent / scheme)
    return _Given(scheme, data.get("update"), order, data.get("regime"), {k: str(v) for k, v in table.items()}, tuple(texts))


def _stated(scheme: Scheme, given: _Given) -> StatedFormula:
    expressions: dict[str, Expression] = {}
    for text in (claim for says in given.says for claim in _claims(says)):
        variable, formula = _sides(text)
        expressions[variable] = _read(scheme, formula, f"formula for {variable}")
    order = given.order if given.order is not None else max(_degree(e, scheme.root) for e in expressions.values())
    equation = modified_equation(scheme, order, regime=given.regime, settings=given.settings)
    slow = tuple(equation.equations)
    values = _meanings(equation)
    terms: dict[str, list[list[tuple[Expression, Expression]]]] = {}
    for variable, expression in expressions.items():
        variable = "loss" if variable in LOSS and variable not in slow else variable
        target = "theta" if variable == "loss" else variable
        if variable == "map":
            raise UsageError(
                "--says 'map: ...': a flow is claimed here, theta' = FORMULA; for the map theta+ = theta + gamma*FORMULA write a "
                'claim file with form = "map" (verify claims), or compare with derive modified-eq --form map'
            )
        if target not in slow or target in terms:
            other = "" if scheme.losses else " or 'loss'"
            raise UsageError(f"--says '{variable}: ...': claim one formula for each of {', '.join(slow)}{other}")
        if variable == "loss":
            _require_loss(scheme, slow)
        parts = [_plain(p, values, equation) for p in split_powers(expression, order, scheme.root)]
        parts = [shaped_formula(p, equation.configuration, f"formula for {variable}") for p in parts]
        if scheme.losses:
            parts = [_of_game(p, equation.configuration, variable) for p in parts]
        _require_names(parts, equation, variable)
        if variable == "loss":
            parts = [Operation("neg", (_gradient(p, scheme),)) for p in parts]
        _require_exponents(parts)
        terms[target] = [[(Number(Fraction(1)), p)] for p in parts]
    claim = ClaimedField(equation.configuration, terms, memory_limit(equation.configuration, equation.to_json()["memory"]), slow)
    return StatedFormula(equation.configuration, equation, order, given.says, claim)


def _claims(says: str) -> Iterator[str]:
    """The claims of one text, separated by ';' or printed one under the other; places stay those of the text."""
    starts = [0, *(found.end() for found in _NEXT.finditer(says))]
    ends = [*(found.start() for found in _NEXT.finditer(says)), len(says)]
    for start, end in zip(starts, ends, strict=True):
        if says[start:end].strip() or len(starts) == 1:
            yield re.sub(r"[^\n]", " ", says[:start]) + says[start:end]


def _read(scheme: Scheme, formula: str, where: str) -> Expression:
    """The tree of a formula; derivatives of declared losses are still as they are written."""
    maps = map_arities(scheme.maps)
    if not scheme.losses:
        return differentiated(formula, where, maps, [s for s, kind in scheme.kinds.items() if kind == "vector"])
    return parse_expression(formula, where, {**plain_arities(), **loss_calls(scheme.losses), **maps})


def _of_game(part: Expression, configuration: Configuration, variable: str) -> Expression:
    """One power of a claim about a player, derivatives as one call each, in the player's space.

    Raises ParseError where vectors of two spaces meet, UsageError for a vector of another space.
    """
    scheme, where = configuration.scheme, f"formula for {variable}"
    spaces = {configuration.symbol(s): x for s, x in scheme.spaces.items()}
    resolved = present_formula(configuration, part, where)
    check_spaces([Assignment(variable, resolved, part.line, part.column)], spaces, scheme.losses, where)
    space = Spaces(spaces).of(resolved)
    if space not in ("", spaces.get(variable, "")):
        raise UsageError(f"{where}, column {part.column}: a vector of {space}'s space is claimed for {variable}'")
    return resolved


def _sides(text: str) -> tuple[str, str]:
    """The variable and its formula, in 'theta: FORMULA', "θ' = FORMULA" or 'V = FORMULA'; places stay those of the text."""
    start = found.end() if (found := _DOWN_V.match(text)) else 0
    sign = ":" if ":" in text else "="
    left, present, formula = text[start:].partition(sign)
    variable = plain_name(left.strip().rstrip("'′’"))
    if not present or (sign == "=" and variable not in LOSS and variable == plain_name(left.strip())):
        raise UsageError(f"--says '{text}': write 'theta: FORMULA', or 'loss: FORMULA' for a modified loss")
    return variable, re.sub(r"[^\n]", " ", text[: start + len(left) + 1]) + formula


def _meanings(equation: ModifiedEquation) -> dict[str, Expression]:
    """What names stand for: parameters that are set, f, as it is printed, for the field, and the letter of the dimension."""
    c = equation.configuration
    values = {n: parse_expression(t, f"--set {n}") for n, t in c.settings.items() if "(" not in n}
    field: dict[str, Expression] = {"f": Name("field")} if c.scheme.label == "f" and "f" not in c.free else {}
    return field | {c.fresh("d"): Call("dot", (ONE, ONE))} | values


def _plain(part: Expression, values: Mapping[str, Expression], equation: ModifiedEquation) -> Expression:
    """One power of the formula with names replaced, r' of time functions as dr, and |a| of one number as abs(a)."""
    vectors = [n for n in equation.equations if equation.scheme_kind(n) == "vector"]
    kinds: dict[str, Kind] = dict.fromkeys((*vectors, "grad", "field"), "vector")
    named = plain_primes(substitute(part, values), equation.configuration.scheme.functions)
    return squared_norms(sized(named, kinds, DERIVATIVES))


def _degree(expression: Expression, root: int) -> int:
    degree = 0
    while True:
        try:
            split_powers(expression, degree, root)
            return degree
        except UsageError:
            degree += 1
            if degree > 12:
                raise


def _require_loss(scheme: Scheme, slow: Sequence[str]) -> None:
    if scheme.losses:
        raise UsageError("'loss: ...' needs a scheme of one loss; this one declares its own: claim the field of each unknown")
    if scheme.layered:
        raise UsageError("'loss: ...' knows no layers, and this scheme sums over them; claim the field: 'theta: ...'")
    if scheme.label != "L":
        raise UsageError("'loss: ...' needs a scheme written with grad(x); this one has a general field")
    if len(slow) > 1:
        raise UsageError(f"'loss: ...' claims theta' = -grad of it, but the slow variables are {', '.join(slow)}")


def _gradient(scalar: Expression, scheme: Scheme) -> Expression:
    """The gradient of one power of a modified loss, in which L itself stands only if the equation can contain it."""
    gradient = gradient_formula(scalar)
    if not scheme.calls_loss and (place := names_of(gradient).get("L")) is not None:
        raise UsageError(f"formula, column {place.column}: L stands in a power or a product; write its derivatives alone")
    return gradient


def _require_names(parts: Sequence[Expression], equation: ModifiedEquation, variable: str) -> None:
    """Every name means something here, also in a summand whose gradient is zero."""
    configuration = equation.configuration
    derivatives = [
        f"{'' if k == 0 else 'd' if k == 1 else f'd{k}'}{f}" for f in configuration.scheme.functions for k in range(14)
    ]
    leaf = {"L": ["grad"], "f": ["field"]}.get(configuration.scheme.label, [])
    losses = configuration.scheme.losses
    scalar = ["L"] if variable == "loss" or (configuration.scheme.calls_loss and not losses) else []
    known = [*scalar, *losses, *configuration.free, *equation.equations, "t", *leaf, *derivatives]
    for name, place in (item for p in parts for item in names_of(p).items()):
        if name not in known:
            listed = ", ".join([*known[:12], "gamma"])
            place_text = f"formula, column {place.column}: '{name}' has no meaning here"
            meant = _MEANT.get(name) or nearest(name, known) or ("; the loss is written L" if scalar else "")
            raise UsageError(f"{place_text}{meant} (known: {listed})")


def _require_exponents(parts: Sequence[Expression]) -> None:
    for node in (n for p in parts for n in walk(p)):
        if isinstance(node, Operation) and node.op == "**" and constant(node.args[1]) is None:
            raise UsageError(f"formula, column {node.column}: an exponent must be a rational number, such as 2 or -1/2")
