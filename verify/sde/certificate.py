"""Certificates of generators: the statement alone, in one JSON file; `verify.certificate.sde_checker` proves it again by itself.

{"format", "scheme", "regime", "order", "sampling": "iid", "batch", "update", "unknowns": [x, ...], "losses": {loss: [x, ...]},
 "kinds": {state: "vector"}, "parameters": {free: range}, "bindings": {parameter: expression},
 "rescaled": {state: [name, factor]}, "slow": [x, ...], "opaque": {letter: what it stands for},
 "generator": [[[coefficient, forest], ...] for each power of gamma]}
 of a text that is not linear also "dimension" and "samples", for which the statement is proved
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from derive.errors import UsageError
from derive.language import Call, Expression, Name, Operation, unparse
from derive.language.samples import sample_of, sampled
from derive.scheme import Configuration
from verify.certificate import sde_checker
from verify.sde.reading import is_linear, read
from verify.sde.statement import read_claim
from verify.sde.world import draws


def sde_certificate(configuration: Configuration, data: Mapping[str, Any]) -> dict[str, Any]:
    """The statement that the generator of `data`, JSON as derive modified-sde writes it, is that of the configuration's text.

    Raises UsageError for what the checker does not cover.

    >>> from derive import configure, load_scheme, modified_sde
    >>> sde_certificate(configure(load_scheme("gd"), noise=True), modified_sde("gd", 1).to_json())["generator"]
    [[['-1', 'g']], [['-1/2', 'g[g]'], ['1/2', 'g1 g1']]]
    """
    c, claim = read(configuration), read_claim(data)
    scheme = c.scheme
    numbers = {sample: str(k) for k, sample in enumerate(draws(c), 1)}
    statement = {
        "format": sde_checker.FORMAT,
        "scheme": scheme.name,
        "regime": c.regime,
        "order": claim.order,
        "sampling": "reshuffled" if claim.batches else "iid",
        "batch": claim.batch,
        "update": "\n".join(f"{a.target} = {unparse(_numbered(a.value, numbers))}" for a in scheme.program),
        "unknowns": list(scheme.unknowns),
        "losses": {f: list(slots) for f, slots in scheme.losses.items()},
        "kinds": {s: scheme.kinds[s] for s in scheme.states},
        "parameters": {n: scheme.parameters[n].range if n in scheme.parameters else "" for n in c.free},
        "bindings": {n: unparse(e) for n, e in c.bindings.items() if e != Name(n)},
        "rescaled": {s: [r.symbol, unparse(r.factor)] for s, r in c.rescaled.items()},
        "slow": list(data.get("slow", ())),
        "opaque": dict(claim.opaque),
        "generator": [[[unparse(t.coefficient), t.text] for t in power] for power in claim.powers],
    }
    if not is_linear(c) or statement["opaque"]:
        statement |= dict.fromkeys(("dimension", "samples"), max(claim.order + 1, 2))
    _require(statement, c)
    return statement


def _numbered(e: Expression, numbers: Mapping[str, str]) -> Expression:
    """Every sample by its number among those of the step, those of another pass of a repeat too."""
    match e:
        case Call(function, args):
            name, sample = sample_of(function)
            called = sampled(name, numbers[sample]) if sample else function
            return replace(e, function=called, args=tuple(_numbered(a, numbers) for a in args))
        case Operation(_, args):
            return replace(e, args=tuple(_numbered(a, numbers) for a in args))
    return e


def _require(statement: dict[str, Any], c: Configuration) -> None:
    """Raise UsageError where the checker would say that it covers no such statement."""
    reason = "functions of time and maps are not covered" if c.functions else ""
    reason = reason if statement["slow"] else "the claim does not say which variables are 'slow'"
    try:
        sde_checker.Claim(statement)  # type: ignore[no-untyped-call]
    except (sde_checker.Bad, sde_checker.Different) as error:
        reason = reason or str(error)
    if reason:
        raise UsageError(f"{c.scheme.where}: no certificate of this generator: {reason}; leave --certificate out")
