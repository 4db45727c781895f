"""The stand-alone checker from inside: what it reads, its two rings, its series, its samples, and small statements."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from math import comb, log2
from random import Random
from typing import Any

import pytest

from verify.certificate import checker
from verify.certificate.checker import Bad, Check, Claim, Degrees, Different, Field, Sample, Series, Short, Smooth, check

F = Fraction
P = 2**127 - 1  # -1 modulo 8
GD = "theta = theta - gamma*grad(theta)"
TWO = "-1/2*hess(grad)"
MOMENTUM = "v = beta*v - gamma*grad(theta)\ntheta = theta + v"


def cert(update: str, *powers: str, memory: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    """A statement for theta alone, with what is not said left empty."""
    memory = memory or {}
    return {
        "format": checker.FORMAT, "scheme": "s", "regime": "", "form": "flow", "label": "f" if "field" in update else "L",
        "order": len(powers) - 1, "update": update, "kinds": dict.fromkeys(["theta", *memory], "vector"), "parameters": {},
        "bindings": {}, "rescaled": {}, "functions": {}, "slow": ["theta"], "fields": {"theta": [[["1", p]] for p in powers]},
        "memory": {m: [["1", text]] for m, text in memory.items()},
    } | changes  # fmt: skip


def verdict(*arguments: Any, **options: Any) -> str:
    try:
        check(json.dumps(cert(*arguments, **options)), True)
    except Different:
        return "different"
    except (Bad, ValueError, RecursionError, OverflowError):
        return "refused"
    return "proved"


def reason(*arguments: Any, **options: Any) -> str:
    with pytest.raises((Bad, Different)) as caught:
        check(json.dumps(cert(*arguments, **options)), True)
    return str(caught.value)


def checked(*arguments: Any, **options: Any) -> tuple[Check, Sample]:
    """A check and a compared sample in three dimensions."""
    found = Check(Claim(cert(*arguments, **options)), Random(5))
    found.slack, found.leading = 0, None
    found.degree = max(found.claim.order + 1, found.claim.rank)
    return found, found.compared(found.sample(3))


# ------------------------------------------------------------------------------------------ statements


TRUE = [
    (GD, ["-grad", TWO], {}),
    ("theta -= gamma*grad(theta)", ["-grad", TWO], {}),
    ("theta = theta + (-gamma*+1.0e0*grad(theta))", ["-grad", TWO], {}),
    ("theta = theta + gamma*field(theta)", ["field", "-dfield(field)/2"], {}),
    ("theta = theta - gamma*grad(theta_next)", ["-grad", "1/2*hess(grad)"], {}),
    ("theta = theta - gamma*grad(theta - gamma*grad(theta)/2)", ["-grad", "0"], {}),
    (GD, ["-grad", "-hess(grad)/2", "-hess(hess(grad))/3 - d3(grad, grad)/12"], {}),
    ("theta = theta - gamma*grad(theta)*(1 - gamma)**(-1/2)", ["-grad", f"-grad/2 {TWO}"], {}),
    (
        "theta = theta - gamma*mu*grad(theta)/(mu + gamma*(1 - mu))",
        ["-grad", f"grad*(1 - mu)/mu {TWO}"],
        {"parameters": {"mu": ""}},
    ),
    ("theta = theta - gamma*r(t)*grad(theta)", ["-r*grad", "1/2*dr*grad - 1/2*r**2*hess(grad)"], {"functions": {"r": None}}),
    (
        "theta = theta - gamma*r(t)*grad(theta)",
        ["-(1 + t*t)*grad", "t*grad - 1/2*(1 + t**2)**2*hess(grad)"],
        {"functions": {"r": "1 + t**2"}},
    ),
    (
        "theta = theta - gamma*r(t + 2*gamma)*grad(theta)",
        ["-r*grad", "-3/2*dr*grad - 1/2*r**2*hess(grad)"],
        {"functions": {"r": None}},
    ),
    ("theta = theta - alpha*grad(theta)", ["0", "-grad"], {"bindings": {"alpha": "gamma**2"}}),
    (GD, ["-grad", "0"], {"form": "map"}),
    ("theta = theta - gamma*(grad(theta) + abs(grad(theta)))", ["-grad - abs(grad)"], {}),
    ("theta = theta - gamma*sign(grad(theta))", ["-sign(grad)"], {}),
    ("theta = theta - gamma*grad(theta)/norm(grad(theta))", ["-grad/sqrt(dot(grad, grad))"], {}),
    ("theta = theta - gamma*sqrt(grad(theta)**2 + 1)", ["-(grad**2 + 1)**(1/2)"], {}),
    ("theta = theta - gamma*sqrt(grad(theta)**2)", ["-abs(grad)"], {}),
    ("theta = theta - gamma*(grad(theta)**3)**(1/3)", ["-grad"], {}),
    ("theta = theta - gamma*(mu**3)**(1/3)*grad(theta)", ["-mu*grad"], {"parameters": {"mu": ""}}),
    ("theta = theta - gamma*sqrt(mu**2)*grad(theta)", ["-mu*grad"], {"parameters": {"mu": "mu > 0"}}),
    ("theta = theta - gamma*abs(1 - mu)*grad(theta)", ["-(1 - mu)*grad"], {"parameters": {"mu": "0 <= mu < 1"}}),
    ("theta = theta - gamma*abs(mu)*grad(theta)", ["-abs(mu)*grad"], {"parameters": {"mu": ""}}),
    ("theta = theta - gamma*sqrt(2)*grad(theta)", ["-2*grad/sqrt(2)"], {}),
    ("theta = theta - gamma*sqrt(3/5)*grad(theta)", ["-3*grad/sqrt(15)"], {}),
    ("theta = theta - gamma*sign(grad(theta))*abs(theta)", ["-sign(grad)*abs(theta)"], {}),
    (
        MOMENTUM,
        ["-grad/(1 - beta)", "-(1 + beta)/(2*(1 - beta)**3)*hess(grad)"],
        {"memory": {"v": "0"}, "parameters": {"beta": ""}},
    ),
    (
        "m = beta*m + (1 - beta)*grad(theta)\ntheta = theta - gamma*m",
        ["-grad"],
        {"memory": {"m": "grad"}, "parameters": {"beta": ""}},
    ),
    (
        "theta = theta - gamma*grad(theta) + beta*(theta - theta_prev)",
        ["-grad/(1 - beta)"],
        {"memory": {"theta_prev": "theta"}, "parameters": {"beta": ""}},
    ),
]


# the relaxation of this memory depends on the gradient
FED_BACK = "m = m*grad(theta)/2 + grad(theta)\ntheta = theta - gamma*m"
TRUE.append((FED_BACK, ["-grad/(1 - grad/2)"], {"memory": {"m": "2*grad/(2 - grad)"}}))


@pytest.mark.parametrize("update, powers, options", TRUE)
def test_true_statements_are_proved(update: str, powers: list[str], options: dict[str, Any]) -> None:
    assert verdict(update, *powers, **options) == "proved"


@pytest.mark.parametrize("update, powers, options", TRUE)
def test_every_power_counts(update: str, powers: list[str], options: dict[str, Any]) -> None:
    """A millionth of the gradient more, in any power, is seen."""
    what = "field" if "field" in update else "grad"
    for k in range(len(powers)):
        false = [f"{p} + {what}/1000000" if j == k else p for j, p in enumerate(powers)]
        assert verdict(update, *false, **options) == "different", k


@pytest.mark.parametrize(
    "update, claimed, options",
    [
        ("theta = theta - gamma*(grad(theta) + abs(grad(theta)))", "-2*grad", {}),
        ("theta = theta - gamma*(grad(theta) + abs(grad(theta)))", "0", {}),
        ("theta = theta - gamma*abs(grad(theta))", "-grad", {}),
        ("theta = theta - gamma*sqrt(grad(theta)**2)", "-grad", {}),
        ("theta = theta - gamma*sqrt(grad(theta)**2)", "grad", {}),
        ("theta = theta - gamma*abs(mu)*grad(theta)", "-mu*grad", {"parameters": {"mu": ""}}),
        ("theta = theta - gamma*abs(mu)*grad(theta)", "mu*grad", {"parameters": {"mu": ""}}),
        ("theta = theta - gamma*abs(theta)*grad(theta)", "-theta*grad", {}),
        ("theta = theta - gamma*sign(theta)*sign(grad(theta))", "-sign(theta)", {}),
        ("g = grad(theta)\ntheta = theta - gamma*g/dot(sign(g), sign(g))", "-grad/3", {}),
        ("g = grad(theta)\ntheta = theta - gamma*g/dot(sign(g), sign(g))", "-grad/2", {}),
        ("theta = theta - gamma*grad(theta)*dot(grad(theta), theta)", "-grad*grad*theta", {}),
        ("theta = theta - gamma*grad(theta)/norm(grad(theta))", "-grad/abs(grad)", {}),
        ("theta = theta - gamma*sqrt(2)*grad(theta)", "-1.41421356237309504880168872420969807856967187537694*grad", {}),
    ],
)
def test_false_on_a_branch_or_in_a_dimension(update: str, claimed: str, options: dict[str, Any]) -> None:
    assert verdict(update, claimed, **options) == "different"


def test_signs_of_all_components_at_once() -> None:
    """True unless every component of the gradient in three dimensions is negative: one class in four, one point in eight."""
    update = "g = grad(theta)\ns = sign(g)\ntheta = theta - gamma*g*(dot(s, 1 + theta*0) + dot(1 + theta*0, 1 + theta*0))"
    assert verdict(update, "0") == "different"
    text = check(
        json.dumps(cert("theta = theta - gamma*abs(grad(theta))", "-abs(grad)", "-1/2*sign(grad)*hess(abs(grad))")), True
    )
    assert text[2:] == (3, 2, 3)


def test_how_many_classes() -> None:
    found = lambda *a, **o: check(json.dumps(cert(*a, **o)), True)
    assert found(GD, "-grad")[2:] == (1, 2, 1)
    assert found("theta = theta - gamma*sign(grad(theta))*abs(theta)", "-sign(grad)*abs(theta)")[2:] == (10, 2, 10)
    assert found("theta = theta - gamma*abs(mu)*grad(theta)", "-abs(mu)*grad", parameters={"mu": ""})[2:] == (2, 2, 2)
    assert found("theta = theta - gamma*abs(mu)*grad(theta)", "-mu*grad", parameters={"mu": "mu > 0"})[2:] == (1, 2, 1)
    for root in ("sqrt(mu)*sqrt(mu*grad(theta)**2)", "sqrt(mu*grad(theta)**2)*sqrt(mu)"):
        # neither base is a square, but their product is: the sign of the gradient counts
        assert found(f"theta = theta - gamma*{root}", "-mu*abs(grad)", parameters={"mu": "mu > 0"})[2:] == (3, 2, 3)
    assert found("theta = theta - gamma*abs(mu*grad(theta))", "-abs(mu)*abs(grad)", parameters={"mu": ""})[2:] == (6, 2, 6)


def test_a_root_whose_products_are_squares_shows_signs() -> None:
    """sqrt(mu g^2): no base is a square, the product of two is.  True where all components of g have one sign, and false."""
    update, claimed = "theta = theta - gamma*sqrt(mu*grad(theta)**2)", "-grad*dot(sqrt(mu*grad**2), theta)/dot(grad, theta)"
    for seed in range(12):
        with pytest.raises(Different):
            Check(Claim(cert(update, claimed, parameters={"mu": ""})), Random(seed)).decide()
    found, sample = checked(update, "-sqrt(mu*grad**2)", parameters={"mu": ""})
    place = next(iter(sample.leads))
    for failed, labels in (({(place, 0)}, {("L", "theta"): 3}), ({(place, 2)}, {}), ({(place, 1)}, None), (set(), None)):
        found.failed = failed
        assert found.signs(sample) == labels
    assert verdict(update, "-sqrt(mu*grad**2)", parameters={"mu": ""}) == "proved"


def test_the_command(tmp_path: Any, capsys: Any) -> None:
    for name, data in (("true", cert(GD, "-grad")), ("false", cert(GD, "grad")), ("none", {})):
        (tmp_path / name).write_text(json.dumps(data))
    run_ = lambda *a: (checker.main(list(a)), *capsys.readouterr())
    status, out, err = run_(str(tmp_path / "true"))
    assert (status, err) == (0, "")
    assert out.startswith("scheme s, regime -, flow through gamma^0\nupdate\n")
    assert out.endswith("error probability below 2^-248\n(1 sample over fresh primes, dimension 2, 1 class of signs)\n")
    assert run_("--reproducible", str(tmp_path / "true"))[0] == 0
    status, out, err = run_(str(tmp_path / "false"))
    assert (status, err) == (1, "")
    assert out.startswith("NOT PROVED: theta at gamma^0 is not what is claimed")
    for arguments in ([str(tmp_path / "none")], [str(tmp_path / "missing")], [], ["a", "b"]):
        status, out, err = run_(*arguments)
        assert (status, out) == (2, "")
        assert err.startswith("cannot decide: " if len(arguments) == 1 else "usage: ")


def test_constants_that_are_too_large_for_a_modulus() -> None:
    of = lambda q: verdict(f"theta = theta - gamma*grad(theta)*sqrt({q})", f"-grad*sqrt({q})")
    assert (of(2**61 - 1), of(2**61 + 1)) == ("proved", "refused")


def test_the_error_bound() -> None:
    """D Q 2^k / 2^255 + (Q H / 255) / #primes.  Two square roots: Q = 2^8 in the four components in which degrees are counted
    first, and in two components, with the range of mu and the sign of nu, k = 6."""
    update, claimed = "theta = theta - gamma*abs(nu)*sqrt(grad(theta)**2 + mu/3)", "-abs(nu)*sqrt(mu/3 + grad**2)"
    found = Check(Claim(cert(update, claimed, parameters={"mu": "mu > 0", "nu": ""})), Random(2))
    error, *rest = found.decide()
    degree, height, cover, indices, products = found.bounds(4)
    assert (cover, indices, products, rest) == (8.0, 0, set(), [2, 2, 2])
    primes = 255 - log2(24 * 400)
    assert error == pytest.approx(log2(2 ** (degree + 8 + 6 - 255) + 2 ** (height + 8 - log2(255) - primes)), abs=0.01)
    huge = check(json.dumps(cert(GD, f"-grad*(1 - 1{'0' * 390}*(mu - mu))", parameters={"mu": ""})), True)[1]
    plain = check(json.dumps(cert(GD, "-grad*(1 - (mu - mu))", parameters={"mu": ""})), True)[1]
    assert huge > plain


def test_dimensions_are_counted() -> None:
    """One more than the indices of any term, whatever cancels; scalar products that are functions of the point bring one each."""
    found = lambda *a: check(json.dumps(cert(*a)), True)[3]
    tower = lambda n: "hess(" * n + "grad" + ")" * n
    assert [found(GD, f"-grad + {tower(n)} - {tower(n)}") for n in (1, 3, 4)] == [2, 4, 5]
    assert found(GD, "-grad + d3(grad, theta) - d3(theta, grad)", TWO) == 3
    assert found("theta = theta - gamma*grad(theta)/norm(grad(theta))", "-grad/sqrt(dot(grad, grad))") == 2
    assert found("theta = theta - gamma*grad(theta)*dot(theta, grad(theta))/norm(1)", "-grad*dot(theta, grad)/norm(1)") == 3


@pytest.mark.parametrize(
    "update, powers, options, words",
    [
        ("theta = theta - gamma*grad(theta + grad(theta))", ["-grad"], {}, "far from theta"),
        ("theta = theta - gamma*r(t + 1)*grad(theta)", ["-r*grad"], {"functions": {"r": None}}, "far from t"),
        ("theta = theta - gamma**(1/2)*grad(theta)", ["-grad"], {}, "fractional power"),
        ("theta = theta - gamma*grad(theta)/(grad(theta) - grad(theta))", ["-grad"], {}, "vanishes at every point"),
        (GD, ["-grad/(1 - 1)"], {}, "vanishes at every point"),
        ("v = v - gamma*grad(theta)\ntheta = theta + gamma*v", ["0"], {"memory": {"v": "0"}}, "does not relax"),
        ("theta = theta_next - gamma*grad(theta)", ["-grad"], {}, "factor gamma"),
        (
            "g = grad(theta)\nh = (grad(theta + gamma*g) - g)/gamma\ntheta = theta - gamma*g/(1 + h)",
            ["-grad/(1 + hess(grad))"],
            {},
            "denom",
        ),
        (
            "g = grad(theta)\nh = (grad(theta + gamma*g) - g)/gamma\ntheta = theta - gamma*sign(h)",
            ["-sign(hess(grad))"],
            {},
            "sign",
        ),
        ("theta = theta - gamma*sqrt(1 + 2*grad(theta)**2 + grad(theta)**4)", ["-1 - grad**2"], {}, "differ|square|not what"),
        (
            "theta = theta - gamma*grad(theta)*sqrt(t + gamma*n)\nn = n + 1",
            ["-grad*sqrt(t)"],
            {"memory": {"n": "0"}},
            "relax|orbit",
        ),
        (GD, ["-grad"], {"parameters": {"mu": "mu < 0 < mu"}}, "cannot be met"),
    ],
)
def test_what_is_not_decided(update: str, powers: list[str], options: dict[str, Any], words: str) -> None:
    assert any(w in reason(update, *powers, **options) for w in words.split("|")), reason(update, *powers, **options)


def test_a_memory_off_the_slow_orbit_is_different() -> None:
    update = "m = beta*m + (1 - beta)*grad(theta)\ntheta = theta - gamma*m"
    for m in ("0", "2*grad", "grad + theta", "-grad"):
        assert "is on no slow orbit with this memory" in reason(update, "-grad", memory={"m": m}, parameters={"beta": ""})
    wrong = cert(update, "-grad", parameters={"beta": ""}, kinds={"theta": "vector", "m": "vector"})
    wrong |= {"fields": {"theta": [[["1", "-m"]]], "m": [[["0", "m"]]]}, "slow": ["theta", "m"]}
    with pytest.raises(Different, match="no slow orbit"):
        check(json.dumps(wrong), True)


# ------------------------------------------------------------------------------------------ what is no statement


def test_what_is_read() -> None:
    """Numbers are exact, equal parts of formulas are one node, parts of texts are not."""
    known: dict[Any, Any] = {}
    read = lambda text, k=known: checker.node(checker.parse(text, "eval").body, checker.FORMULA, k)
    assert checker.constant(read("0.1 + 2/5 - -3*2**(-1)")) == 2
    assert checker.constant(read("1.5e2")) == 150
    assert checker.constant(read("1.00000000000000000001 - 1")) == F(1, 10**20)
    assert checker.constant(read("1e-399")) == F(1, 10**399)
    assert [checker.constant(read(t)) for t in ("x", "1/0", "0**(-1)", "2**(1/2)", "sqrt(4)", "1/(1 - 1)", "+2")] == [
        None
    ] * 6 + [2]
    assert read("a*(b + 1)")[3] is read("(b + 1)/c")[2]
    assert read("a", None) is not read("a", None)
    assert [n[0] for n in checker.walk(read("a*b - c"))] == ["-", "*", "name", "name", "name"]


@pytest.mark.parametrize("text", ["sqrt(x)", "x**(1/2)", "x**(-3/4)", "norm(x)", "x**(1/6)"])
def test_roots_are_seen(text: str) -> None:
    assert checker.is_root(checker.node(checker.parse(text, "eval").body, checker.FORMULA))


@pytest.mark.parametrize("text", ["abs(x)", "x**(1/3)", "x**2", "dot(x, x)", "x*sqrt(x)", "x"])
def test_what_is_no_root(text: str) -> None:
    node = checker.node(checker.parse(text, "eval").body, checker.FORMULA)
    assert not checker.is_root(node)
    assert checker.is_sign(node) == (text == "abs(x)")
    assert not checker.is_sign(checker.node(checker.parse("abs(2)", "eval").body, checker.FORMULA))


@pytest.mark.parametrize(
    "formula",
    [
        "x.y",
        "x[0]",
        "[1]",
        "lambda: 1",
        "1 if x else 2",
        "x < 1",
        "not x",
        "x and y",
        "'a'",
        "True",
        "1j",
        "f(x)",
        "grad(x)",
        "abs(x, x)",
        "abs(x=1)",
        "hess(*x)",
        "x // 2",
        "x % 2",
        "x @ x",
        "~x",
        "2**x",
        "x**(1/41)",
        "x**41",
        "x**(1/0)",
        "1" * 401,
        "1e400",
        "(" * 210 + "x" + ")" * 210,
        "-" * 210 + "x",
        "",
        " ",
        "x y",
        "x\n",
        "x # \x1b",
        "bet\u0430",
        "x" * 42,
        "(((2**40)**40)**40)**40 - 1 + ((2**40)**40)**40*x**(1 + ((2**40)**40)**40)",
        "x" + " " * 20_000,
        "x:=1",
        "...",
        "1e-401",
        "1e401",
    ],
)
def test_what_is_no_formula(formula: str) -> None:
    claim = Claim(cert(GD, "-grad"))
    with pytest.raises(Bad):
        claim.formula(formula, checker.FORMULA)


@pytest.mark.parametrize(
    "formula",
    [
        "x**40",
        "1.5e-399",
        "1e399",
        "-.5 + 3.",
        "0x10 + 1_0.5",
        "x**(-1/40)",
        "1" * 400,
        "1e99",
        "1.5e-99",
        "((x))",
        " x ",
        "hess(x)",
        "d3(x, x)",
        "d19field(" + "x, " * 18 + "x)",
    ],
)
def test_what_is_a_formula(formula: str) -> None:
    Claim(cert(GD, "-grad")).formula(formula, checker.FORMULA)


FREE = {"parameters": {"mu": "", "nu": ""}}


@pytest.mark.parametrize(
    "options",
    [
        {"update": ""},
        {"update": "x = 1"},
        {"update": f"{GD}\nx"},
        {"update": f"x = y = 1\n{GD}"},
        {"update": f"x.y = 1\n{GD}"},
        {"update": f"x, y = 1, 2\n{GD}"},
        {"update": f"gamma = gamma*2\n{GD}"},
        {"update": f"t = 2\n{GD}"},
        {"update": f"theta_next = 2\n{GD}"},
        {"update": f"mu = 2\n{GD}", **FREE},
        {"update": f"al = 2\n{GD}", "bindings": {"al": "gamma"}},
        {"update": f"x = nothing\n{GD}"},
        {"update": "theta = theta - gamma*(grad(theta) + field(theta))"},
        {"label": "f"},
        {"label": "x"},
        {"kinds": {}},
        {"kinds": {"theta": "tensor"}},
        {"kinds": {"theta": "vector", "z": "vector"}},
        {"rescaled": {"theta": ["x", "gamma"]}},
        {"rescaled": {"z": ["x", "gamma"]}},
        {"parameters": {"gamma": ""}},
        {"parameters": {"theta": ""}},
        {"parameters": {"grad": ""}},
        {"parameters": {"t": ""}},
        {"parameters": {"theta_prev": ""}},
        {"bindings": {"gamma": "2"}},
        {"bindings": {"t": "2"}},
        {"bindings": {"mu": "2"}, **FREE},
        {"bindings": {"al": "zeta"}},
        {"bindings": {"al": "theta"}},
        {"functions": {"hess": None}},
        {"functions": {"grad": None}},
        {"functions": {"mu": None}, **FREE},
        {"functions": {"r": None, "d2r": None}},
        {"functions": {"r": None}, "parameters": {"dr": ""}},
        {"functions": {"r": None}, "parameters": {"d3r": ""}},
        {"functions": {"r": "mu"}, **FREE},
        {"functions": {"r": "1 +"}},
        {"parameters": {"mu": "nu > 0"}},
        {"parameters": {"mu": "0 < 1"}},
        {"parameters": {"mu": "mu > grad(mu)"}},
        {"parameters": {"mu": "mu >"}},
        {"parameters": {"mu": "mu > 0" + " " * 200}},
        {"parameters": {"mu": "mu > 0 \u2003"}},
        {"fields": {}},
        {"fields": {"theta": []}},
        {"fields": {"theta": [[], []]}},
        {"fields": {"theta": [[], []], "x": [[], []]}},
        {"slow": []},
        {"slow": ["theta", "x"]},
        {"memory": {"theta": []}},
        {"memory": {"x": []}},
        {"order": 1},
        {"order": -1},
        {"order": 13},
        {"order": True},
        {"order": "0"},
        {"order": 0.0},
        {"form": "both"},
        {"format": "x"},
        {"scheme": "a\nb"},
        {"regime": "x" * 81},
        {"scheme": "\u00e4"},
        {"extra": 1},
        {"update": 1},
        {"functions": {"r": 1}},
        {"functions": []},
        {"fields": {"theta": [[["1"]]]}},
        {"fields": {"theta": [[["1", "grad", "1"]]]}},
        {"fields": {"theta": [[[1, "grad"]]]}},
        {"fields": {"theta": [["1", "grad"]]}},
        {"fields": {"theta": "11"}},
        {"fields": {"the ta": [[]]}},
        {"kinds": {"theta": None}},
        {"rescaled": {"z": ["x"]}},
        {"update": f"x = x\n{GD}", "kinds": {"theta": "vector", "x": "vector"}},
        {
            "update": f"x = x/2\ny = y/2\n{GD}",
            "kinds": {"theta": "vector", "x": "vector", "y": "vector"},
            "memory": {"z": []},
            "rescaled": {"x": ["z", "gamma"], "y": ["z", "gamma"]},
        },
    ],
)
def test_what_is_no_certificate(options: dict[str, Any]) -> None:
    assert verdict(GD, "-grad") == "proved"
    with pytest.raises(Bad):
        Claim(cert(GD, "-grad") | options)


@pytest.mark.parametrize(
    "options",
    [
        FREE,
        {"parameters": {"mu": "0 <= mu < 1", "nu": "nu > mu"}},
        {"functions": {"r": None, "q": "1 + t"}},
        {"bindings": {"al": "gamma"}},
        {"scheme": "a-b_c d.9"},
        {"update": f"x = 1\ny = x*x\n{GD}"},
        {"update": f"{GD}\n# comment"},
        {"label": "L"},
    ],
)
def test_what_is_a_certificate(options: dict[str, Any]) -> None:
    Claim(cert(GD, "-grad") | options)


def test_states_are_read_before_they_are_assigned() -> None:
    claim = lambda update, *m, **o: Claim(cert(update, "-grad", memory=dict.fromkeys(m, "0"), **o)).states
    assert claim("x = 2\ny = y/2 + x\ntheta = theta - gamma*y", "y") == {"theta": "theta", "y": "y"}
    assert claim(f"{GD} + theta_prev*0", "theta_prev") == {"theta": "theta", "theta_prev": "theta_prev"}
    assert claim(f"theta_prev = theta\n{GD} + theta_prev*0") == {"theta": "theta"}
    renamed = {"rescaled": {"v": ["eta", "gamma"]}, "kinds": {"theta": "vector", "v": "vector"}}
    assert claim("v = v/2\ntheta = theta + v*v", "eta", **renamed) == {"theta": "theta", "v": "eta"}


def test_ranges() -> None:
    """0 <= mu < nu: mu and nu - mu are positive, looked at as soon as the last parameter named is drawn."""
    claim = Claim(cert(GD, "-grad", parameters={"mu": "0 <= mu < nu", "nu": "1 > nu > 0"}))
    sample = Sample(claim, Field(P), {})
    run = checker.Run(sample, 1)
    names = {"mu": run.lift([3]), "nu": run.lift([10])}
    values = {n: [run.of(c, names)[0].at(0) for c in found] for n, found in claim.positive.items()}
    assert values == {"mu": [3], "nu": [7, P - 9, 10]}


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', "", "{", "[" * 100_000, '{"a": {"b": 1, "b": 2}}', "1" * 8_000_001])
def test_what_is_no_file(text: str) -> None:
    with pytest.raises(Bad):
        checker.load(text)


def test_what_is_printed() -> None:
    data = cert(MOMENTUM, "-grad", "0", memory={"v": "0"}, parameters={"beta": "beta < 1", "mu": ""}, bindings={"al": "gamma**2"},
                rescaled={"v": ["eta", "gamma"]}, regime="inertial")  # fmt: skip
    data["fields"]["theta"][1] = [["beta", "grad"], ["1/2", "theta"]]
    data["memory"]["v"] = []
    assert checker.describe(data) == (
        "scheme s, regime inertial, flow through gamma^1\nupdate\n    v = beta*v - gamma*grad(theta)\n    theta = theta + v\n"
        "parameters\n    beta: beta < 1\n    mu: any\nregime\n    al = gamma**2\n    v = (gamma)*eta\n"
        "theta, gamma^0: (1)*-grad\ntheta, gamma^1: (beta)*grad + (1/2)*theta\nmemory v, gamma^0: 0"
    )
    assert checker.describe(cert(GD, "-grad")) == (
        "scheme s, regime -, flow through gamma^0\nupdate\n    theta = theta - gamma*grad(theta)\ntheta, gamma^0: (1)*-grad"
    )


# ------------------------------------------------------------------------------------------ rings


def test_a_prime_field_with_signs() -> None:
    ring, source = Field(P), Random(1)
    for _ in range(20):
        x, y = source.randrange(1, P), source.randrange(1, P)
        assert ring.residue(x) != ring.residue(P - x)
        assert ring.size(x) == ring.size(P - x) == x * ring.sign(x, None) % P
        assert ring.power(x * x % P, F(1, 2), None) == ring.size(x)
        assert ring.power(x * x % P, F(-1, 2), None) * ring.size(x) % P == 1
        assert ring.power(pow(x, 5, P), F(1, 5), None) == x
        assert ring.power(pow(x, 5, P), F(3, 5), None) == pow(x, 3, P)
        assert ring.power(x, F(-2), None) * x * x % P == 1
        assert ring.power(ring.size(x), F(1, 2), None) * ring.power(ring.size(y), F(1, 2), None) % P == ring.power(
            ring.size(x) * ring.size(y) % P, F(1, 2), None
        )
        with pytest.raises(checker.Rejected) as caught:
            ring.power(P - ring.size(x), F(1, 2), "here")
        assert caught.value.args == ("here",)
    assert ring.constant(F(2, 3)) * 3 % P == 2
    assert (ring.neg(3) + 3) % P == ring.add(P - 3, 3) == 0
    assert ring.scale(5, F(1, 5)) == 1
    assert ring.inner([1, 2, P - 1], [3, 4, 5]) == 6


def test_elimination() -> None:
    ring = Field(P)
    assert ring.solve([[0, 2, 1], [1, 0, 3], [4, 1, 0]], [7, 10, 6], None) == [1, 2, 3]
    assert ring.solve([[5]], [10], None) == [2]
    with pytest.raises(Bad, match="relax"):
        ring.solve([[1, 2], [2, 4]], [1, 2], None)


X = (1.0, 0, 0.0, 1, 0)


def test_degrees_of_polynomials() -> None:
    ring = Degrees(4)
    x, three, third = X, ring.constant(F(3)), ring.constant(F(1, 3))
    assert ring.constant(F(0)) is None
    assert three == (0.0, 0, log2(3), 1, 0)
    assert third == (0.0, 0, 0.0, 3, 0)
    assert ring.constant(F(-5, 2)) == (0.0, 0, log2(5), 2, 0)
    assert ring.times(x, three) == (1.0, 0, log2(3), 1, 0)
    assert ring.times(x, None) is ring.times(None, x) is None
    assert ring.add(x, None) == ring.add(None, x) == x
    assert ring.add(None, None) is None
    assert ring.neg(x) == x
    assert ring.add(ring.times(x, x), three) == (2.0, 0, pytest.approx(2.0), 1, 0)
    assert ring.add(third, ring.constant(F(1, 2))) == (0.0, 0, pytest.approx(log2(5)), 6, 0)
    assert ring.scale(x, F(5, 7)) == (1.0, 0, log2(5), 7, 0)
    assert ring.scale(x, F(0)) is None
    assert ring.inner([x, x], [three, x]) == (2.0, 0, pytest.approx(2.0), 1, 0)
    assert ring.power((2.0, 1, 3.0, 5, 2), F(3), None) == (6.0, 3, 9.0, 125, 6)
    assert ring.total([(1.0, 2, 0.0, 1, 5), (4.0, 1, 0.0, 1, 0)]) == (4.0, 2, 1.0, 1, 5)
    assert ring.sign(x, None) == ring.one
    assert (ring.degree, ring.height, ring.roots) == (0.0, 0.0, {})


def test_degrees_of_quotients_and_roots() -> None:
    """In d = 4 components: 1/b brings deg b four times into the common denominator B, and 1/(1/b) = b B/B."""
    ring = Degrees(4)
    inverse = ring.power((3.0, 0, 2.0, 5, 0), F(-1), "b")
    assert inverse == (0.0, 1, log2(5), 1, 0)
    assert (ring.degree, ring.height) == (12.0, 8.0)
    assert ring.power((3.0, 0, 2.0, 5, 0), F(-2), "b") == (0.0, 2, 2 * log2(5), 1, 0)
    assert (ring.degree, ring.height) == (12.0, 8.0)  # the same place divides by the same polynomial
    assert ring.cleared(inverse) == (12.0, 8.0 + log2(5))
    twice = ring.power(inverse, F(-1), "c")  # P B = 5 B/b has degree 12
    assert twice == (12.0, 1, 8.0, 1, 0)
    assert (ring.degree, ring.height) == (60.0, pytest.approx(8.0 + 4 * (8.0 + log2(5))))
    assert ring.power((4.0, 0, 3.0, 2, 0), F(1, 2), "r") == (2.0, 0, 2.0, 2, 0)
    assert ring.power((4.0, 1, 0.0, 1, 0), F(1, 2), "s") == (62.0, 1, pytest.approx(ring.height), 1, 0)
    assert ring.roots == {"r": 2, "s": 2}
    ring.power((4.0, 0, 3.0, 2, 0), F(2, 3), "r")
    assert ring.roots == {"r": 6, "s": 2}
    other = Degrees(2)
    assert other.power((4.0, 0, 3.0, 2, 0), F(-1, 2), "r") == (0.0, 1, 1.0, 1, 0)
    assert (other.degree, other.height) == (4.0, 4.0)
    assert other.power((4.0, 0, 4.0, 1, 0), F(3, 4), "q") == (3.0, 0, 3.0, 1, 0)
    for r in (F(-1), F(1, 2)):
        with pytest.raises(Bad, match="second derivative"):
            ring.power((3.0, 0, 2.0, 1, 1), r, "v")
    with pytest.raises(Bad, match="sign"):
        ring.sign((3.0, 0, 2.0, 1, 1), "v")
    assert ring.power(None, F(2), "z") is None


def test_scalar_products_bring_indices_unless_they_are_functions_of_the_point() -> None:
    ring = Degrees(3)
    assert ring.contracted(X, "a", True) == X
    assert ring.leading == {"a"}
    assert ring.contracted(X, "b", False) == (1.0, 0, 0.0, 1, 1)
    assert ring.contracted((1.0, 0, 0.0, 1, 2), "c", True) == (1.0, 0, 0.0, 1, 3)
    assert ring.contracted(None, "d", True) is None
    assert ring.leading == {"a"}


def test_degrees_by_cramers_rule() -> None:
    """One memory in two components, k = 1: entries (n, h) = (1, 1), each a sum of 2 products; det: 2! (2 x^1)^2."""
    ring = Degrees(2)
    [w] = ring.solve([[(1.0, 0, 1.0, 1, 3)]], [(5.0, 0, 2.0, 1, 4)], ("det", 1))
    entry = log2(3)  # with the one beside it
    assert w[:2] == (6.0, 1)
    assert w[3:] == (1, 4)
    assert w[2] == pytest.approx(2 + entry + log2(2 * 4))
    assert ring.degree == 4.0
    assert ring.height == pytest.approx(2 * (2 * entry + log2(2 * 4)))
    assert ring.solve([[X]], [None], ("det", 1)) == [None]


# ------------------------------------------------------------------------------------------ series and functions


def run(length: int = 6, ring: Any = None, leading: Any = None) -> Any:
    sample = Sample(Claim(cert(GD, "-grad")), ring or Field(P), {}, 0, leading)
    return checker.Run(sample, length)


def series(r: Any, v: int, c: list[int], end: Any = None) -> Series:
    return Series(r, v, c) if end is None else Series(r, v, c, end)


def test_precision_of_series() -> None:
    """gamma^v (c_0 + ...) + O(gamma^end): what is known of sums and products, and no more."""
    r = run()
    a, b, zero = series(r, -1, [1, 2, 3], 2), series(r, 1, [5], 4), r.constant(0)
    known = lambda s: (s.v, s.c, s.end)
    inf = zero.end
    assert known(series(r, 0, [0, 0, 4, 5, 6], 4)) == (2, [4, 5], 4)
    assert known(series(r, 3, [1, 2], 3)) == (3, [], 3)
    assert known(zero) == (inf, [], inf)
    assert known(a + b) == (-1, [1, 2, 8], 2)
    assert known(a - a) == (2, [], 2)
    assert known(a * b) == (0, [5, 10, 15], 3)
    assert known(b * a) == known(a * b)
    assert known(a * a) == (-2, [1, 4, 10], 1)
    assert known(a * zero) == known(zero * a) == (inf, [], inf)
    assert known(a + zero) == known(zero + a) == known(a)
    assert known(r.gamma * r.gamma) == (2, [1], inf)
    assert known((r.gamma + r.constant(1)) * (r.gamma + r.constant(1))) == (0, [1, 2, 1], inf)
    assert known(series(run(2), 0, [1, 1, 1]) * series(run(2), 0, [1, 1, 1])) == (0, [1, 2], 2)
    assert known(series(r, 0, [], 3) * series(r, -2, [1, 1])) == (1, [], 1)
    assert [a.at(k) for k in (-3, -1, 0, 1)] == [0, 1, 2, 3]
    assert zero.at(100) == 0
    with pytest.raises(Short):
        a.at(2)
    assert a.span(-2, 4) == [0, 1, 2, 3, 0, 0]
    assert known(a + series(r, 5, [1])) == known(a)
    assert known(series(r, 5, [1], 6) + series(r, 2, [], 2)) == (2, [], 2)


def test_powers_of_series() -> None:
    r, source = run(6), Random(3)
    for v, q in ((0, 2), (2, 2), (-5, 5)):
        a = series(r, v, [4, *(source.randrange(P) for _ in range(5))], v + 6)
        b = a.power(F(1, q), "a" + str(v))
        assert b.v == v // q
        assert b.end == v // q + 6
        assert (b.power(F(q), None) - a).c == []
        assert (a.power(F(-2), "b" + str(v)) * a * a - r.constant(1)).c == []
    assert series(r, 4, [9]).power(F(1, 2), "c").c in ([3], [P - 3])
    assert series(r, 4, [9]).power(F(-1, 2), "d").end > 1000
    assert r.constant(7).power(F(0), None).c == [1]
    with pytest.raises(Bad, match="fractional"):
        r.gamma.power(F(1, 2), "e")
    with pytest.raises(ZeroDivisionError):
        r.constant(0).power(F(-1), "f")
    with pytest.raises(Short):
        series(r, 0, [], 3).power(F(-1), "g")
    exact = series(r, 0, [1, 1]).power(F(-1), "h")
    assert (exact.c, exact.end) == ([1, P - 1] * 3, 6)
    assert series(r, 2, [P - 5, 1]).sign("i", 0).c == [Field(P).sign(P - 5, None)]


def test_a_leading_coefficient_stays() -> None:
    r = run()
    series(r, 1, [3]).sign("a", 0)
    series(r, 1, [3, 5]).sign("a", 0)
    assert (r.sample.starts, r.sample.leads) == ({"a": 1}, {"a": {0: 3}})
    for other, i in ((series(r, 1, [4]), 0), (series(r, 2, [3]), 0), (series(r, 2, [3]), 1)):
        with pytest.raises(Bad, match="changes"):
            other.sign("a", i)
    series(r, 1, [4]).sign("a", 1)
    assert r.sample.leads["a"] == {0: 3, 1: 4}


def test_where_degrees_cannot_cancel_the_sample_says_what_does() -> None:
    ring = Degrees(3)
    r = run(4, ring, {"a": 2})
    s = Series(r, 0, [X, X, (7.0, 0, 0.0, 1, 0), X], 4)
    s.power(F(-1), "a")
    assert ring.degree == 21.0
    assert s.power(F(-1), "a").v == -2
    assert s.power(F(-1), "b").v == 0
    assert (s - r.constant(1)).v == 0
    assert s.above(X).v == 1
    assert s.above(X).c == s.c[1:]


def test_functions_of_random_directions() -> None:
    """f(delta) = f + T delta + T(delta, delta)/2 + ..., derivatives symmetric, those of a gradient symmetric in all indices."""
    ring, source, r = Field(P), Random(4), run(3)
    found = checked(GD, "-grad", TWO)[0]
    f = found.smooth(ring, [5, 6, 7], [1, 1, 1], ("theta",))
    along, at = lambda *m: f.derivative("theta", *(("theta", x) for x in m)), lambda run, x: f.at(run, "theta", x)
    point = [series(r, 0, [x, *(source.randrange(P) for _ in range(2))], 3) for x in (5, 6, 7)]
    x1, x2 = ([s.at(k) for s in point] for k in (1, 2))
    value = at(r, point)
    assert [s.at(0) for s in value] == along()
    assert [s.at(1) for s in value] == along(x1)
    second = [(a + b * pow(2, -1, P)) % P for a, b in zip(along(x2), along(x1, x1))]
    assert [s.at(2) for s in value] == second
    assert all(s.end == 3 for s in value)
    assert along(x1, x2) == along(x2, x1)
    dot = lambda x, y: sum(a * b for a, b in zip(x, y)) % P
    assert dot(along(x1), x2) == dot(along(x2), x1)
    assert dot(along(x1, x1), x2) == dot(along(x1, x2), x1)
    assert [s.end for s in at(r, [r.constant(x) for x in (5, 6, 7)])] == [r.constant(0).end] * 3
    with pytest.raises(Bad, match="far from"):
        at(r, [r.constant(1)] * 3)
    with pytest.raises(Short):
        along(*[x1] * (f.degree + 1))
    with pytest.raises(Short):
        at(r, [series(r, 0, [], 0)] * 3)
    with pytest.raises(Short):
        at(run(9), [series(r, 0, [x, 1], 9) for x in (5, 6, 7)])


def test_weights_raise_a_loss_and_not_a_field() -> None:
    """u_j T_ij = u_i T_ji for a loss; no symmetry for a field; enough directions for every polynomial of the degree."""
    found, field = checked(GD, "-grad", TWO)[0], checked("theta = theta + gamma*field(theta)", "field", "-dfield(field)/2")[0]
    e = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    u = [3, 5, 7]
    f, g = (c.smooth(Field(P), [1, 2, 3], u, ("theta",)) for c in (found, field))
    f_ij, g_ij = ([h.derivative("theta", ("theta", x)) for x in e] for h in (f, g))
    assert all(u[j] * f_ij[j][i] % P == u[i] * f_ij[i][j] % P for i in range(3) for j in range(3))
    assert g_ij[0][1] not in (g_ij[1][0], g_ij[1][0] * 3 * pow(5, -1, P) % P)
    for h, c in ((f, found), (g, field)):
        assert h.degree == c.degree
        assert len(h.directions) == len(h.coefficients) == comb(3 + c.degree, 2)
    rows = [
        [pow(a[0], i, P) * pow(a[1], j, P) * pow(a[2], 3 - i - j, P) for i in range(4) for j in range(4 - i)]
        for a in f.directions
    ]
    assert Field(P).solve([row[:10] for row in rows[:10]], [0] * 10, None) == [0] * 10


def test_weights_of_differences() -> None:
    """On v_n = 7 + 5 n + n^3: Delta^4 v = 0, Delta^3 v = 6, the coefficient of n^1, the first difference."""
    v = [7 + 5 * n + n**3 for n in range(9)]
    of = lambda rule, k: sum(w * x for w, x in zip(rule(k), v))
    assert [of(checker.delta, k) for k in (1, 3, 4)] == [6, 6, 0]
    assert of(checker.slope, 3) == of(checker.slope, 5) == 5
    assert of(checker.forward, 1) == of(checker.forward, 4) == 6
    assert [len(rule(4)) for rule in (checker.delta, checker.slope, checker.forward)] == [5, 5, 5]


# ------------------------------------------------------------------------------------------ samples


def test_relaxation() -> None:
    """v = beta v - gamma g, theta = theta + v:  J = (1 beta; 0 beta), so [(J - 1)^k]_vv = (beta - 1)^k on three components."""
    found, sample = checked(MOMENTUM, "-grad/(1 - beta)", memory={"v": "0"}, parameters={"beta": ""})
    b, p = sample.values["beta"][0] - 1, sample.ring.p
    for k, block in enumerate(sample.relaxation()):
        assert block == [[pow(b, k + 1, p) if i == j else 0 for j in range(3)] for i in range(3)]
    assert len(sample.blocks) == 2
    assert not found.vertices_matter(sample)
    assert [len(x) for x in sample.memory["v"]] == [3, 3]
    g = sample.loss.derivative("theta")
    assert [(x * b - y) % p for x, y in zip(sample.memory["v"][1], g)] == [0, 0, 0]


def test_a_relaxation_that_depends_on_second_derivatives_is_not_decided() -> None:
    update = "m = m/2 + grad(theta)/2\nn = n/2 + (grad(theta + gamma*m) - grad(theta))/gamma\ntheta = theta - gamma*(m + 0*n)"
    assert "second derivatives" in reason(update, "-grad", memory={"m": "grad", "n": "2*hess(grad)"})


def line(found: Check, d: int, length: int, which: int) -> list[int]:
    """Claim minus truth, the last equation but `which`, at points a + n b for n = 0, 1, ..."""
    ring = Field(P)
    a, b = found.point(ring, d, False), found.point(ring, d, False)
    along = lambda x, y, n: [along(i, j, n) if isinstance(i, list) else (i + n * j) % P for i, j in zip(x, y)]
    values = []
    for n in range(length):
        point = {k: along(a.values[k], b.values[k], n) for k in a.values}
        f, g = a.loss, b.loss
        loss = Smooth(ring, point["theta"], along(f.directions, g.directions, n), along(f.coefficients, g.coefficients, n))
        sample = Sample(found.claim, ring, point, found.slack).settle({"L": loss}, a.weights, {})
        values.append([v for _, v in sample.equations()][-1 - which][0])
    return values


@pytest.mark.parametrize(
    "powers", [["-2*grad"], ["-grad", "-hess(grad)"], ["-grad", TWO, "d3(grad, grad)"], ["-grad", "theta**7"]]
)
def test_degrees_bound_degrees(powers: list[str]) -> None:
    """Polynomials of a + n b: their differences vanish above the degree, which the bound is not below."""
    found = Check(Claim(cert(GD, *powers)), Random(5))
    found.slack, found.leading, found.degree = 0, {}, 4
    bound = 2 ** found.bounds(3)[0]
    length = int(bound) + 3
    values = line(found, 2, length, 0)
    rest, n = values, 0
    while any(rest):
        rest, n = [(b - a) % P for a, b in itertools.pairwise(rest)], n + 1
        assert rest, "no polynomial of this degree"
    assert n - 1 <= bound
    assert n - 1 >= len(powers)
