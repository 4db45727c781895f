"""One step of the scheme against the exact Taylor flow of the derived field, in rational arithmetic.

The law: on the slow manifold, step - flow = O(gamma^(N+2)), identically in every coefficient below.
"""

from __future__ import annotations

import copy
from fractions import Fraction as F

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Irrational, Polynomial, defect
from plain_schemes import PLAIN
from strategies import losses, points, small, tree_schemes

from derive import configure, inline_scheme, load_scheme, modified_equation
from derive.errors import ReductionError

# a coupled cubic whose gradient at the origin is (a, b)
GRADIENTS = [(F(3, 4), F(-4, 3)), (F(3, 5), F(-4, 5)), (F(9, 20), F(-12, 20)), (F(1, 2), F(-2, 3))]


def loss_with_gradient(a: F, b: F) -> Polynomial:
    quadratic = {(2, 0): F(1, 2), (1, 1): F(2, 3), (0, 2): F(-1, 4)}
    return {(0, 0): F(7, 4), (1, 0): a, (0, 1): b, **quadratic, (3, 0): F(1, 3), (2, 1): F(-1, 2), (1, 2): F(1), (0, 3): F(1, 5)}


PARAMETERS = {"eps": F(1), "beta": F(1, 3), "beta1": F(1, 3), "beta2": F(1, 2), "beta3": F(2, 3), "rho": F(1, 2), "lam": F(2, 3)}
SLOW_START = {"S": F(9, 16), "G": F(9, 16), "v": F(9, 16), "p1": F(0), "p2": F(0)}

THETA = {"exponentiated-gradient": [F(1, 3), F(-1, 2)]}  # not at the origin, where it stands still


#: schemes with a root, or a value of a known function, that is rational at none of the points below: `verify scheme` proves them
IRRATIONAL = {"acprop", "adabelief-bias-corrected", "adams", "asgd", "avagrad", "fadam", "kate", "lion-tanh", "padam",
              "scion-rms"}  # fmt: skip


#: schemes with what this evaluator knows nothing of, and `verify scheme` proves: gradients at points away from theta, states that
#: are functions of others, memory in units of 1/gamma, relaxation by factors of the point, means over components
BEYOND = {
    "adagrad-torch", "adai", "adai-bias-corrected", "adam-mini", "adasmooth", "asam-fixed", "conjugate-gradients",
    "dual-averaging", "ftrl", "madgrad", "sam-fixed", "schedule-free", "schedule-free-adamw",
    "schedule-free-adamw-bias-corrected", "schedule-free-averaged", "srmm", "svrg-snapshot", "weight-average", "weight-ema",
}  # fmt: skip


def every_regime() -> list[tuple[str, str | None]]:
    """Without declared maps, which the evaluator of this test knows nothing of: tests/test_maps.py has those."""
    names = [n for n in PLAIN if n not in IRRATIONAL | BEYOND and not load_scheme(n).maps]
    return [(n, r) for n in names for r in (list(load_scheme(n).regimes) or [None])]


def battery_case(name: str, regime: str | None, order: int, perturb: tuple[str, int, int] | None = None) -> dict[int, list[F]]:
    """The defect of a catalogue scheme at the first of a few points at which all its roots are rational."""
    scheme = load_scheme(name)
    functions = dict.fromkeys((f"{f}(t)" for f in scheme.functions), "1/(1+t)")
    configuration = configure(scheme, regime, functions)
    parameters = {n: PARAMETERS.get(n, F(3, 5)) for n in configuration.free}
    if name == "adabelief":  # the leading part under its root is eps/(1 - beta2)
        parameters["eps"] = 1 - parameters["beta2"]
    if name == "rmsprop-centred-outside":  # under its root is rho times a square
        parameters["rho"] = F(1, 4)
    data = with_more_memory(scheme, order, regime, functions | {n: str(v) for n, v in parameters.items()})
    if perturb is not None:
        variable, power, index = perturb
        entry = data["equations"][variable][power]["terms"][index]
        entry["coefficient"] = f"({entry['coefficient']})*(1 + 1/1000)"
    chosen = configure(scheme, regime, functions | {n: str(v) for n, v in parameters.items()})
    last: Exception | None = None
    for a, b in GRADIENTS:
        point = {x: [F(0), F(0)] for x in data["equations"]} | {"theta": THETA.get(name, [F(0), F(0)])}
        for x in point:
            if x != "theta":
                start = SLOW_START.get(x)
                point[x] = [F(1, 3), F(-1, 2)] if start is None else [start, start]
        try:
            return defect(with_functions(chosen), data, loss_with_gradient(a, b), point, parameters, order)
        except Irrational as error:
            last = error
    raise AssertionError(f"no rational point for {name}: {last}")


