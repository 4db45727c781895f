"""The scheme that a claim is about, and what derive reads off it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

from derive import ModifiedEquation, modified_equation
from derive.errors import ReductionError, SingularPointError, UndecidedError, UsageError
from derive.language import Expression, Operation, constant, parse_expression, statement_text, unparse, walk
from derive.readings.formula import limited
from derive.scheme import Configuration, Regime, Scheme, configure, inline_scheme, load_scheme
from verify.proof import Proof, prove

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class SchemeData:
    """Which scheme a claim is about.

    scheme   a name of the catalogue or a file;  update   an update text: exactly one of them
    regime   the regime of `scheme`
    where    name -> expression.  For `scheme` its free parameters; for `update` parameters and rescaled state variables,
             {alpha = "gamma**2", beta = "1 - lam*gamma", v = "gamma*eta"}
    """

    scheme: str = ""
    update: str = ""
    regime: str = ""
    parameters: tuple[str, ...] = ()
    where: Mapping[str, str] | None = None
    games: ClassVar[bool] = False  # whether the kind of claim may be about a scheme that declares its own losses

    def __post_init__(self) -> None:
        if bool(self.scheme) == bool(self.update):
            raise UsageError("give either scheme = \"NAME\" or update = \"theta = ...\"")
        if self.scheme and self.parameters:
            raise UsageError("'parameters' goes with 'update'; a scheme of the catalogue declares its own")
        if clash := {"L", "p"} & set(self.parameters):
            raise UsageError(f"parameters: '{min(clash)}' has its meaning already")
        if self.update and self.regime:
            raise UsageError("'regime' goes with 'scheme'; write what an update's parameters are under 'where'")
        for name, text in (self.where or {}).items():
            if "(" not in name:
                require_defined(limited(parse_expression(text, f"where, {name}")), f"where, {name}")

    def chosen(self) -> tuple[Scheme, dict[str, Any]]:
        """The scheme, and regime and settings as keywords of derive's functions.

        >>> SchemeData(update="theta = theta - alpha*grad(theta)", where={"alpha": "gamma"}).chosen()[1]
        {'regime': 'here', 'settings': {}}
        """
        given = dict(self.where or {})
        if self.scheme:
            return load_scheme(self.scheme), {"regime": self.regime or None, "settings": given}
        scheme = inline_scheme(self.update, self.parameters)
        if not given:
            return scheme, {"regime": None, "settings": {}}
        settings = {n: given.pop(n) for n in list(given) if n.partition("(")[0] in scheme.functions}
        table = {n: parse_expression(e, f"where, {n}") for n, e in given.items()}
        return replace(scheme, regimes={"here": Regime("here", "as claimed", table)}), {"regime": "here", "settings": settings}

    @property
    def configuration(self) -> Configuration:
        """Raises UsageError, SchemeError, ParseError for a scheme, a regime or a parameter that is not there."""
        scheme, keywords = self.chosen()
        scheme.require_no_layers("a claim")
        if not self.games:
            scheme.require_plain("a claim of this kind")
        scheme.require_no_maps("a claim")
        return self.configured(scheme, keywords)

    def configured(self, scheme: Scheme, keywords: Mapping[str, Any]) -> Configuration:
        return configure(scheme, keywords["regime"], keywords["settings"])

    @property
    def hypotheses(self) -> tuple[str, ...]:
        """The scheme, what its parameters are, and for which losses and parameters.

        >>> SchemeData(scheme="momentum").hypotheses
        ('v = beta*v - alpha*grad(theta), theta = theta + v', 'alpha = gamma', '0 <= beta < 1', 'any smooth loss L')
        """
        c = self.configuration
        text = ", ".join(map(statement_text, c.scheme.statements))
        bound = [f"{n} = {unparse(e)}" for n, e in c.bindings.items() if n not in c.free]
        bound += [f"{v} = {unparse(r.factor)}*{r.symbol}" for v, r in c.rescaled.items()]
        bound += [f"{n} = {t}" for n, t in c.settings.items() if "(" in n]
        ranges = [p.range for n, p in c.scheme.parameters.items() if p.range and n in c.free]
        losses = " and ".join(f"{f}({', '.join(slots)})" for f, slots in c.scheme.losses.items())
        function = {"L": "any smooth loss L", "f": "any smooth field f"}.get(c.scheme.label, f"any smooth losses {losses}")
        return tuple(x for x in (text, ", ".join(bound), *ranges, function) if x)

    def read(self, reading: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
        """reading(scheme, *arguments, regime=..., settings=..., **options): equal questions are answered once.

        Raises UndecidedError where the reading has no answer for this scheme.

        >>> gd = SchemeData(scheme="gd")
        >>> gd.read(modified_equation, 1) is SchemeData(scheme="gd").read(modified_equation, 1)
        True
        """
        scheme, keywords = self.chosen()
        question = (scheme, *arguments), keywords | options
        configure(scheme, keywords["regime"], keywords["settings"])  # raises what is wrong with the data themselves
        try:
            answer: Answer = _answered(_Question(reading, repr(question), *question))
        except (UsageError, ReductionError, SingularPointError) as error:
            raise UndecidedError(str(error)) from None
        return answer

    def equation(self, order: int, form: str = "flow") -> ModifiedEquation:
        """The derived equation through gamma^order, which the proof over prime fields confirms: the engine alone decides no
        claim.

        Raises UndecidedError where there is no equation, or no proof.
        """
        equation = self.read(modified_equation, order, form=form)
        proof = self.proof(equation)
        if not proof.proved:
            raise UndecidedError(f"the derived equation is not proved: {proof}")
        return equation

    def proof(self, equation: ModifiedEquation, claimed: Mapping[str, tuple[str, ...]] | None = None) -> Proof:
        """The proof of a derived equation, or with claimed formulas, one for each power of gamma, in place of some variables, as
        far as they go."""
        stated = equation.to_json()
        equations = stated["equations"] | {x: list(powers) for x, powers in (claimed or {}).items()}
        text = repr((equations, stated["memory"], equation.form, self))
        statement = (equation.configuration, equations, stated["memory"])
        answer: Proof = _answered(_Question(prove, text, statement, {"form": equation.form}))
        return answer


def require_defined(expression: Expression, where: str) -> None:
    """Raises UsageError for a division by the number zero."""
    for node in walk(expression):
        if isinstance(node, Operation) and node.op == "/" and constant(node.args[1]) == 0:
            raise UsageError(f"{where}: a division by zero")


@dataclass(frozen=True)
class _Question:
    """A reading and its arguments; `text` stands for them, which are not all hashable."""

    reading: Callable[..., Any]
    text: str
    arguments: tuple[Any, ...] = field(compare=False)
    options: Mapping[str, Any] = field(compare=False)


@lru_cache(maxsize=128)
def _answered(question: _Question) -> Any:
    return question.reading(*question.arguments, **question.options)
