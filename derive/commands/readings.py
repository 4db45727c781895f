"""The commands of the readings: parse options, call, print."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

from derive.commands.console import ascii_only
from derive.commands.console import settings as parse_settings
from derive.commands.helping import SCHEME_FILE, complete_regimes, complete_schemes, epilog
from derive.commands.options import (
    Decorator,
    Function,
    assume_option,
    chosen_letters,
    chosen_scheme,
    chosen_settings,
    letters_option,
    note_ranges,
    output_option,
    pair_in_regions,
    scheme_options,
)


def reading(name: str, *examples: str) -> Callable[[Function], click.Command]:
    return click.command(name, epilog=epilog(examples, SCHEME_FILE))


def order_option(default: int, text: str) -> Decorator:
    return click.option("--order", type=int, default=default, show_default=True, help=text)


def format_option(function: Function) -> Function:
    """--format, --ascii, --letters, --output."""
    plain = click.option("--ascii", "plain", is_flag=True, help="ASCII only (the default where the terminal has no Unicode).")
    output = click.option("--format", "output", type=click.Choice(["text", "latex", "json"]), default="text", show_default=True)
    return output(plain(letters_option(output_option(function))))


def point_options(function: Function) -> Function:
    """--loss, --at, --digits: exact values at a point."""
    for option in reversed((
        click.option("--loss", metavar="EXPR", help="A concrete loss in named variables (with --at)."),
        click.option("--at", metavar="x=1/2,y=1/3", help="Exact values at a point of that loss."),
        click.option("--digits", type=int, default=50, show_default=True, help="Digits of values that are not rational."),
    )):  # fmt: skip
        function = option(function)
    return function


def pair_options(order: int) -> Decorator:
    """A, B, --order, --regime, --regime-a, --regime-b, --set: two schemes that are compared."""
    options: tuple[Decorator, ...] = (
        click.argument("a", metavar="A", shell_complete=complete_schemes),
        click.argument("b", metavar="B", shell_complete=complete_schemes),
        order_option(order, "Compare through gamma^ORDER."),
        click.option("--regime", metavar="NAME", shell_complete=complete_regimes, help="The regime of both."),
        click.option("--regime-a", metavar="NAME", shell_complete=complete_regimes, help="The regime of A."),
        click.option("--regime-b", metavar="NAME", shell_complete=complete_regimes, help="The regime of B."),
        click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
                     help="Set a parameter in the schemes that have it. Repeatable."),
    )  # fmt: skip

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def chosen(options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The scheme, and regime and settings as keywords."""
    scheme = chosen_scheme(options["scheme"], options["update"], options["parameters"], options["settings"])
    return scheme, {"regime": options["regime"], "settings": chosen_settings(scheme, options["settings"])}


def _point(loss: str | None, at: str | None) -> bool:
    if (loss is None) != (at is None):
        raise click.UsageError("--loss and --at go together, such as --loss 'x**4/4 + x*y**2' --at x=1/2,y=1/3")
    return loss is not None


def print_reading(reading: Any, lines: Function, output: str, plain: bool, extra: Mapping[str, Any], values: Any = None) -> None:
    """The reading in the chosen format; `values` of one variable, theta, or of the energy."""
    from derive.writing.latex import fragment
    from derive.writing.letters import for_reading
    from derive.writing.series import notation
    from derive.writing.values import value_text

    if output == "json":
        data = dict(extra) | reading.to_json()
        if values is not None:
            data["values"] = values
        click.echo(json.dumps(data, indent=2))
        return
    equation = getattr(reading, "equation", None)
    output_style = "latex" if output == "latex" else "ascii" if plain or ascii_only() else "unicode"
    letters = for_reading(chosen_letters(), reading, output == "latex")
    style = notation(output_style, equation, getattr(reading, "derivative", None), letters)
    if values is not None:
        click.echo(value_text(values, style))
    elif output == "latex":
        click.echo(fragment(lines(reading, style)))
    else:
        click.echo("\n".join(lines(reading, style)))


