"""The page on a law: paths, exact moments and the generator's agree as they should, and the page draws them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_report_browser import chromium, complaints, needs_chromium

from derive import modified_sde
from derive.errors import DeriveError
from derive.noise.sampling import with_samples
from derive.scheme import load_scheme
from verify.commands.main import main
from verify.report.law.ensemble import PATHS, Cloud, Ensemble, Law, gather_law
from verify.report.law.page import law_page, words
from verify.sde.moments import Moments

SCHEMES = ("gd", "momentum", "langevin")


@cache
def found(name: str, order: int = 2) -> Ensemble:
    return gather_law(with_samples(load_scheme(name)), order)


def distance(a: Law, b: Law) -> float:
    return max(abs(x - y) for x, y in zip((*a.mean, *a.covariance), (*b.mean, *b.covariance), strict=True))


def compared(ensemble: Ensemble) -> Iterator[tuple[Cloud, Law]]:
    yield from ((c, c.exact) for c in ensemble.clouds if c.exact is not None)


# ---------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("name", SCHEMES)
def test_paths_have_the_exact_law(name: str) -> None:
    """Within five standard deviations of a mean over the paths; Gaussian ones of the variance, with room for the tails."""
    for c, exact in compared(found(name)):
        xx, _, yy = exact.covariance
        for k, v in enumerate((xx, yy)):
            assert abs(c.paths.mean[k] - exact.mean[k]) < 5 * sqrt(v / PATHS) + 1e-9, (c.gamma, c.batch)
            assert abs(c.paths.covariance[2 * k] - v) < 5 * sqrt(4 / PATHS) * v + 1e-9, (c.gamma, c.batch)


@pytest.mark.parametrize("name", SCHEMES)
def test_every_power_of_the_generator_comes_closer(name: str) -> None:
    """At the smallest step, of all batch sizes."""
    smallest = min(c.gamma for c in found(name).clouds)
    for c, exact in compared(found(name)):
        errors = [distance(law, exact) for law in c.claimed]
        if c.gamma == smallest:
            assert errors == sorted(errors, reverse=True), (c.gamma, c.batch)
            assert errors[-1] < errors[0] / 50


def test_a_wrong_generator_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a diffusion that is lost, the law is not that of the paths."""
    right = Moments.generator
    monkeypatch.setattr(Moments, "generator", lambda self, gamma, order: right(self, gamma, 0))
    for c, exact in compared(gather_law(with_samples(load_scheme("gd")), 1)):
        assert abs(c.claimed[-1].covariance[0] - exact.covariance[0]) > exact.covariance[0] / 2


def test_larger_batches_have_less_noise_and_langevin_has_none_to_choose() -> None:
    sizes = {c.batch: c.paths.covariance[0] for c in found("gd").clouds if str(c.gamma) == "1/50"}
    assert list(sizes) == [1, 2, 4, 8]
    assert 6 < sizes[1] / sizes[8] < 11
    assert {c.batch for c in found("langevin").clouds} == {1}


def test_the_same_twice() -> None:
    again = law_page(gather_law(with_samples(load_scheme("gd")), 2))
    assert again == law_page(found("gd"))


def test_the_memory_is_forgotten_before_the_picture_begins() -> None:
    assert [found(name).before for name in SCHEMES] == [0, 11, 0]


# ---------------------------------------------------------------------------------------------- words


def test_it_says_where_no_equation_has_the_law() -> None:
    assert "No stochastic differential equation has this law from γ^2 on" in words(found("gd"))[0]
    assert "a drift and a diffusion matrix alone" in words(found("gd", 1))[0]
    assert "At γ^0 there is no noise" in " ".join(words(found("gd")))
    assert "At γ^0 there is no noise" not in " ".join(words(found("langevin")))
    assert "proved for every smooth loss" in words(found("momentum"))[-1]


def test_the_page_holds_everything_it_needs() -> None:
    page = law_page(found("gd"))
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert html.escape(str(modified_sde("gd", 2)).splitlines()[3]) in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gd", "--sde", "--loss", "x**2 + y**2"), "--loss"),
        (("momentum", "--sde", "--regime", "inertial"), "one slow variable"),
        (("--update", "theta = theta - gamma*sign(sgrad(theta))"), "linear"), (("game-simultaneous", "--sde"), "slow variable"),
    ],
)  # fmt: skip
def test_what_has_no_page(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["report", *arguments, "-o", str(tmp_path / "law.html")])
    said = str(result.exception) if isinstance(result.exception, DeriveError) else result.output
    assert result.exit_code != 0
    assert message in said
    assert not (tmp_path / "law.html").exists()


# ---------------------------------------------------------------------------------------------- in a browser

PROBE = """<script>
addEventListener("error", e => { document.documentElement.dataset.error = e.message; });
addEventListener("load", () => {
  const at = id => document.getElementById(id), seen = [];
  const look = () => seen.push({ ellipses: document.querySelectorAll("#cloud path:not(.cross)").length,
    dots: document.querySelectorAll("#cloud circle").length, rows: at("laws").tBodies[0].rows.length,
    variance: Number(at("laws").tBodies[0].rows[1].cells[3].textContent), status: at("status").textContent,
    wide: document.documentElement.scrollWidth > innerWidth, gamma: at("gamma-value").value, batch: at("batch-value").value });
  look();
  for (const [id, value] of [["gamma", 0], ["batch", 3], ["gamma", 4]]) {
    at(id).value = value;
    at(id).dispatchEvent(new Event("input", { bubbles: true }));
    look();
  }
  const out = document.createElement("pre");
  out.id = "probe";
  out.textContent = JSON.stringify(seen);
  document.body.append(out);
});
</script>"""


@needs_chromium
def test_sliders_move_the_laws(tmp_path: Path) -> None:
    path = tmp_path / "law.html"
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", law_page(found("gd")))
    path.write_text(page.replace("</body>", PROBE + "</body>"), "utf-8")
    done = chromium(path, tmp_path / "profile", "--dump-dom", "--window-size=500,900")
    assert not complaints(done.stderr)
    assert "data-error" not in done.stdout
    probe = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
    assert probe is not None
    seen: list[dict[str, Any]] = json.loads(html.unescape(probe[1]))
    assert [(s["gamma"], s["batch"]) for s in seen] == [("1/10", "1"), ("1/50", "1"), ("1/50", "8"), ("1/4", "8")]
    assert all((s["dots"], s["rows"], s["ellipses"], s["wide"]) == (300, 5, 4, False) for s in seen)
    assert seen[0]["variance"] > seen[1]["variance"] > seen[2]["variance"] < seen[3]["variance"]
    assert len({s["status"] for s in seen}) == 4


@needs_chromium
def test_the_page_as_it_is_draws_without_a_complaint(tmp_path: Path) -> None:
    """With its content security policy in force."""
    path = tmp_path / "law.html"
    path.write_text(law_page(found("momentum")), "utf-8")
    done = chromium(path, tmp_path / "profile", "--dump-dom")
    assert not complaints(done.stderr)
    assert 'data-drawn="1"' in done.stdout
    assert "NaN" not in done.stdout
