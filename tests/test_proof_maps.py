"""Schemes with declared maps: what is derived is proved for every map of its kind, and refuted once it is changed.

A change is a coefficient times 1001/1000, another rank of a derivative, or its point and its direction exchanged.
`pytest -m slow tests/test_proof_maps.py` has more of them.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from flint import fmpq, nmod_mat
from proof_controls import one_larger

from derive import configure, modified_equation
from derive.language import Call, Expression, Name, Operation, parse_expression, unparse
from derive.language.maps import map_arities
from derive.scheme.catalogue import scheme_from_toml
from verify.certificate import checker
from verify.certificate.writing import certificate, certificate_text
from verify.counterexample.claimed import claimed_field
from verify.counterexample.comparison import compare
from verify.numbers.kinds import EXACT
from verify.problems.maps import ConcreteMaps
from verify.proof import Proof, prove
from verify.proof.field import PrimeField
from verify.proof.loss import random_jets
from verify.proof.maps import Maps
from verify.proof.program import Evaluator, Point
from verify.proof.series import Algebra
from verify.proof.statement import CALLS

KINDS = ("map", "linear", "componentwise")
POINTS = ("theta", "theta", "theta - gamma*grad(theta)/2", "theta - c*gamma*P(theta)", "(theta + theta_next)/2")
INNER = ("g", "g", "c*g", "g + c*theta", "P(g)", "g/norm(g)", "g*g")
MEMORY = ("", "", "m = a*m + (1 - a)*({}); ", "m = a*m + {}; ")
LAST = (
    "theta = theta - gamma*P({})", "theta = theta - gamma*P({}) - gamma*c*P(theta)", "theta = theta - gamma*({} + P(theta))",
    "theta = theta - gamma*P({}) + gamma**2*P(g)",
)  # fmt: skip


def scheme_of(update: str, **maps: str) -> Any:
    """A scheme with these maps, its letters a, c and eps parameters."""
    letters = [x for x in ("a", "c", "eps") if re.search(rf"\b{x}\b", update)]
    parameters = "".join(f'{x} = ""\n' for x in letters)
    functions = "".join(f'{p} = "{kind}"\n' for p, kind in maps.items())
    return scheme_from_toml(f'name = "s"\nupdate = "{update}"\n[parameters]\n{parameters}[functions]\n{functions}')


def random_text(source: Random, kind: str) -> str:
    """A gradient somewhere, an average of it or not, and a map of that, of a function of it, or of a map."""
    inner = source.choice(INNER if kind != "map" else INNER[:6])
    memory = source.choice(MEMORY)
    vector = "m" if memory else inner
    return f"g = grad({source.choice(POINTS)}); {memory.format(inner)}{source.choice(LAST).format(vector)}"


def changes(equations: Any, kind: str, source: Random) -> Iterator[Any]:
    """The equations with a random coefficient, and with a random term, changed."""
    places = [(k, n) for k, power in enumerate(equations["theta"]) for n in range(len(power["terms"]))]
    yield one_larger(equations, source)
    for k, n in places:
        tree = parse_expression(equations["theta"][k]["terms"][n]["term"], "term", CALLS | map_arities({"P": kind}))
        for replaced in (_next_rank, _exchanged) if kind == "map" else (_next_rank,):
            if (other := _changed(tree, replaced)) != tree:
                wrong = copy.deepcopy(equations)
                wrong["theta"][k]["terms"][n]["term"] = unparse(other)
                yield wrong


def _changed(e: Expression, replaced: Callable[[Call], Call]) -> Expression:
    """The tree with every call replaced."""
    match e:
        case Operation(op, args):
            return Operation(op, tuple(_changed(a, replaced) for a in args))
        case Call(function, args):
            return replaced(Call(function, tuple(_changed(a, replaced) for a in args)))
    return e


def _next_rank(call: Call) -> Call:
    """d2p for dp, d2P(u, v, v) for dP(u, v), A(A(u)) for A(u)."""
    match call:
        case Call("dP", args):
            return Call("d2P", (*args, *args[1:]))
        case Call("P", (u,)) if not isinstance(u, Name):
            return Call("P", (Call("P", (u,)),))
    return call


def _exchanged(call: Call) -> Call:
    """dP(v, u) for dP(u, v)."""
    return Call("dP", call.args[::-1]) if call.function == "dP" else call


def check(seed: str, kind: str) -> None:
    source = Random(f"{seed} {kind}")
    scheme = scheme_of(text := random_text(source, kind), P=kind)
    equation = modified_equation(scheme, 1)
    stated = equation.to_json()
    found = prove(equation.configuration, stated["equations"], stated["memory"])
    assert found.proved, (text, str(found))
    assert found.bound is not None
    assert found.bound < -100
    for wrong in changes(stated["equations"], kind, source):
        assert prove(equation.configuration, wrong, stated["memory"]).verdict == "refuted", (text, wrong)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_derived_is_proved(seed: int, kind: str) -> None:
    check(f"scheme {seed}", kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_more_texts_are_proved(seed: int, kind: str) -> None:
    check(f"many {seed}", kind)


def said(kind: str, update: str, *powers: str) -> Proof:
    """The verdict on a claim about theta alone."""
    return prove(configure(scheme_of(update, P=kind)), {"theta": list(powers)}, seed=1)


PLAIN = "theta = theta - gamma*P(grad(theta))"


@pytest.mark.parametrize(
    "kind, wrong",
    [
        ("map", "dP(grad, hess(grad))"),  # another direction
        ("map", "dP(theta, hess(P(grad)))"),  # at another point
        ("map", "hess(dP(grad, P(grad)))"),  # the other order: what a symmetric derivative would allow
        ("map", "hess(P(P(grad)))"),
        ("linear", "hess(P(P(grad)))"),  # right for a matrix that commutes with the Hessian
        ("linear", "P(P(hess(grad)))"),
        ("componentwise", "hess(dP(grad)*P(grad))"),  # right in one dimension
        ("componentwise", "dP(hess(grad))*hess(P(grad))"),
        ("componentwise", "P(hess(P(grad)))"),  # right for a linear function
    ],
)
def test_near_misses_are_refuted(kind: str, wrong: str) -> None:
    assert said(kind, PLAIN, "-P(grad)", f"-1/2*{wrong}").verdict == "refuted"


@pytest.mark.parametrize(
    "kind, right",
    [("map", "dP(grad, hess(P(grad)))"), ("linear", "P(hess(P(grad)))"), ("componentwise", "dP(grad)*hess(P(grad))")],
)
def test_the_right_one_is_proved(kind: str, right: str) -> None:
    found = said(kind, PLAIN, "-P(grad)", f"-1/2*{right}")
    assert found.proved
    assert "every map of its kind" in str(found)


def test_symmetric_derivatives_may_exchange_their_directions() -> None:
    update = "theta = theta - gamma*P(grad(theta)) - gamma*d2P(theta, theta, grad(theta))"
    assert said("map", update, "-P(grad) - d2P(theta, grad, theta)").proved
    assert said("map", update, "-P(grad) - d2P(grad, theta, theta)").verdict == "refuted"


def test_one_map_at_two_points_and_the_same_point_twice() -> None:
    """P(2 g) and P(g + g) are one value, P(g) and P(theta) two, whatever P is."""
    update = "theta = theta - gamma*(P(2*grad(theta)) - P(grad(theta) + grad(theta)) + P(theta))"
    assert said("map", update, "-P(theta)").proved
    assert said("map", update, "-P(grad)").verdict == "refuted"


def test_signs_are_told_apart_under_a_map() -> None:
    """p(|g|) is p(g) where g is positive, and only there."""
    for update, right, wrong in (
        ("theta = theta - gamma*P(abs(grad(theta)))", "-P(abs(grad))", "-P(grad)"),
        ("theta = theta - gamma*P(grad(theta))**2", "-P(grad)**2", "-P(abs(grad))**2"),
    ):
        assert said("componentwise", update, right).proved
        assert said("componentwise", update, wrong).verdict == "refuted"


def test_a_constant_inside_a_scalar_product_is_no_number() -> None:
    """The weights of the scalar product keep dot(P, P)/dot(P, P) from hiding a dimension."""
    update = "p = P(grad(theta)); theta = theta - gamma*p/dot(sign(p), sign(p))"
    assert said("map", update, "-P(grad)/dot(sign(P(grad)), sign(P(grad)))").proved
    assert said("map", update, "-P(grad)/3").verdict == "refuted"


@pytest.mark.parametrize("kind", KINDS)
def test_certificates_are_checked_again(kind: str) -> None:
    """By a program of its own, which refuses a changed coefficient, a changed kind and a map that is not declared."""
    update = "m = a*m + (1 - a)*grad(theta); theta = theta - gamma*P(m)"
    equation = modified_equation(scheme_of(update, P=kind), 1)
    stated = equation.to_json()
    data = certificate(equation.configuration, stated["equations"], stated["memory"])
    assert checker.check(certificate_text(data), True)[1] < -100
    wrong = copy.deepcopy(data)
    wrong["fields"]["theta"][1][-1][0] += "*1001/1000"
    with pytest.raises(checker.Different):
        checker.check(json.dumps(wrong), True)
    for other in ({"P": next(k for k in KINDS if k != kind)}, {}, {"P": "smooth"}, {"P": kind, "dP": kind}, {"grad": kind}):
        with pytest.raises((checker.Different, checker.Bad)):
            checker.check(json.dumps({**data, "maps": other}), True)


MIRROR = (
    'name = "s"\nupdate = "m = a*m + (1 - a)*grad(theta); theta = Q(P(theta) - gamma*m)"\n[parameters]\na = "0 <= a < 1"\n'
    '[functions]\nP = "{}"\nQ = "inverse of P"\n'
)


def changed(equations: Any) -> Iterator[Any]:
    for k, power in enumerate(equations["theta"]):
        for n in range(len(power["terms"])):
            wrong = copy.deepcopy(equations)
            wrong["theta"][k]["terms"][n]["coefficient"] = f"({power['terms'][n]['coefficient']})*1001/1000"
            yield wrong


def test_inverse_functions_are_proved() -> None:
    """q(p(c) + s) by Newton's method, against derivatives of q that the algebra writes by those of p."""
    equation = modified_equation(scheme_from_toml(MIRROR.format("componentwise")), 2)
    stated = equation.to_json()
    found = prove(equation.configuration, stated["equations"], stated["memory"])
    assert found.proved, str(found)
    for wrong in changed(stated["equations"]):
        assert prove(equation.configuration, wrong, stated["memory"]).verdict == "refuted"
    written = {"theta": ["-grad*dQ(P(theta))"]}
    assert prove(equation.configuration, written, stated["memory"]).proved
    assert prove(equation.configuration, {"theta": ["-grad*dQ(theta)"]}, stated["memory"]).verdict == "refuted"