def reading_header(scheme: Any, options: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"scheme": scheme.name, "regime": options["regime"] or next(iter(scheme.regimes), ""), **more}


@reading(
    "modified-loss",
    "derive modified-loss momentum --order 2",
    "derive modified-loss adam",
    "derive modified-loss momentum --form map --order 3",
)
@scheme_options
@order_option(1, "Look for a potential through gamma^ORDER.")
@click.option(
    "--form",
    type=click.Choice(["flow", "map"]),
    default="flow",
    show_default=True,
    help="flow: theta' = -grad V; map: theta+ = theta - gamma grad V.",
)
@format_option
def modified_loss(order: int, form: str, output: str, plain: bool, **options: Any) -> None:
    """The loss that is really minimised, as far as it exists, and what stands in its way after that."""
    from derive.readings.loss import modified_loss as read
    from derive.readings.loss import modified_losses as read_players
    from derive.writing.losses import loss_lines, losses_lines

    scheme, keywords = chosen(options)
    header = reading_header(scheme, options, order=order, form=form)
    if scheme.losses:
        print_reading(read_players(scheme, order, form=form, **keywords), losses_lines, output, plain, header)
    else:
        print_reading(read(scheme, order, form=form, **keywords), loss_lines, output, plain, header)


@reading(
    "second-order",
    "derive second-order nesterov --regime strongly-convex",
    "derive second-order momentum --order 2 --format latex",
)
@scheme_options
@order_option(1, "Keep the terms through gamma^ORDER.")
@point_options
@format_option
def second_order(order: int, loss: str | None, at: str | None, digits: int, output: str, plain: bool, **options: Any) -> None:
    """theta'' = sum gamma^k (...): the velocity eliminated.

    In terms and values p is theta'; --at gives it as p_x=..., p_y=... (eta_x=... is taken to mean the same).
    """
    from derive.readings.second_order import regime_with_velocity
    from derive.readings.second_order import second_order as read
    from derive.writing import readings as report

    scheme, keywords = chosen(options)
    keywords["regime"] = options["regime"] = keywords["regime"] or regime_with_velocity(scheme)
    s = read(scheme, order, **keywords)
    values = {"theta": s.evaluate(loss, at or "", digits)} if _point(loss, at) and loss else None
    print_reading(s, report.second_order_lines, output, plain, reading_header(scheme, options, order=order), values)


@reading(
    "accuracy",
    'derive accuracy momentum --regime leapfrog --target "theta\'\' + lam*theta\' + grad"',
    'derive accuracy rk4 --target "theta\' + grad"',
)
@scheme_options
@click.option(
    "--target", required=True, metavar="EQUATION", help="Such as \"theta'' + lam*theta' + grad\" or \"theta' + grad\" (= 0)."
)
@order_option(4, "Look for the defect through gamma^ORDER.")
@format_option
def accuracy(target: str, order: int, output: str, plain: bool, **options: Any) -> None:
    """The order to which a scheme's theta follows a target equation, and the leading defect.

    The target may contain theta, theta', theta'', grad, hess(x), d3(x, y), gamma, t and the scheme's parameters.
    """
    from derive.readings.accuracy import accuracy as read
    from derive.writing import readings as report

    scheme, keywords = chosen(options)
    a = read(scheme, target, order, **keywords)
    print_reading(a, report.accuracy_lines, output, plain, reading_header(scheme, options))


