"""Certificates: the statement alone, in one JSON file; `verify.certificate.checker` proves it again by itself.

{"format", "scheme", "regime", "form", "label", "order", "update", "kinds": {state: "vector" | "scalar"},
 "parameters": {free: range}, "bindings": {parameter: expression}, "rescaled": {state: [name, factor]},
 "functions": {name: expression | null}, "slow": [x, ...],
 "fields": {x: [[[coefficient, term], ...] for each power of gamma]}, "memory": {m: [[coefficient, term], ...] at gamma^0}}
 with declared losses also "unknowns": [x, ...], "losses": {loss: [x, ...]}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

from derive.errors import ReductionError, UsageError, shown
from derive.files import write_whole
from derive.language import Call, Name, parse_expression, symbolic, unparse, walk
from derive.language.calls import ELSEWHERE, partial_of
from derive.language.sources import read_text
from derive.scheme import Configuration
from derive.scheme.schedule import Schedule, without_pi
from verify.certificate import checker, sde_checker
from verify.proof.deciding import proved_for
from verify.proof.statement import Claimed, claim_calls


class CertificateRefused(Exception):
    """The claim of a certificate and its scheme differ (the message says where)."""


def require_certifiable(configuration: Configuration, equations: Claimed | None = None) -> None:
    """Raise ReductionError where a certificate has no words: for branches, matrices, a symbolic number of steps, a derivative
    elsewhere."""
    if configuration.scheme.region is not None:
        raise ReductionError(
            f"{configuration.scheme.where}: a certificate has no branches; verify scheme without -o judges every region, and a "
            "text that is one branch can be certified"
        )
    configuration.scheme.require_whole_powers("certificates are written")
    if configuration.scheme.of_matrices:
        where = configuration.scheme.where
        raise ReductionError(f"{where}: certificates know no matrices; verify scheme proves it, without -o")
    if repeat := symbolic(configuration.scheme.statements):
        k = unparse(repeat.count)
        raise ReductionError(f"{configuration.scheme.where}: a certificate is about one number of repetitions: write --set {k}=3")
    calls, losses = claim_calls(configuration), configuration.scheme.losses
    for text in (t for powers in (equations or {}).values() for p in powers for pair in _pairs(p) for t in pair):
        found = (n for n in walk(parse_expression(text, "claim", calls)) if isinstance(n, Call))
        if any(n.function in (losses or ELSEWHERE) or partial_of(n.function) for n in found):
            what = f"a certificate has derivatives at the present point alone, and {text} has one elsewhere"
            raise ReductionError(f"{configuration.scheme.where}: {what}; 'verify scheme' without -o proves it")
    if z := ", ".join(configuration.scheme.eliminated):
        text = f"a certificate has no words for a state that is given by the others at the start ({z}); leave -o out"
        raise ReductionError(f"{configuration.scheme.where}: {text}")


def certificate(
    configuration: Configuration, equations: Claimed, memory: Claimed | None = None, order: int | None = None, form: str = "flow"
) -> dict[str, Any]:
    """The statement that `equations` are the modified equation of `configuration`, with the memory's limit at gamma = 0.

    Raises UsageError for a piecewise schedule.

    >>> from derive import configure, load_scheme
    >>> certificate(configure(load_scheme("gd")), {"theta": ["-grad", "-1/2*hess(grad)"]})["fields"]
    {'theta': [[['1', '-grad']], [['1', '-1/2*hess(grad)']]]}
    """
    scheme = configuration.scheme
    require_certifiable(configuration, {**equations, **(memory or {})})
    order = min(map(len, equations.values())) - 1 if order is None else order
    names = [configuration.symbol(s) for s in scheme.states]
    fields = {x: [_pairs(p) for p in equations[x][: order + 1]] for x in names if x in equations}
    statement = {
        "format": checker.FORMAT,
        "scheme": scheme.name,
        "regime": configuration.regime,
        "form": form,
        "label": scheme.label,
        "order": order,
        "update": "\n".join(f"{a.target} = {unparse(a.value)}" for a in scheme.program),
        "kinds": {s: scheme.kinds[s] for s in scheme.states},
        "parameters": {n: scheme.parameters[n].range if n in scheme.parameters else "" for n in configuration.free},
        "bindings": {n: unparse(e) for n, e in configuration.bindings.items() if e != Name(n)},
        "rescaled": {s: [r.symbol, unparse(r.factor)] for s, r in configuration.rescaled.items()},
        "functions": {f: _function(f, e) for f, e in configuration.functions.items()},
        **({"maps": dict(scheme.maps)} if scheme.maps else {}),
        **({"inverses": dict(scheme.inverses)} if scheme.inverses else {}),
        "slow": list(fields),
        "fields": fields,
        "memory": {m: _pairs(powers[0]) for m, powers in (memory or {}).items()},
    }
    if scheme.losses:
        statement |= {"unknowns": list(scheme.unknowns), "losses": {f: list(slots) for f, slots in scheme.losses.items()}}
    return statement


def _function(name: str, value: Any) -> str | None:
    if isinstance(value, Schedule):
        raise UsageError(f"{name} is a piecewise schedule: choose the branch first")
    return None if value is None else unparse(without_pi(value))


def _pairs(power: Any) -> list[list[str]]:
    if isinstance(power, str):
        return [["1", power]]
    items: Sequence[Mapping[str, str]] = power["terms"]
    return [[item["coefficient"], item["term"]] for item in items]


def decided(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same certificate, once the checker has proved it: one that it cannot decide is worth nothing to whoever gets it.

    Raises ReductionError with what stands in the checker's way, and CertificateRefused for a false claim.
    """
    try:
        checker.check(certificate_text(data))  # type: ignore[no-untyped-call]
    except checker.Different as error:
        raise CertificateRefused(shown(str(error))) from None
    except (checker.Bad, ValueError, RecursionError, OverflowError) as error:
        raise ReductionError(
            f"scheme {data['scheme']}: the checker of certificates cannot decide this one ({error}), so that none is written; "
            "'verify scheme' without -o proves it"
        ) from None
    return data


