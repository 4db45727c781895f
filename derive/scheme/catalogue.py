"""Schemes by name, from a TOML file, or as typed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import get_args

from derive.errors import ParseError, ReductionError, SchemeError, UsageError, nearest, shown
from derive.language import (
    Name,
    Operation,
    assignments,
    constant,
    count_names,
    names_of,
    parse_expression,
    parse_update,
    plain_name,
)
from derive.language.letters import is_letter
from derive.language.maps import MapKind
from derive.language.sources import read_text, toml_data
from derive.scheme.aliases import alias_table, read_aliases, resolve
from derive.scheme.leading import OF, stating
from derive.scheme.losses import declared, resolved, variables_of
from derive.scheme.map_programs import MapProgram, parse_map_program
from derive.scheme.model import Parameter, Regime, Sampling, Scheme
from derive.scheme.names import CLOCK, RESERVED, UNKNOWNS, reserved
from derive.scheme.refused import refusal

_FOLDER = Path(__file__).parents[1] / "schemes"
MAX_ROOT = 24  # of gamma, in which orders are counted


def catalogue(noise: bool = True, branches: bool = True) -> tuple[str, ...]:
    """Names of the schemes that come with the package, sorted; without `noise` only of those that draw nothing at random,
    without `branches` only of those whose text has one branch.

    >>> sorted({*catalogue()} - {*catalogue(noise=False)})
    ['langevin', 'langevin-baoab', 'noisy-sgd', 'sgld']
    """
    if noise and branches:
        return _shipped()
    kept = ((name, load_scheme(name)) for name in _shipped())
    return tuple(name for name, s in kept if (noise or not s.stochastic) and (branches or not s.pieces))


@cache
def _shipped() -> tuple[str, ...]:
    return tuple(sorted(p.stem for p in _FOLDER.iterdir() if p.suffix == ".toml"))


def load_scheme(source: str | Path | Scheme) -> Scheme:
    """A scheme from its catalogue name or an alias, in any spelling, from the path of a TOML file, or itself.

    Where an alias means several things, the title says which was chosen.

    Raises UsageError (unknown name, with the nearest one; unreadable file), ReductionError (an optimizer that has no modified
    equation, with the reason), SchemeError, ParseError.

    >>> load_scheme("momentum").states
    ('theta', 'v')
    >>> load_scheme("SGD").title
    'Gradient descent: sgd without momentum'
    """
    if isinstance(source, Scheme):
        return source
    name, content, meaning = scheme_source(source)
    scheme = scheme_from_toml(content, name, in_file=_is_path(source))
    return replace(scheme, title=f"{scheme.title}: {meaning}") if meaning else scheme


def scheme_source(source: str | Path) -> tuple[str, str, str]:
    """(name, the text of its file, what an alias that means several things was taken to mean) of what `load_scheme` loads.

    Raises UsageError and ReductionError as that does.
    """
    text = str(source)
    if _is_path(source):
        content = read_text(text, "scheme file")
        _refuse_tableau(content, text)
        return Path(text).stem, content, ""
    names = catalogue()
    found = (text, "") if text in names else resolve(text, names, _FOLDER)
    if found is None:
        if reason := refusal(text):
            raise ReductionError(str(reason))
        if text.lower().removesuffix(".toml") in (tableaux := _tableaux()):
            raise UsageError(f"'{text}' is a tableau, and a scheme is asked for here; write derive trees --tableau NAME")
        hint = nearest(text.lower(), (*spellings(), *tableaux))
        raise UsageError(f"unknown scheme '{text}'{hint} (see 'derive schemes', or name a .toml file)")
    name, meaning = found
    return name, (_FOLDER / f"{name}.toml").read_text("utf-8"), meaning


def _is_path(source: str | Path) -> bool:
    return isinstance(source, Path) or source.endswith(".toml") or "/" in source


def _tableaux() -> tuple[str, ...]:
    """Names of the tableaux that come with the package."""
    return tuple(sorted(p.stem for p in (_FOLDER.parent / "trees" / "tableaux").iterdir() if p.suffix == ".toml"))


def spellings() -> tuple[str, ...]:
    """The catalogue's names, then their aliases."""
    return (*catalogue(), *(alias for _, alias, _ in alias_table(_FOLDER).values()))


