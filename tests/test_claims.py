"""Claims: every recorded verdict is reproduced; flipping a datum of any claim changes its verdict; formats; bad input."""

from __future__ import annotations

import copy
import html.parser
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from claim_controls import with_datum

from derive.commands.console import CANNOT_RUN, run
from derive.errors import UsageError
from verify import claims as claims_wing
from verify.claims.judge import KINDS, judge
from verify.claims.judgment import INFORMAL, LEADING, PROVED, REFUTED, UNDECIDED, Judgment
from verify.claims.lock import NAME, read_lock
from verify.claims.reader import claim_of, read_claims
from verify.claims.symbolic import relation_of
from verify.commands.claims import claims_command

HOME = Path(claims_wing.__file__).parent
FOLDERS = ("seeds", "literature")
EXAMPLES = Path(__file__).parents[1] / "examples" / "claims"
FILES = [f for folder in FOLDERS for f in sorted((HOME / folder).glob("*.toml"))]
TABLES = [t for f in FILES for t in tomllib.loads(f.read_text("utf-8"))["claim"]]
LOCKS = {k: r.verdict for folder in FOLDERS for k, r in read_lock(HOME / folder / NAME).items()}
IDS = [t["id"] for t in TABLES]


def judged(table: dict[str, Any]) -> Judgment:
    return judge(claim_of(table, "test"))


def test_every_claim_is_recorded() -> None:
    assert set(LOCKS) == set(IDS)
    assert len(IDS) == len(set(IDS))


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_the_recorded_verdict_is_reached_again(table: dict[str, Any]) -> None:
    found = judged(table)
    assert found.verdict == LOCKS[table["id"]]
    assert found.evidence, "a verdict without evidence"
    assert bool(found.correct) == (found.verdict in (REFUTED, LEADING))
    numbers = re.compile(r"counterexample|rootings of one free tree|claimed \(|the period is")
    if found.verdict == REFUTED and table["kind"] not in ("parameter-rule", "stability", "schedule"):
        assert any(numbers.search(e) for e in found.evidence), found.evidence


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_a_claim_file_says_nothing_about_the_verdict(table: dict[str, Any]) -> None:
    assert not {"verdict", "expected", "correct"} & set(table)
    assert len(table["statement"]) < 160
    assert not any(v in table["statement"] for v in (REFUTED, LEADING))


# ------------------------------------------------------------------------------------------ flipping