@pytest.mark.parametrize("names", ["PQ", "QP"])
@pytest.mark.parametrize("kind", ["map", "linear"])
def test_inverses_of_maps_of_vectors_are_proved(kind: str, names: str) -> None:
    """The inverse's derivatives are solved for, whichever of the two is the one whose numbers are drawn.  A second route: exact
    arithmetic on a pair of polynomial maps that undo each other.
    """
    text = MIRROR.format(kind).translate(str.maketrans("PQ", names))
    equation = modified_equation(scheme_from_toml(text), 1 if names == "QP" else 2)
    c, stated = equation.configuration, equation.to_json()
    found = prove(c, stated["equations"], stated["memory"])
    assert found.proved, str(found)
    assert found.bound is not None
    assert found.bound < -100
    assert not compare(claimed_field(c, stated["equations"], stated["memory"])).mismatches
    for wrong in changed(stated["equations"]):
        assert prove(c, wrong, stated["memory"]).verdict == "refuted"
        assert compare(claimed_field(c, wrong, stated["memory"])).mismatches


PAIR = 'name = "s"\nupdate = "{}"\n[functions]\nP = "{}"\nQ = "inverse of P"\n'


def verdict(kind: str, update: str, *powers: str) -> str:
    return prove(configure(scheme_from_toml(PAIR.format(update, kind))), {"theta": list(powers)}).verdict