def certificate_text(data: Mapping[str, Any]) -> str:
    """The file's text."""
    return json.dumps(data, indent=1) + "\n"


def write_certificate(path: str | Path, data: Mapping[str, Any]) -> None:
    """Write a certificate, whole or not at all."""
    write_whole(path, certificate_text(data))


def check_certificate(path: str | Path) -> str:
    """Prove a certificate's statement again: the statement as it was read, and the verdict with its bound.

    Raises UsageError for a file that is no certificate, or one that cannot be decided; CertificateRefused for a false claim.
    """
    text = read_text(path, "certificate")
    if not text.lstrip().startswith("{"):
        raise UsageError(f"'{path}' is not a certificate; 'verify scheme NAME -o FILE.json' writes one")
    try:
        of_generator = checker.load(text).get("format") == sde_checker.FORMAT  # type: ignore[no-untyped-call]
        return _checked_generator(text) if of_generator else _checked_equation(text)
    except (checker.Different, sde_checker.Different) as error:
        raise CertificateRefused(shown(str(error))) from None
    except (checker.Bad, sde_checker.Bad, ValueError, RecursionError, OverflowError) as error:
        raise UsageError(f"'{path}': {error}") from None


def _checked_equation(text: str) -> str:
    statement, bound, samples, dimension, classes = checker.check(text)  # type: ignore[no-untyped-call]
    statement, read = shown(statement, keep="\n"), checker.load(text)  # type: ignore[no-untyped-call]
    layers = checker.Claim(read).layered  # type: ignore[no-untyped-call]
    return (
        f"{statement}\n"
        f"{proved_for(read['label'], 'maps' in read, layers)}; error probability below 2^{ceil(bound)}\n"
        f"({samples} sample{'s' * (samples != 1)} over fresh primes, dimension {dimension}, "
        f"{classes} class{'es' * (classes != 1)} of signs)"
    )


def _checked_generator(text: str) -> str:
    found: str = sde_checker.verdict(*sde_checker.check(text))  # type: ignore[no-untyped-call]
    return shown(found, keep="\n")