def flips(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every way to break a claim that is true: one datum at a time."""
    changed = partial(with_datum, table)
    match table["kind"]:
        case "identity":
            yield changed("right", to=f"2*({table['right']})")
            yield changed("left", to=f"-({table['left']})")
        case "modified-equation":
            for x, formula in table["says"].items():
                yield changed("says", x, to=f"2*({formula})")
                more = f"grad(f, {x})" if str(table.get("scheme", "")).startswith("game-") else "grad"
                yield changed("says", x, to=f"{formula} + {'gamma*' * table['through']}{more}")
        case "modified-loss":
            if "loss" in table:
                yield changed("loss", to=f"-({table['loss']})")
                yield changed("loss", to=f"{table['loss']} + {'gamma*' * table.get('through', 1)}L")
            else:
                yield changed("exists_through", to=table["exists_through"] + 1)
        case "agreement":
            yield changed("through", to=table["through"] + 1)
        case "limit-direction":
            yield changed("parallel", to=not table["parallel"])
        case "accuracy":
            yield changed("order", to=table["order"] + 1)
            yield changed("target", to=f"{table['target']} + grad")
        case "stability" if "wider_than" in table:
            a, b = {k: table[k] for k in ("update", "where")}, table["wider_than"]
            yield copy.deepcopy(table) | b | {"wider_than": a}
        case "stability":
            yield changed("bounded" if "bounded" in table else "interval", to=["0", "1/7"])
        case "equivalence":
            for key in ("given", "then"):
                for i, text in enumerate(table.get(key, [])):
                    left, right = text.split("=")
                    yield changed(key, i, to=f"{left} = 2*({right}) + gamma*theta(n)")
        case "operator-series":
            yield changed("series", to=f"{table['series']} + {'z*' * table['through']}1")
            yield changed("function", to=f"1 + {table['function']}")
        case "flow-expansion":
            yield changed("step", to=f"{table['step']} + gamma*theta")
            yield changed("flow", to=f"-({table['flow']})")
        case "stationary-density":
            yield changed("density", to=table["density"].replace("exp(", "exp(2*(") + ")")
            yield changed("noise", to={k: f"2*{v}" for k, v in table["noise"].items()})
        case "marginal-density":
            yield changed("marginal", to=table["marginal"].replace("exp(", "exp(2*(") + ")")
        case "initial-layer":
            yield changed("shift", to=f"2*({table['shift']})")
        case "stationary-variance":
            yield changed("variance", to=f"2*({table['variance']})")
        case "parameter-rule" if relation_of(table["rule"], "rule")[0] != "=":
            flipped = {"<": ">", ">": "<", "<=": ">", ">=": "<"}
            yield changed("rule", to="".join(flipped.get(c, c) for c in table["rule"]))
        case "parameter-rule":
            yield changed("rule", to=table["rule"] + f" + gamma**{table.get('through', 1)}")
        case "fixed-points":
            for key in (k for k, v in table.items() if isinstance(v, bool)):
                yield changed(key, to=not table[key])
        case "generator":
            for part in (p for p in ("generator", "drift", "diffusion") if p in table):
                for k, power in enumerate(table[part]):
                    for forest, c in power.items():
                        yield changed(part, k, forest, to=f"({c})*1001/1000")
        case "equal-law":
            yield changed("through", to=table["through"] + 1)
            yield changed("second", "update", to=table["second"]["update"] + "; theta = theta - gamma*theta/1000")
        case "stationary-law":
            key = "variance" if "variance" in table else "covariance"
            yield changed(key, to=f"({table[key]})*1001/1000")
        case "schedule":
            for i, piece in enumerate(table["pieces"]):
                yield changed("pieces", i, "value", to=piece["value"] + " + 1")
            yield changed("continuous", to=False)
            yield changed("range", to=["0", "2"])
            yield changed("range", to=["rmin/2", "1/2"])
            if "period" in table:
                yield changed("period", to=f"2*({table['period']})")
                yield changed("modulus", to=f"2*({table['modulus']})")


PROVED_TABLES = [t for t in TABLES if LOCKS[t["id"]] == PROVED]


@pytest.mark.parametrize("table", PROVED_TABLES, ids=[t["id"] for t in PROVED_TABLES])
def test_flipping_any_datum_breaks_a_claim_that_is_true(table: dict[str, Any]) -> None:
    count = 0
    for other in flips(table):
        count += 1
        found = judged(other)
        assert found.verdict in (REFUTED, LEADING), other
    assert count


BOTH_FALSE = {"every_loss_has_one": False, "every_one_is_a_minimum": False}
NESTEROV = {"update": "v = beta*v - alpha*grad(theta + beta*v); theta = theta + v", "where": {"alpha": "gamma"}}
MOMENTUM = {"update": "v = beta*v - alpha*grad(theta); theta = theta + v", "where": {"alpha": "gamma"}}
PERIODIC = [
    {"when": "0 <= s <= t1", "value": "1 + (rmin - 1)/t1*s"}, {"when": "t1 < s <= t2", "value": "rmin"},
    {"when": "t2 < s <= t3", "value": "rmin + (1 - rmin)/(t3 - t2)*(s - t2)"},
]  # fmt: skip
#: claims that are not true as they stand -> one datum that makes them true
REPAIRS: dict[str, dict[str, Any]] = {
    "001-4-fixed-point": {"every_loss_has_one": False}, "002-4": {"converges_from_every_start": False}, "003-3": BOTH_FALSE,
    "001-8-noise": {"parameters": {"step_variance": "gamma**2*sigma**2", "equation_variance": "gamma**2*sigma**2"}},
    "001-9": {"density": "exp(-2*L/sigma**2)"},
    "001-9-sgd": {"variance": "gamma*sigma**2/(h*(2 - gamma*h))"},
    "001-too-much": {"interval": ["0", "4"]},
    "001-order-16-18": {"order": 1}, "001-order-19": {"order": 1}, "001-order-20": {"order": 1},
    "001-order-nesterov": {"order": 1},
    "001-constant": {"through": 0},
    "001-implicit": {"then": ["v(n+1) = beta*v(n) - alpha*grad(theta(n) + beta*v(n))"]},
    "001-stable-20": {"wider_than": NESTEROV}, "001-stable-nesterov": {**MOMENTUM, "wider_than": NESTEROV},
    "001-21-noise": {"parameters": {"step_variance": "gamma**2*sigma**2", "equation_variance": "gamma**2*sigma**2"}},
    "001-22": {"noise": {"eta": "0"}},
    "001-22-carries": {"density": "exp(-2*lam*(dot(eta, eta)/2 + L)/sigma**2)"},
    "003-5-gd": {"then_scheme": {"scheme": "implicit-euler"}},
    "003-7": {"says": {"theta": "-(grad - gamma/4*gradient(dot(grad, grad)))"}},
    "003-7-gd": {"says": {"theta": "-(grad + gamma/4*gradient(dot(grad, grad)))"}},
    "003-7-penalty": {"loss": "L - gamma/4*dot(grad, grad)"},
    "004-sum-index": {"then": ["S(n) = (a0(n) + a1(n) + a2(n))/3"]},
    "004-flatter-step": {"rule": "step_new = step", "bounds": None}, "003-10": {"pieces": PERIODIC},
    "hb-map-as-flow": {"form": "map"},
    "ks-plus": {"loss": "(L + gamma/2*(1/(1 - beta))*(1/(1 - beta) - 1/2)*dot(grad, grad))/(1 - beta)"},
    "gd-no-loss": {"exists_through": 1}, "nesterov-map-loss": {"exists_through": 1},
    "nesterov-variables": {"through": 1},
    "nag-c-clock": {"order": 1},
    "hb-rest": {"shift": "gamma*beta/(1 - beta)**2*grad"},
    "sme-variance-2": {"variance": "gamma*sigma**2/(2*h) + gamma**2*sigma**2/4"},
    "rosca-simultaneous-rates": {"where": {"mu": "1"}}, "rosca-alternating-rates": {"where": {"mu": "1"}},
    "chavdarova-gda-2": {"through": 1}, "chavdarova-extragradient-2": {"through": 1}, "chavdarova-optimistic-2": {"through": 1},
    "adam-frozen": {"says": next(t["says"] for t in TABLES if t["id"] == "adam-cks")},
    "adam-direction": {"parallel": False},
    "sgd-langevin": {"diffusion": [{}]}, "sgd-law-step": {"variance": "gamma*sigma**2/(B*h)"},
    "kramers-noise": {"generator": [{"eta": "1", "eta:eta": "-lam", "eta:g": "-1"}]},
    "linear-scaling-1": {"through": 0}, "momentum-carries-1": {"through": 0}, "sgld-langevin-1": {"through": 0},
    "sme-weak-1-further": {"generator": [{"g": "-1"}, {"g1 g1": "1/2", "g[g]": "-1/2"}]}, "sme-weak-2-further": {"through": 1},
    "mandt-covariance-exact": {"covariance": "gamma*c/(S*(h1 + h2 - gamma*h1*h2))"},
    "reshuffled-drift-iid": {"sampling": "reshuffled"}, "reshuffled-equal": {"through": 0},
    "hb-noise-drift-iid": {"drift": next(t["drift"] for t in TABLES if t["id"] == "hb-no-noise-drift-iid")},
    "hb-noise-drift-reshuffled": {"drift": next(t["drift"] for t in TABLES if t["id"] == "hb-reshuffled")},
    "usam-full": {"generator": [{}, {"g": "-1"}, {"g[g]": "-rho", "g1[g1]": "-rho"}]},
    "langevin-drift-only": {"diffusion": [{"n1 n1": "2"}, {"n1 g[n1]": "2"}]},
    "langevin-temperature": {"through": 0}, "baoab-temperature": {"through": 1},
}  # fmt: skip


def test_every_claim_that_is_not_true_has_its_repair() -> None:
    assert set(REPAIRS) == {i for i, v in LOCKS.items() if v in (REFUTED, LEADING)}


@pytest.mark.parametrize("name", REPAIRS)
def test_flipping_one_datum_makes_a_false_claim_true(name: str) -> None:
    table = next(t for t in TABLES if t["id"] == name)
    repaired = {k: v for k, v in (copy.deepcopy(table) | REPAIRS[name]).items() if v is not None}
    assert judged(repaired).verdict == PROVED


def test_informal_claims_say_why() -> None:
    informal = [t for t in TABLES if LOCKS[t["id"]] == INFORMAL]
    assert informal
    assert all(t["kind"] == "informal" and len(t["why"]) > 30 for t in informal)


def test_correct_statements_are_derived() -> None:
    """The corrections of the seeds' errors, against the published values."""
    expected = {
        "001-9": "stationary for every loss: exp(-2*L/sigma**2)",  # Risken, The Fokker-Planck Equation, 5.2
        "001-22": "exp(-lam*(2*L + dot(eta, eta))/sigma**2)",  # Kramers 1940
        "001-9-sgd": "-gamma*sigma**2/(h*(gamma*h - 2))",
        "sme-variance-2": "-gamma*sigma**2/(h*(gamma*h - 2))",  # gamma*sigma**2/(2*h) + gamma**2*sigma**2/4 + ...
        "003-7": "theta' = -grad + gamma*(1/2*hess(grad)) + O(gamma**2)",  # Lu 2022, proximal point
        "003-7-penalty": "V = L + gamma*(-1/4*dot(grad, grad))",
        "001-too-much": "stable for gamma*h in (0, 4) for c > 2",
        "001-22-carries": "exp(-lam*(2*L + dot(eta, eta))/sigma**2)",
        "004-sum-index": "S(n) = 1/3*a2(n) + 1/3*a1(n) + 1/3*a0(n)",
        "hb-map-as-flow": "(1 + beta)/(4*(1 - beta)**3)*dot(grad, grad)",  # Ghosh et al. 2023
        "001-stable-nesterov": "(0, 2*(1 + beta)/(1 + 2*beta))",
        # Li, Tai & E 2019, order 2
        "sme-weak-1-further": "G = (-g) + gamma*(-1/2*g[g] + 1/2*(g1 g1)) + O(gamma**2)",
        # independent batches: no covariance of Hessian and gradient in the drift of heavy ball
        "hb-noise-drift-iid": "gamma*(-(1 + beta)/(2*(1 - beta)**3)*g[g] + 1/(2*(1 - beta)**2)*(g1 g1)) + O(gamma**2)",
        "langevin-temperature": "-2/(h*(gamma*h - 2))",
    }
    for name, text in expected.items():
        assert text in judged(next(t for t in TABLES if t["id"] == name)).correct, name


def test_the_rule_for_beta_has_a_next_term_with_the_exact_parameters() -> None:
    """1 - (1 - beta)*sqrt(r) is exact for beta = 1 - lam*sqrt(alpha), and to leading order for leapfrog's alpha and beta."""
    table = next(t for t in TABLES if t["id"] == "001-beta-rule")
    exact = {"alpha": "gamma**2/(1 + lam*gamma/2)", "beta": "(1 - lam*gamma/2)/(1 + lam*gamma/2)"}
    found = judged(table | {"parameters": exact})
    assert found.verdict == LEADING
    assert "1 + (-sqrt(r))*(1 - beta) + ((-sqrt(r) + r)/4)*(1 - beta)**2" in found.correct


# ------------------------------------------------------------------------------------------ the command


def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str, str]:
    group = click.Group(commands={"claims": claims_command})
    monkeypatch.setattr(sys, "argv", ["verify", "claims", *arguments])
    with pytest.raises(SystemExit) as stop:
        run(group, "verify")
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.mark.parametrize("folder", [pytest.param(f, marks=[pytest.mark.slow] * (f == "literature")) for f in FOLDERS])
def test_the_shipped_claims_are_as_recorded(capsys: Any, monkeypatch: Any, folder: str) -> None:
    status, out, err = call(capsys, monkeypatch, *([folder] if folder != "seeds" else []))
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 100
    assert re.search(r"^\d+ claims: \d+ proved, \d+ refuted", out.splitlines()[-1])