@pytest.mark.parametrize(
    "kind, update, right, wrong",
    [
        ("map", "theta = theta - gamma*Q(P(grad(theta)))", "-grad", "-Q(grad)"),
        ("map", "theta = theta - gamma*P(Q(grad(theta)))", "-grad", "-P(P(grad))"),
        ("map", "theta = theta - gamma*Q(-P(grad(theta)))", "-Q(-P(grad))", "grad"),  # odd maps alone
        ("map", "theta = theta - gamma*P(2*Q(theta))", "-P(2*Q(theta))", "-2*theta"),  # linear maps alone
        ("linear", "theta = theta - gamma*P(2*Q(theta))", "-2*theta", "-P(2*theta)"),
        ("linear", "theta = theta - gamma*P(grad(theta)*Q(theta))", "-P(grad*Q(theta))", "-grad*theta"),  # right in one dimension
        ("linear", "theta = theta - gamma*P(Q(Q(theta)))", "-Q(theta)", "-Q(Q(P(theta))) + P(theta) - Q(theta)"),
        ("map", "theta = theta - gamma*dP(Q(theta), grad(theta))", "-dP(Q(theta), grad)", "-dQ(theta, grad)"),
        ("map", "theta = theta - gamma*dQ(P(theta), dP(theta, grad(theta)))", "-grad", "-dQ(theta, dP(theta, grad))"),
        (
            "map",
            "g = grad(theta); theta = theta - gamma*d2Q(P(theta), g, g)",
            "dQ(P(theta), d2P(theta, dQ(P(theta), grad), dQ(P(theta), grad)))",
            "-dQ(P(theta), d2P(theta, dQ(P(theta), grad), dQ(P(theta), grad)))",
        ),
    ],
)
def test_what_undoes_what(kind: str, update: str, right: str, wrong: str) -> None:
    assert verdict(kind, update, right) == "proved"
    assert verdict(kind, update, wrong) == "refuted"


