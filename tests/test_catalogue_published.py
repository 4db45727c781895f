"""Published modified equations against the catalogue, through the public API; the source stands above each value.

Notation: g = grad L, H = hess L; f_k is the coefficient of gamma^k in theta' = f_0 + gamma f_1 + ... (form 'flow'), m_k
that in theta+ = theta + gamma (m_0 + gamma m_1 + ...) (form 'map'). Results in another clock or normalisation are
restated in this one, and the comment says how. The formulas have been checked by an independent computation; a citation
names where the result is from, not that it is printed there in this very form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import mpmath
import pytest
import sympy
from mpmath import mpf

from derive import ModifiedEquation, TermSum, modified_equation

G, HG, HHG, TGG = "grad", "hess(grad)", "hess(hess(grad))", "d3(grad, grad)"
HHHG = "hess(hess(hess(grad)))"
SYMBOLS = {name: sympy.Symbol(name) for name in ("beta", "nu", "kappa", "lam", "tau", "r", "dr", "t")}

Coefficients = dict[str, str]


@dataclass(frozen=True)
class Row:
    """The whole coefficient of gamma^power: {term: coefficient}; every other term must be absent."""

    scheme: str
    power: int
    expected: Coefficients
    form: str = "flow"
    regime: str | None = None
    variable: str = "theta"

    def __str__(self) -> str:
        return "-".join(str(p) for p in (self.scheme, self.regime, self.form, self.variable, self.power) if p is not None)


def symbolic(text: str) -> sympy.Expr:
    return sympy.sympify(text, locals=SYMBOLS)


def table(sums: TermSum) -> Coefficients:
    return {str(term): str(coefficient) for coefficient, term in sums}


def agrees(found: Coefficients, expected: Coefficients) -> bool:
    """Equality as rational functions of the parameters, term by term."""
    return all(
        sympy.cancel(symbolic(found.get(term, "0")) - symbolic(expected.get(term, "0"))) == 0
        for term in found.keys() | expected.keys()
    )


def derived(row: Row) -> Coefficients:
    equation = modified_equation(row.scheme, order=row.power, regime=row.regime, form=row.form)
    return table(equation[row.variable][row.power])


def kovachki_stuart(a: str) -> Coefficients:
    """f_1 of u_(n+1) = u_n + beta (u_n - u_(n-1)) + h f(u_n + a (u_n - u_(n-1))).

    Kovachki & Stuart, JMLR 22(17), 2021, arXiv:1906.04285: theta' = -b grad(L + h/2 b (b - a - 1/2) |g|^2), b = 1/(1-beta).
    Some reproductions print b - a + 1/2; that fails already for gradient descent (3/4 h |g|^2 where 1/4 is right).
    """
    return {HG: f"-(1/(1-beta))**2*(1/(1-beta) - ({a}) - 1/2)"}


ROWS = [
    # Barrett & Dherin, ICLR 2021, arXiv:2009.11162: L + h/4 |g|^2.
    Row("gd", 1, {HG: "-1/2"}),
    # Rosca, Wu, Qin & Dherin 2023, arXiv:2302.01952, and Miyagawa 2022, arXiv:2210.15898 (xi_1): h^2 term.
    Row("gd", 2, {HHG: "-1/3", TGG: "-1/12"}),
    # Chartier, Hairer & Vilmart, FoCM 2010 (backward error of explicit Euler): b = 0, -1/12, -1/6, -1/4 at four nodes.
    Row("gd", 3, {"d3(grad, hess(grad))": "-1/12", "hess(d3(grad, grad))": "-1/12", HHHG: "-1/4"}),
    # the same with b -> (-1)^(n-1) b (adjoint method).
    Row("implicit-euler", 1, {HG: "1/2"}),
    Row("implicit-euler", 2, {HHG: "-1/3", TGG: "-1/12"}),
    Row("implicit-euler", 3, {"d3(grad, hess(grad))": "1/12", "hess(d3(grad, grad))": "1/12", HHHG: "1/4"}),
    # Hairer, Lubich & Wanner, Geometric Numerical Integration, IX: b/sigma = -1/24 on f''(f,f), 1/12 on f'f'f.
    Row("implicit-midpoint", 1, {}),
    Row("implicit-midpoint", 2, {TGG: "1/24", HHG: "-1/12"}),
    Row("implicit-midpoint", 3, {}),
    # BSeries.jl, test/runtests.jl, explicit midpoint: b = -1/12, -1/6; 0, 0, 1/8, 1/8; and at five nodes 7/240, 1/40,
    # 3/80, 7/240, 1/30, -7/240, -1/40, -19/240, -1/20 with sigma = 24, 2, 2, 1, 2, 6, 1, 2, 1. Here b/sigma (-1)^n, as
    # f = -g.
    Row("midpoint", 1, {}),
    Row("midpoint", 2, {TGG: "1/24", HHG: "1/6"}),
    Row("midpoint", 3, {"hess(d3(grad, grad))": "1/16", HHHG: "1/8"}),
    Row(
        "midpoint",
        4,
        {
            "d5(grad, grad, grad, grad)": "-7/5760",
            "d4(grad, grad, hess(grad))": "-1/80",
            "d3(grad, d3(grad, grad))": "-3/160",
            "d3(grad, hess(hess(grad)))": "-7/240",
            "d3(hess(grad), hess(grad))": "-1/60",
            "hess(d4(grad, grad, grad))": "7/1440",
            "hess(d3(grad, hess(grad)))": "1/40",
            "hess(hess(d3(grad, grad)))": "19/480",
            "hess(hess(hess(hess(grad))))": "1/20",
        },
    ),
    # Hairer, Norsett & Wanner, Solving ODEs I, III.2, error constants C = C_3/sigma(1) = 5/12, -1/3 and 1/6 (leapfrog):
    # theta' = f - C gamma^2 D^2 f, and D^2 f = f''(f,f) + f'f'f = -d3L[g,g] - HHg.
    Row("adams-bashforth-2", 1, {}),
    Row("adams-bashforth-2", 2, {TGG: "5/12", HHG: "5/12"}),
    Row("bdf2", 1, {}),
    Row("bdf2", 2, {TGG: "-1/3", HHG: "-1/3"}),
    Row("leapfrog-two-step", 1, {}),
    Row("leapfrog-two-step", 2, {TGG: "1/6", HHG: "1/6"}),
    # Lu, Math. Prog. 2022, arXiv:2001.08826, O(s)-resolution of EGM and OGDA: +s/2 F'F.
    Row("extragradient", 1, {HG: "1/2"}),
    Row("ogda", 1, {HG: "1/2"}),
    # Ghosh, Lyu, Zhang & Wang, ICLR 2023, arXiv:2302.00849, stationary form.
    Row("momentum", 0, {G: "-1/(1-beta)"}),
    Row("momentum", 1, {HG: "-(1+beta)/(2*(1-beta)**3)"}),
    # Kovachki & Stuart 2021, see above: a = 0 heavy ball, a = beta Nesterov; the shifted variable has the same f_1.
    Row("momentum", 1, kovachki_stuart("0")),
    Row("nesterov", 1, kovachki_stuart("beta")),
    Row("nesterov-half", 1, kovachki_stuart("beta/2")),
    Row("nesterov-keras", 1, kovachki_stuart("beta")),
    Row("triple-momentum", 1, kovachki_stuart("nu")),
    # Cattaneo & Shigida 2025, arXiv:2509.08483: heavy ball is GD on L + h beta/(2 (1-beta)^2) |g|^2, rate h/(1-beta).
    Row("momentum", 1, {HG: "-beta/(1-beta)**3"}, form="map"),
    # the same (the abstract names the families): Eulerian polynomials on stars, Narayana on paths, both here 1 + beta.
    Row("momentum", 2, {TGG: "-beta*(1+beta)/(2*(1-beta)**5)", HHG: "-beta*(1+beta)/(1-beta)**5"}, form="map"),
    # Cattaneo & Shigida, NeurIPS 2025, arXiv:2502.02132, Nesterov: GD on L + h beta^2/(2 (1-beta)^2) |g|^2, the same rate.
    Row("nesterov-keras", 1, {HG: "-beta**2/(1-beta)**3"}, form="map"),
    Row("nesterov", 1, {HG: "-beta**2/(1-beta)**3"}, form="map"),
    # Ghosh et al. 2023 in the EMA normalisation: L + h/4 (1+beta)/(1-beta) |g|^2.
    Row("ema-momentum", 1, {HG: "-(1+beta)/(2*(1-beta))"}),
    # Ma & Yarats, ICLR 2019, arXiv:1810.06801; L + h/4 (1-beta+2 beta nu)/(1-beta) |g|^2 by the same computation.
    Row("qhm", 1, {HG: "-(1-beta+2*beta*nu)/(2*(1-beta))"}),
    # Compagnoni et al., ICML 2023, arXiv:2301.08203 (drift, full batch) with the discretisation term h/4 |g|^2:
    # unnormalised L + (rho/2 + h/4) |g|^2, normalised L + rho |g| + h/4 |g|^2; rho = kappa h.
    Row("sam", 1, {HG: "-(kappa + 1/2)"}),
    Row("sam-normalised", 1, {HG: "-1/2", "dot(grad, grad)**(-1/2)*hess(grad)": "-kappa"}),
    # Barrett & Dherin, ICLR 2021, arXiv:2009.11162, for the loss L + lam/2 |g|^2 of their explicit regulariser (mu = lam/2).
    Row("gradient-penalty", 0, {G: "-1", HG: "-lam"}),
    Row("gradient-penalty", 1, {HG: "-1/2", TGG: "-lam/2", HHG: "-lam", "d3(grad, hess(grad))": "-lam**2/2", HHHG: "-lam**2/2"}),
    # Polyak 1969: the step that solves the linearised L = 0, so that dL/dt = -L at gamma = 0.
    Row("polyak-step", 0, {"L*grad*dot(grad, grad)**(-1)": "-1"}),
    # Loshchilov & Hutter, ICLR 2019, arXiv:1711.05101, Proposition 1: for GD decoupled decay is an L2 penalty; then
    # Barrett & Dherin for L + lam/2 |theta|^2.
    *(
        Row(s, 1, {HG: "-1/2", "hess(theta)": "-lam/2", G: "-lam/2", "theta": "-lam**2/2"})
        for s in ("weight-decay", "gd-decoupled-decay")
    ),
    # Li, Tai & E, JMLR 20(40), 2019, arXiv:1811.01558: drift of the order-2 equation of momentum SGD,
    # v+ = v - eta mu v - eta g, x+ = x + eta v+; eta is gamma here, mu is lam and v is eta.
    Row("momentum", 1, {"eta": "-lam/2", G: "-1/2"}, regime="inertial"),
    Row("momentum", 1, {"eta": "-lam**2/2", G: "-lam/2", "hess(eta)": "1/2"}, regime="inertial", variable="eta"),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_published_coefficients(row: Row) -> None:
    assert agrees(derived(row), row.expected)


@pytest.mark.parametrize("row", [r for r in ROWS if r.expected], ids=str)
def test_a_wrong_coefficient_is_refused(row: Row) -> None:
    found = derived(row)
    for term, coefficient in row.expected.items():
        assert not agrees(found, {**row.expected, term: f"({coefficient}) + 1/1000"})
        assert not agrees(found, {t: c for t, c in row.expected.items() if t != term})


def test_wrong_published_variants_are_refused() -> None:
    momentum = table(modified_equation("momentum", order=1)["theta"][1])
    # Kovachki & Stuart's loss as some reproductions print it (+1/2), and the map's coefficient taken for the flow's.
    assert not agrees(momentum, {HG: "-(1/(1-beta))**2*(1/(1-beta) + 1/2)"})
    assert not agrees(momentum, {HG: "-beta/(1-beta)**3"})
    # the two Nesterov variables agree through gamma^1 and not at gamma^2
    first, second = (modified_equation(s, order=2)["theta"] for s in ("nesterov", "nesterov-keras"))
    assert agrees(table(first[1]), table(second[1]))
    assert not agrees(table(first[2]), table(second[2]))


# ------------------------------------------------------------------------------------------------ all orders


@pytest.mark.parametrize(
    ("scheme", "beta", "series"),
    [
        # principal flow, Rosca et al. 2023: log(1 - z)/h.
        ("gd", None, ["-1", "-1/2", "-1/3", "-1/4"]),
        # log of the principal root of r^2 - (1 + beta - z) r + beta: Cattaneo & Shigida 2025 (heavy-ball principal flow).
        ("momentum", "1/2", ["-2", "-6", "-104/3", "-252"]),
        # log of the principal root of r^2 - (1 + beta)(1 - z) r + beta (1 - z).
        ("nesterov", "1/2", ["-2", "-4", "-50/3", "-92"]),
        ("nesterov-keras", "1/2", ["-2", "-4", "-50/3", "-92"]),
        # log(sqrt(1 + z^2) - z) = -asinh z.
        ("leapfrog-two-step", None, ["-1", "0", "1/6", "0", "-3/40"]),
    ],
)
def test_linear_dynamics(scheme: str, beta: str | None, series: list[str]) -> None:
    """On quadratics theta' = log(r_+(h H))/h theta: the chains H...H g carry the series of log r_+ (z = h lambda)."""
    equation = modified_equation(scheme, order=len(series) - 1, settings={"beta": beta} if beta else None)
    chains = [G, HG, HHG, HHHG, f"hess({HHHG})"]
    found = [str(equation["theta"][k].coefficient(chains[k])) for k in range(len(series))]
    assert [Fraction(c) for c in found] == [Fraction(c) for c in series]


