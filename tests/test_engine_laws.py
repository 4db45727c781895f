"""Laws of the engine: couplings against exact linear algebra, runs against closed forms, and a residual check that can fail."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import defect

from derive import configure, inline_scheme, load_scheme, modified_equation
from derive.algebra.coefficients import Ratio
from derive.algebra.sequences import Sequences
from derive.algebra.sums import Sum
from derive.algebra.terms import combination_text
from derive.engine import coupling, run
from derive.engine.coupling import Coupling
from derive.engine.roots import Power
from derive.engine.run import Derivation
from derive.errors import ReductionError, ResidualError
from derive.readings.initial_layer import initial_layer, run_from_rest
from derive.scheme import scheme_from_toml

rationals = st.fractions(min_value=-2, max_value=2, max_denominator=3)

# ---------------------------------------------------------------------------------------------- coupling


def coupled(text: str, settings: Mapping[str, str] | None = None) -> Coupling:
    return Coupling(configure(inline_scheme(text), None, settings), 1)


COUPLINGS = [  # text; components in order; the slow variable of each
    ("theta = theta - gamma*grad(theta)", [(("theta",), "theta")]),
    ("v = beta*v - gamma*grad(theta); theta = theta + v", [(("v",), None), (("theta",), "theta")]),
    ("v = beta*v + grad(theta); w = w/2 + v; theta = theta - gamma*w", [(("theta",), "theta"), (("v",), None), (("w",), None)]),
    ("theta = theta + beta*(theta - theta_prev) - gamma*grad(theta)", [(("theta", "theta_prev"), "theta")]),
    ("v = v/2 + w/3 + grad(theta); w = v/5 - w/7; theta = theta - gamma*w", [(("theta",), "theta"), (("v", "w"), None)]),
    ("w = w/3 + grad(theta); theta = theta - gamma*w*s; s = s + gamma*dot(w, w)",
     [(("theta",), "theta"), (("w",), None), (("s",), "s")]),
    ("v = v - gamma*grad(theta); theta = theta + gamma*v", [(("v",), "v"), (("theta",), "theta")]),
    ("a1 = a1/2 + b1; b1 = a1/3 - b1; c1 = c1/2 + a1*b1; theta = theta - gamma*(a1 + c1)*grad(theta)",
     [(("theta",), "theta"), (("a1", "b1"), None), (("c1",), None)]),
]  # fmt: skip


@pytest.mark.parametrize("text, expected", COUPLINGS)
def test_components(text: str, expected: list[tuple[tuple[str, ...], str | None]]) -> None:
    """The components, which of them carry eigenvalue 1, and that each comes after those it needs."""
    found = coupled(text)
    assert sorted((c.names, c.slow) for c in found.components) == sorted(expected)
    place = {x: i for i, c in enumerate(found.components) for x in c.names}
    for x, needed in found._needs.items():
        assert all(place[y] <= place[x] for y in needed), (x, needed)


@pytest.mark.parametrize("text", [c[0] for c in COUPLINGS])
def test_eigenvectors_and_relaxations(text: str) -> None:
    """l A = l, A r = r, l r = 1, r[slow] = 1; (z - 1)^[slow] times the relaxation polynomial is det(z E - A) at z = 2, 3, 5."""
    found = coupled(text)
    ring = found.ring
    polynomials = dict(found.relaxations())
    for c in found.components:
        size = range(len(c.names))
        if c.slow:
            assert [sum((c.left[i] * c.matrix[i][j] for i in size), ring.zero) for j in size] == c.left
            assert [sum((c.matrix[i][j] * c.right[j] for j in size), ring.zero) for i in size] == c.right
            assert sum((a * b for a, b in zip(c.left, c.right, strict=True)), ring.zero) == ring.one
            assert c.right[c.names.index(c.slow)] == ring.one
        else:
            assert (c.left, c.right) == ([], [])
        assert (c.names in polynomials) == (len(c.names) > bool(c.slow))
        for z in map(ring.constant, (2, 3, 5)):
            shifted = [[(z if i == j else ring.zero) - c.matrix[i][j] for j in size] for i in size]
            value = sum((p * z**k for k, p in enumerate(polynomials.get(c.names, [ring.one]))), ring.zero)
            assert (value * (z - ring.one) if c.slow else value) == determinant(shifted)


def determinant(m: list[list[Ratio]]) -> Ratio:
    if len(m) == 1:
        return m[0][0]
    assert len(m) == 2
    return m[0][0] * m[1][1] - m[0][1] * m[1][0]


def test_matrices() -> None:
    """Row by row, by hand: the new v enters the row of w, the old w that of v."""
    found = coupled("v = v/2 + w/3 + grad(theta); w = v/5 - w/7; theta = theta - gamma*w")
    (component,) = [c for c in found.components if len(c.names) == 2]
    assert component.names == ("v", "w")
    assert [[str(a) for a in row] for row in component.matrix] == [["1/2", "1/3"], ["1/10", "-8/105"]]
    two_step = coupled("theta = theta + beta*(theta - theta_prev) - gamma*grad(theta)")
    assert [[str(a) for a in row] for row in two_step.components[0].matrix] == [["(1 + beta)", "-beta"], ["1", "0"]]
    assert [str(a) for a in two_step.components[0].left] == ["1/(1 - beta)", "-beta/(1 - beta)"]


@pytest.mark.parametrize("text, words", [
    ("v = v - gamma*grad(theta); theta = theta + v", "factor of v is 1 at gamma = 0 and it drives theta, a Jordan block"),
    ("v = v + grad(theta); theta = theta - gamma*v", "v is driven by a term without gamma and does not relax"),
    ("theta = theta + (theta - theta_prev) - gamma*grad(theta)", "Jordan block"),
    ("theta = 2*theta - gamma*grad(theta)",
     "theta is multiplied by another factor than 1; write its change as an increment, theta = theta [+] ..."),
    ("v = v/2 + gamma*grad(theta); theta = v", "another factor than 1; write its change as an increment"),
    ("theta = theta - grad(theta)", "theta changes by a term without gamma; write the step size as gamma"),
    ("theta = theta + 1 - gamma*grad(theta)",
     "theta changes by a term without gamma; give every term of its change a factor gamma"),
    ("theta = theta - alpha*grad(theta)", "theta changes by a term without gamma; say how it scales, .* --set alpha=gamma"),
    ("v = v*v/2 + grad(theta); theta = theta - gamma*v", "the relaxation of v depends on theta or is not linear"),
    ("v = v/2 + grad(theta + v); theta = theta - gamma*v", "the gradient is taken at a point that moves with v"),
    ("v = v/2 + grad(theta)/gamma**6; theta = theta - gamma**7*v", r"after the step v is of order gamma\^-6"),
    ("v = abs(v)/2 + grad(theta); theta = theta - gamma*v", "the relaxation of v depends on theta or is not linear"),
    ("theta = theta_next - gamma*grad(theta)", "theta_next must come with a factor gamma"),
])  # fmt: skip
def test_couplings_that_are_refused(text: str, words: str) -> None:
    with pytest.raises(ReductionError, match=words):
        modified_equation(inline_scheme(text), 1)


def test_exploring_leaves_nothing_behind() -> None:
    """The symbols put in the place of the states while the coupling is explored are gone from every series afterwards."""
    found = coupled("v = v/2 + grad(theta)**2; theta = theta - gamma*grad(theta)/(sqrt(v) + 1)")
    assert not found.exploring
    assert all(not values for values in found.solution.values())
    assert all(not s.known for s in found.all_series)
    assert all(s._inverse is None for s in found.all_series if isinstance(s, Power))


def test_exploring_leaves_no_inverse_behind() -> None:
    """A difference that is zero over gamma asks for sqrt(v) at gamma^1 while v is still a symbol: the field is as without it."""
    text = "theta = theta - gamma*w; v = v/2 + grad(theta)**2/2; r = sqrt(v); w = w/2 + grad(theta)*r"
    fields = [modified_equation(inline_scheme(t), 2)["theta"] for t in (text, f"{text} + (r - r)/gamma")]
    assert [str(f) for f in fields[0]] == [str(f) for f in fields[1]]


def test_memory_is_not_wanted_at_the_last_power() -> None:
    """v moves theta without gamma and is needed at gamma^(order+1); w comes with gamma and what nothing reads is not."""
    found = coupled("v = beta*v - gamma*grad(theta) + gamma*w; w = w/2 + grad(theta); p = p/3 + grad(theta); theta = theta + v")
    assert {c.names for c in found._needed_last()} == {("v",), ("theta",)}
    through = coupled("theta = theta + v; v = v/3 + w; w = w/5 + p; p = p/2 - gamma*grad(theta)")
    assert {c.names for c in through._needed_last()} == {("p",), ("w",), ("v",), ("theta",)}
    engine = Derivation(configure(inline_scheme("p = p/3 + grad(theta); theta = theta - gamma*grad(theta)")), 2)
    assert set(engine.solution["p"]) == {0, 1, 2}
    assert set(engine.solution["theta"]) == {0, 1, 2, 3}


# ---------------------------------------------------------------------------------------------- runs


Powers = list[Fraction]  # a power series in x = gamma h


def times(p: Powers, q: Powers) -> Powers:
    return [sum((p[i] * q[k - i] for i in range(k + 1)), Fraction(0)) for k in range(len(p))]


@settings(max_examples=8)
@given(st.lists(rationals, min_size=9, max_size=9), st.booleans())
def test_linear_schemes_have_the_principal_eigenvalue(c: list[Fraction], both: bool) -> None:
    """Two coupled memories on L = theta^2/2: X+ = M(gamma) X with the slow eigenvector (1, p, q) and the eigenvalue z:
    the flow is log z / gamma, the map (z - 1)/gamma, and the memory p(x) theta, q(x) theta.  By undetermined coefficients."""
    a, b, d, e, f, g, k, m, _ = c
    determinant = (1 - a) * (1 - e) - b * d
    assume(determinant)
    extra = f" + ({m})*w" if both else ""
    text = (f"p = v; v = ({a})*v + ({b})*w + ({f})*grad(theta); w = ({d})*p + ({e})*w + ({g})*grad(theta + gamma*({k})*v); "
            f"theta = theta - gamma*(v{extra} + grad(theta))")  # fmt: skip
    order = 3
    # over theta: v' = a v + b w + f, w' = d v + e w + g (1 + k gamma v'), z = 1 - gamma (v' + m w' + 1)
    n = order + 3
    v, w = [Fraction(0)] * n, [Fraction(0)] * n
    z = [Fraction(1)] + [Fraction(0)] * (n - 1)
    for j in range(n):
        for _ in range(2):  # v_j z_0 enters z_(j+1) only, so two rounds settle power j
            left, right = times(z, v), times(z, w)
            new_v = [a * x + b * y + (f if i == 0 else 0) for i, (x, y) in enumerate(zip(v, w, strict=True))]
            inner = [Fraction(0), *new_v[:-1]]
            moved = [(1 if i == 0 else 0) + k * u for i, u in enumerate(inner)]
            new_w = [d * x + e * y + g * u for x, y, u in zip(v, w, moved, strict=True)]
            # (A - z) (v, w) = 0 at power j: solve the 2 x 2 system for the correction
            r, s = new_v[j] - left[j], new_w[j] - right[j]
            v[j] += ((1 - e) * r + b * s) / determinant
            w[j] += ((1 - a) * s + d * r) / determinant
            push = [x + (m if both else 0) * y for x, y in zip(times(z, v), times(z, w), strict=True)]
            z = [Fraction(1), -push[0] - 1, *(-x for x in push[1:-1])]
    logarithm, power = [Fraction(0)] * n, [Fraction(1)] + [Fraction(0)] * (n - 1)
    for j in range(1, n):
        power = times(power, [Fraction(0), *z[1:]])
        logarithm = [x + Fraction((-1) ** (j + 1), j) * y for x, y in zip(logarithm, power, strict=True)]
    scheme = inline_scheme(text)
    flow, step = modified_equation(scheme, order), modified_equation(scheme, order, form="map")
    for i in range(order + 1):
        assert on_quadratic(flow["theta"][i].sum) == logarithm[i + 1], ("flow", i)
        assert on_quadratic(step["theta"][i].sum) == z[i + 1], ("map", i)
        assert on_quadratic(flow["v"][i].sum) == v[i], ("v", i)
        assert on_quadratic(flow["w"][i].sum) == w[i], ("w", i)


def on_quadratic(total: Sum) -> Fraction:
    """The value at theta = 1 on L = theta^2/2: chains of hess are 1, everything else 0."""
    result = Fraction(0)
    for term, c in total.items():
        text = str(term)
        if text.replace("hess(", "").replace(")", "") == "grad":
            result += c.number()
    return result


RUNS = [
    "v = v/2 + w/3 + grad(theta); w = v/5 - w/3 + grad(theta)*grad(theta); theta = theta - gamma*(v + w)",
    "w = w/3 + theta - theta_prev; theta = theta + (theta - theta_prev)/2 - gamma*grad(theta + w/2)",
    "theta = theta - gamma*grad(theta_next)/2 - gamma*grad(theta)/2 + gamma**2*theta_next",
    "theta = theta - gamma*grad(theta)/(1 + theta_next*theta_next)",
    "v = v/2 + grad(theta)*theta; theta = theta - gamma*v + gamma*dot(v, grad(theta))*theta",
    "v = v - gamma*grad(theta); theta = theta + gamma*v - gamma*gamma*v*v",
    "w = -w/2 + gamma*v; v = v/3 + gamma*w + grad(theta); theta = theta - gamma*v + w",
]  # fmt: skip


@pytest.mark.parametrize("text", RUNS)
def test_one_step_is_the_flow(text: str) -> None:
    """On a cubic in two variables in exact arithmetic, through gamma^3 (oracle.py); slow variables start anywhere."""
    scheme = inline_scheme(text)
    data = modified_equation(scheme, 3).to_json()
    data["equations"] = {x: blocks[:3] for x, blocks in data["equations"].items()}
    loss = {(1, 0): Fraction(3, 4), (0, 1): Fraction(-4, 3), (2, 0): Fraction(1, 2), (1, 1): Fraction(2, 3)}
    loss |= {(2, 1): Fraction(-1, 2), (0, 3): Fraction(1, 5)}
    point = {x: [Fraction(1, 3), Fraction(-1, 2)] for x in data["equations"]}
    assert defect(configure(scheme), data, loss, point, {}, 2) == {}


def test_what_a_run_returns() -> None:
    """Memory through gamma^order, fields and maps of slow variables only, in lowest terms; progress is told each power."""
    seen: list[int] = []
    engine = Derivation(configure(inline_scheme("v = beta*v - gamma*grad(theta); theta = theta + v")), 2, seen.append)
    assert seen == [0, 1, 2, 3]
    assert engine.slow == ("theta",)
    assert set(engine.fields) == set(engine.maps) == {"theta"}
    assert [combination_text(engine.algebra.sorted(m)) if m else "0" for m in engine.memory["v"]] == [
        "0", "-1/(1 - beta)*grad", "-1/(1 - beta)**3*hess(grad)"]  # fmt: skip
    assert [len(f) for f in engine.fields["theta"]] == [1, 1, 2]
    assert engine.residual_power == 3
    for total in (*engine.fields["theta"], *engine.memory["v"]):
        for c in total.values():
            assert c.den == c.reduced().den
    nesterov = load_scheme("momentum")
    assert Derivation(configure(nesterov, "inertial"), 0).slow == ("theta", "eta")


# ---------------------------------------------------------------------------------------------- the residual check can fail


def test_the_residual_check_sees_negative_powers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the guard of the coupling v = v/2 + beta/gamma would lose its gamma^-1; the residual check sees it."""
    monkeypatch.setattr(Coupling, "_check_divisible", lambda *_: None)
    with pytest.raises(ResidualError, match=r"residual of v at gamma\^-"):
        modified_equation(inline_scheme("v = v/2 + beta/gamma; theta = theta - gamma**3*v*grad(theta)"), 1)
    for v in ("v/2 + grad(theta)/gamma", "v/3 + theta/gamma**2"):
        with pytest.raises(ReductionError, match="needs theta at a later power"):
            modified_equation(inline_scheme(f"v = {v}; theta = theta - gamma**3*v"), 1)
    cancelling = "v = v/2 + gamma*grad(theta)/gamma - grad(theta)/gamma + grad(theta)/gamma; theta = theta - gamma*v"
    assert str(modified_equation(inline_scheme(cancelling), 0)["theta"][0]) == "-2*grad"