#: no matrix meets its inverse at an index that carries nothing else; three index variables at most, one P at most
REDUCED = (
    "P(x)", "Q(x)", "Q(Q(x))", "P(x)*Q(x)", "P(x)*y", "Q(x)*y", "Q(x*y)", "P(x*y)", "P(x)*P(y)", "Q(x)*Q(y)",
    "P(Q(x)*y)", "Q(P(x)*y)",
)  # fmt: skip


@pytest.mark.parametrize("dimension, independent", [(7, True), (1, False)])
def test_what_is_reduced_is_independent(dimension: int, independent: bool) -> None:
    """docs/proof.md: with n = 3 index variables and s = 1 factors P, in dimension n + 2 min(n, 2 s) = 7 none vanishes."""
    source, field = Random(3), PrimeField(2**61 - 1)
    rows = []
    for _ in range(4 * len(REDUCED)):
        draw = lambda: source.randrange(1, field.p)
        algebra, maps = Algebra(field, 1), Maps({"P": "linear", "Q": "linear"}, 1, field, draw, {"P": "Q", "Q": "P"})
        point = Point(random_jets("L", 1, [draw() for _ in range(dimension)], field, draw, False), {}, {}, 0, {}, maps)
        names = {v: [algebra.element(draw()) for _ in range(dimension)] for v in "xy"}
        trees = [parse_expression(text, "term", map_arities(maps.kinds)) for text in REDUCED]
        rows.append([Evaluator(point, algebra, {}).value(tree, names)[0].at(0) for tree in trees])
    rank = nmod_mat(len(rows), len(REDUCED), [x for row in rows for x in row], field.p).rank()
    assert (rank == len(REDUCED)) == independent