@pytest.mark.parametrize(
    ("term", "polynomial"),
    # Cattaneo & Shigida 2025, arXiv:2509.08483, the map's m_3: Eulerian 1, 4, 1 (star), Narayana 1, 3, 1 (path).
    [("d4(grad, grad, grad)", "(1+4*beta+beta**2)/6"), (HHHG, "1+3*beta+beta**2")],
)
def test_eulerian_and_narayana(term: str, polynomial: str) -> None:
    found = table(modified_equation("momentum", order=3, form="map")["theta"][3])[term]
    assert sympy.cancel(symbolic(found) + symbolic(f"beta*({polynomial})/(1-beta)**7")) == 0


def test_euler_for_a_scalar_equation() -> None:
    # Hairer, Lubich & Wanner, IX.1, y' = y^2 under explicit Euler:
    # y^2 - h y^3 + 3/2 h^2 y^4 - 8/3 h^3 y^5 + 31/6 h^4 y^6 - 157/15 h^5 y^7.
    values = modified_equation("gd", order=5).evaluate("-x**3/3", {"x": 1}).values["theta"]
    assert values == [["1"], ["-1"], ["3/2"], ["-8/3"], ["31/6"], ["-157/15"]]


@pytest.mark.parametrize(
    ("scheme", "accuracy"),
    [
        ("gd", 1),
        ("heun", 2),
        ("midpoint", 2),
        ("implicit-midpoint", 2),
        ("rk4", 4),
        ("adams-bashforth-2", 2),
        ("bdf2", 2),
    ],
)
def test_order_of_accuracy(scheme: str, accuracy: int) -> None:
    """Hairer, Norsett & Wanner, Solving ODEs I, II.1 and III.1: order p, and not p + 1."""
    field = modified_equation(scheme, order=accuracy)["theta"]
    assert table(field[0]) == {G: "-1"}
    assert not any(field[1:accuracy])
    assert field[accuracy]


