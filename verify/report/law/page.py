"""The page on a law as one HTML file without a single outside address."""

from __future__ import annotations

import json
from html import escape
from string import Template
from typing import Any

from derive import __version__
from verify.report.document import asset, head
from verify.report.law.ensemble import DRAWN, PATHS, TIME, Cloud, Ensemble, Law

_MARKS = ("s0", "s1", "s2", "s3", "s4")


def law_page(found: Ensemble) -> str:
    """The HTML text."""
    app = asset("law", "law.js")
    gammas = list(dict.fromkeys(str(c.gamma) for c in found.clouds))
    batches = sorted({c.batch for c in found.clouds})
    return Template(asset("law", "law.html")).substitute(
        head=head(app), title=escape(found.configuration.scheme.title), style=asset("style.css"),
        lead=escape(_lead(found)), equation=escape(found.text), about=escape(_about(found)),
        gammas=len(gammas) - 1, middle=len(gammas) // 2, batch=_slider(len(batches)),
        drawn=DRAWN, words="\n".join(f"<p>{escape(w)}</p>" for w in words(found)),
        version=escape(__version__), data=_data(found, gammas, batches), app=app,
    )  # fmt: skip


def _slider(batches: int) -> str:
    """Of the batch size, where samples are drawn."""
    if batches < 2:
        return ""
    slider = f'<input type="range" id="batch" min="0" max="{batches - 1}" value="0" step="1" autocomplete="off">'
    return f'<p class="control"><label for="batch">batch size B</label>{slider}<output id="batch-value"></output></p>'


def _lead(found: Ensemble) -> str:
    regime = f", regime {found.configuration.regime}" if found.configuration.regime else ""
    return f"The law of the iterates{regime}: a generator in powers of γ through γ^{found.order}, and paths beside it."


def _about(found: Ensemble) -> str:
    values = ", ".join(f"{n} = {q}" for n, q in found.parameters.items())
    begin = f", after {found.before} steps in which the memory forgets where it began" if found.before else ""
    return (
        f"{PATHS} paths of the update on three random quadratic losses in two variables with the probabilities 1/2, 1/3, 1/6,"
        f" until the time nγ = {TIME}{begin}{f'; {values}' if values else ''}. Of quadratic losses mean and covariance obey"
        " closed equations, so that those of the scheme, and of the generator cut off after each power of γ, are computed without"
        " sampling."
    )


def words(found: Ensemble) -> list[str]:
    """Where the equation ends, and what was proved."""
    first = found.no_sde_from
    if first is None:
        said = f"Through γ^{found.order} the generator has a drift and a diffusion matrix alone: that of a stochastic"
        said += " differential equation, wherever this matrix has no negative direction."
    else:
        said = f"No stochastic differential equation has this law from γ^{first} on: the generator has a part of third order and"
        said += " more. Mean and covariance, which the picture shows, do not see that part on quadratic losses; third moments do."
    limit = ["At γ^0 there is no noise: the limit is a flow, which spreads a point into no ellipse."] if found.quiet else []
    return [said, *limit, f"Proof by a program that shares nothing with the derivation: {found.proof}."]


# ---------------------------------------------------------------------------------------------- data


def _data(found: Ensemble, gammas: list[str], batches: list[int]) -> str:
    data = {"gammas": gammas, "batches": batches, "clouds": [_cloud(c) for c in found.clouds]}
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _cloud(c: Cloud) -> dict[str, Any]:
    exact = [_law("the scheme, exactly", "s4", c.exact)] if c.exact else []
    claimed = [_law(f"generator through γ^{k}", _MARKS[min(k, 3)], law) for k, law in enumerate(c.claimed)]
    return {
        "gamma": str(c.gamma), "batch": c.batch, "points": [[round(float(z), 4) for z in p] for p in c.points],
        "laws": [_law(f"{PATHS} paths", "iterates", c.paths), *exact, *claimed], "said": _said(c),
    }  # fmt: skip


def _law(name: str, mark: str, law: Law) -> dict[str, Any]:
    return {"name": name, "mark": mark, "mean": _rounded(law.mean), "covariance": _rounded(law.covariance)}


def _rounded(values: tuple[float, ...]) -> list[float]:
    return [float(f"{x:.7g}") if abs(x) > 1e-12 else 0.0 for x in values]


def _said(c: Cloud) -> str:
    """How far the last truncation is from the scheme, in words."""
    drawn = f"{c.steps} steps of γ = {c.gamma}" + f", batches of {c.batch}" * (c.batch > 1)
    if c.exact is None:
        return f"{drawn}: at this step memory and point forget alike, and no law of the point alone is left to compare with."
    errors = [abs(law.covariance[0] - c.exact.covariance[0]) / max(abs(c.exact.covariance[0]), 1e-12) for law in c.claimed]
    shown = ", ".join(f"{100 * e:.3g} % through γ^{k}" for k, e in enumerate(errors))
    return f"{drawn}: the variance of x is off by {shown}."
