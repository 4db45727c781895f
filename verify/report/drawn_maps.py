"""Which maps a page draws where none are set: smooth ones with which the orbits of the default loss stay in view.

    P            u/sqrt(1 + |u|^2), towards the direction of u, at most of length 1; componentwise the same of every component
    P, inverse   log(u + sqrt(1 + u^2)) = arsinh(u) and sinh(u) at every component, the mirror map of the hyperbolic entropy
    linear       as the numerical routes of `verify scheme` choose them
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from derive.language.maps import MapKind
from derive.scheme import Scheme

DIRECTION: Mapping[MapKind, str] = {"map": "{0}/sqrt(1 + x**2 + y**2)", "componentwise": "{0}/sqrt(1 + {0}**2)"}
AREA_SINE, SINE = "log({0} + sqrt(1 + {0}**2))", "sinh({0})"


def drawn_settings(scheme: Scheme, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings with those of maps that are neither set nor stated by lines, nor are their inverses.

    >>> from derive import load_scheme
    >>> drawn_settings(load_scheme("muon"), {})
    {'P(x, y)': 'x/sqrt(1 + x**2 + y**2); y/sqrt(1 + x**2 + y**2)'}
    """
    named = {key.partition("(")[0] for key in settings}
    unset = [p for p in scheme.maps if p not in scheme.definitions and not {p, scheme.inverses.get(p, p)} & named]
    return {**settings, **{key: text for p in unset for key, text in _setting(scheme, p)}}


def _setting(scheme: Scheme, label: str) -> Iterator[tuple[str, str]]:
    kind = scheme.maps[label]
    if kind == "linear":
        return
    text = DIRECTION[kind]
    if label in scheme.inverses:
        text = SINE if scheme.map_words[label].startswith("inverse") else AREA_SINE
    letters = "u" if kind == "componentwise" else "xy"
    yield f"{label}({', '.join(letters)})", "; ".join(text.format(v) for v in letters)


__all__ = ["drawn_settings"]
