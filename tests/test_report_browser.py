"""The report page in headless Chromium: it draws, its sliders move the picture, and it has nothing to complain about."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from derive import load_scheme
from verify.commands.report import report_command
from verify.report.material import Request, gather
from verify.report.page import report_page

pytest.importorskip("ziamath", reason="the report's formulas need ziamath")
CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: the page cannot be opened")


@pytest.fixture(scope="module")
def page() -> str:
    return report_page(gather(Request(load_scheme("momentum"), 2, certificate=False)))


PROBE = """<script>
addEventListener("error", e => { document.documentElement.dataset.error = e.message; });
addEventListener("load", async () => {
  const at = id => document.getElementById(id), drawn = selector => document.querySelector(selector).getAttribute("d");
  const look = () => ({
    path: drawn("#panel-loss .modified"), contours: drawn("#panel-modified .contours"), dots: drawn("#panel-loss .iterates"),
    shown: at("gamma-value").value, status: at("status").textContent, slider: Number(at("gamma").value),
    limit: Number(at("status").dataset.limit), modified: Number(at("status").dataset.modified),
  });
  const found = { before: look() }, count = () => Number(document.documentElement.dataset.drawn);
  let seen = count();
  const wait = async () => {
    for (let i = 0; i < 200 && count() === seen; i++) await new Promise(done => setTimeout(done, 20));
    seen = count();
  };
  for (const [name, value] of [["gamma", "0.02"], ["p0", "0.8"], ["power", "1"], ["x0", "-1"], ["rest", true]]) {
    const id = name, e = at(name === "rest" ? "rest" : name + "-value");
    if (e.type === "checkbox") e.checked = value; else e.value = value;
    e.dispatchEvent(new Event("input", { bubbles: true }));
    await wait();
    found[id] = look();
  }
  at("play").click();
  for (let i = 0; i < 400 && at("steps-value").value !== "40"; i++)
    await new Promise(done => setTimeout(done, 20));
  found.played = look();
  seen = count();
  at("again").click();
  await wait();
  found.reset = look();
  const out = document.createElement("pre");
  out.id = "probe";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
</script>"""


OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
)  # fmt: skip


def chromium(path: Path, profile: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    options = (*OPTIONS, f"--user-data-dir={profile}", *flags)
    return subprocess.run([str(CHROMIUM), *options, path.as_uri()], capture_output=True, text=True, timeout=120)


def complaints(log: str) -> list[str]:
    return [line for line in log.splitlines() if "CONSOLE" in line or "Refused to" in line]


@needs_chromium
def test_the_page_as_it_is_draws_without_a_complaint(page: str, tmp_path: Path) -> None:
    """With its content security policy in force."""
    path = tmp_path / "report.html"
    path.write_text(page, "utf-8")
    done = chromium(path, tmp_path / "profile", "--dump-dom", "--virtual-time-budget=3000")
    assert not complaints(done.stderr)
    assert 'data-drawn="1"' in done.stdout
    assert re.search(r'id="status"[^>]*data-modified="\d', done.stdout)


@needs_chromium
def test_sliders_move_the_picture(page: str, tmp_path: Path) -> None:
    path = tmp_path / "probe.html"
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    path.write_text(open_page.replace("</body>", PROBE + "</body>"), "utf-8")
    done = chromium(path, tmp_path / "profile", "--dump-dom", "--virtual-time-budget=20000")
    assert not complaints(done.stderr)
    assert "data-error" not in done.stdout
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
    assert found is not None, done.stderr[-500:]
    seen = json.loads(html.unescape(found[1]))
    before = seen["before"]
    assert before["modified"] < before["limit"] / 3, "the picture is instructive"
    assert seen["gamma"]["shown"] == "0.02"
    assert seen["gamma"]["slider"] < before["slider"], "the slider goes where the number is"
    for name, last in (("gamma", "before"), ("p0", "gamma"), ("power", "p0"), ("x0", "power"), ("rest", "x0")):
        assert seen[name]["status"] != seen[last]["status"], name
    assert seen["gamma"]["path"] != before["path"]
    assert seen["p0"]["contours"] != seen["gamma"]["contours"], "the modified loss depends on beta"
    assert seen["power"]["dots"] == seen["p0"]["dots"], "the truncation is none of the scheme's business"
    assert seen["rest"]["dots"] != seen["x0"]["dots"]
    assert seen["played"] == seen["rest"], "playing ends where it began"
    assert seen["reset"] == before


@needs_chromium
@pytest.mark.parametrize(("scheme", "order", "options"), [
    ("adam", 1, ()), ("gd", 0, ()), ("implicit-midpoint", 2, ()), ("momentum", 1, ("--regime", "inertial")),
    ("nesterov-convex", 1, ()), ("gd-schedule", 1, ("--set", "r(t)=1/(1+t)")),
    ("leapfrog-two-step", 2, ("--loss", "a**2 + exp(b) + b**2*a")),
])  # fmt: skip
def test_other_schemes_draw_too(scheme: str, order: int, options: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    result = CliRunner().invoke(
        report_command, ["--scheme", scheme, "--order", str(order), "--no-certificate", *options, "-o", str(path)]
    )
    assert result.exit_code == 0, result.output
    done = chromium(path, tmp_path / "profile", "--dump-dom", "--virtual-time-budget=3000")
    assert not complaints(done.stderr)
    status = re.search(r'id="status"[^>]*data-modified="([^"]+)"', done.stdout)
    assert status is not None
    assert float(status[1]) >= 0


@needs_chromium
def test_a_flow_that_ends_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    """Sign descent reaches a component at which its field jumps."""
    path = tmp_path / "report.html"
    path.write_text(report_page(gather(Request(load_scheme("sign-descent"), 1, certificate=False))), "utf-8")
    done = chromium(path, tmp_path / "profile", "--dump-dom", "--virtual-time-budget=3000")
    assert not complaints(done.stderr)
    status = re.search(r'id="status"[^>]*>([^<]*)<', done.stdout)
    assert status is not None
    assert "NaN" not in status[1]
    assert not re.search(r'\bd="[^"]*NaN', done.stdout)
    assert "ends early" in status[1]