# ------------------------------------------------------------------------------------------------ second-order form


@pytest.mark.parametrize(
    ("scheme", "hessian"),
    # Shi, Du, Jordan & Su, Math. Prog. 2022, arXiv:1810.08907, with lam = 2 sqrt(mu), gamma = sqrt(s):
    # X'' + lam X' + [NAG-SC: gamma H X'] + (1 + lam gamma/2) g = 0.
    [("momentum", "0"), ("nesterov-keras", "-1"), ("nesterov", "-1")],
)
def test_high_resolution_equation(scheme: str, hessian: str) -> None:
    """With theta' = eta + gamma (a eta + b g), eta' = -lam eta - g + gamma (p eta + q g + r H eta), eliminating eta gives
    theta'' = -lam theta' - g + gamma (p theta' + (lam b + q - a) g + (r + b) H theta')."""
    equation = modified_equation(scheme, order=1, regime="strongly-convex")
    assert agrees(table(equation["theta"][0]), {"eta": "1"})
    assert agrees(table(equation["eta"][0]), {"eta": "-lam", G: "-1"})
    a, b = (symbolic(table(equation["theta"][1]).get(t, "0")) for t in ("eta", G))
    p, q, r = (symbolic(table(equation["eta"][1]).get(t, "0")) for t in ("eta", G, "hess(eta)"))
    lam = SYMBOLS["lam"]
    second = [p, lam * b + q - a, r + b]
    assert [sympy.cancel(x - symbolic(y)) for x, y in zip(second, ("0", "-lam/2", hessian), strict=True)] == [0, 0, 0]


