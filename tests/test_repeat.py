"""repeat: what it comes to, its laws, symbolic numbers of steps against those that are written out, proofs for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import permutations, takewhile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive import ModifiedEquation, TermSum, configure, inline_scheme, load_scheme, modified_equation
from derive.algebra.coefficients import Ratio
from derive.engine.translation import Translation
from derive.errors import LimitError, ReductionError, UsageError
from derive.language import Assignment, Repeat, parse_update, statement_text, unrolled
from derive.readings.initial_layer import initial_layer
from derive.readings.modifying import modifying_field
from derive.scheme import Scheme, scheme_from_toml
from derive.writing.text import equation_text
from tests.repeat_texts import ENDS, LINES, random_text, scheme_text
from verify.certificate.writing import certificate, check_certificate, write_certificate
from verify.proof import prove
from verify.proof.repeats import degree_bound
from verify.proof.statement import statement
from verify.proof.step_degrees import StepDegrees
from verify.verification import Options, verify_scheme

PARAMETERS = ("k", "m")
SYMBOLIC = {
    "lookahead": "y = theta; repeat k: y = y - gamma*grad(y); theta = theta + alpha*(y - theta)",
    "accumulated": "s = 0; repeat k: s = s + grad(theta)/k; theta = theta - gamma*s",
    "last gradient": "y = theta; repeat k: {g = grad(y); y = y - gamma*g}; theta = theta + alpha*(y - theta) - gamma*g",
    "within": "y = theta; repeat k: {z = y; repeat m: z = z - gamma*grad(z); y = y + alpha*(z - y)}; theta = y",
    "counted": "c = 0; y = theta; repeat k: {y = y - gamma*c*grad(y); c = c + 1}; theta = y - gamma*grad(y)",
    "memory outside": "y = theta; repeat k: y = y - gamma*grad(y); v = beta*v + (y - theta); theta = theta + v",
    "averaged": "y = theta; s = 0; repeat k: {y = y - gamma*grad(y); s = s + (y - theta)/k}; theta = theta + s",
    "root": "y = theta; repeat k: y = y - gamma*grad(y)/sqrt(grad(theta)**2 + eps); theta = y",
    "norm": "y = theta; repeat k: y = y - gamma*grad(y)/norm(grad(y)); theta = y",
    "curvature": "y = theta; repeat k: y = y - gamma*hess(y, grad(y)); theta = y",
    "value": "y = theta; repeat k: y = y - gamma*loss(y)*grad(y); theta = y",
    "factor": "repeat k: theta = theta*exp(-gamma*grad(theta))",
    "quotient": "y = theta; repeat k: y = y/(1 + gamma*grad(y)) - gamma*sin(gamma*y)*y; theta = y",
    "known": "y = theta; repeat k: {g = exp(-y); y = y - gamma*g*cos(y)}; theta = y",
    "implicit": "y = theta; repeat k: y = y - gamma*grad(theta_next); theta = y",
    "slow memory": "repeat k: {v = v + gamma*(grad(theta) - v); theta = theta - gamma*v}",
}


def scheme(text: str) -> Scheme:
    return inline_scheme(text, [p for p in PARAMETERS if f"repeat {p}:" in text])


def at_numbers(results: Mapping[str, Sequence[TermSum]], values: Mapping[str, int] | None = None) -> dict[Any, str]:
    """(variable, power, term) -> the coefficient with whole numbers in place of symbols; zeros left out."""

    def at(c: Ratio) -> Ratio:
        return c.substitute({n: c.ring.constant(v) for n, v in (values or {}).items()}, c.ring)

    found = {(x, k, str(t)): at(c) for x, sums in results.items() for k, total in enumerate(sums) for c, t in total}
    return {key: str(c) for key, c in found.items() if c}


def table(equation: ModifiedEquation, values: Mapping[str, int] | None = None) -> dict[Any, str]:
    """The coefficients of an equation and of its memory."""
    return at_numbers({**equation.equations, **equation.memory}, values)


def derived(text: str, order: int = 2, **numbers: int) -> dict[Any, str]:
    return table(modified_equation(scheme(text), order, settings={n: str(v) for n, v in numbers.items()}))


# ------------------------------------------------------------------------------------------ the language


def test_statements_are_carried_out_in_order_and_assigned_names_are_seen() -> None:
    text = "a = theta; repeat 2: {a = a + 1; b = a}; theta = b"
    assert [s.target for s in unrolled(parse_update(text))] == ["a", "a", "b", "a", "b", "theta"]


@pytest.mark.parametrize("text", SYMBOLIC.values())
def test_a_statement_is_written_as_it_is_read(text: str) -> None:
    once = parse_update(text)
    again = "; ".join(map(statement_text, once))
    assert parse_update(again) == once
    assert parse_update(again.replace("{", "{\n  ").replace("; ", "\n").replace("}", "\n}")) == once


@pytest.mark.parametrize("text", SYMBOLIC.values())
@pytest.mark.parametrize("ascii_only", [True, False])
def test_printed_updates_show_the_repeat_and_read_back(text: str, ascii_only: bool) -> None:
    equation = modified_equation(scheme(text), 0)
    lines = [x[4:] for x in takewhile(lambda x: x.startswith("    "), equation_text(equation, ascii_only).splitlines()[1:])]
    assert [type(s) for s in parse_update("\n".join(lines))] == [type(s) for s in parse_update(text)]
    assert derived("\n".join(lines), 1) == derived(text, 1)


def test_a_number_that_is_set_is_printed() -> None:
    assert "repeat 3: y" in equation_text(modified_equation("lookahead", 0, settings={"k": "3"}))


def test_repeat_is_still_a_name() -> None:
    (a, b) = parse_update("repeat = 3; theta = repeat*theta")
    assert (type(a), type(b)) == (Assignment, Assignment)


def test_trees_of_steps_are_told_apart() -> None:
    """Readers know trees by identity: a root taken twice is two roots."""
    first, second = unrolled(parse_update("repeat 2: y = sqrt(y)"))
    assert first == second
    assert first.value is not second.value


# ------------------------------------------------------------------------------------------ laws


@pytest.mark.parametrize("line", LINES)
def test_once_is_the_body(line: str) -> None:
    once, plain = scheme_text([line], ENDS[0], "1"), scheme_text([line], ENDS[0])
    for sign in ("repeat k:", "{", "}"):
        plain = plain.replace(sign, "", 1)
    assert scheme(once).program == scheme(plain).program


@pytest.mark.parametrize(("a", "b"), [(2, 3), (3, 2), (1, 4)])
def test_a_times_b_times_is_ab_times(a: int, b: int) -> None:
    body = "{y = y - gamma*grad(y); s = s + y}"
    nested, flat = (scheme(f"y = theta; repeat {head} {body}; theta = y") for head in (f"{a}: repeat {b}:", f"{a * b}:"))
    assert nested.program == flat.program
    assert derived(f"y = theta; repeat k: repeat {b}: y = y - gamma*grad(y); theta = y", k=a) == derived(
        f"y = theta; repeat {a * b}: y = y - gamma*grad(y); theta = y"
    )


def test_k_times_m_times_is_km_times() -> None:
    """As functions of two symbols, not only at numbers."""
    nested, flat = (
        modified_equation(scheme(f"y = theta; {head} y = y - gamma*grad(y); theta = (y + theta)/2"), 3)
        for head in ("repeat k: repeat m:", "repeat k:")
    )
    for k, m in ((1, 4), (3, 5), (7, 2)):
        assert table(nested, {"k": k, "m": m}) == table(flat, {"k": k * m})


@pytest.mark.parametrize("name", SYMBOLIC)
@pytest.mark.parametrize("k", range(1, 7))
def test_a_symbol_at_a_number_is_the_update_written_out(name: str, k: int) -> None:
    text = SYMBOLIC[name]
    numbers = {p: k + i for i, p in enumerate(PARAMETERS) if f"repeat {p}:" in text}
    order = 2 if name in ("within", "root", "norm") else 3
    assert table(modified_equation(scheme(text), order), numbers) == derived(text, order, **numbers)


@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=3), st.sampled_from(ENDS), st.integers(1, 4))
def test_random_bodies_at_a_number_are_the_update_written_out(lines: list[str], end: str, k: int) -> None:
    text = scheme_text(lines, end)
    assert table(modified_equation(scheme(text), 1), {"k": k}) == derived(text, 1, k=k)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_inverse_equations_and_starts_from_rest_at_a_number(k: int) -> None:
    """Corrections of the gradient, and transients of memory outside, pass through the inner steps."""
    inner, memory = scheme(SYMBOLIC["lookahead"]), scheme(SYMBOLIC["memory outside"])
    number = {"k": str(k)}
    found, expected = (modifying_field(inner, 3, settings=s).field for s in ({}, number))
    assert at_numbers({"theta": found}, {"k": k}) == at_numbers({"theta": expected})
    found, expected = (initial_layer(memory, 2, settings=s).transients["theta"] for s in ({}, number))
    assert at_numbers({"theta": found}, {"k": k}) == at_numbers({"theta": expected}) != {}


def test_the_residual_is_looked_at_with_the_symbol_in_place() -> None:
    assert modified_equation("lookahead", 3).residual_power == 4


@pytest.mark.parametrize("order", [3])
def test_lookahead_that_goes_all_the_way_is_gradient_descent_on_the_clock_of_the_period(order: int) -> None:
    """Step k gamma, and time k gamma a period: k^(p+1) times gradient descent's coefficient at gamma^p."""
    lookahead = table(modified_equation("lookahead", order, settings={"alpha": "1"}), {"k": 5})
    # a period of k steps follows gradient descent's own equation k times as fast
    assert lookahead == {key: str(5 * Fraction(c)) for key, c in table(modified_equation("gd", order)).items()}


