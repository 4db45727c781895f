"""Certificates: everything a stranger needs to check a verified field again, in one JSON file (`certificate.checker` reads it).

    {"format", "versions", "scheme": {"name", "update", "program", ...}, "order",
     "field": {x: [[[coefficient, term], ...], ...]},
     "sets": [{"parameters", "terms", "rank",
               "points": [{"point", "polynomials", "slow", "t", "functions", "memory", "values"}]}],
     "result": {"verdict", "rank", "rank_needed", "exact_first_nonzero_power"}, "argument", "digest"}

Numbers are exact fractions as text.  A loss is a polynomial in delta = theta - point, {"2,0": "1/2"} for delta_1^2/2.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from derive import __version__
from derive.errors import UsageError
from derive.language import names_of, unparse
from derive.scheme import Configuration
from verify.certificate import checker
from verify.exact.examined import Examined
from verify.exact.proof import ExactResult
from verify.exact.study import Study


class CertificateRefused(Exception):
    """A certificate does not check (the message says where)."""


def certificate(configuration: Configuration, result: ExactResult) -> dict[str, Any]:
    """The certificate of a proved result.

    Raises UsageError if the result is no proof.
    """
    if not result.proved:
        raise UsageError("only a proved result has a certificate")
    data: dict[str, Any] = {
        "format": checker.FORMAT,
        "versions": _versions(),
        "scheme": scheme_entry(configuration),
        "order": result.claim.order,
        "field": {
            x: [[[unparse(c), unparse(t)] for c, t in items] for items in by_power] for x, by_power in result.claim.terms.items()
        },
        "sets": [_set_entry(s) for s in result.studies],
        "result": {
            "verdict": "verified",
            "rank": [s.rank for s in result.studies],
            "rank_needed": [s.needed for s in result.studies],
            "exact_first_nonzero_power": result.first_nonzero_power,
        },
        "argument": result.argument,
    }
    return {**data, "digest": checker.digest(data)}


def _versions() -> dict[str, str]:
    import platform

    import flint

    return {"shadowflow": __version__, "python-flint": flint.__version__, "python": platform.python_version()}


def scheme_entry(configuration: Configuration) -> dict[str, Any]:
    """The scheme as the checker runs it."""
    scheme = configuration.scheme
    return {
        "name": scheme.name,
        "title": scheme.title,
        "regime": configuration.regime,
        "label": scheme.label,
        "update": scheme.update,
        "program": program_lines(configuration),
        "scalars": [configuration.symbol(s) for s in scheme.states if scheme.kinds.get(s) == "scalar"],
        "implicit": any("theta_next" in names_of(a.value) for a in scheme.program),
    }


def program_lines(configuration: Configuration) -> list[list[str]]:
    """The step as assignments between the result's variables: parameters and rescalings are lines like the others.

    theta_prev is carried as the difference theta_prev - theta, which vanishes at gamma = 0.

    >>> from derive import configure, load_scheme
    >>> program_lines(configure(load_scheme("momentum"), "inertial"))[2:5]
    [['v', '(gamma*1)*eta'], ['v', 'beta*v - alpha*grad(theta)'], ['theta', 'theta + v']]
    """
    scheme = configuration.scheme
    lines = [[n, unparse(e)] for n, e in configuration.bindings.items() if unparse(e) != n]
    lines += [[s, f"({unparse(r.factor)})*{r.symbol}"] for s, r in configuration.rescaled.items()]
    if "theta_prev" in scheme.states:
        lines += [["theta_prev", "theta + theta_prev"], ["theta_before", "theta"]]
    lines += [[a.target, unparse(a.value)] for a in scheme.program]
    if "theta_prev" in scheme.states:
        lines.append(["theta_prev", f"{'theta_prev' if 'theta_prev' in scheme.assigned else 'theta_before'} - theta"])
    if any("t" in names_of(r.factor) for r in configuration.rescaled.values()):
        lines.append(["t", "t + gamma"])
    return lines + [[r.symbol, f"{s}/({unparse(r.factor)})"] for s, r in configuration.rescaled.items()]


def _set_entry(study: Study) -> dict[str, Any]:
    algebra, variables = study.supports.algebra, {x for x, _ in study.spans}
    powers = 1 + max(k for _, k in study.spans)
    spans = {x: [study.spans[x, k] for k in range(powers)] for x in sorted(variables)}
    scalars = algebra.scalars
    return {
        "parameters": {n: str(v) for n, v in study.supports.values.items()},
        "terms": {x: [[algebra.text(t) for t in s.terms] for s in row] for x, row in spans.items()},
        "rank": {x: [s.rank for s in row] for x, row in spans.items()},
        "points": [_point_entry(e, scalars) for e in study.examined],
    }


def _text(value: Any) -> Any:
    return [str(v) for v in value] if isinstance(value, list | tuple) else str(value)


def _point_entry(examined: Examined, scalars: set[str]) -> dict[str, Any]:
    sample, orbit = examined.sample, examined.orbit
    problem = sample.problem
    polynomials = problem.components if problem.potential is None else (problem.potential,)
    memory = {m: [_text(c) for c in v] for m, v in orbit.start.items()}
    return {
        "point": _text(problem.point),
        "polynomials": [{",".join(map(str, e)): str(c) for e, c in p.items()} for p in polynomials],
        "slow": {s: _text(v) for s, v in sample.slow.items()},
        "t": str(sample.t),
        "functions": {f: _text(c) for f, c in sample.functions.items()},
        "memory": {m: v[0] if m in scalars else v for m, v in memory.items()},
        "values": {x: [_text(v) for v in vectors] for x, vectors in orbit.fields.items()},
    }


def write_whole(path: str | Path, text: str) -> None:
    """Write a file that appears complete or not at all, whatever interrupts.

    Raises UsageError when it cannot be written.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise UsageError(f"cannot write '{target}': {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, target)
    except OSError as error:
        raise UsageError(f"cannot write '{target}': {error.strerror}") from None
    finally:
        if os.path.exists(name):
            os.unlink(name)


def write_certificate(path: str | Path, data: Mapping[str, Any]) -> None:
    """Write a certificate, whole or not at all."""
    write_whole(path, json.dumps(data, indent=1) + "\n")


def check_certificate(path: str | Path) -> str:
    """Re-check a certificate file; what was checked, in one sentence.

    Raises UsageError for a file that cannot be read, CertificateRefused for one that does not check.
    """
    try:
        data = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read certificate '{path}': {error.strerror}") from None
    except ValueError:
        raise UsageError(f"'{path}' is not JSON") from None
    if not isinstance(data, dict):
        raise UsageError(f"'{path}' is not a certificate")
    try:
        return checker.check(data)
    except checker.Refused as error:
        raise CertificateRefused(str(error)) from None
    except Exception as error:  # a changed structure can fail anywhere
        raise CertificateRefused(f"malformed ({type(error).__name__}: {error})") from None