def inline_scheme(
    update: str, parameters: Iterable[str] = (), settings: Iterable[str] = (), functions: Mapping[str, str] | None = None
) -> Scheme:
    """A scheme from its update text alone; lines may be separated by ';'.

    Greek letters' names (beta, eps, lam, mu1, ...) are symbolic hyperparameters without a declaration; other names must
    be assigned, or listed in `parameters`; one that stands in the text may be declared by being set.  `functions` are declared as
    in a file, {"f": "loss(x, y)", "r": "rate"}; the variables of losses are the unknowns.

    >>> inline_scheme("v = beta*v - gamma*grad(theta); theta = theta + v").states
    ('theta', 'v')
    >>> list(inline_scheme("x = x - gamma*grad(f, x); y = y + gamma*grad(f, y)", functions={"f": "loss(x, y)"}).unknowns)
    ['x', 'y']
    """
    unknowns = variables_of(functions or {}) or UNKNOWNS
    said = declared(functions or {}, unknowns, "update")
    parameters = {plain_name(n.strip()) for n in parameters}
    given = {plain_name(n.strip()) for n in settings}
    statements = parse_update(update, "update", said.calls(), parameters | given)
    statements = resolved(statements, said.losses, unknowns, "update")
    assigned = {a.target for a in assignments(statements)}
    read = {n for a in assignments(statements) for n in names_of(a.value)} | set(count_names(statements))
    known = {n for n in read if is_letter(n) or n in given} | parameters
    names = sorted(n for n in known if n not in assigned and n not in reserved(unknowns))
    return Scheme(
        "update", update, statements, "Scheme as typed", parameters={n: Parameter(n) for n in names}, functions=said.times,
        unknowns=dict.fromkeys(unknowns, ""), losses=said.losses, maps=said.maps,
    )  # fmt: skip


def declaring(scheme: Scheme, parameters: Iterable[str]) -> Scheme:
    """The scheme with more names declared as parameters: those of a loss, or of a setting.

    Raises UsageError for a name that has a meaning already.

    >>> list(declaring(load_scheme("gd"), ["h", "κ"]).parameters)
    ['h', 'kappa']
    """
    names = [plain_name(n.strip()) for n in parameters]
    for name in names:
        if not name.isidentifier() or name in RESERVED or name in {*scheme.states, *scheme.assigned, *scheme.functions}:
            raise UsageError(f"--parameter {name}: not a name for a parameter of {scheme.where}")
    return replace(scheme, parameters=dict(scheme.parameters) | {n: Parameter(n) for n in names if n not in scheme.parameters})


def _refuse_tableau(content: str, path: str) -> None:
    """UsageError where the file has what a Butcher tableau has."""
    data = toml_data(content, Path(path).stem, SchemeError)
    if "update" not in data and ({"A", "b"} <= data.keys() or "colour" in data):
        raise UsageError(f"{path} is a tableau, and a scheme is asked for here; write derive trees --tableau {path}")


_TEXTS = ("name", "title", "reference", "notes", "update", "expansion")
_TABLES = ("parameters", "unknowns", "functions", "maps", "initial", "leading", "regimes", "noise")