@pytest.mark.parametrize("order", [2])
def test_accumulated_passes_are_gradient_descent(order: int) -> None:
    assert table(modified_equation("gradient-accumulation", order)) == table(modified_equation("gd", order))


def test_one_local_step_is_gradient_descent_on_the_average() -> None:
    functions = '[functions]\nf = "loss(theta)"\ng = "loss(theta)"'
    text = f'update = "theta = theta - gamma*(grad(f, theta) + grad(g, theta))/2"\n{functions}'
    assert table(modified_equation("local-gd", 2), {"k": 1}) == table(modified_equation(scheme_from_toml(text), 2))


# ------------------------------------------------------------------------------------------ published values


def test_reptile_on_one_task() -> None:
    """Nichol, Achiam & Schulman 2018, arXiv:1803.02999, section 5.1: g_Reptile = k AvgGrad - k(k-1)/2 alpha AvgGradInner, with
    theta+ = theta - (step) g; where all inner losses are one L, AvgGrad = grad L and AvgGradInner = hess L grad L."""
    equation = modified_equation("lookahead", 1, form="map", settings={"alpha": "1"})
    for k in range(1, 6):
        g, inner = ("theta", 0, "grad"), ("theta", 1, "hess(grad)")
        expected = {g: str(-k), inner: str(Fraction(k * (k - 1), 2))}
        assert table(equation, {"k": k}) == {key: c for key, c in expected.items() if c != "0"}