# ------------------------------------------------------------------------------------------------ adaptive schemes

LOSS = "x**2/2 + x*y/3 + 3*y**2/4 + x**3/6 - x**2*y/5 + y/4 - x/3"
POINTS = [{"x": "3/5", "y": "-4/5"}, {"x": "-1/2", "y": "2/3"}]
SETTINGS = [
    {"beta": "9/10", "rho": "99/100", "eps": "1/5", "lam": "1/10"},
    {"beta": "2/5", "rho": "1/3", "eps": "1/50", "lam": "3/2"},
]
Vector = list[mpf]


@dataclass(frozen=True)
class Place:
    """g and H u of LOSS at a point, by hand, and the parameters, all at 60 digits."""

    x: mpf
    y: mpf
    beta: mpf
    rho: mpf
    eps: mpf
    lam: mpf

    @property
    def theta(self) -> Vector:
        return [self.x, self.y]

    @property
    def g(self) -> Vector:
        x, y = self.x, self.y
        return [x + y / 3 + x**2 / 2 - 2 * x * y / 5 - mpf(1) / 3, x / 3 + 3 * y / 2 - x**2 / 5 + mpf(1) / 4]

    def hess(self, u: Vector) -> Vector:
        x, y = self.x, self.y
        cross = mpf(1) / 3 - 2 * x / 5
        return [(1 + x - 2 * y / 5) * u[0] + cross * u[1], cross * u[0] + mpf(3) / 2 * u[1]]


