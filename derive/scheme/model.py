"""What the file of an optimizer says: its update text, parameters and regimes, with every name and kind checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Literal

from derive.errors import ParseError, ReductionError, SchemeError, UsageError, nearest
from derive.language import (
    Assignment,
    Call,
    Expression,
    Statement,
    assignments,
    count_names,
    names_of,
    rebuilt,
    symbolic,
    unparse,
    unrolled,
    walk,
)
from derive.language.calls import CALLS, PIECES, Kind, call_of, written_name
from derive.language.layers import CROSSED, LAYERED
from derive.language.maps import MapKind, map_arities, map_of
from derive.language.matrices import MATRIX_CALLS
from derive.language.samples import is_noise
from derive.scheme.kinds import check_kinds, inferred, sized
from derive.scheme.map_programs import MapProgram, check_arguments, check_programs
from derive.scheme.names import CLOCK, UNKNOWNS, ahead, previous, reserved
from derive.scheme.regions import Region
from derive.scheme.rescaling import Rescaling, read_rescaling
from derive.scheme.shapes import Shape, shapes_of
from derive.scheme.spaces import check_spaces, spaces_of

GAMES = "modified-eq derives its equation, modified-loss, compare, stability and explain read it, verify scheme proves it"
_STEPS = ("eta", "h", "lr", "dt", "step", "stepsize", "step_size", "learning_rate")  # what others call gamma
AUTOMATIC = ""  # the name of the regime of a scheme whose file has none
_DECLARED = "under [parameters], or with --parameter"
_DERIVATIVE = re.compile(r"d\d*(\w+)")


Sampling = Literal["iid", "reshuffled"]


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

    `statements` are executed top to bottom once a step, and `program` is what they come to.  `states` are the variables that
    live from step to step: theta, and every name that is read before it is assigned.  `kinds` says which names are vectors
    and which scalars.  `unknowns` are the variables whose equation is sought, with what they are: theta, or those of a game;
    every other state variable is memory.  `losses` gives declared losses with the unknowns that they depend on, `maps` maps
    with their kinds.  `leading` gives memory at gamma = 0, in the formula language, where that is stated; `leading_where` what is
    stated of the branches of one condition alone, 'e > d'.
    `aliases` are other names of the scheme, each with what is chosen where it means several things.  `sampling` says how the
    samples of sgrad follow each other: independent of all others, or the data set in a random order, once an epoch.
    `root` is the q of expansions in gamma**(1/q): every order is a power of it.
    `eliminated` and `lags` are those of `scheme.elimination`; their lines stand before and behind those of the text.
    `region` says of what scheme with pieces this one is a branch (`derive.scheme.regions`).
    """

    name: str
    update: str
    statements: tuple[Statement, ...]
    title: str = ""
    reference: str = ""
    notes: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    initial: Mapping[str, Expression] = field(default_factory=dict)
    leading: Mapping[str, Expression] = field(default_factory=dict)
    leading_where: Mapping[str, Mapping[str, Expression]] = field(default_factory=dict)
    regimes: Mapping[str, Regime] = field(default_factory=dict)
    unknowns: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(UNKNOWNS, ""))
    losses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    maps: Mapping[str, MapKind] = field(default_factory=dict)
    inverses: Mapping[str, str] = field(default_factory=dict)  # map -> the map that is its inverse
    definitions: Mapping[str, MapProgram] = field(default_factory=dict)  # the lines of maps that are stated
    map_words: Mapping[str, str] = field(default_factory=dict)  # what the file says of every map: its kind, and what it is
    aliases: Mapping[str, str] = field(default_factory=dict)
    sampling: Sampling = "iid"
    eliminated: Mapping[str, Expression] = field(default_factory=dict)  # states that are functions of the others, set in front
    lags: tuple[str, ...] = ()  # what is left of unknowns that follow eliminated states, set behind
    root: int = 1  # expansions are in gamma**(1/root)
    region: Region | None = None
    given_kinds: Mapping[str, Kind] = field(default_factory=dict)  # of a branch: those that the whole text shows

    def __post_init__(self) -> None:
        _check_names(self)
        if self.layered and list(self.unknowns) != list(UNKNOWNS):
            raise SchemeError(f"{self.where}: sums over layers are for schemes of the one unknown theta; leave [unknowns] out")
        if self.of_matrices:
            _check_matrices(self)
        if self.definitions:
            _check_definitions(self)
        if self.losses:
            check_spaces(self.lines, self.spaces, self.losses, self.where)
        sizes = rebuilt(self.statements, iter([replace(a, value=sized(a.value, self.kinds)) for a in self.lines]))
        object.__setattr__(self, "statements", sizes)  # |a| of one number is no norm; no name and no kind changes by it

    @property
    def where(self) -> str:
        return f"scheme {self.name}"

    @property
    def lines(self) -> tuple[Assignment, ...]:
        """The assignments as they are written, each once."""
        return tuple(assignments(self.statements))

    @property
    def written(self) -> tuple[Statement, ...]:
        """The statements of the text, without those that set what is eliminated, and lags."""
        return self.statements[len(self.eliminated) : len(self.statements) - len(self.lags)]

    @property
    def units(self) -> Mapping[str, Expression]:
        """What memory that grows is carried as, S = S_bar/gamma, where the file has no regime that says so."""
        return self.regimes[AUTOMATIC].substitutions if AUTOMATIC in self.regimes else {}

    @cached_property
    def program(self) -> tuple[Assignment, ...]:
        """The assignments of one step, each as often as it is carried out.

        Raises ReductionError where a number of repetitions is a symbol.
        """
        if repeat := symbolic(self.statements):
            k = unparse(repeat.count)
            raise ReductionError(f"{self.where}: this needs the number of repetitions {k} as a number, such as --set {k}=3")
        return tuple(unrolled(self.branch))

    @cached_property
    def assigned(self) -> frozenset[str]:
        return frozenset(a.target for a in self.lines)

    @property
    def reserved(self) -> tuple[str, ...]:
        """The clock, and every unknown before, at and after the step."""
        return reserved(self.unknowns)

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The unknowns, then memory in the order in which it is first read."""
        seen: set[str] = set()
        found = [*self.unknowns]
        remembered = {*map(previous, self.unknowns), *self.assigned}
        for assignment in self.lines:
            found += [n for n in names_of(assignment.value) if n in remembered and n not in seen and n not in found]
            seen.add(assignment.target)
        return tuple(found)

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """name -> 'vector' or 'scalar', the least assignment consistent with the program; an [initial] value is a number."""
        known: dict[str, Kind] = dict.fromkeys(self.initial, "scalar")
        known |= {name: kind for name, kind in self.given_kinds.items() if name in {*self.states, *self.assigned}}
        known |= {name: "vector" for x in self.unknowns for name in (x, previous(x), ahead(x))}
        kinds = inferred(self.lines, known, (*self.states, *self.assigned), self._require_space)
        of_vectors = map_arities({p: kind for p, kind in self.maps.items() if kind != "componentwise"})
        for a in self.lines:
            check_kinds(a.value, kinds, self.where, of_vectors)
        return kinds

    def _require_space(self, name: str) -> None:
        """SchemeError where a vector of which nothing else is known could lie in several spaces."""
        if len(self.unknowns) > 1:
            x = next(iter(self.unknowns))
            text = f"nothing says in whose space the vector '{name}' lies; write {name} = {name} + 0*{x} where it is that of {x}"
            raise SchemeError(f"{self.where}: {text}")

    @cached_property
    def spaces(self) -> Mapping[str, str]:
        """vector -> the unknown in whose space it lies."""
        return spaces_of(self.lines, tuple(self.unknowns), self.where, self.losses)

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """matrix -> its numbers of rows and of columns, m or n; of texts with products of matrices."""
        vectors = [name for name, kind in self.kinds.items() if kind == "vector"]
        return shapes_of(self.lines, vectors, self.where, self.maps)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that the file uses: parameters, variables, time functions, the symbols of its regimes."""
        symbols = {n for r in self.regimes.values() for e in r.substitutions.values() for n in names_of(e)}
        return frozenset({*self.parameters, *self.states, *self.assigned, *self.functions, *self.losses, *self.maps, *symbols})

    @cached_property
    def called(self) -> frozenset[str]:
        """The functions that the update calls."""
        return frozenset(node.function for a in self.lines for node in walk(a.value) if isinstance(node, Call))

    @property
    def label(self) -> str:
        """`function` label of the problem: 'L' for a loss (grad), 'f' for a vector field (field), 'losses' for declared ones."""
        if self.losses:
            return "losses"
        return next((call.label for name in self.called if (call := call_of(name)).label), "L")

    @property
    def calls_loss(self) -> bool:
        """Whether the value of a loss stands in the update, not its derivatives alone."""
        return any(call_of(name).label and call_of(name).kind == "scalar" for name in self.called)

    @property
    def layered(self) -> bool:
        """Whether the update sums over layers."""
        return not self.called.isdisjoint(LAYERED)

    @property
    def pieces(self) -> bool:
        """Whether the update has branches: max, min, clip, where."""
        return not self.called.isdisjoint(PIECES)

    @property
    def whole(self) -> Scheme:
        """The scheme as its file states it, with its pieces."""
        return self.region.whole if self.region else self

    @property
    def branch(self) -> tuple[Statement, ...]:
        """The statements that are carried out, without the lines that ask where."""
        return self._answered(self.statements)

    @property
    def written_branch(self) -> tuple[Statement, ...]:
        """Those of the text among them."""
        return self._answered(self.written)

    def _answered(self, statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        asked = {c.name for c in self.region.conditions} if self.region else set()
        return tuple(s for s in statements if not isinstance(s, Assignment) or s.target not in asked)

    @property
    def of_matrices(self) -> bool:
        """Whether the parameters are a matrix: products of matrices, transposes, traces or sums over rows or columns stand in the
        update."""
        return not self.called.isdisjoint((*MATRIX_CALLS, *CROSSED))

    @property
    def runs_matrices(self) -> bool:
        """Whether its runs are of matrices: those of the update, or of the lines of a map."""
        return self.of_matrices or any(p.of_matrices for p in self.definitions.values())

    @property
    def stochastic(self) -> bool:
        """Whether the update draws at random."""
        return any(map(is_noise, self.called))

    def require_no_noise(self) -> None:
        """Raise ReductionError where the scheme draws at random; what reads laws does not ask."""
        if self.stochastic:
            raise ReductionError(
                f"{self.where} draws at random (sgrad, normal), and this reads a scheme without noise; "
                "derive modified-sde derives its weak modified equation, and grad(x) in the place of sgrad(x) is the full batch"
            )

    def require_no_layers(self, reading: str) -> None:
        """Raise ReductionError, naming the reading, where it knows no layers and no matrices and the scheme has some."""
        if self.layered or self.of_matrices:
            layers, matrices = "layers, and this scheme sums over them", "matrices, and this scheme is about some"
            unknown = layers if self.layered else matrices
            proved = "modified-eq derives its equation and verify scheme proves it"
            raise ReductionError(f"{self.where}: {reading} knows no {unknown}; {proved}")
        self.require_whole_powers(f"{reading} reads equations")

    def power(self, k: int) -> str:
        """gamma^k, or the gamma^(k/q) that it stands for in an expansion in gamma**(1/q)."""
        power = Fraction(k, self.root)
        return f"gamma^{power}" if power.denominator == 1 else f"gamma^({power})"

    def require_whole_powers(self, what: str) -> None:
        """Raise UsageError, saying what is done, where the expansion is in a root of gamma."""
        if self.root > 1:
            raise UsageError(f"{self.where}: {what} in whole powers of gamma, and this expansion is in gamma**(1/{self.root})")

    def require_plain(self, reading: str, instead: str = GAMES) -> None:
        """Raise ReductionError, naming the reading, where it knows one loss or field of theta, and no layers, and the scheme
        declares its own or sums over layers; `instead` says what there is for declared losses."""
        self.require_no_layers(reading)
        if self.losses:
            names = ", ".join(f"{f}({', '.join(slots)})" for f, slots in self.losses.items())
            raise ReductionError(
                f"{self.where}: {reading} reads one loss L(theta), and this scheme has losses of its own, {names}; {instead}"
            )

    def require_no_maps(self, reading: str) -> None:
        """Raise ReductionError, naming the reading, where it has no words for declared maps and the scheme has some."""
        if self.maps:
            raise ReductionError(
                f"{self.where}: {reading} knows no declared maps, and this scheme has {', '.join(self.maps)}; "
                "modified-eq derives its equation and verify scheme proves it"
            )

    def rescaling(self, regime: Regime, state: str) -> Rescaling:
        """The state variable as the regime writes it, factor * symbol."""
        where = f"{self.where}, regime {regime.name}, {state}"
        return read_rescaling(regime.substitutions[state], where, {*self.reserved, *self.parameters}, self.assigned)


def _check_matrices(scheme: Scheme) -> None:
    """Shapes fit, and there is one unknown and one way to divide it into parts."""
    where, products = scheme.where, "matrices"
    if list(scheme.unknowns) != list(UNKNOWNS):
        raise SchemeError(f"{where}: {products} are for schemes of the one unknown theta; leave [unknowns] out")
    one = "do not stand in one text; write one of them"
    if scheme.layered:
        raise SchemeError(f"{where}: sums over layers and {products} {one}")
    if not (scheme.called.isdisjoint(CROSSED) or scheme.called.isdisjoint(MATRIX_CALLS)):
        raise SchemeError(f"{where}: products of matrices and sums over rows or columns {one}")
    _ = scheme.shapes


def _check_definitions(scheme: Scheme) -> None:
    """What has lines is a map of the file, and is called with what its lines take."""
    check_programs(scheme.definitions, scheme.maps, scheme.inverses, scheme.where)
    if scheme.runs_matrices and (list(scheme.unknowns) != list(UNKNOWNS) or scheme.layered):
        text = "a map of matrices is for schemes of the one unknown theta without layers"
        raise SchemeError(f"{scheme.where}: {text}; leave [unknowns] and layers out")
    check_arguments(scheme.lines, scheme.definitions, scheme.shapes)


def _check_names(scheme: Scheme) -> None:
    where = scheme.where
    for x in scheme.unknowns:
        if x not in scheme.assigned:
            other = scheme.lines[-1].target
            hint = f"; what is optimised is called theta, --letters theta={other} prints {other}" if x == UNKNOWNS[0] else ""
            raise SchemeError(f"{where}: {x} is never assigned; an update must end in '{x} = ...'{hint}")
    for a in scheme.lines:
        _check_assignment(scheme, a)
    for name, place in count_names(scheme.statements).items():
        if name not in scheme.parameters:
            text = f"repeat {name}: '{name}' is no parameter{nearest(name, scheme.parameters)}"
            raise ParseError(f"{text} (write a number, or declare it: {_DECLARED})", where, place.line, place.column)
    called = [*(name for name in CALLS if name in scheme.called), *sorted(scheme.called - CALLS.keys())]
    evaluations = {label: written_name(name) for name in reversed(called) if (label := call_of(name).label)}
    if not scheme.losses and len(evaluations) > 1:
        raise SchemeError(f"{where}: both {' and '.join(reversed(evaluations.values()))} are used; write one of them")
    for regime in scheme.regimes.values():
        _check_regime(scheme, regime)
    for name in sorted({*scheme.parameters, *scheme.states}):  # locals do not appear in results
        _check_written(scheme, name)
    for name in scheme.initial:
        if name not in scheme.states:
            raise SchemeError(f"{where}, [initial]: '{name}' is no state variable{nearest(name, scheme.states)}")
        known = (CLOCK[0], *scheme.parameters)
        for used in names_of(scheme.initial[name]):
            if used not in known:
                raise SchemeError(f"{where}, [initial] {name}: '{used}' is no parameter{nearest(used, known)}")


def _check_written(scheme: Scheme, name: str) -> None:
    """No name is one by which results write something else."""
    found = _DERIVATIVE.fullmatch(name)
    taken = "the derivative of the problem" if name in ("grad", "field") else ""
    if found and found[1] in scheme.functions:
        taken = f"a derivative of {found[1]}(t)"
    if found_map := map_of(name, scheme.maps):
        taken = f"the map {name}" if not found_map[1] else f"a derivative of {found_map[0]}"
    if name in scheme.losses or (scheme.losses and re.fullmatch(r"hess|d\d+", name)):
        taken = "a loss" if name in scheme.losses else "a derivative of a loss"
    if name == scheme.label == "L" and (scheme.calls_loss or scheme.kinds.get(name) == "scalar"):
        taken = "the loss"
    if taken:
        raise SchemeError(f"{scheme.where}: '{name}' is how {taken} is written in results; choose another name")


def _check_assignment(scheme: Scheme, a: Assignment) -> None:
    """One line writes what may be written, calls time functions at a time, and reads what has a value."""
    where = scheme.where
    if a.target in (*CLOCK, *map(ahead, scheme.unknowns)):
        raise ParseError(f"'{a.target}' cannot be assigned", where, a.line, a.column)
    if a.target in scheme.parameters:
        raise ParseError(f"'{a.target}' is a parameter and cannot be assigned", where, a.line, a.column)
    timed = {*CLOCK, *scheme.parameters}
    for node in walk(a.value):
        if isinstance(node, Call) and node.function in scheme.functions and not names_of(node).keys() <= timed:
            f = node.function
            text = f'{f} is a function of time; write {f}(t), or declare a map of vectors, {f} = "map" under [functions]'
            raise ParseError(text, where, node.line, node.column)
    known = [*scheme.reserved, *scheme.assigned, *scheme.parameters]
    for name, place in names_of(a.value).items():
        if name not in known:
            step = f"; the step is called gamma, --letters gamma={name} prints {name}" if name.lower() in _STEPS else ""
            hint = step or nearest(name, [*known, *CALLS])
            text = f"name '{name}' is never assigned and is no parameter: declare a symbolic hyperparameter {_DECLARED}{hint}"
            raise ParseError(text, where, place.line, place.column)


def _check_regime(scheme: Scheme, regime: Regime) -> None:
    where, targets = f"{scheme.where}, regime {regime.name}", {*scheme.parameters, *scheme.states}
    for name in regime.substitutions:
        if name not in targets:
            raise SchemeError(f"{where}: '{name}' is neither a parameter nor a state variable{nearest(name, targets)}")
        if name in scheme.unknowns:
            raise SchemeError(f"{where}: {name} cannot be rescaled")
        if name in scheme.states:
            scheme.rescaling(regime, name)
        else:
            _check_constant(scheme, regime.substitutions[name], f"{where}, {name}")


def _check_constant(scheme: Scheme, value: Expression, where: str) -> None:
    """A parameter changes with gamma, t and other parameters alone."""
    for name in names_of(value):
        if name not in CLOCK and name in (*scheme.reserved, *scheme.assigned, *scheme.states):
            raise SchemeError(f"{where}: a parameter cannot depend on '{name}'")
        _check_written(scheme, name)
