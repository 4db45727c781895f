"""The scheme that a claim is about, and what derive reads off it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

from derive.errors import UsageError
from derive.language import parse_expression
from derive.readings.formula import limited
from derive.scheme import Regime, Scheme, inline_scheme, load_scheme

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

    def __post_init__(self) -> None:
        if bool(self.scheme) == bool(self.update):
            raise UsageError("give either scheme = \"NAME\" or update = \"theta = ...\"")
        if self.update and self.regime:
            raise UsageError("'regime' goes with 'scheme'; write what an update's parameters are under 'where'")
        for name, text in (self.where or {}).items():
            if "(" not in name:
                limited(parse_expression(text, f"where, {name}"))

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

    def read(self, reading: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
        """reading(scheme, *arguments, regime=..., settings=..., **options): equal questions are answered once.

        >>> from derive import modified_equation
        >>> gd = SchemeData(scheme="gd")
        >>> gd.read(modified_equation, 1) is SchemeData(scheme="gd").read(modified_equation, 1)
        True
        """
        scheme, keywords = self.chosen()
        question = (scheme, *arguments), keywords | options
        answer: Answer = _answered(_Question(reading, repr(question), *question))
        return answer


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