def cattaneo_klusowski_shigida(beta_is_zero: bool, inside: bool) -> Callable[[Place], list[Vector]]:
    """(f_0, f_1). Cattaneo, Klusowski & Shigida, ICML 2024, arXiv:2309.00079, n -> infinity, full batch.

    With B_x = (1+x)/(1-x), componentwise, theta' is through h^1:
    eps inside:  -(g + h/2 {B_beta - B_rho + B_rho eps/(g^2+eps)} H(g/sqrt(g^2+eps)))/sqrt(g^2+eps);
    eps outside: -(g + h/2 {B_beta - B_rho |g|/(|g|+eps)} H(g/(|g|+eps)))/(|g|+eps), by the same computation.
    """

    def field(at: Place) -> list[Vector]:
        beta = mpf(0) if beta_is_zero else at.beta
        first, second = (1 + beta) / (1 - beta), (1 + at.rho) / (1 - at.rho)
        scale = [mpmath.sqrt(x**2 + at.eps) if inside else abs(x) + at.eps for x in at.g]
        if inside:
            brace = [first - second + second * at.eps / s**2 for s in scale]
        else:
            brace = [first - second * abs(x) / s for x, s in zip(at.g, scale, strict=True)]
        n = at.hess([x / s for x, s in zip(at.g, scale, strict=True)])
        return [
            [-x / s for x, s in zip(at.g, scale, strict=True)],
            [-b * u / (2 * s) for b, u, s in zip(brace, n, scale, strict=True)],
        ]

    return field