@pytest.mark.parametrize("kind", KINDS)
def test_certificates_of_inverse_maps_are_checked_again(kind: str) -> None:
    """In the same dimension as the proof's; which of the two is drawn, and which undoes which, is part of the statement."""
    equation = modified_equation(scheme_from_toml(MIRROR.format(kind)), 1)
    stated = equation.to_json()
    data = certificate(equation.configuration, stated["equations"], stated["memory"])
    proof = prove(equation.configuration, stated["equations"], stated["memory"])
    read, bound, _, dimension, _ = checker.check(certificate_text(data), True)
    assert f"P: {kind}, inverse of Q" in read
    assert bound < -100
    assert dimension == proof.dimension
    for n in range(len(data["fields"]["theta"][1])):
        wrong = copy.deepcopy(data)
        wrong["fields"]["theta"][1][n][0] += "*1001/1000"
        with pytest.raises(checker.Different):
            checker.check(json.dumps(wrong), True)
    for other in ({}, {"P": "Q"}, {"P": "P", "Q": "Q"}, {"P": "Q", "Q": "R"}):
        with pytest.raises((checker.Different, checker.Bad)):
            checker.check(json.dumps({**data, "inverses": other}), True)
    kinds = {"P": "map", "Q": "linear"}
    with pytest.raises(checker.Bad, match="maps that do not undo each other"):
        checker.check(json.dumps({**data, "maps": kinds}), True)


@pytest.mark.parametrize(
    "update, right, wrong",
    [
        ("theta = theta - gamma*P(Q(grad(theta)))", "-grad", "-P(P(grad))"),
        ("theta = theta - gamma*Q(-P(grad(theta)))", "-Q(-P(grad))", "grad"),
        ("theta = theta - gamma*dQ(P(theta), dP(theta, grad(theta)))", "-grad", "-dQ(theta, dP(theta, grad))"),
        (
            "g = grad(theta); theta = theta - gamma*d2Q(P(theta), g, g)",
            "dQ(P(theta), d2P(theta, dQ(P(theta), grad), dQ(P(theta), grad)))",
            "d2P(theta, dQ(P(theta), grad), dQ(P(theta), grad))",
        ),
    ],
)
def test_the_checker_knows_what_undoes_what(update: str, right: str, wrong: str) -> None:
    c = configure(scheme_from_toml(PAIR.format(update, "map")))
    assert checker.check(certificate_text(certificate(c, {"theta": [right]})), True)[1] < -100
    with pytest.raises(checker.Different):
        checker.check(certificate_text(certificate(c, {"theta": [wrong]})), True)


@pytest.mark.parametrize("kind, dimension", [("componentwise", 1), ("linear", 1), ("linear", 2), ("map", 1), ("map", 2)])
def test_pairs_of_formulas_undo_each_other(kind: Any, dimension: int) -> None:
    maps = ConcreteMaps({"P": kind, "Q": kind}, {}, {"P": "Q", "Q": "P"})
    point = [fmpq(2, 3), fmpq(-1, 5)][:dimension]
    for p, q in (("P", "Q"), ("Q", "P")):
        image = maps.value(p, [point], dimension, EXACT)
        assert image != point
        assert maps.value(q, [image], dimension, EXACT) == point


def test_a_matrix_that_multiplies_the_memory_is_not_decided() -> None:
    """Its relaxation depends on the matrix: m = A m/2 + g - A g/2 has the fixed point g, one alone for some matrices."""
    update = "g = grad(theta); m = P(m)/2 + g - P(g)/2; theta = theta - gamma*m"
    assert said("linear", update, "-grad").verdict == "undecided"
    assert said("linear", update, "-grad/2").verdict == "refuted"
