"""Where the truncated series is of use: what the page starts from, what it says there, and how far its sliders reach."""

from __future__ import annotations

import html
import json
import math
import re
import shlex
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_report_browser import chromium, complaints, needs_chromium
from test_report_javascript import NODE, model_of, needs_node, numbers, run_node

from derive import load_scheme, modified_equation
from verify.commands.report import report_command
from verify.report.material import LOSS, Request, gather
from verify.report.page import report_page
from verify.report.stabiliser import growth, guards, stabiliser_words
from verify.report.words import Phrases

ADAM = {"beta1": "9/10", "beta2": "999/1000", "eps": "1/100000000"}
START = [-2.0, -2.0]


def run_flows(scheme: str, parameters: Sequence[float], expression: str, loss: str = LOSS, order: int = 1, **run: Any) -> Any:
    """An expression of FLOWS and of the run c."""
    model, _ = model_of(scheme, order, loss)
    c = {"g": 0.001, "n": 40, "k": order, "p": list(parameters), "parts": 4, "start": START, "rest": False} | run
    flows = (resources.files("verify.report") / "flows.js").read_text("utf-8")
    code = f"const MODEL={model.text()};{flows};const c={json.dumps(c)};console.log(JSON.stringify({expression}))"
    done = subprocess.run([str(NODE), "-"], input=code, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[:500]
    return json.loads(done.stdout)


# ------------------------------------------------------------------------------------------ where the memory starts


@needs_node
@pytest.mark.parametrize(("parameters", "run", "kind"), [
    ([0.9, 0.999, 1e-8], {}, "lowest"),  # v = g^2 + 999 gamma (...) < 0
    ([0.9, 0.999, 1e-8], {"rest": True}, "rest"),
    ([0.5, 0.75, 0.25], {}, "manifold"),
    ([0.9, 0.999, 1e-8], {"g": 1e-5}, "manifold"),
])  # fmt: skip
def test_the_memory_starts_where_a_step_can_be_taken(parameters: list[float], run: dict[str, Any], kind: str) -> None:
    found = run_flows("adam", parameters, "FLOWS.iterates(c)", **run)
    assert found["begin"]["kind"] == kind
    assert found["end"] == ""
    assert len(found["path"]) == 41
    assert math.dist(found["path"][0], found["path"][-1]) < 41 * 0.001 * 40, "no iterate runs away"


@needs_node
def test_the_truncated_second_moment_is_negative_and_no_step_exists_from_there() -> None:
    """v through gamma^2 at the start: negative in y; the step from it gives no number, the one from g^2 does."""
    begin = run_flows("adam", [0.9, 0.999, 1e-8], "FLOWS.iterates(c).begin")
    assert begin["truncated"][3] < 0 < begin["memory"][3]
    x, y = START
    assert begin["memory"][3] == pytest.approx((y + math.sin(x) / 2) ** 2)
    model, _ = model_of("adam", 1)
    for memory, exists in ((begin["truncated"], False), (begin["memory"], True)):
        z = numbers([*START, *memory])
        assert run_node(model.text(), f"[M.step({z},0.001,[0.9,0.999,1e-8]).every(Number.isFinite)]") == [exists]


@needs_node
def test_momentum_near_one_has_corrections_larger_than_its_lowest_power() -> None:
    assert run_flows("momentum", [0.99], "FLOWS.iterates(c).begin.ratio") >= 1
    assert run_flows("momentum", [0.9], "FLOWS.iterates(c).begin.kind") == "manifold"


# ------------------------------------------------------------------------------------------ how flows and iterates end


@needs_node
@pytest.mark.parametrize(("loss", "start", "kind", "time"), [
    ("-x**4 + y**2", [-2.0, -2.0], "far", 1 / 32),  # x' = 4 x^3: 1/(8 x^2)
    ("exp(0 - x) + y**2", [-1.0, 1.0], None, None),  # x' = e^-x: slower and slower
    ("-exp(x) + y**2", [0.0, 1.0], "far", 1.0),  # x' = e^x, infinite at e^-x, logarithmically
    ("log(x) + y**2", [1.0, 1.0], "singular", 0.5),  # x' = -1/x
    (LOSS, START, None, None),
])  # fmt: skip
def test_leaving_every_bound_is_not_a_singular_field(loss: str, start: list[float], kind: str | None, time: float | None) -> None:
    end = run_flows("gd", [], "FLOWS.flow(c, 0).end", loss, g=0.05, start=start)
    assert (end and end["kind"]) == kind
    assert (end and end["time"]) == (time if time is None else pytest.approx(time, rel=1e-3))


@needs_node
@pytest.mark.parametrize(("loss", "g", "end"), [
    ("x**4 + y**2", 1.0, "far"), ("x**4 + y**2", 0.01, ""), ("x*sqrt(x) + y**2", 1.0, "none"), ("x*sqrt(x) + y**2", 0.01, ""),
])  # fmt: skip
def test_a_step_that_does_not_exist_is_not_a_run_that_leaves_every_bound(loss: str, g: float, end: str) -> None:
    """The gradient of x^(3/2) does not exist for x < 0, where a long step leads."""
    assert run_flows("gd", [], "FLOWS.iterates(c).end", loss, g=g, start=[1.0, 1.0]) == end


# ------------------------------------------------------------------------------------------ what the page says


def written(scheme: str, settings: dict[str, str], path: Path, **request: Any) -> Path:
    path.write_text(report_page(gather(Request(load_scheme(scheme), settings=settings, certificate=False, **request))), "utf-8")
    return path


def said(path: Path, profile: Path) -> dict[str, str]:
    """The texts of the live paragraphs; 'elsewhere' only where it is shown."""
    done = chromium(path, profile, "--dump-dom", "--virtual-time-budget=3000")
    assert not complaints(done.stderr)
    found = re.findall(r'<p id="(status|range|elsewhere)"([^>]*)>(.*?)</p>', done.stdout, re.S)
    return {key: html.unescape(re.sub(r"<[^>]+>", "", text)) for key, attributes, text in found if "hidden" not in attributes}


def ratio(scheme: str, settings: dict[str, str], gamma: Fraction) -> float:
    """|gamma f_1|/|f_0| at the start, from the derivation's own evaluation."""
    f = modified_equation(scheme, 1, settings=settings).evaluate(LOSS, {"x": "-2", "y": "-2"}).values["theta"]
    return float(gamma) * math.hypot(*(float(x) for x in f[1])) / math.hypot(*(float(x) for x in f[0]))


@needs_chromium
@pytest.mark.parametrize(("scheme", "settings", "regime"), [
    ("adam", ADAM, True), ("adamw", {**ADAM, "lam": "1/100"}, False), ("nadam", ADAM, False),
    ("momentum", {"beta": "99/100"}, True), ("rmsprop", {"rho": "999/1000", "eps": "1/100000000"}, True),
    ("rmsprop", {"rho": "99/100", "eps": "1/100000000"}, True),
])  # fmt: skip
def test_real_settings_are_told_the_truth(scheme: str, settings: dict[str, str], regime: bool, tmp_path: Path) -> None:
    path = written(scheme, settings, tmp_path / "r.html", gamma=Fraction(1, 1000))
    texts = said(path, tmp_path / "profile")
    assert "leave every bound" not in "".join(texts.values())
    assert texts["status"].startswith("After 40 steps of size 0.001")
    shown = re.search(r"At the start \|γ f₁\|/\|f₀\| = ([\d.]+)", texts["range"])
    assert shown is not None
    assert float(shown[1]) == pytest.approx(ratio(scheme, settings, Fraction(1, 1000)), rel=1e-2)
    assert ("of no use there" in texts["range"]) == (float(shown[1]) >= 1)
    assert "starts at its lowest power of γ instead" in texts["range"]
    assert ("elsewhere" in texts) == regime


@needs_chromium
@pytest.mark.parametrize(("scheme", "settings"), [("adam", {}), ("momentum", {"beta": "9/10"}), ("adam", ADAM)])
def test_where_the_series_is_of_use_nothing_is_complained_of(scheme: str, settings: dict[str, str], tmp_path: Path) -> None:
    gamma = Fraction(1, 100000) if settings == ADAM else Fraction(1, 1000)
    texts = said(written(scheme, settings, tmp_path / "r.html", gamma=gamma), tmp_path / "profile")
    assert re.fullmatch(r"At the start \|γ f₁\|/\|f₀\| = \d[\d.e-]*\.", texts["range"])
    assert "elsewhere" not in texts


@needs_chromium
def test_the_regime_that_is_named_follows_the_iterates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command as the page prints it: the modified flow is ten times closer than the limit flow, with the same numbers."""
    monkeypatch.chdir(tmp_path)
    words = shlex.split(said(written("adam", ADAM, tmp_path / "r.html", gamma=Fraction(1, 1000)), tmp_path / "p")["elsewhere"])
    command = words[words.index("verify") :]
    assert {"lam1=100", "lam2=1", "eps=1/100000000", "1/1000"} <= set(command)
    result = CliRunner().invoke(report_command, command[2:])
    assert result.exit_code == 0, result.output
    texts = said(tmp_path / "adam-inertial.html", tmp_path / "p")
    closer = re.search(r"([\d.]+) times closer", texts["status"])
    assert closer is not None
    assert float(closer[1]) > 10
    assert "no use" not in texts["range"]


LIVE = """<script>
addEventListener("load", async () => {
  const at = id => document.getElementById(id), found = {}, count = () => document.documentElement.dataset.drawn;
  const range = at("range"), elsewhere = at("elsewhere");
  const look = () => ({ range: range.textContent, out: range.classList.contains("out"), elsewhere: !elsewhere.hidden });
  const put = async (id, value, event = "input") => {
    const before = count(), e = at(id);
    e.value = value;
    e.dispatchEvent(new Event(event, { bubbles: true }));
    for (let i = 0; i < 40 && count() === before; i++) await new Promise(done => setTimeout(done, 20));
  };
  found.first = look();
  await put("p1-value", "0.999");
  found.near = look();
  await put("p1-value", "1");
  found.refused = [at("p1-value").getAttribute("aria-invalid"), look().range === found.near.range];
  await put("p1-value", "abc");
  found.nonsense = at("p1-value").getAttribute("aria-invalid");
  await put("p1-value", "abc", "change");
  found.restored = at("p1-value").value;
  await put("p1-value", "3/4");
  found.back = look();
  found.ends = {};
  for (const id of ["gamma", "p1", "p2", "steps"]) {
    await put(id, at(id).min);
    const least = at(id + "-value").value;
    await put(id, at(id).max);
    found.ends[id] = [least, at(id + "-value").value];
    await put(id, "137");
    found.ends[id].push(at(id + "-value").value, at(id).value);
  }
  const out = document.createElement("pre");
  out.id = "probe";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
</script>"""


def probed(path: Path, profile: Path) -> Any:
    done = chromium(path, profile, "--dump-dom", "--virtual-time-budget=60000")
    assert not complaints(done.stderr)
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
    assert found is not None, done.stderr[-500:]
    return json.loads(html.unescape(found[1]))


def without_policy(text: str) -> str:
    return re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)


@needs_chromium
def test_the_page_says_live_where_the_series_ends_and_takes_what_is_typed(tmp_path: Path) -> None:
    path = written("adam", {}, tmp_path / "r.html")
    path.write_text(without_policy(path.read_text("utf-8")).replace("</body>", LIVE + "</body>"), "utf-8")
    seen = probed(path, tmp_path / "profile")
    assert not seen["first"]["out"]
    assert seen["near"]["out"]
    assert seen["near"]["elsewhere"]
    assert "of no use there" in seen["near"]["range"]
    assert seen["refused"] == ["true", True], "beta2 = 1 is outside the range and changes nothing"
    assert seen["nonsense"] == "true"
    assert seen["restored"] == "0.999"
    assert seen["back"] == seen["first"]
    assert [seen["ends"][k][:2] for k in ("gamma", "p1", "p2", "steps")] == [
        ["0.00001", "1"], ["0", "0.9999"], ["1e-12", "2.5"], ["1", "5000"],
    ]  # fmt: skip
    for least, most, shown, notch in seen["ends"].values():
        assert float(least) < float(shown) < float(most)
        assert len(shown) <= 7, "a slider writes numbers that say all there is"
        assert abs(int(notch) - 137) <= 1, "the number leads back to the notch"


# ------------------------------------------------------------------------------------------ on a telephone

FRAME = """<iframe id="frame" style="width:{width}px;height:900px;border:0"></iframe><script>
const frame = document.getElementById("frame");
frame.onload = () => {{
  const page = frame.contentDocument.documentElement, out = document.createElement("pre");
  out.id = "probe";
  out.textContent = JSON.stringify([page.clientWidth, page.scrollWidth]);
  document.body.append(out);
}};
frame.srcdoc = {page};
</script>"""


def widths(page: str, width: int, tmp_path: Path) -> list[int]:
    """Width of the frame, and of what the page needs."""
    path = tmp_path / "frame.html"
    text = json.dumps(without_policy(page)).replace("</", "<\\/")
    path.write_text(f"<!DOCTYPE html><body>{FRAME.format(width=width, page=text)}</body>", "utf-8")
    measured: list[int] = probed(path, tmp_path / "profile")
    return measured


@needs_chromium
@pytest.mark.parametrize(("scheme", "settings", "order"), [("adam", ADAM, 1), ("momentum", {}, 3), ("sam", {}, 1)])
def test_nothing_sticks_out_on_a_telephone(scheme: str, settings: dict[str, str], order: int, tmp_path: Path) -> None:
    page = written(scheme, settings, tmp_path / "r.html", order=order).read_text("utf-8")
    inside, needed = widths(page, 390, tmp_path)
    assert needed <= inside <= 390


@needs_chromium
def test_what_sticks_out_is_seen(tmp_path: Path) -> None:
    """The table of the claims without the box in which it scrolls."""
    page = written("momentum", {}, tmp_path / "r.html").read_text("utf-8")
    page = page.replace('<div class="scroll">', "<div>").replace(".stacked td {", ".stacked td { white-space: nowrap;")
    inside, needed = widths(page, 390, tmp_path)
    assert needed > inside


# ------------------------------------------------------------------------------------------ stabilisers in words


def largest(scheme: str, order: int, eps: float, degree: int, componentwise: bool) -> list[float]:
    """max |f_k| over points whose gradient goes through the size of the stabiliser, in one component or as a whole."""
    model, _ = model_of(scheme, order)
    values = numbers([eps if n == "eps" else 0.5 - 0.2 * i for i, n in enumerate(model.parameters)])
    level, root = eps ** (1 / degree), 0.0
    y = -1.4 if componentwise else 0.0
    for k in range(60):  # the gradient's first component vanishes at (root, y)
        root += (-1 if root / 4 + math.cos(root) * y / 2 > 0 else 1) * 2.0**-k
    away = [sign * level * 10 ** (j / 8 - 3) for j in range(48) for sign in (-1, 1)]
    points = json.dumps([[root + d, y + (0 if componentwise else d)] for d in away])
    found = run_node(model.text(), f"{points}.map(s=>M.field(s,{values}).map(f=>Math.hypot(...f)))")
    return [max(float(row[k]) for row in found) for k in range(order + 1)]


@needs_node
@pytest.mark.parametrize(("scheme", "order"), [("adam", 2), ("rmsprop", 2), ("rmsprop-scalar", 1), ("lion", 1), ("adan", 1)])
def test_terms_grow_with_one_over_the_stabiliser_as_the_words_say(scheme: str, order: int) -> None:
    """Against the field itself: log max |f_k| over log(1/eps), at two small eps."""
    equation = modified_equation(scheme, order)
    (guard,) = guards(equation.to_json(), equation.configuration.free)
    powers = growth(equation.to_json(), guard)
    small = (1e-5, 1e-7)
    (one, two) = (largest(scheme, order, e, guard.degree, guard.componentwise) for e in small)
    for k in range(order + 1):
        measured = math.log(two[k] / one[k]) / math.log(small[0] / small[1])
        assert measured == pytest.approx(float(powers[k]), abs=0.05), (scheme, k)


def test_no_words_without_a_stabiliser() -> None:
    for scheme in ("gd", "momentum", "normalised-gd"):
        equation = modified_equation(scheme, 1)
        assert stabiliser_words(equation.to_json(), equation.configuration.free, Phrases(str)) == []


def test_the_numbers_set_are_named_in_words() -> None:
    page = html.unescape(report_page(gather(Request(load_scheme("adam"), settings=ADAM, certificate=False))))
    assert "moves against the gradient, divided by |∇L| + 10⁻⁸" in page
    assert "ε (here 10⁻⁸) in |∇L| + ε keeps the quotients finite" in page
    assert "plus one, divided by" not in page