@pytest.mark.parametrize("k", [2, 3])
def test_reptile_on_mini_batches(k: int) -> None:
    """The same place, with a loss for every inner step: over all orders, the mean of theta+ has AvgGrad = the mean of g_i with
    the factor k, and AvgGradInner = the mean of hess_i g_j over i != j with the factor k(k-1)/2."""
    losses = [f"l{i}" for i in range(k)]
    functions = "[functions]\n" + "\n".join(f'{f} = "loss(theta)"' for f in losses)
    total: dict[Any, Fraction] = {}
    orders = list(permutations(losses))
    for order in orders:
        steps = "\n".join(f"y = y - gamma*grad({f}(y), theta)" for f in order)
        text = f'update = """y = theta\n{steps}\ntheta = y"""\n{functions}'
        for key, c in table(modified_equation(scheme_from_toml(text), 1, form="map")).items():
            total[key] = total.get(key, Fraction(0)) + Fraction(c) / len(orders)
    assert {c for (_, q, _), c in total.items() if q == 0} == {Fraction(-k, k)}
    inner = [c for (_, q, _), c in total.items() if q == 1]
    assert len(inner) == k * (k - 1)
    assert sum(inner) == Fraction(k * (k - 1), 2)


def test_local_steps_reward_gradients_that_disagree() -> None:
    """V = k (f + g)/2 + gamma k/8 (|grad f|^2 + |grad g|^2) - gamma k^2/16 |grad f - grad g|^2, so
    theta' at gamma: hess f of grad f has -(k/4 - k^2/8), hess f of grad g has -k^2/8."""
    equation = modified_equation("local-gd", 1)
    for k in (1, 2, 5):
        found = {t: c for (_, q, t), c in table(equation, {"k": k}).items() if q == 1}
        own, other = Fraction(k * k, 8) - Fraction(k, 4), -Fraction(k * k, 8)
        expected = {f"hess({a}, theta, grad({b}, theta))": own if a == b else other for a in "fg" for b in "fg"}
        assert found == {t: str(c) for t, c in expected.items() if c}


