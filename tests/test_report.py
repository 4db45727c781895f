"""The report page: its JavaScript against exact values, its text, and the page itself in a browser."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from derive import load_scheme, modified_equation
from derive.errors import DeriveError
from verify.landscape import Loss

ziamath = pytest.importorskip("ziamath", reason="the report's formulas need ziamath")

from verify.report.command import report  # noqa: E402
from verify.report.controls import limits, page_controls  # noqa: E402
from verify.report.formulas import Formulas  # noqa: E402
from verify.report.javascript import Model  # noqa: E402
from verify.report.material import LOSS, Request, gather  # noqa: E402
from verify.report.page import report_page  # noqa: E402
from verify.report.words import Phrases, field_words, potential_words  # noqa: E402
from verify.run import MPMATH, Runner  # noqa: E402

NODE, CHROMIUM = shutil.which("node"), shutil.which("chromium")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed: the page's functions cannot be run alone")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: the page cannot be opened")
POINTS = ((Fraction(1, 2), Fraction(-7, 5)), (Fraction(-9, 4), Fraction(1, 3)), (Fraction(3, 7), Fraction(5, 3)))
GAMMA = Fraction(3, 40)


# ------------------------------------------------------------------------------------------ the generated functions


def model_of(scheme: str, order: int, loss: str = LOSS, regime: str | None = None, **settings: str) -> tuple[Model, Any]:
    equation, longer = (modified_equation(scheme, n, regime=regime, settings=settings) for n in (order, order + 1))
    return Model(equation.configuration, equation.to_json(), longer.to_json(), Loss(loss)), equation


def run_node(model: str, expression: str) -> Any:
    code = f"const M={model};console.log(JSON.stringify({expression},(k,x)=>typeof x==='number'?x.toPrecision(17):x))"
    done = subprocess.run([str(NODE), "-"], input=code, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[:500]
    return json.loads(done.stdout)


def numbers(values: Sequence[Any]) -> str:
    return json.dumps([float(v) for v in values])


def close(found: Sequence[Any], exact: Sequence[Any]) -> bool:
    scale = max([abs(float(e)) for e in exact] + [1e-300])
    return len(found) == len(exact) and all(abs(float(f) - float(e)) <= 1e-9 * scale for f, e in zip(found, exact, strict=True))


def values_of(model: Model) -> dict[str, Fraction]:
    return {n: Fraction(3 + i, 7 + i) for i, n in enumerate(model.parameters)}


def states(model: Model) -> list[list[Fraction]]:
    """Slow states at the test points; the coordinates besides theta are positive."""
    return [[*p, *(Fraction(2 + i, 5) for i in range(model.slow_size - 2))] for p in POINTS]


@needs_node
@pytest.mark.parametrize(("scheme", "order", "regime", "loss"), [
    ("gd", 4, None, LOSS), ("momentum", 3, None, LOSS), ("momentum", 2, "inertial", LOSS), ("nesterov-convex", 1, None, LOSS),
    ("adam", 2, None, LOSS), ("rmsprop-scalar", 1, None, "x**4/4 + x*y**2/3 + y**2"), ("implicit-midpoint", 2, None, LOSS),
    ("sam-normalised", 1, None, "exp(x/3)*cosh(y) + log(4 + x*y)/3 + atan(x - y) + sqrt(9 + x + y)"),
])  # fmt: skip
def test_the_field_in_the_page_is_the_derived_field(scheme: str, order: int, regime: str | None, loss: str) -> None:
    """Against ModifiedEquation.evaluate, which shares no code with the tape."""
    model, equation = model_of(scheme, order, loss, regime)
    fixed = equation.subs(**{n: str(v) for n, v in values_of(model).items()})
    p = numbers(values_of(model).values())
    for state in states(model):
        at = {n: str(x) for n, x in zip(model.coordinates, state, strict=False)}
        exact = fixed.evaluate(loss, at).values
        found = run_node(model.text(), f"M.field({numbers(state)},{p})")
        for k in range(order + 1):
            wanted = [float(Fraction(x)) for name in equation.equations for x in exact[name][k]]
            assert close(found[k][: len(wanted)], wanted), (scheme, k, found[k], wanted)


@needs_node
def test_a_wrong_coefficient_would_be_seen() -> None:
    model, equation = model_of("momentum", 1)
    wrong = json.loads(json.dumps(equation.to_json()).replace("-(1 + beta)/(2*(1 - beta)**3)", "-(1 + beta)/(3*(1 - beta)**3)"))
    bad = Model(equation.configuration, wrong, modified_equation("momentum", 2).to_json(), Loss(LOSS))
    good, other = (run_node(m.text(), "M.field([0.5,-1.4],[0.4])") for m in (model, bad))
    assert close(good[0], other[0])
    assert not close(good[1], other[1])


@needs_node
@pytest.mark.parametrize(("scheme", "regime"), [
    ("momentum", None), ("momentum", "leapfrog"), ("adam", None), ("leapfrog-two-step", None), ("nesterov", None), ("lion", None),
    ("implicit-euler", None), ("nesterov-convex", None),
])  # fmt: skip
def test_the_step_in_the_page_is_the_update_text(scheme: str, regime: str | None) -> None:
    """Against the interpreter of update texts on mpmath numbers, with the gradient by sympy."""
    import mpmath
    import sympy

    x, y = sympy.symbols("x y")
    loss = x**2 / 8 + y**2 / 2 + sympy.sin(x) * y / 2
    slope = sympy.lambdify((x, y), [loss.diff(x), loss.diff(y)], "mpmath")
    model, equation = model_of(scheme, 1, LOSS, regime)
    values = {n: mpmath.mpf(v.numerator) / v.denominator for n, v in values_of(model).items()}
    runner = Runner(equation.configuration, lambda z: slope(*z), values, MPMATH, passes=60)
    for state in states(model):
        flat = [float(v) for v in state] + [0.1 * (i + 1) for i in range(model.size - model.slow_size)]
        variables = model.layout.split([mpmath.mpf(v) for v in flat], model.recorder.vectors)
        t = variables.pop("t", None)
        new = runner.step(variables, mpmath.mpf(float(GAMMA)), t)
        wanted = [c for n in model.layout.slots for c in ([t + float(GAMMA)] if n == "t" else new[n])]
        once = "z=M.step({0},{1},{2},z.slice(0,2))".format(json.dumps(flat), float(GAMMA), numbers(values_of(model).values()))
        found = run_node(model.text(), f"(()=>{{let z={json.dumps(flat)};for(let i=0;i<60;i++){once};return z}})()")
        assert close(found, wanted), (scheme, found, wanted)


@needs_node
def test_the_slow_manifold_is_kept_by_the_step() -> None:
    """One step from (s, memory(s)) leads to (s', memory(s')) up to gamma^(M+1); halving gamma shows the power, 4 here."""
    model, _ = model_of("momentum", 2)
    code = (
        "(()=>{const d=g=>{const s=[0.5,-1.4],z=M.step([...s,...M.memory(s,g,[0.5])],g,[0.5]),m=M.memory(z.slice(0,2),g,[0.5]);"
    )
    code += "return Math.hypot(z[2]-m[0],z[3]-m[1])};return [d(0.004)/d(0.002)]})()"
    ratio = float(run_node(model.text(), code)[0])
    assert 14 < ratio < 18


@needs_node
def test_the_modified_loss_in_the_page() -> None:
    """V = L/(1-beta) + gamma (1+beta)/(4(1-beta)^3) |grad L|^2 (Ghosh, Lyu, Zhang & Wang 2023), by hand."""
    material = gather(Request(load_scheme("momentum"), 2, loss="x**2 + x*y**2", certificate=False))
    found = run_node(material.model.text(), "M.potential([0.5,-1.5],[0.25])")
    x, y, beta = 0.5, -1.5, 0.25
    squared = (2 * x + y * y) ** 2 + (2 * x * y) ** 2
    assert close(found, [(x * x + x * y * y) / (1 - beta), (1 + beta) / (4 * (1 - beta) ** 3) * squared])


def test_the_generated_code_has_no_text_of_the_user() -> None:
    model, _ = model_of("momentum", 2, "alert**2*constructor + exp(constructor)")
    code = re.sub(
        r"Math\.\w+|\b(?:const|return|field|step|memory|rest|loss|potential|null|size|slow|implicit|true|false)\b",
        "",
        model.text(),
    )
    assert set(re.findall(r"[A-Za-z_]\w*", re.sub(r"\d+(?:\.\d+)?e-?\d+", "", code))) <= {"s", "z", "g", "p", "a"} | set(
        re.findall(r"\bv\d+", code)
    )


# ------------------------------------------------------------------------------------------ words, formulas, controls


def test_words_for_what_people_know() -> None:
    say = Phrases(lambda name: {"eps": "ε"}.get(name, name))
    assert potential_words("dot(grad, grad)", True, say) == "penalises the squared gradient norm"
    assert potential_words("dot(grad, grad)", False, say) == "rewards the squared gradient norm"
    assert "friction" in field_words("eta", False, say, "eta")
    assert field_words("d3(grad, hess(grad))", False, say) == (
        "moves against the third derivative of the loss applied to the gradient and (the Hessian applied to the gradient)"
    )
    assert say.of("grad*(grad**2 + eps)**(-1/2)") == "the gradient, divided by √(∇L² + ε)"


@pytest.mark.parametrize(
    "scheme", ["adam", "adan", "nesterov-convex", "rmsprop-centred", "sam-normalised", "adagrad-norm", "lion"]
)
def test_every_term_has_words_and_a_drawing(scheme: str) -> None:
    from derive.export.notation import LATEX, write_term

    say, draw = Phrases(str), Formulas()
    for name, sums in modified_equation(scheme, 1).equations.items():
        for total in sums:
            for _, term in total:
                assert len(field_words(str(term) if term.factors else "1", True, say, name)) > 5
                assert draw.svg(write_term(term, LATEX)).startswith("<svg"), term


def test_a_formula_carries_its_latex() -> None:
    draw = Formulas()
    picture = draw.svg(r"\frac{1}{1-\beta}\, \nabla L")
    assert r'aria-label="\frac{1}{1-\beta}\, \nabla L"' in picture
    assert "http" not in picture + draw.sheet()
    assert draw.svg(r"\undefined<b>{").startswith('<code class="latex">\\undefined&lt;b&gt;')


def test_sliders_stay_inside_the_ranges_of_the_scheme() -> None:
    c = modified_equation("adam", 1).configuration
    assert limits(c, "eps") == (0, None, False, True)
    sliders = page_controls(
        c, {"beta1": Fraction(1, 2), "beta2": Fraction(3, 4), "eps": Fraction(1, 4)}, GAMMA, 40, 1, ("x", "y"), POINTS[0]
    )
    assert [s.key for s in sliders] == ["gamma", "p0", "p1", "p2", "steps", "power", "x0", "x1"]
    for s in sliders:
        assert s.low <= s.value <= s.high
        assert ((s.value - s.low) / s.step).denominator == 1, s
    assert sliders[1].low == 0
    assert sliders[1].high < 1
    assert sliders[3].low > 0


# ------------------------------------------------------------------------------------------ the file


@pytest.fixture(scope="module")
def page() -> str:
    return report_page(gather(Request(load_scheme("momentum"), 2)))


class Outline(html.parser.HTMLParser):
    """Tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_file_needs_nothing_from_outside(page: str) -> None:
    assert not re.search(r"https?:|//[a-z]", re.sub(r"base64,[^\"]*", "", page)), "an address"
    for tag, attributes in Outline(page).tags:
        assert "src" not in attributes
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        link = attributes.get("href") or attributes.get("xlink:href") or "#"
        assert link.startswith(("#", "data:")), link
    assert "default-src 'none'" in page
    assert "unsafe-eval" not in page
    assert not re.search(r"\beval\(|new Function|innerHTML", page)