def memory_correction(kind: str, decay: bool = True) -> Callable[[Place], list[Vector]]:
    """(m_0, m_1) = -(F, M). Cattaneo & Shigida, NeurIPS 2025, arXiv:2502.02132, eps inside.

    With s = sqrt(g^2+eps), u = g/s, F = u + lam theta:
    AdamW  M = [beta/(1-beta) - rho/(1-rho) g^2/s^2] HF/s;
    NAdam  the same with beta^2/(1-beta) in place of beta/(1-beta);
    Lion   M = beta/(1-rho) eps/s^3 HF, where c = beta m + (1-beta) g, m' = rho m + (1-rho) g.
    """

    def field(at: Place) -> list[Vector]:
        lam = at.lam if decay else mpf(0)
        s = [mpmath.sqrt(x**2 + at.eps) for x in at.g]
        F = [x / r + lam * th for x, r, th in zip(at.g, s, at.theta, strict=True)]
        Hu = at.hess(F)
        lag = at.beta**2 / (1 - at.beta) if kind == "nadam" else at.beta / (1 - at.beta)
        if kind == "lion":
            front = [at.beta / (1 - at.rho) * at.eps / r**3 for r in s]
        else:
            front = [(lag - at.rho / (1 - at.rho) * x**2 / r**2) / r for x, r in zip(at.g, s, strict=True)]
        return [[-x for x in F], [-c * h for c, h in zip(front, Hu, strict=True)]]

    return field


ADAM = {"beta1": "beta", "beta2": "rho", "eps": "eps"}
ADAPTIVE = {
    "rmsprop": ("flow", {"rho": "rho", "eps": "eps"}, cattaneo_klusowski_shigida(True, True)),
    "rmsprop-outside": ("flow", {"rho": "rho", "eps": "eps"}, cattaneo_klusowski_shigida(True, False)),
    "adam": ("flow", ADAM, cattaneo_klusowski_shigida(False, False)),
    "adam-bias-corrected": ("flow", ADAM, cattaneo_klusowski_shigida(False, False)),
    "adam-inside": ("flow", ADAM, cattaneo_klusowski_shigida(False, True)),
    "adamw-inside": ("map", {**ADAM, "lam": "lam"}, memory_correction("adamw")),
    "nadam-inside": ("map", ADAM, memory_correction("nadam", decay=False)),
    "lion": ("map", {**ADAM, "lam": "lam"}, memory_correction("lion")),
}


def derived_values(scheme: str, form: str, names: dict[str, str], setting: dict[str, str], point: dict[str, str]) -> list[Vector]:
    equation: ModifiedEquation = modified_equation(
        scheme, order=1, form=form, settings={parameter: setting[name] for parameter, name in names.items()}
    )
    return [[number(x) for x in value] for value in equation.evaluate(LOSS, point, digits=50).values["theta"]]


def number(text: str) -> mpf:
    top, _, bottom = text.partition("/")
    return mpf(top) / mpf(bottom or 1)


def close(found: list[Vector], expected: list[Vector]) -> bool:
    pairs = [(a, b) for u, v in zip(found, expected, strict=True) for a, b in zip(u, v, strict=True)]
    return all(abs(a - b) < mpf(10) ** -45 for a, b in pairs)


@pytest.mark.parametrize("setting", SETTINGS, ids=["usual", "other"])
@pytest.mark.parametrize("point", POINTS, ids=["first", "second"])
@pytest.mark.parametrize("scheme", ADAPTIVE)
def test_adaptive_schemes(scheme: str, point: dict[str, str], setting: dict[str, str]) -> None:
    """Limit and first correction to 45 digits at points where the gradient's components have both signs."""
    form, names, published = ADAPTIVE[scheme]
    with mpmath.workdps(60):
        at = Place(**{k: number(v) for k, v in {**point, **setting}.items()})
        found = derived_values(scheme, form, names, setting, point)
        assert close(found, published(at))
        # negative controls: the other place for eps or the other decay, and one part in 10^6 of the correction
        others = [p for s, (f, _, p) in ADAPTIVE.items() if f == form and not close(published(at), p(at))]
        assert others
        assert not any(close(found, other(at)) for other in others)
        assert not close(found, [published(at)[0], [x * (1 + mpf(10) ** -6) for x in published(at)[1]]])


