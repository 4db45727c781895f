"""Letters of our own (theta' is p, q is gamma h, u a direction, L the loss, ...) give way to a scheme that has them already.

The order in which a product is printed may depend on the names; so outputs are compared as collections of words.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from renaming import neutral, own_names, renamed, replaced, source
from test_renaming import READINGS, outputs

from derive import configure, modified_equation
from derive.errors import SchemeError
from derive.readings.explain import explain
from derive.scheme import Scheme, scheme_from_toml
from derive.writing.explanation import explanation_lines

OURS = ("p", "q", "h", "u", "z", "n", "L")
AWKWARD = (*OURS, "s", "eta", "lam", "eps", "theta1", "theta_2", "correction", "w", "oo")
SCHEMES = ("momentum", "rmsprop", "nesterov", "ema-momentum", "weight-decay", "adam-inside", "triple-momentum")


def used(scheme: Scheme, regime: str | None) -> set[str]:
    """Names that a regime has: free parameters and variables."""
    c = configure(scheme, regime)
    return {*c.free, *map(c.symbol, scheme.states)} - {"theta", "theta_prev"}


def shown(scheme: Scheme, regime: str | None) -> set[str]:
    """Those of them that a reading may contain: no memory that relaxes, whose letter a reading may use itself."""
    return used(scheme, regime) - {*modified_equation(scheme, 0, regime=regime).memory}


def words(value: Any, names: dict[str, str]) -> Any:
    """JSON with every name replaced, in keys and texts, all at once; texts as collections of words."""
    if isinstance(value, dict):
        return {replaced(k, names): words(v, names) for k, v in value.items() if k != "derivative"}
    if isinstance(value, list):
        return [words(v, names) for v in value]
    return Counter(re.findall(r"\w+|\*\*|\S", replaced(value, names))) if isinstance(value, str) else value


def unordered(value: Any) -> Any:
    """Lists of terms without their order."""
    if isinstance(value, dict):
        return repr(sorted(value.items())) if isinstance(value, Counter) else {k: unordered(v) for k, v in value.items()}
    return sorted((unordered(v) for v in value), key=repr) if isinstance(value, list) else value


def same_but_for_letters(text: str, regime: str | None, names: dict[str, str], read: Any, lines: Any) -> None:
    """The reading of the scheme in these names says what it says in neutral ones."""
    plain, pair = renamed(text), renamed(text, names)
    index = list(pair.original.regimes).index(regime) if regime else 0
    own = {letter * 2: letter for letter in OURS if letter in names.values()}
    found = []
    for x in (plain, pair):
        chosen = [*x.scheme.regimes, None][index]
        out = outputs(lambda x=x, chosen=chosen: read(x.scheme, chosen), lines)
        back = {n: x.back[n] for n in shown(x.scheme, chosen)} | (own if x is pair else {})
        found.append(unordered(words(json.loads(out["json"]), back)) if "json" in out else "none")
    assert found[0] == found[1], (names, regime)


@st.composite
def namings(draw: st.DrawFn) -> tuple[str, str | None, dict[str, str]]:
    """A scheme, a regime, and letters for some of the names that are seen in it; the rest are neutral."""
    name = draw(st.sampled_from(SCHEMES))
    scheme = scheme_from_toml(source(name))
    regime = draw(st.sampled_from([*scheme.regimes])) if scheme.regimes else None
    seen = sorted(used(scheme, regime))
    chosen = draw(st.lists(st.sampled_from(AWKWARD), min_size=len(seen), max_size=len(seen), unique=True))
    return name, regime, neutral(own_names(scheme)) | dict(zip(seen, chosen, strict=True))


@pytest.mark.parametrize("reading", READINGS)
@settings(max_examples=12)
@given(case=namings())
def test_every_name_may_be_any_letter(reading: str, case: tuple[str, str | None, dict[str, str]]) -> None:
    name, regime, names = case
    same_but_for_letters(source(name), regime, names, *READINGS[reading])


@settings(max_examples=6)
@given(case=namings())
def test_explain_and_equation_in_any_letters(case: tuple[str, str | None, dict[str, str]]) -> None:
    name, _, names = case
    pair = renamed(source(name), names)
    assert set(outputs(lambda: explain(pair.scheme), explanation_lines)) == {"unicode", "ascii", "latex", "json"}


@pytest.mark.parametrize("name", ["dr", "d2r", "grad", "field"])
def test_names_of_results_are_refused(name: str) -> None:
    """Silently mixed up otherwise: r(t)*dr with a parameter dr has the derivative r'(t)*dr, written dr*dr."""
    text = f'update = """theta = theta - gamma*r(t)*{name}*grad(theta)"""\n[parameters]\n{name} = ""\n[functions]\nr = ""\n'
    with pytest.raises(SchemeError, match=f"'{name}' is how"):
        scheme_from_toml(text)
    assert scheme_from_toml(text.replace(name, "c").replace("c(theta)", "grad(theta)")).parameters