@lru_cache(maxsize=512)
def scheme_from_toml(text: str, source: str = "scheme", in_file: bool = False) -> Scheme:
    """A scheme from the text of a TOML file (format: docs/howto/scheme.md).  `in_file`: places are those of the file.

    Raises SchemeError for a key or type the format does not have, ParseError for a bad update text or expression.
    """
    data = toml_data(text, source, SchemeError)
    for key, value in data.items():
        if key not in (*_TEXTS, *_TABLES, "aliases"):
            raise SchemeError(f"{source}{_line_of(text, key)}: unknown key '{key}'{nearest(key, (*_TEXTS, *_TABLES))}")
        if key == "aliases":
            continue
        expected = str if key in _TEXTS else dict
        if not isinstance(value, expected):
            kind = "text" if expected is str else "a table"
            raise SchemeError(f"{source}{_line_of(text, key)}: '{key}' must be {kind}")
    if "update" not in data:
        raise SchemeError(f'{source}: \'update\' is missing; write update = """theta = theta - gamma*grad(theta)"""')
    data["leading"] = dict(_of_branches(data.get("leading", {})))
    for key in ("parameters", "unknowns", "functions", "initial"):
        if key in data or key != "unknowns":
            data[key] = {plain_name(inner): value for inner, value in data.get(key, {}).items()}
    name = " ".join(data.get("name", shown(source)).split())
    where, unknowns = f"scheme {name}", data.get("unknowns", dict.fromkeys(UNKNOWNS, ""))
    if not unknowns:
        raise SchemeError(f"{source}{_line_of(text, 'unknowns')}: [unknowns] is empty; leave it out where theta is the unknown")
    taken = {"parameters": reserved(unknowns), "unknowns": CLOCK}
    for key in ("parameters", "unknowns", "functions", "initial", "leading"):
        for inner, value in data.get(key, {}).items():
            if not isinstance(value, str):
                raise SchemeError(f"{source}{_line_of(text, inner)}: [{key}] {inner} must be text in quotes")
            if key != "leading" and (not inner.isidentifier() or inner in taken.get(key, ())):
                raise SchemeError(f"{source}{_line_of(text, inner)}: [{key}] '{inner}' cannot be used as a name")
    functions = declared(data.get("functions", {}), list(unknowns), where)
    before = _before(text, data["update"]) if in_file else ""
    statements = parse_update(before + data["update"], where, functions.calls(), data["parameters"])
    scheme = Scheme(
        name=name,
        update=data["update"],
        statements=resolved(statements, functions.losses, list(unknowns), where),
        title=" ".join(data.get("title", name).split()),
        reference=" ".join(data.get("reference", "").split()),
        notes=data.get("notes", "").strip(),
        parameters=_parameters(data["parameters"], source, text),
        functions=functions.times,
        initial={n: parse_expression(e, f"scheme {name}, [initial] {n}") for n, e in data.get("initial", {}).items()},
        regimes=dict(_regimes(data.get("regimes", {}), name)),
        unknowns=unknowns,
        losses=functions.losses,
        maps=functions.maps,
        inverses=functions.inverses,
        definitions=_definitions(data.get("maps", {}), where, data["parameters"], functions.maps),
        map_words={name: " ".join(data["functions"][name].split()) for name in functions.maps},
        aliases=read_aliases(data.get("aliases", []), source),
        sampling=_sampling(data.get("noise", {}), source, text),
        root=_root(data.get("expansion", "gamma"), f"{source}{_line_of(text, 'expansion')}"),
    )
    return stating(scheme, data["leading"])


def _definitions(
    table: Mapping[str, object], where: str, parameters: Collection[str], kinds: Mapping[str, MapKind]
) -> dict[str, MapProgram]:
    """[maps] "P(X)" = "...; P = ..." by the names of the maps."""
    found = []
    for head, text in table.items():
        if not isinstance(text, str):
            raise SchemeError(f"{where}, [maps] {head}: the lines of a map are a text")
        found.append(parse_map_program(head, text, where, parameters, kinds))
    if len({p.label for p in found}) < len(found):
        raise SchemeError(f"{where}, [maps]: a map is stated twice")
    return {p.label: p for p in found}