def test_what_the_page_says(page: str) -> None:
    text = re.sub(r"<[^>]+>", " ", page)
    assert "penalises the squared gradient norm with strength" in text
    assert r'aria-label="\gamma\, \frac{1+\beta}{4\,(1-\beta)^{2}}"' in page, "relative to the loss, as people quote it"
    assert "Every slope is the expected one." in text
    assert "double precision" in text
    assert re.search(r'download="momentum-order-2\.certificate\.json"', page)


def test_the_embedded_certificate_checks(page: str, tmp_path: Path) -> None:
    import base64

    from verify.certificate import check_certificate

    found = re.search(r'certificate\.json" href="data:application/json;base64,([^"]+)"', page)
    assert found is not None
    path = tmp_path / "c.json"
    path.write_bytes(base64.b64decode(found[1]))
    assert check_certificate(path)


def test_everything_that_can_be_operated_has_a_label(page: str) -> None:
    tags = Outline(page).tags
    labelled = {a["for"] for tag, a in tags if tag == "label"}
    inputs = [a["id"] for tag, a in tags if tag == "input"]
    assert len(inputs) >= 6
    assert set(inputs) <= labelled
    assert all(a.get("aria-label") for tag, a in tags if a.get("role") in ("img", "group"))
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_hostile_names_are_text(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&\"'"
    path = tmp_path / "evil.toml"
    text = json.dumps(evil)
    path.write_text(
        f'name = "evil"\ntitle = {text}\nreference = {text}\nupdate = "theta = theta - gamma*grad(theta)  # </pre>{evil[:20]}"\n',
        "utf-8",
    )
    page = report_page(gather(Request(load_scheme(path), 1, certificate=False)))
    tags = [tag for tag, _ in Outline(page).tags]
    assert tags.count("script") == 3
    assert "img" not in tags


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast(page: str, scheme: int) -> None:
    """WCAG 2 AA: 4.5 for text, 3 for graphics."""
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", re.findall(r":root \{(.*?)\}", page, re.S)[scheme]))
    for ground in ("back", "card"):
        for name in ("fore", "soft", "link"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for name in ("limit", "modified", "iterates", "start", "level", "s2", "s3", "s4"):
        assert contrast(colours[name], colours["back"]) >= 3, name


# ------------------------------------------------------------------------------------------ the page in a browser

PROBE = """<script>
addEventListener("error", e => { document.documentElement.dataset.error = e.message; });
addEventListener("load", () => {
  const look = () => ({ path: document.querySelector("#panel-loss .modified").getAttribute("d"),
    contours: document.querySelector("#panel-modified .contours").getAttribute("d"),
    dots: document.querySelector("#panel-loss .iterates").getAttribute("d"), shown: document.getElementById("gamma-value").textContent,
    status: document.getElementById("status").textContent, limit: Number(document.getElementById("status").dataset.limit),
    modified: Number(document.getElementById("status").dataset.modified) });
  const found = { before: look() }, wait = () => new Promise(done => setTimeout(done, 60));
  const move = async (id, value) => { const e = document.getElementById(id); if (e.type === "checkbox") e.checked = value; else e.value = value;
    e.dispatchEvent(new Event("input", { bubbles: true })); await wait(); };
  (async () => {
    for (const [id, value] of [["gamma", 0.02], ["p0", 0.8], ["power", 1], ["x0", -1], ["rest", true]]) { await move(id, value); found[id] = look(); }
    document.getElementById("again").click(); await wait(); found.reset = look();
    const out = document.createElement("pre"); out.id = "probe"; out.textContent = JSON.stringify(found); document.body.append(out);
  })();
});
</script>"""


def chromium(path: Path, profile: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", "--enable-logging=stderr", f"--user-data-dir={profile}")  # fmt: skip
    return subprocess.run([str(CHROMIUM), *options, *flags, path.as_uri()], capture_output=True, text=True, timeout=120)


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
    done = chromium(path, tmp_path / "profile", "--dump-dom", "--virtual-time-budget=8000")
    assert not complaints(done.stderr)
    assert "data-error" not in done.stdout
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
    assert found is not None, done.stderr[-500:]
    seen = json.loads(html.unescape(found[1]))
    before = seen["before"]
    assert before["modified"] < before["limit"] / 3, "the picture is instructive"
    assert seen["gamma"]["shown"] == "0.0198" or seen["gamma"]["shown"].startswith("0.0")
    for name, last in (("gamma", "before"), ("p0", "gamma"), ("power", "p0"), ("x0", "power"), ("rest", "x0")):
        assert seen[name]["status"] != seen[last]["status"], name
    assert seen["gamma"]["path"] != before["path"]
    assert seen["p0"]["contours"] != seen["gamma"]["contours"], "the modified loss depends on beta"
    assert seen["power"]["dots"] == seen["p0"]["dots"], "the truncation is none of the scheme's business"
    assert seen["rest"]["dots"] != seen["x0"]["dots"]
    assert seen["reset"] == before


@needs_chromium
@pytest.mark.parametrize(("scheme", "order", "options"), [
    ("adam", 1, ()), ("gd", 0, ()), ("implicit-midpoint", 2, ()), ("momentum", 1, ("--regime", "inertial")),
    ("nesterov-convex", 1, ()), ("gd-schedule", 1, ("--set", "r(t)=1/(1+t)")), ("leapfrog-two-step", 2, ("--loss", "a**2 + exp(b) + b**2*a")),
])  # fmt: skip
def test_other_schemes_draw_too(scheme: str, order: int, options: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    result = CliRunner().invoke(
        report, ["--scheme", scheme, "--order", str(order), "--no-certificate", *options, "-o", str(path)]
    )
    assert result.exit_code == 0, result.output
    done = chromium(path, tmp_path / "profile", "--dump-dom", "--virtual-time-budget=3000")
    assert not complaints(done.stderr)
    status = re.search(r'id="status"[^>]*data-modified="([^"]+)"', done.stdout)
    assert status is not None
    assert float(status[1]) >= 0


# ------------------------------------------------------------------------------------------ the command


@pytest.mark.parametrize(("options", "says"), [
    (("--scheme", "gd", "--loss", "x**2"), "two"),
    (("--scheme", "gd", "--loss", "x*y*z"), "3 variables (x, y, z)"),
    (("--scheme", "gd", "--gamma", "-1"), "--gamma -1"),
    (("--scheme", "gd", "--at", "x=1"), "'y' has no value"),
    (("--scheme", "gd-schedule",), "r(t)"),
    (("--scheme", "gd", "--field", "x;y"), "--loss"),
    (("--scheme", "gd", "--set", "beta=1"), "beta"),
])  # fmt: skip
def test_bad_input_writes_nothing(options: tuple[str, ...], says: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(report, [*options, "-o", str(tmp_path / "r.html")])
    message = result.output + str(result.exception)
    assert isinstance(result.exception, DeriveError) or result.exit_code == 2, message
    assert says in message
    assert not list(tmp_path.iterdir())


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    path = tmp_path / "r.html"
    path.write_text("before", "utf-8")
    result = CliRunner().invoke(report, ["--scheme", "gd", "--no-certificate", "-o", str(path)])
    assert result.exit_code != 0
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    assert path.read_text("utf-8") == "before"


# ------------------------------------------------------------------------------------------ the notebook


def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its code cells in order, in one namespace; what they assert holds."""
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((Path(__file__).parents[1] / "examples" / "momentum.ipynb").read_text("utf-8"))
    assert notebook["nbformat"] == 4
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert len(cells) >= 4
    names: dict[str, Any] = {}
    run: Callable[..., None] = exec
    for i, source in enumerate(cells):
        run(compile(source, f"cell {i}", "exec"), names)
