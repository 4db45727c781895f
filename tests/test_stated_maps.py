"""Maps that are stated by lines: what may stand there, their values by two routes, first corrections, proofs, the Muon family."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from flint import fmpq
from reference import FLOATS

from derive import load_scheme, modified_equation, modified_equations
from derive.commands.main import main
from derive.concrete.map_lines import along
from derive.errors import DeriveError, LimitError, ParseError, SingularPointError, UsageError
from derive.paper.preamble import PAPER
from derive.scheme.catalogue import inline_scheme, scheme_from_toml
from derive.scheme.map_programs import parse_map_program
from derive.writing.expression import ExpressionWriter
from derive.writing.notation import UNICODE
from derive.writing.text import map_lines
from verify.numbers.kinds import EXACT, FRACTIONS
from verify.numbers.power_series import IrrationalRoot
from verify.orbits.branches import branch_text
from verify.problems.map_lines import carried_out, derivative_along
from verify.proof import prove

FAMILY = (
    "adago", "adamuon", "conda", "galore", "muon-bias-corrected", "muon-newton-schulz", "normuon", "shampoo", "shampoo-average",
    "soap",
)  # fmt: skip
NEWTON_SCHULZ = "X = X/2; repeat 2: {A = X @ X.T; X = 3.4445*X + (-4.775*A + 2.0315*A @ A) @ X}; P = X"
TEXT = """
name = "s"
update = "m = beta*m + (1 - beta)*grad(theta); theta = theta - gamma*{}"
[parameters]
beta = "0 <= beta < 1"
a = "a > 0"
[functions]
P = "{}"
[maps]
"P(X)" = "{}"
"""


def scheme_of(lines: str, kind: str = "map", call: str = "P(m)") -> Any:
    return scheme_from_toml(TEXT.format(call, kind, lines))


def numbers(source: Random, count: int) -> list[Fraction]:
    """Odd quarters, no two alike: none is zero, one or a third, so that no comparison below is a tie."""
    return [Fraction(2 * k + 1, 4) for k in source.sample(range(-9, 10), count)]


def exact(values: Sequence[Fraction]) -> list[fmpq]:
    return [fmpq(x.numerator, x.denominator) for x in values]


# ------------------------------------------------------------------------------------------ values and derivatives


@pytest.mark.parametrize("size", [4, 6])
@pytest.mark.parametrize(
    "lines",
    [
        NEWTON_SCHULZ,
        "P = X @ X.T @ X/(1 + dot(X, X)) - 2*trace(X @ X.T)*X",
        "P = max(X, X.T.T/2) + X**3*mean(X, row) + clip(X, -1, 1)*abs(X)",
        "c = mean(X); repeat 2: {X = X/(c + 5); c = c*c}; P = X + eye(X @ X.T) @ X",
        "P = where(X < 1/3, X**2, 1/(X + 20)) + dot(X, X, column)*X",
        "P = X*largest(X, row) + X**2*smallest(X**3 - X, column) + largest(X*X - X/3)*(X - smallest(X))",
    ],
)
def test_two_routes_carry_the_same_lines_out(lines: str, size: int) -> None:
    """Values and derivatives through the third, of matrices 2 x 2 and 2 x 3: by Taylor series, and by infinitesimals."""
    program, source = parse_map_program("P(X)", lines, "test"), Random(lines)
    point, *directions = (numbers(source, size) for _ in range(4))
    for k in range(4):
        ours = along(program, exact(point), [exact(v) for v in directions[:k]], {})
        theirs = derivative_along(program, point, directions[:k], {}, FRACTIONS)
        assert [str(x) for x in ours] == [str(x) for x in theirs], k
        assert k > 2 or any(x != 0 for x in ours)


def test_derivatives_are_those_of_differences() -> None:
    """P(u + h v) - P(u) = h dP(u)[v] + h^2/2 d2P(u)[v, v] + h^3/6 d3P(u)[v, v, v] for a cubic P, and the second is symmetric."""
    cube = parse_map_program("P(X)", "P = X @ X.T @ X", "test")
    u, v, w = (numbers(Random(n), 6) for n in range(3))
    parts = [derivative_along(cube, u, [v] * k, {}, FRACTIONS) for k in range(4)]
    there = carried_out(cube, [x + y / 3 for x, y in zip(u, v, strict=True)], {}, FRACTIONS)
    for i, x in enumerate(there):
        assert x == parts[0][i] + parts[1][i] / 3 + parts[2][i] / 18 + parts[3][i] / 162
    assert derivative_along(cube, u, [v, w], {}, FRACTIONS) == derivative_along(cube, u, [w, v], {}, FRACTIONS)


def test_newton_schulz_acts_on_singular_values() -> None:
    """U diag(s, t) for a rotation U has the value U diag(q(q(s/2)), q(q(t/2))), q the quintic."""
    program = parse_map_program("P(X)", NEWTON_SCHULZ, "test")
    turn = [Fraction(3, 5), Fraction(-4, 5), Fraction(4, 5), Fraction(3, 5)]

    def quintic(s: Fraction) -> Fraction:
        return Fraction(34445, 10000) * s - Fraction(47750, 10000) * s**3 + Fraction(20315, 10000) * s**5

    s, t = Fraction(1, 2), Fraction(5, 3)
    images = [quintic(quintic(x / 2)) for x in (s, t)]
    value = carried_out(program, [turn[0] * s, turn[1] * t, turn[2] * s, turn[3] * t], {}, FRACTIONS)
    assert value == [turn[0] * images[0], turn[1] * images[1], turn[2] * images[0], turn[3] * images[1]]


def test_the_root_of_shampoo_is_an_inverse_fourth_root() -> None:
    program = load_scheme("shampoo").definitions["R"]
    root = along(program, exact([Fraction(x) for x in (5, 2, 2, 3)]), [], {})
    square = [root[0] * root[0] + root[1] * root[2], root[0] * root[1] + root[1] * root[3]]
    square += [root[2] * root[0] + root[3] * root[2], root[2] * root[1] + root[3] * root[3]]
    fourth = [square[0] * square[0] + square[1] * square[2], square[0] * square[1] + square[1] * square[3]]
    for x, y in zip(fourth, (Fraction(3, 11), Fraction(-2, 11)), strict=True):  # the first row of the inverse
        assert abs(float((x - fmpq(y.numerator, y.denominator)).mid())) < 1e-12


@pytest.mark.parametrize(
    "kind, lines, written",
    [
        ("map", "P = X*dot(X, X)", "m*dot(m, m)"),
        ("map", "n = dot(X, X); P = X/(n + 1)", "m/(dot(m, m) + 1)"),
        ("componentwise", "Y = X*X; P = Y*X - X/2", "(m**3 - m/2)"),
        ("map", "repeat 2: X = X*X + a; P = X", "((m*m + 1/4)**2 + 1/4)"),
    ],
)
def test_lines_give_what_the_written_update_gives(kind: str, lines: str, written: str) -> None:
    """Values at a point through gamma^2, against the update with the lines written out."""
    settings = {"beta": "1/3"}
    stated = modified_equation(scheme_of(lines, kind), 2, settings=settings | ({"a": "1/4"} if "+ a" in lines else {}))
    text = f"m = beta*m + (1 - beta)*grad(theta); theta = theta - gamma*{written}"
    plain = modified_equation(inline_scheme(text), 2, settings=settings)
    loss, at = "x**3*y/3 + x*y**2 + x", {"x": "1/2", "y": "2"}
    assert stated.evaluate(loss, at).values == plain.evaluate(loss, at).values


def test_numbers_of_parameters_are_asked_for() -> None:
    equation = modified_equation(scheme_of("P = a*X"), 1, settings={"beta": "1/3"})
    with pytest.raises(UsageError, match="a has no value, and P is made of it"):
        equation.evaluate("x**2", {"x": "1"})


def test_rational_numbers_stay_short() -> None:
    """Sixty cubes of cubes: exact numbers would not fit into memory, and balls do not grow."""
    program = parse_map_program("P(X)", "repeat 60: X = X @ X.T @ X/4; P = X", "test")
    with pytest.raises(IrrationalRoot, match="rational values of more than 2000 bits"):
        carried_out(program, exact([Fraction(1, 3), Fraction(2), Fraction(5), Fraction(1)]), {}, EXACT)
    assert along(program, exact([Fraction(3, 2), Fraction(0), Fraction(0), Fraction(7, 5)]), [], {})[0] < 1


LARGEST = [
    (f"{name}(X{part})", choose, over)
    for part, over in (("", "all"), (", row", "rows"), (", column", "columns"))
    for name, choose in (("largest", max), ("smallest", min))
]


@pytest.mark.parametrize("text, choose, over", LARGEST)
def test_the_largest_component_is_one_of_its_line(text: str, choose: Any, over: str) -> None:
    """Of a 2 x 3 matrix, with the derivative that of the one component; a tie of two that are not taken is none."""
    point = [Fraction(x) for x in (5, -2, 3, 3, 8, -7)]
    if over == "all":
        point[2] = Fraction(3)  # twice, and neither the largest nor the smallest
    lines = {"all": [range(6)], "rows": [range(3), range(3, 6)], "columns": [(0, 3), (1, 4), (2, 5)]}[over]
    taken = {i: choose(line, key=point.__getitem__) for line in lines for i in line}
    program, v = parse_map_program("P(X)", f"P = X*0 + {text}", "test"), [Fraction(10**k) for k in range(6)]
    for direction, expected in (([], point), ([v], v)):
        wanted = [str(expected[taken[i]]) for i in range(6)]
        assert [str(x) for x in along(program, exact(point), [exact(d) for d in direction], {})] == wanted
        assert [str(x) for x in derivative_along(program, point, direction, {}, FRACTIONS)] == wanted


@pytest.mark.parametrize("text, choose, over", LARGEST)
def test_a_tie_of_the_largest_is_refused(text: str, choose: Any, over: str) -> None:
    point = [Fraction(x) for x in (4, 4, 4, 4, 1, 9)]
    point = [-x for x in point] if choose is min else point
    if over == "all":
        point[5] = point[0]
    program, v = parse_map_program("P(X)", f"P = X*{text}", "test"), [Fraction(k) for k in range(6)]
    with pytest.raises(SingularPointError, match=r"P is not smooth at this point: the (largest|smallest) of these components"):
        along(program, exact(point), [exact(v)], {})
    for directions in ([], [v]):
        with pytest.raises(ZeroDivisionError):
            derivative_along(program, point, directions, {}, FRACTIONS)


def test_the_largest_component_has_no_place_in_an_update() -> None:
    for text in ("theta = theta - gamma*largest(grad(theta))", "theta = theta - gamma*grad(theta)*largest(theta, row)"):
        with pytest.raises(ParseError, match=r'largest stands in the lines of a map, not here; write P\(x\), P = "map, '):
            inline_scheme(text)


def test_the_largest_component_is_printed_and_read_again() -> None:
    lines = "P = X/(largest(X, row) - smallest(X, column)) + largest(X*X)*X"
    program = parse_map_program("P(X)", lines, "test")
    assert program.text == lines
    assert map_lines(program, UNICODE) == [
        "with P(X), where it is smooth:", "    P = X/(largest(X, row) - smallest(X, column)) + largest(X X) X"
    ]  # fmt: skip
    shown = ExpressionWriter(PAPER, program.kinds)(program.statements[0].value)
    assert r"\max_{\mathrm{row}}(\mathrm{X})" in shown
    assert r"\min_{\mathrm{column}}(\mathrm{X})" in shown


# ------------------------------------------------------------------------------------------ what may stand there


@pytest.mark.parametrize(
    "lines, words",
    [
        ("Y = X", "its lines end by assigning it"),
        ("P = X; Y = P", "its lines end by assigning it"),
        ("Y = P + X; P = Y", "do not read it before"),
        ("P = grad(X)", "grad has no place in a map"),
        ("P = loss(X)*X", "loss has no place in a map"),
        ("P = norm(X, layer)*X", "norm.layer has no place in a map"),
        ("P = largest(X, layer)*X", "largest takes 1 argument, not 2"),
        ("P = largest(norm(X))*X", "largest takes vectors"),
        ("P = smallest(norm(X), row)*X", "smallest.row takes vectors"),
        ("P = X*theta", "'theta' has no value here"),
        ("P = X*gamma", "'gamma' has no value here"),
        ("P = Z; ", "'Z' has no value here"),
        ("a = X; P = a", "'a' is a parameter and cannot be assigned"),
        ("repeat a: X = X/2; P = X", "a map's lines are repeated a number of times"),
        ("P = X @ X", "a product of an m x n matrix"),
        ("P = X.T", "its value has the shape of its argument"),
        ("P = trace(X)*X", "trace takes a square matrix"),
        ("P = eye(X) @ X", "eye takes a square matrix"),
        ("P = dot(norm(X), X)*X", "dot takes vectors"),
        ("P = X; import os", "not part of the language"),
        ("P = __import__(X)", "unknown function"),
    ],
)
def test_other_lines_are_refused(lines: str, words: str) -> None:
    with pytest.raises(DeriveError, match=words):
        scheme_of(lines)


def test_lines_are_bounded() -> None:
    with pytest.raises(LimitError, match="257 assignments; the limit is 256"):
        scheme_of("repeat 257: X = X/2; P = X")
    with pytest.raises(LimitError, match="the limit is 1,024"):
        scheme_of("repeat 20: X = X*X; P = X")


@pytest.mark.parametrize("kind, words", [("linear", "it is linear"), ("componentwise", "add components of its argument")])
def test_lines_of_other_kinds_are_refused(kind: str, words: str) -> None:
    with pytest.raises(DeriveError, match=words):
        scheme_of("P = X/norm(X)", kind)


def test_what_is_stated_is_declared_and_is_the_same_at_every_step() -> None:
    with pytest.raises(DeriveError, match="no such map"):
        scheme_from_toml(TEXT.format("m", "map", "Q = X").replace('"P(X)"', '"Q(X)"'))
    with pytest.raises(DeriveError, match="name the map with one argument"):
        scheme_from_toml(TEXT.format("P(m)", "map", "P = X").replace('"P(X)"', '"P(X, Y)"'))
    with pytest.raises(UsageError, match="a map is the same at every step"):
        modified_equation(scheme_of("P = a*X"), 1, settings={"a": "gamma"})
    with pytest.raises(DeriveError, match=r"write P\(x.T\).T"):
        scheme_of("P = X @ X.T @ X", call="P(m.T).T")


# ------------------------------------------------------------------------------------------ results


def test_lines_are_printed_written_and_kept(tmp_path: Any) -> None:
    file = tmp_path / "s.toml"
    file.write_text(TEXT.format("P(m)", "map, two steps", NEWTON_SCHULZ))

    def run(*words: str) -> str:
        result = CliRunner().invoke(main, [*words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    text = run("modified-eq", str(file), "--order", "1")
    assert "with P(X), where it is smooth:\n        X = X/2\n        repeat 2: {\n            A = X @ X.T" in text
    assert "A = X @ X.T" in run("explain", str(file))
    assert "3.4445*X" in run("schemes", str(file))
    assert r"A \leftarrow{}& \mathrm{X}\, \mathrm{X}^{\top}" in run("paper", str(file), "--order", "1")
    data = modified_equation(scheme_from_toml(file.read_text()), 1).to_json()
    again = parse_map_program("P(X)", data["functions"]["P"], "JSON")
    point = numbers(Random(3), 6)
    assert carried_out(again, point, {}, FRACTIONS) == carried_out(
        scheme_of(NEWTON_SCHULZ).definitions["P"], point, {}, FRACTIONS
    )


def first_correction(name: str) -> list[tuple[str, str]]:
    block = modified_equation(name, 1).to_json()["equations"]["theta"][1]
    return [(t["coefficient"], t["term"]) for t in block["terms"]]


def test_muon_by_hand() -> None:
    """theta' = -F with F = kappa P(g) at lam = 0.  The gradients in m are old, m = g + gamma mu/(1-mu) H F + ..., and the step
    takes nu of it:  f_1 = -1/2 DF[F] - nu mu/(1-mu) DF[F],  DF[v] = kappa dP(g)[H v]."""
    equation = modified_equation("muon-newton-schulz", 1, settings={"lam": "0"})
    (term,) = equation.to_json()["equations"]["theta"][1]["terms"]
    assert term["term"] == "dP(grad, hess(P(grad)))"
    for mu, nu, kappa in itertools.product((Fraction(1, 2), Fraction(2, 3)), repeat=3):
        found = equation["theta"][1].coefficient(term["term"]).at({"mu": mu, "nu": nu, "kappa": kappa}, lambda q: Fraction(q))
        assert Fraction(str(found)) == -(kappa**2) * (Fraction(1, 2) + nu * mu / (1 - mu))


def test_shampoo_by_hand() -> None:
    """theta+ = theta - gamma R(A+) g R(B+), A+ = A + gamma g g.T, so with F = R(A) g R(B) the step has -gamma^2 (F_A[g g.T] +
    F_B[g.T g]) at gamma^2, from which half of the flow's own, -F_A[g g.T] - F_B[g.T g] + F_theta[F], is taken away."""
    assert first_correction("shampoo") == [
        ("-1/2", "R(A) @ grad @ dR(B, grad.T @ grad)"),
        ("-1/2", "dR(A, grad @ grad.T) @ grad @ R(B)"),
        ("-1/2", "R(A) @ hess(R(A) @ grad @ R(B)) @ R(B)"),
    ]


