"""The catalogue's schemes of one loss or field of theta, without layers: those that readings, articles, pages and numerical
routes are about."""

from __future__ import annotations

from derive.scheme import catalogue, load_scheme

PLAIN = tuple(name for name in catalogue() if not (load_scheme(name).losses or load_scheme(name).layered))