def with_more_memory(scheme, order, regime=None, settings=None):  # type: ignore[no-untyped-def]
    """The equation through gamma^order, the slow manifold through gamma^(order + 1)."""
    data = modified_equation(scheme, order + 1, regime=regime, settings=settings).to_json()
    data["equations"] = {x: blocks[: order + 1] for x, blocks in data["equations"].items()}
    return data


def with_functions(configuration):  # type: ignore[no-untyped-def]
    """r(t) = 1/(1+t) written out in the update, since the oracle knows no time functions."""
    import dataclasses

    from derive.language import Call, Expression, Operation, parse_expression
    from derive.scheme import substitute

    def replace(e: Expression) -> Expression:
        match e:
            case Call(f, (a,)) if f in configuration.scheme.functions:
                return substitute(parse_expression("1/(1+t)", "r"), {"t": replace(a)})
            case Call(f, args):
                return Call(f, tuple(replace(a) for a in args))
            case Operation(op, args):
                return Operation(op, tuple(replace(a) for a in args))
        return e

    program = tuple(dataclasses.replace(a, value=replace(a.value)) for a in configuration.scheme.program)
    scheme = copy.copy(configuration.scheme)
    object.__setattr__(scheme, "program", program)
    return dataclasses.replace(configuration, scheme=scheme)


@pytest.mark.parametrize(("name", "regime"), every_regime())
def test_catalogue_step_is_flow(name: str, regime: str | None) -> None:
    """Battery: every catalogue file in every regime, through gamma^2; the step and the flow agree through gamma^3."""
    assert battery_case(name, regime, 2) == {}


@pytest.mark.parametrize(
    ("name", "regime"),
    [(n, None) for n in ("gd", "bdf2", "exponentiated-gradient")] + [("momentum", "inertial")]
    + [pytest.param(n, None, marks=pytest.mark.slow) for n in ("rmsprop", "adam")],
)
def test_a_perturbed_coefficient_is_refused(name: str, regime: str | None) -> None:
    """Negative control: 1/1000 on any one coefficient of gamma^k shows at gamma^(k+1), no lower."""
    data = modified_equation(name, 2, regime=regime).to_json()
    for variable, blocks in data["equations"].items():
        for block in blocks:
            for index in range(len(block["terms"])):
                found = battery_case(name, regime, 2, (variable, block["power"], index))
                assert min(found) == block["power"] + 1, (variable, block["power"], index)


@pytest.mark.parametrize("call", ["exp(u) - 1", "log(1 + u)", "sin(u)", "cos(u) - 1", "tanh(u)", "2*sigmoid(u) - 1", "atan(u)"])
def test_known_functions(call: str) -> None:
    """Where u = gamma*grad is small, through gamma^3; and 1/1000 on one coefficient there is refused."""
    scheme = inline_scheme(f"u = gamma*grad(theta); theta = theta - ({call}) - u")
    equation = with_more_memory(scheme, 3)
    arguments = loss_with_gradient(*GRADIENTS[0]), {"theta": [F(1, 3), F(-1, 2)]}, {}, 3
    assert defect(configure(scheme), equation, *arguments) == {}
    terms = equation["equations"]["theta"][3]["terms"]
    for entry in (terms[0], terms[-1]):
        right, entry["coefficient"] = entry["coefficient"], f"({entry['coefficient']})*(1 + 1/1000)"
        assert min(defect(configure(scheme), equation, *arguments)) == 4, entry
        entry["coefficient"] = right


@settings(max_examples=6)
@given(st.data())
def test_random_tree_schemes_on_random_losses(data: st.DataObject) -> None:
    """Valid random update texts on random polynomial losses in 1 to 3 dimensions, through gamma^2."""
    text = data.draw(tree_schemes())
    size = data.draw(st.integers(1, 3))
    loss, point = data.draw(losses(size, 3)), data.draw(points(size))
    scheme = inline_scheme(text)
    try:
        equation = with_more_memory(scheme, 2)
    except ReductionError as error:  # the only legitimate refusal of these texts: a root of the two-step part at 1
        assert "Jordan" in str(error)
        return
    assert defect(configure(scheme), equation, loss, {"theta": point}, {}, 2) == {}


@given(st.data())
def test_gradient_descent_and_momentum_in_four_dimensions(data: st.DataObject) -> None:
    loss, point = data.draw(losses(4, 3)), data.draw(points(4))
    name = data.draw(st.sampled_from(["gd", "momentum", "implicit-midpoint"]))
    beta = data.draw(small.filter(lambda b: b != 1))
    parameters = {"beta": beta} if name == "momentum" else {}
    values = {n: str(v) for n, v in parameters.items()}
    equation = with_more_memory(name, 2, None, values)
    assert defect(configure(load_scheme(name), None, values), equation, loss, {"theta": point}, parameters, 2) == {}