def test_soap_by_hand() -> None:
    """At beta1 = beta2 = 0 and lam = 0 the basis stands still and theta' = -F, F = U (r s(r^2)) W.T, r = U.T g W:
    f_1 = -1/2 DF[F] with DF[v] = U (Dr[v] s(r^2) + 2 r^2 s'(r^2) Dr[v]) W.T,  Dr[v] = U.T H[v] W."""
    equation = modified_equation("soap", 1, settings={"beta1": "0", "beta2": "0", "lam": "0"})
    terms = {t["term"]: t["coefficient"] for t in equation.to_json()["equations"]["theta"][1]["terms"]}
    assert sorted(terms.values()) == ["-1", "-1/2"]
    (half,) = [t for t, c in terms.items() if c == "-1/2"]
    assert "ds(" not in half
    assert all("ds(" in t for t, c in terms.items() if c == "-1")


def proved(name: str, order: int, changed: bool) -> set[str]:
    """The verdicts on the equations of all regions; with a coefficient of theta's last power changed by a thousandth."""
    found = set()
    for equation in modified_equations(name, order):
        data = equation.to_json()
        if changed:
            data["equations"]["theta"][order]["terms"][0]["coefficient"] += "*1001/1000"
        found.add(prove(branch_text(equation.configuration), data["equations"], data["memory"]).verdict)
    return found