def test_json(capsys: Any, monkeypatch: Any) -> None:
    _, out, _ = call(capsys, monkeypatch, str(EXAMPLES / "template.toml"), "--format", "json")
    rows = json.loads(out)
    assert [r["verdict"] for r in rows] == [REFUTED, PROVED, REFUTED, INFORMAL]
    assert all(r.keys() >= {"id", "source", "statement", "verdict", "evidence", "correct_statement"} for r in rows)
    assert "4*(1 - beta)**3" in rows[0]["correct_statement"]


def test_html_is_well_formed_and_escaped(capsys: Any, monkeypatch: Any, tmp_path: Path) -> None:
    text = (EXAMPLES / "template.toml").read_text("utf-8").replace("Momentum finds", "<script>alert(1)</script> finds")
    (tmp_path / "c.toml").write_text(text, "utf-8")
    _, out, _ = call(capsys, monkeypatch, str(tmp_path), "--format", "html")
    assert "<script" not in out
    opened: list[str] = []

    class Tags(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag not in ("meta",):
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Tags().feed(out)
    assert not opened


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(capsys: Any, monkeypatch: Any, tmp_path: Path) -> None:
    _, out, _ = call(capsys, monkeypatch, "literature", "--format", "latex")
    page = r"\documentclass{article}\begin{document}"
    (tmp_path / "t.tex").write_text(page + out + r"\end{document}", "utf-8")
    done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_recording_and_what_differs_from_the_record(capsys: Any, monkeypatch: Any, tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "template.toml", tmp_path / "c.toml")
    status, _, err = call(capsys, monkeypatch, str(tmp_path))
    assert status == 0
    assert "nothing recorded yet" in err
    assert call(capsys, monkeypatch, str(tmp_path), "--record")[0] == 0
    assert call(capsys, monkeypatch, str(tmp_path))[0] == 0
    text = (tmp_path / "c.toml").read_text("utf-8")
    (tmp_path / "c.toml").write_text(text.replace("(2*(1 - beta)**3)", "(4*(1 - beta)**3)"), "utf-8")
    status, _, err = call(capsys, monkeypatch, str(tmp_path / "c.toml"))
    assert status == 1
    assert "eq-3: proved, recorded as refuted" in err
    (tmp_path / "c.toml").write_text(text.replace('"eq-4"', '"eq-9"'), "utf-8")
    status, _, err = call(capsys, monkeypatch, str(tmp_path))
    assert status == 1
    assert "eq-9: proved, not recorded" in err
    assert "no longer claimed" in err
    other = tmp_path / "other.lock"
    assert call(capsys, monkeypatch, str(tmp_path), "--record", "--lock", str(other))[0] == 0
    assert call(capsys, monkeypatch, str(tmp_path), "--lock", str(other))[0] == 0


NOISE = 'kind = "generator"\nupdate = "theta = theta - gamma*sgrad(theta)"\n'
HEAD = 'id = "a"\nstatement = "s"\nsource = "p"\n'
BAD = [
    ("id = 3", "key 'id' is missing"),
    (HEAD, "key 'kind' is missing"),
    (HEAD + 'kind = "stabilty"', "did you mean 'stability'"),
    (HEAD + 'kind = "identity"\nleft = "grad"', "'right' is missing"),
    (HEAD + 'kind = "identity"\nleft = "grad"\nright = "grad"\nverdict = "proved"', "unknown key 'verdict'"),
    (HEAD + 'kind = "identity"\nleft = 3\nright = "grad"', "must be a text"),
    (HEAD + 'kind = "identity"\nleft = "__import__(\'os\')"\nright = "grad"', "unknown function"),
    (HEAD + 'kind = "accuracy"\ntarget = "theta\' + grad"\norder = 1', "either scheme"),
    (HEAD + 'kind = "accuracy"\nscheme = "gdd"\ntarget = "theta\' + grad"\norder = 1', "gdd"),
    (HEAD + 'kind = "accuracy"\nscheme = "gd"\ntarget = "theta\' + grad"\norder = -1', "whole number"),
    (HEAD + 'kind = "equivalence"\ngiven = ["a(n) = a(n)*a(n)"]\nthen = ["a(n) = a(n)"]', "must be linear"),
    (HEAD + 'kind = "equivalence"\ngiven = ["a(2*n) = 1"]\nthen = ["a(n) = 1"]', "an index is n plus a number"),
    (HEAD + 'kind = "stationary-density"\nnoise = {theta = "1"}\ndrift = {theta = "-grad"}\ndensity = "L"', "exp("),
    (HEAD + 'kind = "stationary-density"\nnoise = {theta = "1"}\ndrift = {theta = "L"}\ndensity = "exp(-L)"', "is a vector"),
    (HEAD + 'kind = "parameter-rule"\nparameters = {a = "gamma"}\nrule = "a"', "one '='"),
    (HEAD + 'kind = "identity"\nleft = "10**(10**5)"\nright = "grad"', "multiplied out"),
    (HEAD + 'kind = "stability"\nscheme = "momentum"\ninterval = ["0", "(1 + beta)**(10**5)"]', "multiplied out"),
    (HEAD + 'kind = "stability"\nscheme = "momentum"\nwhere = {beta = "1/0"}\ninterval = []', "division by zero"),
    (HEAD + 'kind = "schedule"\npieces = [{start = "0", value = "t*t"}]\ncontinuous = true\nrange = ["0", "1"]\nbounds = {}',
     "not linear in t"),
    (HEAD + 'kind = "schedule"\npieces = [{start = "0", value = "a"}]\ncontinuous = true\nrange = ["0", "1"]\n'
     'bounds = {a = ["0", "b"]}', "write two numbers"),
    (HEAD + NOISE + 'through = 0', "give either 'generator'"),
    (HEAD + NOISE + 'through = 0\ngenerator = [{ g = "-1" }]\ndrift = [{ g = "-1" }]', "give either 'generator'"),
    (HEAD + NOISE + 'through = 0\ngenerator = [{ g = "-1" }, {}]', "2 powers of gamma, and through = 0 reads 1"),
    (HEAD + NOISE + 'through = 0\ndrift = [{ "g1 g1" = "1" }]', "'g1 g1' has not 1 of the derivatives of phi"),
    (HEAD + NOISE + 'through = 0\ngenerator = [{ "g[" = "1" }]', "is no forest of trees"),
    (HEAD + NOISE + 'through = 0\ngenerator = [{ "q" = "1" }]', "'q' is none of what the update draws"),
    (HEAD + NOISE + 'through = 0\ngenerator = [{ "eta:g" = "1" }]', "'eta' is no slow variable"),
    (HEAD + NOISE + 'through = 0\ngenerator = [{ g = "-b" }]', "'b' in the coefficient of g is no free parameter"),
    (HEAD + NOISE + 'through = 0\ngenerator = [{ g = "1/0" }]', "division by zero"),
    (HEAD + NOISE + 'through = 0\nsampling = "shuffled"\ngenerator = [{ g = "1" }]', "write iid or reshuffled"),
    (HEAD + NOISE + 'through = 0\nbatches = "4"\ngenerator = [{ g = "1" }]', "goes with sampling"),
    (HEAD + NOISE + 'through = 0\nsampling = "reshuffled"\nbatch = "2"\ngenerator = [{ g = "1" }]', "goes with independent"),
    (HEAD + NOISE + 'through = 12\ngenerator = [{ g = "1" }]', "at most 8"),
    (HEAD + 'kind = "equal-law"\nfirst = { scheme = "gd" }\nsecond = { scheme = "gdd" }\nthrough = 0', "gdd"),
    (HEAD + 'kind = "equal-law"\nfirst = { scheme = "gd" }\nthrough = 0', "'second' is missing"),
    (HEAD + 'kind = "stationary-law"\nscheme = "gd"', "give either variance"),
    (HEAD + 'kind = "stationary-law"\nscheme = "gd"\nvariance = "1"\nof = "v"', "'v' is no state variable"),
    (HEAD + 'kind = "stationary-law"\nscheme = "gd"\nvariance = "1"\nbatch = "h"', "'h' is of the loss"),
    (HEAD + 'kind = "stationary-law"\nscheme = "gd"\nvariance = "1"\nsampling = "reshuffled"', "samples are independent"),
    (HEAD + 'kind = "informal"', "'why' is missing"),
    ("[[claim]]\n" + HEAD + 'kind = "informal"\nwhy = "w"\n[[claim]]\n' + HEAD + 'kind = "informal"\nwhy = "w"', "used twice"),
    ("claim = 3", "under a heading [[claim]]"),
    ("a = [", "not valid TOML"),
]  # fmt: skip


#: statements that this program cannot decide, and the reason in the table
OPEN = [
    ('kind = "stability"\nscheme = "adam"\ninterval = []', "not a linear map"),
    ('kind = "stationary-law"\nscheme = "adam"\nvariance = "1"', "linear in what they draw"),
    ('kind = "stationary-law"\nscheme = "langevin-baoab"\nvariance = "1/h"', "exp(...)"),
    ('kind = "stationary-law"\nupdate = "theta = theta + gamma*sgrad(theta)"\nvariance = "1"', "strictly stable"),
    ('kind = "stationary-law"\nupdate = "w = w + sgrad(theta); theta = theta - gamma*sgrad(theta)"\nvariance = "1"', "no law"),
    ('kind = "generator"\nupdate = "theta = theta - gamma*sgrad(theta)*sqrt(t)"\nthrough = 0\ngenerator = [{}]', ""),
    ('kind = "operator-series"\nfunction = "1/z"\nseries = "1"\nthrough = 1', "not regular"),
    ('kind = "modified-equation"\nscheme = "gd"\nsays = { theta = "-grad - gamma/2*hess(grad) - gamma**2*(d3(grad, grad)/12 + '
     'hess(hess(grad))/3) - gamma**3*(d3(grad, hess(grad))/12 + hess(d3(grad, grad))/12 + hess(hess(hess(grad)))/4)" }', "every"),
    ('kind = "fixed-points"\nscheme = "weight-decay"\nevery_loss_has_one = true', "do not decide"),
    ('kind = "equivalence"\ngiven = ["a(n) = 1", "a(n) = 2"]\nthen = ["b(n) = 3"]', "contradict"),
    ('kind = "equivalence"\ngiven = ["(c - 1)*a(n) = (c - 1)*b(n)"]\nthen = ["a(n) = b(n)"]', "only where"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), OPEN, ids=range(len(OPEN)))
def test_an_undecided_claim_has_its_reason_and_hides_no_table(
    capsys: Any, monkeypatch: Any, tmp_path: Path, text: str, reason: str
) -> None:
    true = 'id = "b"\nstatement = "s"\nsource = "p"\nkind = "identity"\nleft = "grad"\nright = "grad"\n'
    (tmp_path / "c.toml").write_text(f"[[claim]]\n{HEAD}{text}\n[[claim]]\n{true}", "utf-8")
    status, out, err = call(capsys, monkeypatch, str(tmp_path), "--format", "json")
    rows = json.loads(out)
    assert status == 0, err
    assert [r["verdict"] for r in rows] == [UNDECIDED, PROVED]
    assert reason in " ".join(rows[0]["evidence"])
    assert all(r["conclusion"] for r in rows)


@pytest.mark.parametrize(("text", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_is_one_line(capsys: Any, monkeypatch: Any, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text, "utf-8")
    status, out, err = call(capsys, monkeypatch, str(file))
    assert (status, out) == (CANNOT_RUN, "")
    assert err.count("\n") == 1
    assert message in err
    assert "internal" not in err


def test_other_bad_input(capsys: Any, monkeypatch: Any, tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "template.toml", tmp_path / "c.toml")
    (tmp_path / NAME).write_text('"eq-3" = "true"\n', "utf-8")
    for arguments in (["nowhere.toml"], [str(tmp_path / "empty")], [str(tmp_path)], ["--format", "pdf"],
                      [str(tmp_path), "--lock", str(tmp_path / "no.lock")]):  # fmt: skip
        status, _, err = call(capsys, monkeypatch, *arguments)
        assert (status, err.count("\n")) == (CANNOT_RUN, 1), err


# ------------------------------------------------------------------------------------------ the page


def test_the_page_lists_every_kind_and_shows_what_is_printed(capsys: Any, monkeypatch: Any) -> None:
    page = (EXAMPLES / "README.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.M)) == set(KINDS)
    _, out, _ = call(capsys, monkeypatch, str(EXAMPLES / "template.toml"))
    shown = re.search(r"```\n(eq-3.*?)```", page, re.S)
    assert shown is not None
    assert shown[1] in out


def test_every_kind_is_used() -> None:
    assert {t["kind"] for t in TABLES} == set(KINDS)


def test_equivalence_reaches_as_far_as_the_claim() -> None:
    """Four steps of a recurrence, and a claim that only a nonlinear gradient refutes."""
    head = {"id": "a", "statement": "s", "source": "p", "kind": "equivalence"}
    four = head | {"given": ["v(n+1) = beta*v(n)"], "then": ["v(n+4) = beta**4*v(n)"]}
    assert judged(four).verdict == PROVED
    assert judged(four | {"then": ["v(n+4) = beta**3*v(n)"]}).verdict == REFUTED
    linear = head | {"given": ["a(n) = grad(2*b(n))"], "then": ["a(n) = 2*grad(b(n))"]}
    found = judged(linear)
    assert found.verdict == REFUTED
    assert "a loss with" in "".join(found.evidence)


def test_single_claim_files(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(HEAD + 'kind = "identity"\nleft = "grad"\nright = "grad"', "utf-8")
    assert [judge(c).verdict for c in read_claims([tmp_path])] == [PROVED]
    with pytest.raises(UsageError, match="cannot read"):
        read_claims([tmp_path / "two.toml"])