# ------------------------------------------------------------------------------------------ what is no polynomial


RELAXES = "by other factors than 1, whose powers are no polynomials"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y = theta; v = 0; repeat k: {v = beta*v - gamma*grad(y); y = y + v}; theta = y", RELAXES),
        ("a = theta; b = theta; repeat k: {c = a; a = b - gamma*grad(a); b = c}; theta = a", RELAXES),
        ("c = 1; y = theta; repeat k: {y = y - gamma*grad(y)/c; c = c + 1}; theta = y", "under a root, in a denominator"),
        ("x = 0; y = gamma*grad(theta); repeat k: {x = x + y; y = y + x}; theta = theta - x", RELAXES),
        ("c = 0; repeat k: {theta = theta - gamma*exp(c)*grad(theta); c = c + 1}", "of a repeat stands under"),
        ("s = grad(theta)**2; repeat k: {s = beta*s; theta = theta - gamma*grad(theta)*s}", f"multiplies s {RELAXES}"),
    ],
)
def test_transients_of_the_inner_steps_are_refused_and_a_number_is_taken(text: str, message: str) -> None:
    with pytest.raises(ReductionError, match=message + r".*such as --set k=3"):
        modified_equation(scheme(text), 1)
    assert modified_equation(scheme(text), 1, settings={"k": "3"})["theta"][0]


@pytest.mark.parametrize("value", ["0", "-2", "3/2", "gamma", "2*alpha", "t"])
def test_a_number_of_steps_is_a_positive_whole_number(value: str) -> None:
    with pytest.raises(UsageError, match="repeat k takes a positive whole number, and k = "):
        configure(load_scheme("lookahead"), settings={"k": value})


def test_a_number_may_be_another_symbol_and_be_set_again() -> None:
    chosen = configure(load_scheme("lookahead"), settings={"k": "kappa"})
    assert chosen.free == ("kappa", "alpha")
    again = configure(configure(load_scheme("lookahead"), settings={"k": "4"}).scheme, settings={"k": "2"})
    (repeat,) = (s for s in again.scheme.statements if isinstance(s, Repeat))
    assert repeat.times == 2


def test_what_is_written_out_is_bounded() -> None:
    with pytest.raises(LimitError, match="1,000 assignments; the limit is 256"):
        configure(load_scheme("lookahead"), settings={"k": "1000"})


def test_readings_of_one_number_say_so() -> None:
    with pytest.raises(ReductionError, match="needs the number of repetitions k as a number, such as --set k=3"):
        _ = load_scheme("lookahead").program


def test_the_index_of_steps_does_not_stay_behind() -> None:
    equation = modified_equation("lookahead", 3)
    used = {n for total in equation["theta"] for c, _ in total for n in c.symbols()}
    assert used == {"k", "alpha"}
    assert len(Translation(equation.configuration, 1).indices) == 1


# ------------------------------------------------------------------------------------------ proofs


def perturbed(equations: Mapping[str, Any], factor: str) -> dict[str, Any]:
    """A multiple of one coefficient added to it, in the last power that has one."""
    blocks = [dict(b, terms=[dict(t) for t in b["terms"]]) for b in equations["theta"]]
    item = next(b for b in reversed(blocks) if b["terms"])["terms"][0]
    item["coefficient"] = f"({item['coefficient']})*(1 + {factor})"
    return {**equations, "theta": blocks}


@pytest.mark.parametrize("seed", range(10))
def test_random_repeats_are_verified_and_perturbed_ones_are_not(seed: int) -> None:
    equation = modified_equation(scheme(random_text(seed)), 1)
    assert verify_scheme(equation, Options(digits=20)).verdict == "verified"
    data = equation.to_json()
    wrong = perturbed(data["equations"], "(k - 1)*(k - 2)/5")  # right for one step and for two
    assert prove(equation.configuration, wrong, data["memory"]).verdict == "refuted"


