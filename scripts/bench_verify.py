"""What each numerical route of `verify` costs:  python scripts/bench_verify.py [--digits 60] [SCHEME:ORDER ...]"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint

from derive import configure, load_scheme, modified_equation
from verify.numeric.quadratic import check_quadratic
from verify.numeric.routes import check_from_rest, check_slopes, recover_coefficients, rich_loss
from verify.numeric.slopes import choose_steps
from verify.numeric.system import build_system, chosen_parameters
from verify.orbits.integrate import Flow

START = (Fraction(2, 5), Fraction(1, 3))
CASES = ("gd:3", "momentum:3", "nesterov:3", "rk4:4", "rmsprop:2", "adam:2", "adamw:2")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def bench(name: str, order: int, digits: int) -> list[float]:
    configuration = configure(load_scheme(name))
    parameters, loss = chosen_parameters(configuration), rich_loss(2, order + 3)
    derived, equation = timed(lambda: modified_equation(name, order).to_json())
    case = (configuration, equation, parameters)
    slopes, table = timed(lambda: check_slopes(*case, loss, START, digits))
    recovered, recovery = timed(lambda: recover_coefficients(*case))
    quadratic, check = timed(lambda: check_quadratic(*case))
    rest, _ = timed(lambda: check_from_rest(*case, loss, START))
    assert all((table.confirmed, recovery.confirmed, check.confirmed or not check.applicable))
    return [derived, slopes, recovered, quadratic, rest, slopes + recovered + quadratic + rest]


def kernels(name: str, order: int, digits: int) -> str:
    """One Taylor expansion of the truncated field, one step of the scheme."""
    configuration = configure(load_scheme(name))
    equation = modified_equation(name, order).to_json()
    system = build_system(configuration, equation, rich_loss(2, order + 3), chosen_parameters(configuration), START)
    recorded, flow = timed(lambda: Flow(system.fields, system.slow_size))
    duration, gamma = choose_steps(system, flow, None, None)
    weights = [gamma**k for k in range(order + 1)]
    solved, _ = timed(lambda: flow.integrate(system.start, duration, digits, weights))
    state: list[Any] = [flint.arb(flint.fmpq(x.numerator, x.denominator)) for x in (*system.start, *system.rest)]
    _ = system.fast_step
    steps, _ = timed(lambda: system.orbit(state, flint.arb(2) ** -12, 500))
    return (
        f"{name}:{order}  tape {len(flow.tape.operations)} operations, recorded in {recorded * 1e3:.0f} ms; "
        f"flow to T = {duration} at {digits} digits {solved * 1e3:.0f} ms; one step {steps / 500 * 1e6:.0f} us"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="SCHEME:ORDER")
    parser.add_argument("--digits", type=int, default=60)
    options = parser.parse_args()
    print(f"{'seconds':16}{'derive':>9}{'slopes':>9}{'recover':>9}{'quadr.':>9}{'rest':>9}{'routes':>9}")
    for case in options.cases:
        name, _, order = case.partition(":")
        print(f"{case:16}" + "".join(f"{x:9.2f}" for x in bench(name, int(order), options.digits)))
    for case in options.cases:
        name, _, order = case.partition(":")
        print(kernels(name, int(order), options.digits))


if __name__ == "__main__":
    main()
