"""The commands of readings in law: parse options, call, print."""

from __future__ import annotations

from typing import Any

import click

from derive.commands.console import settings as parse_settings
from derive.commands.options import note_ranges, scheme_options
from derive.commands.readings import (
    chosen,
    format_option,
    order_option,
    pair_options,
    print_reading,
    reading,
    reading_header,
)

SAMPLINGS = click.Choice(["iid", "reshuffled"])


@reading(
    "stationary-law",
    "derive stationary-law momentum",
    'derive stationary-law --update "theta = theta - gamma*grad(theta) + sqrt(2*gamma)*normal()"',
)
@scheme_options
@order_option(2, "Keep ORDER corrections of the variance.")
@format_option
def stationary_law(order: int, output: str, plain: bool, **options: Any) -> None:
    """The law in which a stochastic scheme settles: variance and temperature on a quadratic loss, in closed form; the stationary
    density for any loss where normal() is there; detailed balance.

    A text without sgrad(x) or normal() is read with every gradient that of the step's sample.
    """
    from derive.readings.stationary import stationary_law as read
    from derive.writing.stationary import stationary_lines

    scheme, keywords = chosen(options)
    law = read(scheme, order, **keywords)
    print_reading(law, stationary_lines, output, plain, reading_header(scheme, options, order=order))


@reading(
    "compare-laws",
    "derive compare-laws sgd momentum",
    "derive compare-laws sgd sgd --linear-scaling --order 2",
    "derive compare-laws momentum ema-momentum --order 2",
    "derive compare-laws sgd sgd --sampling-b reshuffled",
)
@pair_options(1)
@click.option("--linear-scaling", is_flag=True, help="B with batches and steps kappa times as large, against kappa steps of A.")
@click.option("--sampling-a", type=SAMPLINGS, help="How A draws samples; else as its file says.")
@click.option("--sampling-b", type=SAMPLINGS, help="How B draws samples.")
@format_option
def compare_laws(a: str, b: str, order: int, linear_scaling: bool, regime: str | None, regime_a: str | None,
                 regime_b: str | None, sampling_a: str | None, sampling_b: str | None, settings: tuple[str, ...], output: str,
                 plain: bool) -> None:  # fmt: skip
    """Whether two stochastic schemes (names or files) have the same law, through which power, and which tied forests differ.

    Where only a factor tells their limits apart, B is run with the step that makes them equal.
    """
    from derive.readings.laws import compare_laws as read
    from derive.writing.laws import law_comparison_lines

    values = parse_settings(settings)
    regimes, samplings = (regime_a or regime, regime_b or regime), (sampling_a, sampling_b)
    c = read(a, b, order, regimes=regimes, settings=values, samplings=samplings, linear_scaling=linear_scaling)
    configurations = [g.configuration for g in (c.first, c.second)]
    note_ranges(values, *(x.scheme for x in configurations))
    said = {"schemes": [x.scheme.name for x in configurations], "regimes": [x.regime for x in configurations]}
    print_reading(c, law_comparison_lines, output, plain, said)