@reading(
    "stability",
    "derive stability momentum",
    "derive stability nesterov --set beta=9/10",
    "derive stability gd --plot region.svg",
)
@scheme_options
@click.option("--plot", metavar="FILE", help="Write a figure of the stable region (.png, .svg, .pdf).")
@click.option(
    "--game", type=click.Choice(["bilinear", "quadratic"]), default="bilinear", show_default=True,
    help="For two players: f = s*x*y, or f = s*(a*x^2/2 + x*y - b*y^2/2); g = -f.",
)  # fmt: skip
@format_option
def stability(plot: str | None, game: str, output: str, plain: bool, **options: Any) -> None:
    """The interval of gamma*h, h a curvature, in which the scheme is stable on quadratic losses.

    For two players, that of gamma*s, s the coupling of a zero-sum game.
    """
    from derive.readings.stability import stability as read
    from derive.writing.stability import stability_lines

    if plot is not None:
        from derive.writing.region import check_region_name

        check_region_name(plot)
    scheme, keywords = chosen(options)
    s = read(scheme, game=game, **keywords)
    if plot is not None:
        from derive.writing.region import plot_region

        plot_region(s, plot)
        click.echo(f"wrote {plot}", err=True)
    print_reading(s, stability_lines, output, plain, reading_header(scheme, options))


@reading(
    "energy",
    "derive energy momentum --regime leapfrog --order 2",
    "derive energy nesterov",
)
@scheme_options
@order_option(2, "Derive the energy through gamma^ORDER.")
@click.option("--damping", metavar="NAME", help="The parameter that is zero in the undamped scheme; found where it is not given.")
@point_options
@format_option
def energy(order: int, damping: str | None, loss: str | None, at: str | None, digits: int, output: str, plain: bool,
           **options: Any) -> None:  # fmt: skip
    """The modified energy of a scheme with a velocity: conserved without damping, and its rate of dissipation with it.

    Without --regime, the one that follows its equation of second order most closely is taken.
    """
    from derive.readings.energy import mechanical_regime, modified_energy
    from derive.writing import readings as report

    if options["scheme"] is None and options["update"] is None:
        options["scheme"] = "momentum"
    scheme, keywords = chosen(options)
    keywords["regime"] = options["regime"] = keywords["regime"] or mechanical_regime(scheme)
    e = modified_energy(scheme, order, damping=damping, **keywords)
    values = {"energy": [[v] for v in e.evaluate(loss, at or "", digits)]} if _point(loss, at) and loss else None
    print_reading(e, report.energy_lines, output, plain, reading_header(scheme, options, order=order), values)


@reading(
    "modifying",
    "derive modifying gd --order 2",
    'derive modifying momentum --set beta=9/10 --loss "x**4/4 + x*y**2" --at x=1/2,y=1/3',
)
@scheme_options
@order_option(1, "Correct through gamma^ORDER.")
@point_options
@format_option
def modifying(order: int, loss: str | None, at: str | None, digits: int, output: str, plain: bool, **options: Any) -> None:
    """The inverse problem: the field (or loss) to hand to the scheme so that it follows its own limit flow."""
    from derive.readings.modifying import modifying_field
    from derive.writing import readings as report

    scheme, keywords = chosen(options)
    m = modifying_field(scheme, order, **keywords)
    values = {"theta": m.evaluate(loss, at or "", digits)} if _point(loss, at) and loss else None
    print_reading(m, report.modifying_lines, output, plain, reading_header(scheme, options, order=order), values)


@reading(
    "initial-layer",
    "derive initial-layer momentum",
    "derive initial-layer ema-momentum --order 2",
    "derive initial-layer game-negative-momentum",
    "derive initial-layer momentum --law --order 2",
)
@scheme_options
@order_option(1, "Derive the shift through gamma^ORDER.")
@click.option("--law", is_flag=True, help="In law: every gradient is that of the step's sample.")
@point_options
@click.option("--variables", metavar="x = x1, x2; y = y1", help="The variables of each unknown of a game.")
@format_option
def initial_layer(order: int, law: bool, loss: str | None, at: str | None, digits: int, variables: str | None, output: str,
                  plain: bool, **options: Any) -> None:  # fmt: skip
    """Started from rest (zero memory): the shifted point from which the modified flow starts, and the transient.

    In law, for a text with sgrad(x) or normal() or with --law: the random point from which the modified law starts.
    """
    from derive.readings.initial_layer import initial_layer as read
    from derive.writing import readings as report

    scheme, keywords = chosen(options)
    if law or scheme.stochastic:
        from derive.readings.initial_law import initial_law
        from derive.writing.laws import initial_law_lines

        if loss is not None or at is not None:
            raise click.UsageError("--loss and --at go with the initial layer without noise; leave them out")
        reading_ = initial_law(scheme, order, **keywords)
        return print_reading(reading_, initial_law_lines, output, plain, reading_header(scheme, options, order=order))
    layer = read(scheme, order, **keywords)
    values = layer.values(loss, at or "", digits, variables) if _point(loss, at) and loss else None
    print_reading(layer, report.initial_layer_lines, output, plain, reading_header(scheme, options, order=order), values)