@pytest.mark.parametrize("name", [n for n in SYMBOLIC if n != "within"])
def test_what_is_right_for_the_first_numbers_only_is_refused(name: str) -> None:
    """The wrong claim agrees at k = 1, ..., 9; a bound of the degree that forgot the claim's own would let it pass."""
    equation = modified_equation(scheme(SYMBOLIC[name]), 1)
    data = equation.to_json()
    assert prove(equation.configuration, data["equations"], data["memory"]).proved
    vanishing = "*".join(f"(k - {i})" for i in range(1, 10))
    found = prove(equation.configuration, perturbed(data["equations"], vanishing), data["memory"])
    assert found.verdict == "refuted"
    assert found.numbers == {"k": 10}


@pytest.mark.parametrize("name", [n for n in SYMBOLIC if n != "within"])
def test_degrees_bound_what_is_derived(name: str) -> None:
    """Independent of the engine: k^-low times a derived coefficient is a polynomial of no larger degree than is predicted."""
    equation = modified_equation(scheme(SYMBOLIC[name]), 2)
    slow = tuple(equation.equations)
    states = StepDegrees(equation.configuration, "k", slow, 4).states
    for x, sums in equation.equations.items():
        for q, total in enumerate(sums):
            low, high = states[x][q + 1] or (0, 0)
            for c, _ in total:
                k, at = c.ring.symbol("k"), (c * c.ring.symbol("k") ** 9).reduced()
                top, bottom = (max(e[k.num.degrees().index(1)] for e in p.to_dict()) for p in (at.num, c.ring.expand(at.den)))
                assert top - bottom <= high + 9, (name, x, q, str(c))
                at = (c * k**-low if low < 0 else c).reduced()
                assert "k" not in Ratio(c.ring, c.ring.expand(at.den), ()).symbols(), (name, x, q, str(c))


def test_claims_with_poles_are_bounded_too() -> None:
    equation = modified_equation(scheme(SYMBOLIC["accumulated"]), 0)
    claim = statement(equation.configuration, {"theta": ["-grad + (k-1)*(k-2)/(k+3)/(k+4)*grad"]})
    assert degree_bound(claim, equation.configuration, "k") >= 2
    assert prove(equation.configuration, {"theta": ["-grad + (k-1)*(k-2)/(k+3)/(k+4)*grad"]}).verdict == "refuted"
    assert prove(equation.configuration, {"theta": ["-grad*(k+3)/(k+3)"]}).proved


@pytest.mark.parametrize("claim", ["-grad*exp(k)/exp(k)", "-grad*sqrt(k**2)/k", "-norm(k*grad)*grad/norm(grad)/k"])
def test_claims_with_the_number_under_a_function_are_left_undecided(claim: str) -> None:
    assert prove(configure(scheme(SYMBOLIC["accumulated"])), {"theta": [claim]}).verdict == "undecided"


def test_a_claim_that_has_no_value_at_a_number_is_not_proved() -> None:
    equation = modified_equation(scheme(SYMBOLIC["accumulated"]), 0)
    assert not prove(equation.configuration, {"theta": ["-grad*(k-2)/(k-2)"]}).proved


def test_two_numbers_of_steps_are_proved_together() -> None:
    equation = modified_equation(scheme(SYMBOLIC["within"]), 1)
    data = equation.to_json()
    found = prove(equation.configuration, data["equations"], data["memory"])
    assert found.proved
    assert "every k, m from proofs through k = 3, m = 3" in str(found)
    assert prove(equation.configuration, perturbed(data["equations"], "(k - 1)*(m - 2)"), data["memory"]).verdict == "refuted"


