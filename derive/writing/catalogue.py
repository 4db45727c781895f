"""The catalogue as a list, and one scheme as its file states it."""

from __future__ import annotations

import textwrap
from typing import Any

from derive.language import unparse
from derive.result import declarations
from derive.scheme import Scheme
from derive.scheme.bibliography import cited
from derive.scheme.leading import stated_leading


def catalogue_text(schemes: list[Scheme]) -> str:
    """One line a scheme: name, title, regimes, other names."""
    width = max(len(s.name) for s in schemes)
    lines = []
    for s in schemes:
        regimes = f"  [{', '.join(s.regimes)}]" if len(s.regimes) > 1 else ""
        also = f"  ({', '.join(s.aliases)})" if s.aliases else ""
        lines.append(f"{s.name:<{width}}  {s.title}{regimes}{also}")
    return "\n".join(lines)


def scheme_text(scheme: Scheme) -> str:
    """Everything that the scheme's file says."""
    lines = [scheme.title, *textwrap.wrap(scheme.reference, 100, initial_indent="  ", subsequent_indent="  ")]
    if scheme.aliases:
        also = ", ".join(f"{n} ({remark})" if remark else n for n, remark in scheme.aliases.items())
        lines += textwrap.wrap(f"also called {also}", 100, initial_indent="  ", subsequent_indent="  ")
    lines.append("")
    lines += ["    " + line for line in scheme.update.strip().splitlines()]
    if scheme.parameters:
        lines += ["", "parameters"]
        width = max(len(n) for n in scheme.parameters)
        for p in scheme.parameters.values():
            lines.append(f"    {p.name:<{width}}  {p.description}" + (f", {p.range}" if p.range else ""))
    for name, description in scheme.functions.items():
        lines.append(f"    {name}(t)  {description}")
    lines += [f"    {name}  {words}" for name, words in scheme.map_words.items()]
    for stated in scheme.definitions.values():
        lines += ["", f"{stated.label}({stated.argument})", *("    " + line for line in stated.written.strip().splitlines())]
    if scheme.losses:
        lines += ["", "unknowns", *(f"    {n}  {text}".rstrip() for n, text in scheme.unknowns.items())]
        lines += ["", "losses", *(f"    {n}({', '.join(slots)})" for n, slots in scheme.losses.items())]
    if scheme.initial:
        lines += ["", "memory at the start", *(f"    {n} = {unparse(e)}" for n, e in scheme.initial.items())]
    if leading := stated_leading(scheme):
        lines += ["", "memory at gamma = 0", *(f"    {n} = {e}" for n, e in leading.items())]
    if scheme.stochastic and scheme.sampling != "iid":
        lines += ["", f"samples: {scheme.sampling}"]
    for regime in scheme.regimes.values():
        substitutions = ", ".join(f"{n} = {unparse(e)}" for n, e in regime.substitutions.items())
        lines += ["", f"regime {regime.name}: {regime.title}"] + ([f"    {substitutions}"] if substitutions else [])
    if found := cited(scheme.reference):
        lines += ["", "references"]
        for work in found:
            lines += textwrap.wrap(str(work), 100, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False)
    if scheme.notes:
        lines += ["", *textwrap.wrap(" ".join(scheme.notes.split()), 100)]
    return "\n".join(lines)


def scheme_json(scheme: Scheme) -> dict[str, Any]:
    """The same as data."""
    return {
        "name": scheme.name,
        "title": scheme.title,
        "aliases": list(scheme.aliases),
        "reference": scheme.reference,
        "references": [work.to_json() for work in cited(scheme.reference)],
        "notes": " ".join(scheme.notes.split()),
        "update": scheme.update.strip(),
        "parameters": {p.name: {"description": p.description, "range": p.range} for p in scheme.parameters.values()},
        "functions": dict(scheme.functions),
        **declarations(scheme),
        "initial": {n: unparse(e) for n, e in scheme.initial.items()},
        **({"leading": leading} if (leading := stated_leading(scheme)) else {}),
        **({"sampling": scheme.sampling} if scheme.stochastic else {}),
        "regimes": {
            r.name: {"title": r.title, "substitutions": {n: unparse(e) for n, e in r.substitutions.items()}}
            for r in scheme.regimes.values()
        },
    }
