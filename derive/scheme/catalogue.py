"""Schemes by name, from a TOML file, or as typed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from derive.errors import SchemeError, UsageError, nearest
from derive.language import names_of, parse_expression, parse_update
from derive.language.letters import GREEK
from derive.scheme.losses import declared, loss_calls, resolved
from derive.scheme.model import Parameter, Regime, Scheme
from derive.scheme.names import CLOCK, RESERVED, UNKNOWNS, reserved

_FOLDER = Path(__file__).parents[1] / "schemes"
_SYMBOL = re.compile(rf"(?:{'|'.join(GREEK)}|[α-ω])_?\d*")


def catalogue() -> tuple[str, ...]:
    """Names of the schemes that come with the package, sorted."""
    return tuple(sorted(p.name[: -len(".toml")] for p in _FOLDER.iterdir() if p.name.endswith(".toml")))


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
    return scheme_from_toml((_FOLDER / f"{text}.toml").read_text("utf-8"), text)


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
_TABLES = ("parameters", "unknowns", "functions", "initial", "regimes")


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
    where, unknowns = f"scheme {name}", data.get("unknowns", dict.fromkeys(UNKNOWNS, ""))
    if not unknowns:
        raise SchemeError(f"{source}{_line_of(text, 'unknowns')}: [unknowns] is empty; leave it out where theta is the unknown")
    taken = reserved(unknowns)
    for key in ("parameters", "unknowns", "functions", "initial"):
        for inner, value in data.get(key, {}).items():
            if not isinstance(value, str):
                raise SchemeError(f"{source}{_line_of(text, inner)}: [{key}] {inner} must be text in quotes")
            if not inner.isidentifier() or (
                inner in {"parameters": taken, "unknowns": CLOCK}.get(key, ())
            ):
                raise SchemeError(f"{source}{_line_of(text, inner)}: [{key}] '{inner}' cannot be used as a name")
    functions, losses = declared(data.get("functions", {}), list(unknowns), where)
    program = parse_update(data["update"], where, {**dict.fromkeys(functions, 1), **loss_calls(losses)})
    return Scheme(
        name=name,
        update=data["update"],
        program=resolved(program, losses, list(unknowns), where),
        title=data.get("title", name),
        reference=data.get("reference", ""),
        notes=data.get("notes", "").strip(),
        parameters={n: _parameter(n, d) for n, d in data.get("parameters", {}).items()},
        functions=functions,
        initial={n: parse_expression(e, f"scheme {name}, [initial] {n}") for n, e in data.get("initial", {}).items()},
        regimes=dict(_regimes(data.get("regimes", {}), name)),
        unknowns=unknowns,
        losses=losses,
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