@pytest.mark.parametrize(
    "text",
    [
        "y = theta; v = 0; repeat k: {v = beta*v - gamma*grad(y); y = y + v}; theta = y",
        "x = 0; y = gamma*grad(theta); repeat k: {x = x + y; y = y + x}; theta = theta - x",
        "x = theta; y = x - gamma*grad(theta); repeat k: {x = x + (y - theta); y = y + (x - theta)}; theta = theta + (x - y)",
    ],
)
def test_a_body_that_relaxes_or_grows_is_never_taken_for_a_polynomial(text: str) -> None:
    """No equation is derived for it, and none is proved, however few numbers it is right at."""
    with pytest.raises(ReductionError, match=RELAXES):
        modified_equation(scheme(text), 1)
    found = prove(configure(scheme(text)), {"theta": ["-grad"]})
    assert found.verdict == "undecided"
    assert "not seen to be" in found.reason
    assert "in the number of steps" in found.reason


@pytest.mark.parametrize(("text", "reason"), [
    (
        "c = 0*theta; y = theta; repeat k: {c = c + exp(-y); y = y - gamma*grad(y)}; theta = y - gamma*c",
        "exp(-y) is taken at a point that is not known at gamma = 0",
    ),
    ("y = theta; repeat k: y = y*(1 + exp(-gamma*y)); theta = y", "not seen to be a polynomial in the number of steps"),
    ("y = theta; repeat k: y = y/(exp(gamma*y) - 1); theta = y", "not seen to begin with a power of k alone"),
])  # fmt: skip
def test_only_a_factor_gamma_removes_what_is_not_known(text: str, reason: str) -> None:
    """exp(u) is 1 at gamma = 0 where u vanishes there, and nothing is assumed of exp(y): no bound, no proof."""
    found = prove(configure(scheme(text)), {"theta": ["-grad"]})
    assert found.verdict == "undecided"
    assert reason in found.reason


def test_numerical_routes_run_at_a_number_that_is_named() -> None:
    found = verify_scheme(modified_equation("lookahead", 1), Options(digits=20))
    assert found.verdict == "verified"
    assert found.parameters["k"] == 3
    assert not {"slopes", "recovered", "quadratic"} & set(found.skipped)


def test_local_steps_are_proved_for_every_number() -> None:
    equation = modified_equation("local-gd", 1)
    data = equation.to_json()
    assert prove(equation.configuration, data["equations"], data["memory"]).proved
    assert prove(equation.configuration, perturbed(data["equations"], "(k - 1)*(k - 2)"), data["memory"]).verdict == "refuted"


def test_steps_of_one_player_are_verified_for_every_number() -> None:
    """Gradient steps of x, then one of y, on losses of their own: by proof, and by every numerical route at one number."""
    text = "repeat k: x = x - gamma*grad(f, x); y = y - gamma*grad(g, y)"
    game = inline_scheme(text, ["k"], functions={"f": "loss(x, y)", "g": "loss(x, y)"})
    equation = modified_equation(game, 1)
    for k in (1, 2, 3):
        assert table(equation, {"k": k}) == table(modified_equation(game, 1, settings={"k": str(k)}))
    found = verify_scheme(equation, Options(digits=20))
    assert (found.verdict, found.parameters, found.skipped) == ("verified", {"k": 3}, {})
    data = equation.to_json()["equations"]
    wrong = {**data, "x": perturbed({"theta": data["x"]}, "(k - 1)*(k - 2)")["theta"]}
    assert prove(equation.configuration, wrong).numbers == {"k": 3}


def test_a_certificate_of_a_game_is_about_one_number(tmp_path: Path) -> None:
    game = inline_scheme("repeat k: x = x - gamma*grad(f, x)", ["k"], functions={"f": "loss(x)"})
    two = modified_equation(game, 1, settings={"k": "2"})
    write_certificate(tmp_path / "two.json", certificate(two.configuration, two.to_json()["equations"]))
    assert "proved" in check_certificate(tmp_path / "two.json")
    data = modified_equation(game, 1)
    with pytest.raises(ReductionError, match="a certificate is about one number of repetitions: write --set k=3"):
        certificate(data.configuration, data.to_json()["equations"])


def test_a_statement_is_about_the_scheme_it_names() -> None:
    """The number set in a configuration decides, not the one that the scheme was loaded with."""
    three = modified_equation("lookahead", 1, settings={"k": "3"})
    data = three.to_json()
    two = configure(load_scheme("lookahead"), settings={"k": "2"})
    assert prove(three.configuration, data["equations"]).proved
    assert prove(two, data["equations"]).verdict == "refuted"
    assert prove(replace(two), data["equations"]).verdict == "refuted"
