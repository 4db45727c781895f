"""The command `verify sde`: parse options, call, print."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from derive.commands.console import progress
from derive.commands.helping import SCHEME_FILE, epilog
from derive.commands.options import chosen_scheme, chosen_settings, output_option, scheme_options
from derive.files import check_writable

if TYPE_CHECKING:
    from derive.scheme import Configuration
    from verify.sde.verification import SdeVerification

EPILOG = epilog(
    (
        'verify sde --update "theta = theta - gamma*sgrad(theta)" --order 2',
        "verify sde momentum --batch B           # grad(x) is read as the gradient of the step's sample",
        "verify sde gd --sampling reshuffled --order 2",
        "verify sde momentum --order 2 --certificate law.json",
        'verify sde --update "theta = theta - gamma*grad(theta) + sqrt(2*gamma)*normal()" --format json',
    ),
    SCHEME_FILE,
    "A generator of your own is JSON, as derive modified-sde --format json prints it; generator is enough, and batch, batches, "
    "symbols and opaque where it has them.",
)
ROUTES, REFUTED, UNDECIDED = 4, 1, 2


@click.command("sde", epilog=EPILOG)
@scheme_options
@click.option("--order", type=click.IntRange(0, 6), default=1, show_default=True, help="Verify G through gamma^ORDER.")
@click.option("--sampling", type=click.Choice(["iid", "reshuffled"]), help="As in derive modified-sde.")
@click.option("--batch", metavar="B", help="Every gradient is a mean over B samples, a number or a symbol.")
@click.option("--claim", metavar="FILE.json", help="The generator to verify, as derive modified-sde --format json prints it.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the quadratic losses of the numerical routes.")
@click.option("--paths", "simulated", type=click.IntRange(0, 10**7), default=0, help="Also simulate so many paths, 200000 say.")
@click.option("--certificate", metavar="FILE.json", help="Write a certificate (see 'verify certificate').")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
@output_option
def sde_command(
    scheme: str | None, update: str | None, parameters: tuple[str, ...], regime: str | None, settings: tuple[str, ...],
    order: int, sampling: str | None, batch: str | None, claim: str | None, seed: int, simulated: int, certificate: str | None,
    form: str,
) -> int:  # fmt: skip
    """Derive the generator of a stochastic optimizer, E phi(theta_n) = exp(n gamma G) phi, and verify it from the update text:
    a proof in random finite worlds, slopes of moments, the variance that is left after a long time.

    A text without sgrad and normal takes one sample a step. Exit status: 0 verified, 1 refuted, 2 cannot run or not proved.
    """
    from derive.scheme import configure
    from verify.sde.verification import verify_generator

    if certificate is not None:
        check_writable(certificate, "--certificate")
    chosen = chosen_scheme(scheme, update, parameters, settings)
    values = chosen_settings(chosen, settings)
    if claim is None:
        from derive import modified_sde

        data = modified_sde(chosen, order, regime=regime, settings=values, sampling=sampling, batch=batch).to_json()
    else:
        data = _read(claim)
    if isinstance(data, dict) and data.get("batches"):
        values = {n: x for n, x in values.items() if n in chosen.names}  # not the number of batches
    configuration = configure(chosen, regime, values, noise=True)
    statement = _statement(configuration, data) if certificate else None
    with progress("verifying", ROUTES) as advance:
        found = verify_generator(configuration, data, seed, simulated, lambda name: advance(1))
    if form == "json":
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        _print(found)
    if certificate and statement:
        _write(certificate, statement, found.verdict)
    return {"verified": 0, "refuted": REFUTED}.get(found.verdict, UNDECIDED)


def _statement(configuration: Configuration, data: Any) -> dict[str, Any]:
    from verify.sde.certificate import sde_certificate

    return sde_certificate(configuration, data)


def _write(path: str, statement: dict[str, Any], verdict: str) -> None:
    from verify.certificate.writing import write_certificate

    if verdict != "verified":
        click.echo(f"verify: no certificate written: the verdict is '{verdict}'", err=True)
        return
    write_certificate(path, statement)
    click.echo(f"wrote {path}", err=True)


def _read(path: str) -> Any:
    from derive.language.sources import json_data, read_text

    where = f"--claim {path}"
    return json_data(read_text(path, "claim"), where)


def _print(v: SdeVerification) -> None:
    c = v.configuration
    click.echo(f"{c.scheme.title}" + (f", regime {c.regime}" if c.regime else "") + f", generator through gamma^{v.claim.order}")
    click.echo(f"\nProof\n  {v.proof}")
    shape = v.proof.shape
    if shape is not None and v.proof.verdict == "proved":
        worlds = f"{v.proof.worlds} random worlds over prime fields"
        click.echo(f"  ({worlds}: dimension {shape.dimension}, {shape.samples} samples, {v.proof.tests} test functions)")
    _print_slopes(v)
    if s := v.stationary:
        slope = "none left" if s.slope is None else f"slope {s.slope:.6f} (expected {s.order + 1})"
        click.echo(f"\nVariance after a long time, quadratic loss, additive noise, gamma = {s.gamma}")
        click.echo(f"  {s.exact:.12g} exact, {s.claimed:.12g} of the generator; difference against gamma: {slope}")
    if m := v.simulation:
        click.echo(f"\n{m.paths} paths, gamma = {m.gamma}: mean of phi at the end less the generator's")
        for r in m.rows:
            found = ", ".join(f"{x:+.2e} through gamma^{k}" for k, x in enumerate(r.differences[1:]))
            click.echo(f"  phi = x^{r.degree}: {found}; standard deviation {r.deviation:.1e}")
    for name, reason in v.skipped.items():
        click.echo(f"\n{name}: not run: {reason}")
    click.echo(f"\nverdict: {v.verdict}" + (f" (by: {', '.join(v.refuted_by)})" if v.refuted_by else ""))


def _print_slopes(v: SdeVerification) -> None:
    s = v.slopes
    if s is None:
        return
    values = ", ".join(f"{n} = {q}" for n, q in s.parameters.items())
    click.echo(f"\nMoments of degree {s.degree} on quadratic losses" + (f" ({values})" if values else ""))
    for k, slope in enumerate(s.slopes):
        found = "exact" if slope is None else f"{slope:.6f}"
        click.echo(f"  G through gamma^{k}: slope of the error {found} (expected {k + 1})")


__all__ = ["sde_command"]