@pytest.mark.parametrize("method", ["sum", "relax"])
def test_the_residual_check_sees_a_wrong_solution(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """A solver that is off by n in one equation."""
    original = getattr(Sequences, method)
    monkeypatch.setattr(Sequences, method, lambda self, *args: original(self, *args) + self.ring.n)
    with pytest.raises(ResidualError, match="residual of"):
        modified_equation(inline_scheme("v = v/2 - gamma*grad(theta); theta = theta + v"), 1)


def test_the_residual_check_sees_a_wrong_coupled_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    original = run.solve_linear
    monkeypatch.setattr(run, "solve_linear", lambda m, r: [x.scaled(2) for x in original(m, r)])
    with pytest.raises(ResidualError, match="residual of"):
        modified_equation(inline_scheme("v = v/2 + w/3 + gamma*grad(theta); w = v/5 - w/7; theta = theta - w"), 1)
    with pytest.raises(ReductionError, match="depends on itself in a way that is not linear at gamma = 0"):
        modified_equation(inline_scheme("v = v/2 + w/3 + grad(theta); w = v/5 - w/7; theta = theta - gamma*w"), 1)


def test_a_component_waits_for_what_the_coupling_does_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """With w hidden from the coupling v comes before w: it is not solved with w missing, but after it; the result is the same."""
    schemes = [inline_scheme(f"v = {v}; w = w/3 + gamma*grad(theta); theta = theta - gamma*v")
               for v in ("v/2 + w", "v/2 + w/3 + gamma*w")]  # fmt: skip
    seen = [modified_equation(s, 1)["theta"] for s in schemes]
    original = Coupling._depends
    monkeypatch.setattr(Coupling, "_depends", lambda self, value: original(self, value) - {"w"})
    assert [modified_equation(s, 1)["theta"] for s in schemes] == seen
    assert [str(f) for f in seen[0]] == ["0", "-3*grad"]


def test_a_rescaled_variable_is_the_variable_written_out() -> None:
    """v = gamma eta by a regime, and the update written for eta by hand: the same equations for theta and eta."""
    regime = scheme_from_toml(
        'name = "x"\ntitle = "x"\nupdate = """\nv = beta*v - gamma**2*grad(theta + v)\ntheta = theta + v\n"""\n'
        '[parameters]\nbeta = "b"\nlam = "l"\n[regimes.slow]\ntitle = "s"\nbeta = "1 - lam*gamma"\nv = "gamma*eta"\n'
    )
    by_hand = inline_scheme("eta = (1 - lam*gamma)*eta - gamma*grad(theta + gamma*eta); theta = theta + gamma*eta")
    first, second = modified_equation(regime, 2), modified_equation(by_hand, 2)
    for x in ("theta", "eta"):
        assert [str(f) for f in first[x]] == [str(f) for f in second[x]]
        assert first[x][2]


def test_strong_components() -> None:
    """x -> what it needs; by hand: a <-> b, both need c; d needs a; e alone."""
    needs = {"d": {"a"}, "a": {"b", "c"}, "b": {"a"}, "c": set(), "e": {"e"}}
    found = coupling._strong_components(needs)
    assert sorted(found) == [("a", "b"), ("c",), ("d",), ("e",)]
    place = {x: i for i, names in enumerate(found) for x in names}
    assert place["c"] < place["a"] == place["b"] < place["d"]
    chain = {f"x{i}": {f"x{i + 1}"} if i < 5 else set() for i in range(6)}
    assert all(a > b for (a,), (b,) in pairwise(coupling._strong_components(chain)))


@pytest.mark.parametrize("two_step, one_step", [
    ("theta = theta + beta*(theta - theta_prev) - gamma*grad(theta)", "v = beta*v - gamma*grad(theta); theta = theta + v"),
    ("theta = theta + beta*(theta - theta_prev) - gamma*grad(theta + beta*(theta - theta_prev))",
     "v = beta*v - gamma*grad(theta + beta*v); theta = theta + v"),
])  # fmt: skip
def test_two_step_forms_from_rest_are_the_forms_with_a_velocity(two_step: str, one_step: str) -> None:
    """theta_prev = theta at the start is v = 0: the same shift and the same transient through gamma^2."""
    first, second = (initial_layer(inline_scheme(text), 2) for text in (two_step, one_step))
    assert [str(s) for s in first.shift] == [str(s) for s in second.shift]
    assert [str(s) for s in first.transient] == [str(s) for s in second.transient]
    assert any(first.transient)


def test_fractional_powers_are_refused_through_the_last_power() -> None:
    """gamma^(3/2) in the step is seen at order 1, where gamma^2 is the last power looked at, and gamma^(5/2) is beyond it."""
    with pytest.raises(ReductionError, match=r"gamma\^\(3/2\)"):
        modified_equation(inline_scheme("theta = theta - gamma*grad(theta) - gamma**(3/2)*grad(theta)"), 1)
    assert modified_equation(inline_scheme("theta = theta - gamma*grad(theta) - gamma**(5/2)*grad(theta)"), 1)


def test_a_gradient_at_a_moving_point_is_named_whatever_stands_beside_it() -> None:
    with pytest.raises(ReductionError, match="the gradient is taken at a point that moves with v"):
        modified_equation(inline_scheme("v = v/2 + v*v - grad(theta + v); theta = theta + gamma*v"), 0)


def test_a_pair_from_rest_whose_second_variable_remembers_itself() -> None:
    """theta+ = (theta + y)/2 - gamma g, y+ = (3 theta+ + y)/4: factors 1 and 1/8, 5/8 + 1/2 - 1; both start at theta_0."""
    text = "theta = theta/2 + y/2 - gamma*grad(theta); y = 3*theta/4 + y/4"
    started = run_from_rest(configure(inline_scheme(text)), 1)
    assert {str(rho) for rho in started.sequences.factors.values()} == {"1/8"}
    for state in ("theta", "y"):
        for k in (1, 2):
            assert not any(started.sequences.at_zero(c) for c in started.solution[state][k].values())
    first = {str(t): started.sequences.shift(c) for t, c in started.solution["theta"][1].items()}
    assert str(started.sequences.at_zero(first["grad"])) == "-1"


def test_a_sign_has_no_corrections_of_its_own() -> None:
    """sign(g(theta + gamma d)) is sign(g) near a point where no component of g vanishes."""
    found = modified_equation(inline_scheme("theta = theta - gamma*sign(grad(theta - gamma*grad(theta)))"), 2)["theta"]
    assert [str(f) for f in found] == ["-grad*abs(grad)**(-1)", "0", "0"]
    doubled = modified_equation(inline_scheme("theta = theta - gamma*(sign(grad(theta)) + gamma)*grad(theta)"), 1)["theta"]
    assert str(doubled[0]) == "-abs(grad)"


@pytest.mark.parametrize("inside", ["sqrt(m*m + eps)", "1/(m + eps)", "abs(m)", "sign(m)"])
def test_a_transient_under_a_root_is_refused(inside: str) -> None:
    text = f"m = beta*m + grad(theta); theta = theta - gamma*grad(theta)*{inside}"
    with pytest.raises(ReductionError, match="stands under a root, in a denominator or in an absolute value"):
        run_from_rest(configure(inline_scheme(text)), 1)
