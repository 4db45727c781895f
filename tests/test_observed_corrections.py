"""First corrections as they are observed: the derivative of an orbit in high precision, which shares nothing with the engine.

    theta'(n gamma) = (theta_(n-2) - 8 theta_(n-1) + 8 theta_(n+1) - theta_(n+2))/(12 gamma) + O(gamma^4)

after so many steps that memory has forgotten its start. At gamma = 10^-12 what is more than f_0(theta_n), over gamma, is f_1.
The optimizers are written out here once more, on lists of numbers, by what their papers and libraries say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from mpmath import mp, mpf, sqrt, workdps

from derive import ModifiedEquation, modified_equation

Vector = list[Any]
State = dict[str, Any]
Step = Callable[[State, Any], State]
DIGITS = 60
GAMMA = Fraction(1, 10**12)
BURN_IN = 120  # factors up to 3/5 have forgotten all but 10^-26
AGREE = 1e-9

#: a loss of a 2 x 3 matrix, as coefficients of monomials in its components
LOSS = [
    ("-2", "u"), ("3/2", "v"), ("-1", "w"), ("1/2", "x"), ("9/4", "y"), ("-5/3", "z"), ("1/2", "uu"), ("1", "vv"), ("3/4", "ww"),
    ("1/3", "xx"), ("1", "yy"), ("1/2", "zz"), ("1/3", "uv"), ("-1/2", "vw"), ("1/5", "wx"), ("1/4", "uy"), ("-1/3", "xz"),
    ("1/6", "uuu"), ("1/4", "vvx"), ("-1/3", "wyz"), ("1/7", "uxz"),
]  # fmt: skip
TEXT = " + ".join(f"{c}*{'*'.join(m)}" for c, m in LOSS)
START = ("1/2", "-1/3", "2/5", "-1/4", "1/7", "3/5")
ROWS, COLUMNS = (range(3), range(3, 6)), ((0, 3), (1, 4), (2, 5))


def number(text: str) -> Any:
    top, _, bottom = text.partition("/")
    return mpf(top) / mpf(bottom or 1)


def gradient(theta: Vector) -> Vector:
    found = [mpf(0)] * 6
    for c, monomial in LOSS:
        places = ["uvwxyz".index(x) for x in monomial]
        for k, i in enumerate(places):
            slope = number(c)
            for j in (*places[:k], *places[k + 1 :]):
                slope *= theta[j]
            found[i] += slope
    return found


def size(x: Vector) -> Any:
    return sqrt(sum(v * v for v in x))


def mixed(weight: Any, old: Vector, new: Vector) -> Vector:
    return [weight * x + (1 - weight) * y for x, y in zip(old, new, strict=True)]


def moved(theta: Vector, gamma: Any, step: Vector) -> Vector:
    return [x - gamma * s for x, s in zip(theta, step, strict=True)]


def newton_schulz(x: Vector, delta: Any) -> Vector:
    """Five steps X -> a X + (b A + c A A) X, A = X X.T, of a 2 x 3 matrix over its norm."""
    scale = size(x) + delta
    r, s = ([v / scale for v in x[:3]], [v / scale for v in x[3:]])
    a, b, c = mpf(34445) / 10000, mpf(-4775) / 1000, mpf(20315) / 10000
    for _ in range(5):
        p, q, t = (sum(u * v for u, v in zip(*pair, strict=True)) for pair in ((r, r), (r, s), (s, s)))
        k, m, n = b * p + c * (p * p + q * q), b * q + c * (p * q + q * t), b * t + c * (q * q + t * t)
        r, s = (
            [a * u + k * u + m * v for u, v in zip(r, s, strict=True)],
            [a * v + m * u + n * v for u, v in zip(r, s, strict=True)],
        )
    return r + s


# ------------------------------------------------------------------------------------------ the optimizers


def muon_bias_corrected(o: Mapping[str, Any]) -> Step:
    def step(s: State, gamma: Any) -> State:
        g, n, mu = gradient(s["theta"]), s["n"] + 1, o["mu"]
        m = mixed(mu, s["m"], g)
        x = [(1 - mu) * a / (1 - mu**n) + mu * b / (1 - mu ** (n + 1)) for a, b in zip(g, m, strict=True)]
        u = [o["kappa"] * a + o["lam"] * b for a, b in zip(newton_schulz(x, o["eps"]), s["theta"], strict=True)]
        return {"theta": moved(s["theta"], gamma, u), "m": m, "n": n}

    return step


def adamuon(o: Mapping[str, Any]) -> Step:
    def step(s: State, gamma: Any) -> State:
        m = mixed(o["beta1"], s["m"], gradient(s["theta"]))
        x = newton_schulz(m, o["delta"])
        v = mixed(o["beta2"], s["v"], [a * a for a in x])
        u = [a / (sqrt(b) + o["eps"]) for a, b in zip(x, v, strict=True)]
        scale = o["kappa"] / (size(u) + o["eps"])
        whole = [scale * a + o["lam"] * b for a, b in zip(u, s["theta"], strict=True)]
        return {"theta": moved(s["theta"], gamma, whole), "m": m, "v": v}

    return step


def normuon(o: Mapping[str, Any]) -> Step:
    def step(s: State, gamma: Any) -> State:
        g = gradient(s["theta"])
        m = mixed(o["mu"], s["m"], g)
        x = newton_schulz([(1 - o["nu"]) * a + o["nu"] * b for a, b in zip(g, m, strict=True)], o["delta"])
        squares = [sum(x[i] ** 2 for i in row) / 3 for row in ROWS]
        v = mixed(o["beta2"], s["v"], squares)
        u = [x[i] / (sqrt(v[i // 3]) + o["eps"]) for i in range(6)]
        scale = o["kappa"] * size(x) / (size(u) + o["eps"])
        whole = [scale * a + o["lam"] * b for a, b in zip(u, s["theta"], strict=True)]
        return {"theta": moved(s["theta"], gamma, whole), "m": m, "v": v}

    return step


def adago(o: Mapping[str, Any]) -> Step:
    def step(s: State, gamma: Any) -> State:
        g = gradient(s["theta"])
        m = mixed(o["mu"], s["m"], g)
        length = min(size(g), o["c"])
        total = s["V"] + gamma * length**2
        rate = max(o["alpha"] * length / total, o["eta"])
        return {"theta": moved(s["theta"], gamma, [rate * x for x in newton_schulz(m, o["eps"])]), "m": m, "V": total}

    return step


def rose(o: Mapping[str, Any]) -> Step:
    def step(s: State, gamma: Any) -> State:
        x = [a + o["lam"] * b for a, b in zip(gradient(s["theta"]), s["theta"], strict=True)]
        means = [sum(x[i] for i in row) / 3 for row in ROWS]
        x = [x[i] - means[i // 3] for i in range(6)]
        ranges = [abs(max(x[i] for i in row)) - min(x[i] for i in row) for row in ROWS]
        mean = sum(ranges) / 2
        deviation = sqrt(sum((r - mean) ** 2 for r in ranges) / 2)
        trust = mean / (deviation + mean)
        scales = [(1 - trust) * mean + trust * r for r in ranges]
        return {"theta": moved(s["theta"], gamma, [x[i] / scales[i // 3] for i in range(6)])}

    return step


def rose_vector(o: Mapping[str, Any]) -> Step:
    def step(s: State, gamma: Any) -> State:
        x = [a + o["lam"] * b for a, b in zip(gradient(s["theta"]), s["theta"], strict=True)]
        return {"theta": moved(s["theta"], gamma, [a / (abs(max(x)) - min(x)) for a in x])}

    return step


def gravity(o: Mapping[str, Any]) -> Step:
    def step(s: State, gamma: Any) -> State:
        g, n = gradient(s["theta"]), s["n"] + 1
        largest = max(map(abs, g))
        v = mixed((o["beta"] * n + 1) / (n + 2), s["v"], [a / (1 + (a * largest) ** 2) for a in g])
        return {"theta": moved(s["theta"], gamma, v), "v": v, "n": n}

    return step


def adashift(o: Mapping[str, Any]) -> Step:
    def step(s: State, gamma: Any) -> State:
        g, kept, b = gradient(s["theta"]), s["kept"], o["beta1"]
        total = sum(b**i for i in range(10))
        m = [sum(b**i * q[k] for i, q in enumerate([g, *kept[:9]])) / total for k in range(6)]
        v = o["beta2"] * s["v"] + (1 - o["beta2"]) * max(x * x for x in kept[9])
        theta = moved(s["theta"], gamma, [x / (sqrt(v) + o["eps"]) for x in m])
        return {"theta": theta, "v": v, "kept": [g, *kept[:9]]}

    return step


def sm3(o: Mapping[str, Any]) -> Step:
    """As it is written: the accumulators are the largest new sums of their lines."""

    def step(s: State, gamma: Any) -> State:
        g = gradient(s["theta"])
        total = [min(s["R"][i // 3], s["C"][i % 3]) + gamma * g[i] ** 2 for i in range(6)]
        m = mixed(o["beta"], s["m"], [a / sqrt(b + gamma * o["eps"]) for a, b in zip(g, total, strict=True)])
        rows, columns = ([max(total[i] for i in line) for line in lines] for lines in (ROWS, COLUMNS))
        return {"theta": moved(s["theta"], gamma, m), "m": m, "R": rows, "C": columns}

    return step


def adam_mini(o: Mapping[str, Any], rows: bool = False) -> Step:
    lines = ROWS if rows else (range(6),)

    def step(s: State, gamma: Any) -> State:
        g = gradient(s["theta"])
        m = mixed(o["beta1"], s["m"], g)
        v = mixed(o["beta2"], s["v"], [sum(g[i] ** 2 for i in line) / len(line) for line in lines])
        u = [m[i] / (sqrt(v[i // len(lines[0])]) + o["eps"]) + o["lam"] * s["theta"][i] for i in range(6)]
        return {"theta": moved(s["theta"], gamma, u), "m": m, "v": v}

    return step


# ------------------------------------------------------------------------------------------ the comparison


@dataclass(frozen=True)
class Case:
    """A scheme with values of its parameters, the optimizer, what its memory starts with, and the values of slow states."""

    scheme: str
    optimizer: Callable[[Mapping[str, Any]], Step]
    values: Mapping[str, str]
    memory: Mapping[str, Any] = field(default_factory=dict)
    slow: Callable[[State], Mapping[str, Any]] = lambda s: {}
    assume: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.scheme + "".join(f" ({a})" for a in self.assume)


def components(name: str, values: Sequence[Any]) -> dict[str, Any]:
    return {f"{name}_{letter}": x for letter, x in zip("uvwxyz", values, strict=True)}


def sums(s: State) -> Mapping[str, Any]:
    """Those of rows a little larger: two are equal, of which either may be taken."""
    rows = [s["R"][i // 3] + mpf(10) ** -45 for i in range(6)]
    return {**components("R", rows), **components("C", [s["C"][i % 3] for i in range(6)])}


ZERO = [0] * 6
MUON = {"mu": "1/2", "kappa": "4/3", "eps": "1/9", "lam": "1/5"}
ADAMUON = {"beta1": "1/2", "beta2": "3/5", "kappa": "4/3", "eps": "1/9", "delta": "1/7", "lam": "1/5"}
NORMUON = {"mu": "1/2", "nu": "1/3", "beta2": "3/5", "kappa": "4/3", "eps": "1/9", "delta": "1/7", "lam": "1/5"}
ADAGO = {"mu": "1/2", "alpha": "1/2", "eps": "1/9"}
MINI = {"beta1": "1/2", "beta2": "3/5", "eps": "1/9", "lam": "1/5"}
CASES = (
    Case("muon-bias-corrected", muon_bias_corrected, MUON, {"m": ZERO, "n": 0}),
    Case("adamuon", adamuon, ADAMUON, {"m": ZERO, "v": ZERO}),
    Case("normuon", normuon, NORMUON, {"m": ZERO, "v": [0, 0]}),
    Case("adago", adago, ADAGO | {"c": "9", "eta": "1/100"}, {"m": ZERO, "V": 1}, lambda s: {"V": s["V"]},
         ("norm(grad) < c", "alpha*norm(grad)/V > eta")),
    Case("adago", adago, ADAGO | {"c": "1/3", "eta": "1/100"}, {"m": ZERO, "V": 1}, lambda s: {"V": s["V"]},
         ("norm(grad) > c", "alpha*c/V > eta")),
    Case("rose", rose, {"lam": "1/5"}),
    Case("rose-vector", rose_vector, {"lam": "1/5"}),
    Case("gravity", gravity, {"beta": "1/2"}, {"v": ZERO, "n": 10**12}, lambda s: {"t": 1}),
    Case("adashift", adashift, {"beta1": "1/2", "beta2": "3/5", "eps": "1/9"}, {"v": 0, "kept": [ZERO] * 10}),
    Case("sm3-matrix", sm3, {"beta": "1/2", "eps": "1/9"}, {"m": ZERO, "R": [2, 5], "C": [2, 5, 3]}, sums),
    Case("adam-mini", adam_mini, MINI, {"m": ZERO, "v": [0]}),
    Case("adam-mini-rows", lambda o: adam_mini(o, True), MINI, {"m": ZERO, "v": [0, 0]}),
)  # fmt: skip


def orbit(case: Case) -> Iterator[State]:
    """Five states in a row."""
    step = case.optimizer({n: number(v) for n, v in case.values.items()})
    state = {"theta": [number(x) for x in START], **case.memory}
    for n in range(BURN_IN + 5):
        state = step(state, number(str(GAMMA)))
        if n >= BURN_IN:
            yield state


def first_corrections(case: Case, equation: ModifiedEquation) -> tuple[Vector, Vector]:
    """(f_1 as it is observed, f_1 as it was derived) at the third of five states."""
    a, b, here, c, d = orbit(case)
    gamma, at = number(str(GAMMA)), dict(zip("uvwxyz", here["theta"], strict=True)) | case.slow(here)
    values = equation.evaluate(TEXT, {n: mp.nstr(x, DIGITS) for n, x in at.items()}, DIGITS).values["theta"]
    f0, f1 = ([number(x) for x in power] for power in values)
    slopes = [(p - 8 * q + 8 * r - s) / (12 * gamma) for p, q, r, s in zip(*(x["theta"] for x in (a, b, c, d)), strict=True)]
    return [(x - y) / gamma for x, y in zip(slopes, f0, strict=True)], f1


def distance(seen: Vector, expected: Vector) -> float:
    """The largest difference, relative to the largest component."""
    return float(max(abs(x - y) for x, y in zip(seen, expected, strict=True)) / max(map(abs, expected)))


def derived(case: Case) -> ModifiedEquation:
    return modified_equation(case.scheme, 1, assume=case.assume).subs(**case.values)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_first_corrections_are_observed_and_perturbed_ones_are_not(case: Case) -> None:
    """One component off by a thousandth is seen."""
    with workdps(DIGITS):
        seen, expected = first_corrections(case, derived(case))
        assert distance(seen, expected) < AGREE
        largest = max(range(6), key=lambda i: abs(expected[i]))
        expected[largest] *= mpf(1001) / 1000
        assert distance(seen, expected) > 1e-4



def test_where_the_largest_square_moves_sm3_keeps_the_smaller_of_two_sums() -> None:
    """Two gradients of one row, g*g = (4, 1, 0) and then (1, 9, 0): the largest sum is max(4 + 1, 1 + 9) = 10, the sum of the
    largest squares 13; where the largest square stays, (4, 1, 0) and (9, 1, 0), both are 13."""

    def rows(squares: Sequence[Sequence[int]]) -> Vector:
        r, c = [0, 0], [0, 0, 0]
        for s in squares:
            total = [min(r[i // 3], c[i % 3]) + s[i] for i in range(6)]
            r, c = ([max(total[i] for i in line) for line in lines] for lines in (ROWS, COLUMNS))
        return r

    assert rows([(4, 1, 0, 0, 0, 0), (1, 9, 0, 0, 0, 0)])[0] == 10
    assert rows([(4, 1, 0, 0, 0, 0), (9, 1, 0, 0, 0, 0)])[0] == 13


def first_terms(name: str, lam: str | None = None) -> list[tuple[str, str]]:
    settings = {} if lam is None else {"lam": lam}
    block = modified_equation(name, 1, settings=settings).to_json()["equations"]["theta"][1]
    return [(t["coefficient"], t["term"]) for t in block["terms"]]


def test_first_corrections_of_maps_by_hand() -> None:
    """theta' = -F, F = P(g), without memory: f_1 = -1/2 DF[F].  An average whose weights have the mean age a = beta/(1 - beta)
    adds -a DF[F]: 1/2 + beta/(1 - beta) = (1 + beta)/(2 (1 - beta)); Muon's second weight, nu = mu, a mu.  AdaShift's gradients
    have the mean age sum i b^i/sum b^i, i < 10, its squares 10 + c/(1 - c)."""
    assert first_terms("rose", "0") == first_terms("rose-vector", "0") == [("-1/2", "dP(grad, hess(P(grad)))")]
    (gravity_term,) = first_terms("gravity")
    assert gravity_term[1] == "dP(grad, hess(P(grad)))"
    (muon_term,) = first_terms("muon-bias-corrected", "0")
    assert muon_term[1] == "dP(grad, hess(P(grad)))"
    root = "(P(grad)**(1/2) + eps)"
    shift = modified_equation("adashift", 1)["theta"][1]
    squares = f"grad*dP(grad, hess(grad*{root}**(-1)))*{root}**(-2)*P(grad)**(-1/2)"
    for b, c in ((Fraction(1, 2), Fraction(2, 3)), (Fraction(3, 5), Fraction(1, 4))):

        def value(equation: str, term: str, values: Mapping[str, Fraction], lam: bool = False) -> Fraction:
            found = modified_equation(equation, 1, settings={"lam": "0"} if lam else {})["theta"][1].coefficient(term)
            return Fraction(str(found.at(values, lambda q: Fraction(q))))

        assert value("gravity", gravity_term[1], {"beta": b}) == -(Fraction(1, 2) + b / (1 - b))
        found = value("muon-bias-corrected", muon_term[1], {"mu": b, "kappa": c}, True)
        assert found == -(c**2) * (Fraction(1, 2) + b * b / (1 - b))
        age = sum(i * b**i for i in range(10)) / sum(b**i for i in range(10))
        first = shift.coefficient(f"hess(grad*{root}**(-1))*{root}**(-1)").at({"beta1": b, "beta2": c}, lambda q: Fraction(q))
        assert Fraction(str(first)) == -(Fraction(1, 2) + age)
        second = shift.coefficient(squares).at({"beta1": b, "beta2": c}, lambda q: Fraction(q))
        assert Fraction(str(second)) == (Fraction(1, 2) + 10 + c / (1 - c)) / 2