@reading(
    "finite-step",
    "derive finite-step adam-bias-corrected",
    "derive finite-step adam-bias-corrected --step 3 --set beta1=9/10",
    "derive finite-step adam-bias-corrected --set beta1=9/10 --set beta2=99/100 --set eps=1 --layer --format json",
)
@scheme_options
@order_option(1, "Derive the step through gamma^(ORDER + 1).")
@click.option("--step", type=int, metavar="N", help="After N steps, a number; any order then.")
@click.option("--layer", is_flag=True, help="With --format json: the sum over all steps of what decays, in decimals.")
@point_options
@format_option
def finite_step(order: int, step: int | None, layer: bool, loss: str | None, at: str | None, digits: int, output: str,
                plain: bool, **options: Any) -> None:  # fmt: skip
    """Started from rest: the step after N others, bias corrections as they are, and what of it decays with N."""
    from derive.readings.finite_step import finite_step as read
    from derive.writing import readings as report

    if layer and output != "json":
        raise click.UsageError("--layer prints decimals; write --format json")
    scheme, keywords = chosen(options)
    found = read(scheme, order, step=step, **keywords)
    values = {"theta": found.evaluate(loss, at or "", digits)} if _point(loss, at) and loss else None
    extra = reading_header(scheme, options, order=order) | ({"layer": found.layer()} if layer else {})
    print_reading(found, report.finite_step_lines, output, plain, extra, values)


@reading(
    "compare",
    "derive compare nesterov nesterov-keras",
    "derive compare momentum ema-momentum --set beta=1/2",
    "derive compare gd heun --format json",
)
@pair_options(2)
@assume_option
@format_option
def compare(a: str, b: str, order: int, regime: str | None, regime_a: str | None, regime_b: str | None,
            settings: tuple[str, ...], output: str, plain: bool) -> None:  # fmt: skip
    """Whether two schemes (names or files) agree, through which power, and whether a change of variables makes them agree."""
    from derive.readings.compare import compare as read
    from derive.writing import readings as report

    values = parse_settings(settings)
    regimes = regime_a or regime, regime_b or regime
    first, second = pair_in_regions((a, b), regimes, values)
    c = read(first, second, order, regimes=regimes, settings=values)
    note_ranges(values, c.first.scheme, c.second.scheme)
    header = {"schemes": [c.first.scheme.name, c.second.scheme.name],
              "regimes": [c.first.configuration.regime, c.second.configuration.regime]}  # fmt: skip
    print_reading(c, report.comparison_lines, output, plain, header)


@reading(
    "explain",
    "derive explain momentum",
    "derive explain adam --regime memory --set beta1=9/10",
    'derive explain --update "theta = theta - gamma*grad(theta_next)"',
)
@scheme_options
@click.option("--order", type=click.IntRange(0, 12), default=1, show_default=True, help="Show the terms through gamma^ORDER.")
@format_option
def explain(order: int, output: str, plain: bool, **options: Any) -> None:
    """What one scheme does, on one screen: limit flow, first corrections, modified loss, accuracy, stability, memory.

    All regimes are shown, or the one of --regime; --set holds in every regime that has the parameter free.
    """
    from derive.readings.explain import explain as read
    from derive.writing.explanation import explanation_lines

    scheme, keywords = chosen(options)
    print_reading(read(scheme, order, **keywords), explanation_lines, output, plain, {})