def _of_branches(table: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """[leading."e > d"] d = ... as [leading] "e > d: d" = ...

    >>> dict(_of_branches({"m": "grad", "e > d": {"d": "norm(grad)"}}))
    {'m': 'grad', 'e > d: d': 'norm(grad)'}
    """
    for key, value in table.items():
        yield from ((f"{key}{OF} {name}", v) for name, v in value.items()) if isinstance(value, dict) else ((key, value),)


def _sampling(table: Mapping[str, object], source: str, text: str) -> Sampling:
    """[noise] sampling = "iid" or "reshuffled"."""
    for key, value in table.items():
        if key != "sampling" or value not in get_args(Sampling):
            known = " or ".join(f'"{s}"' for s in get_args(Sampling))
            raise SchemeError(f"{source}{_line_of(text, key)}: [noise] {key} = {value!r}: write sampling = {known}")
    return table.get("sampling", "iid")  # type: ignore[return-value]


def _root(text: str, where: str) -> int:
    """The q of expansion = "gamma**(1/q)".

    >>> _root("gamma**(1/5)", "example"), _root("gamma", "example")
    (5, 1)
    """
    match parse_expression(text, f"{where}: expansion"):
        case Name("gamma"):
            return 1
        case Operation("**", (Name("gamma"), exponent)):
            value = constant(exponent)
            if value is not None and value.numerator == 1 and 1 < value.denominator <= MAX_ROOT:
                return value.denominator
    meant = f'expansion = "gamma**(1/5)", with a whole number through {MAX_ROOT}'
    raise SchemeError(f'{where}: expansion = "{text}" is no root of gamma; write {meant}')


def _regimes(tables: Mapping[str, object], name: str) -> Iterator[tuple[str, Regime]]:
    for key, table in tables.items():
        if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
            raise SchemeError(f"scheme {name}: [regimes.{key}] must be a table of texts")
        texts = {plain_name(k): v for k, v in table.items() if k != "title"}
        items = {k: parse_expression(v, f"scheme {name}, regime {key}, {k}") for k, v in texts.items()}
        yield key, Regime(key, " ".join(table.get("title", key).split()), items)


def _before(text: str, update: str) -> str:
    """Blanks and ends of lines in place of what stands before the update text in its file, where it stands there as it is.

    >>> _before('name = "x"\\nupdate = "theta = 1"', "theta = 1")
    '\\n          '
    """
    before = text.replace("\r\n", "\n").partition(update)[0] if text.count(update) == 1 else ""
    lines = before.split("\n")
    return "\n" * (len(lines) - 1) + " " * len(lines[-1])


def _parameters(table: Mapping[str, str], source: str, text: str) -> dict[str, Parameter]:
    """The declared parameters; SchemeError for a comparison that is no range of its parameter: nothing would be proved for it."""
    found = {n: _parameter(n, d.replace("≤", "<=").replace("≥", ">=")) for n, d in table.items()}
    for name, parameter in found.items():
        compared = parameter.range or parameter.description.replace("->", "")
        if ("<" in compared or ">" in compared) and not _is_range(parameter, (*table, *CLOCK)):
            said = next(s.strip() for s in reversed(compared.split(",")) if "<" in s or ">" in s)
            meant = next((nearest(n, [name]) for n in re.findall(r"[^\W\d]\w*", said) if n not in table), "")
            raise SchemeError(
                f"{source}{_line_of(text, name)}: [parameters] {name}: '{said}' is no range of {name}{meant}; a range stands "
                f"after the last comma, as in '{name} > 0' or '0 <= {name} < 1'"
            )
    return found


def _is_range(parameter: Parameter, known: Collection[str]) -> bool:
    """Whether the range compares expressions in parameters."""
    sides = re.split(r"<=|>=|<|>", parameter.range)
    try:
        return len(sides) > 1 and all(names_of(parse_expression(s, "range")).keys() <= {*known} for s in sides)
    except ParseError:
        return False


def _parameter(name: str, text: str) -> Parameter:
    """'momentum, 0 <= beta < 1' -> description and range; the range is the part after the last comma, if it compares."""
    description, _, last = f",{text}".rpartition(",")
    if any(c in last.replace("->", "") for c in "<>") and name in map(plain_name, re.findall(r"[^\W\d][\w₀-₉]*", last)):
        return Parameter(name, description[1:].strip(), last.strip())
    return Parameter(name, text.strip())


def _line_of(text: str, key: str) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*\[?{re.escape(key)}\b", line):
            return f", line {number}"
    return ""