@pytest.mark.parametrize("name, order", [("muon-newton-schulz", 1), ("muon-bias-corrected", 1), ("shampoo", 0), ("adago", 0)])
def test_the_family_is_proved_and_a_perturbed_coefficient_is_refused(name: str, order: int) -> None:
    assert proved(name, order, changed=False) == {"proved"}
    assert proved(name, order, changed=True) == {"refuted"}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILY)
def test_the_first_corrections_of_the_family_are_proved(name: str) -> None:
    assert proved(name, 1, changed=False) == {"proved"}
    assert proved(name, 1, changed=True) == {"refuted"}


QUINTIC = "X = 3.4445*X + (-4.775*A + 2.0315*A @ A) @ X"
FOUR_MORE = f"repeat 4: {{A = X @ X.T; {QUINTIC}}}; P = X"
DION = ("4.0848 6.8946 2.9270", "3.9505 6.3029 2.6377", "3.7418 5.5913 2.3037", "2.8769 3.1427 1.2046", "2.8366 3.0525 1.2012")


@pytest.mark.parametrize(
    "options, lines",
    [
        ({"preconditioning": "schatten"}, f"A = X @ X.T; s = norm(A); X = X/sqrt(s); A = A/s; {QUINTIC}; {FOUR_MORE}"),
        (
            {"preconditioning": "aol"},
            f"A = X @ X.T; S = eye(A)/sqrt(dot(A, sign(A), row)); X = S @ X; A = S @ A @ S; {QUINTIC}; {FOUR_MORE}",
        ),
        (
            {"ns_coeffs": "dion", "eps": 1e-3},
            "X = X/(norm(X) + 0.001); "
            + "".join("A = X @ X.T; X = {}*X + (-{}*A + {}*A @ A) @ X; ".format(*c.split()) for c in DION)
            + "P = X",
        ),
    ],
)
def test_optax_has_other_polynomials_and_normalisations(options: dict[str, Any], lines: str) -> None:
    """optax.contrib.muon with these options is muon-newton-schulz with these lines: the first step of both, on a 2 x 4 matrix."""
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    jax.config.update("jax_enable_x64", True)
    source = Random(5)
    gradient = [source.uniform(-1, 1) for _ in range(8)]
    matrix = jax.numpy.array(gradient).reshape(2, 4)
    optimizer = optax.contrib.muon(1.0, beta=0.0, **options)
    updates, _ = optimizer.update(matrix, optimizer.init(matrix), matrix)
    ours = carried_out(parse_map_program("P(X)", lines, "test"), gradient, {}, FLOATS)
    theirs = (-updates / 2**0.5).flatten().tolist()  # the factor of the shape
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-13)