@pytest.mark.parametrize("scheme", ["adam", "adam-bias-corrected"])
def test_adam_with_slow_moments(scheme: str) -> None:
    """Barakat & Bianchi, SIAM J. Optim. 2021, arXiv:1810.02263: with beta_i = 1 - lam_i gamma the limit is
    m' = lam1 (g - m), v' = lam2 (g^2 - v), theta' = -m^/(sqrt(v^) + eps), m^ = m/(1 - p1), v^ = v/(1 - p2), p_i' = -lam_i p_i;
    p_i = 0 without bias correction."""
    settings = {"lam1": "2", "lam2": "3", "eps": "1/5"}
    corrections = {"p1": "1/2", "p2": "2/3"} if scheme == "adam-bias-corrected" else {}
    state = {"m_x": "1/10", "m_y": "-1/5", "v_x": "3/10", "v_y": "1/2"}
    equation = modified_equation(scheme, order=0, regime="inertial", settings=settings)
    found = equation.evaluate(LOSS, {**POINTS[0], **state, **corrections}, digits=50).values
    with mpmath.workdps(60):
        g = Place(number(POINTS[0]["x"]), number(POINTS[0]["y"]), *map(mpf, (0, 0, 1, 0))).g
        m, v = ([number(state[f"{name}_{c}"]) for c in "xy"] for name in "mv")
        p1, p2 = (number(corrections.get(name, "0")) for name in ("p1", "p2"))
        limit = {
            "m": [2 * (x - y) for x, y in zip(g, m, strict=True)],
            "v": [3 * (x**2 - y) for x, y in zip(g, v, strict=True)],
            "theta": [-x / (1 - p1) / (mpmath.sqrt(y / (1 - p2)) + mpf(1) / 5) for x, y in zip(m, v, strict=True)],
        }
        if corrections:
            limit |= {"p1": [-2 * p1], "p2": [-3 * p2]}
        assert found.keys() == limit.keys()
        for name, expected in limit.items():
            assert close([[number(x) for x in found[name][0]]], [expected])
            assert not close([[number(x) for x in found[name][0]]], [[x + mpf(10) ** -9 for x in expected]])


def test_the_gradient_has_both_signs() -> None:
    signs = [[x > 0 for x in Place(number(p["x"]), number(p["y"]), *map(mpf, (0, 0, 1, 0))).g] for p in POINTS]
    assert {s for pair in signs for s in pair} == {True, False}


# ------------------------------------------------------------------------------------------------ schedules

DECAY, WARM, PERIODIC, BOTH = (
    "decay(4, 1/10)",
    "warmup-decay(2, 6, 1/10)",
    "periodic(1, 2, 4, 1/10)",
    "warmup-periodic(1, 2, 4, 5, 1/10)",
)


@pytest.mark.parametrize(
    ("schedule", "t", "rate", "slope"),
    [
        # Zhu 2025, equations (8) to (11), one point in every piece; the slope is that of the piece.
        (DECAY, "1", "31/40", "-9/40"),
        (DECAY, "7", "1/10", "0"),
        (WARM, "1/2", "1/4", "1/2"),
        (WARM, "3", "31/40", "-9/40"),
        (WARM, "9", "1/10", "0"),
        (PERIODIC, "9/2", "11/20", "-9/10"),
        (PERIODIC, "11/2", "1/10", "0"),
        (PERIODIC, "7", "11/20", "9/20"),
        (BOTH, "1/2", "1/2", "1"),
        (BOTH, "11/2", "11/20", "-9/10"),
        (BOTH, "7", "1/10", "0"),
        (BOTH, "17/2", "11/20", "9/10"),
    ],
)
def test_schedules(schedule: str, t: str, rate: str, slope: str) -> None:
    """L = x at every point: g = 1, H = 0, so f_0 = -r and f_1 = r'/2 for gradient descent with rate gamma r(t)."""
    equation = modified_equation("gd-schedule", order=1, settings={"r(t)": schedule})
    (zeroth,), (first,) = equation.evaluate("x", {"x": 0, "t": t}).values["theta"]
    assert (Fraction(zeroth), Fraction(first)) == (-Fraction(rate), Fraction(slope) / 2)
