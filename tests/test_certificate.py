"""Certificates: written for proved results, re-checked from the file alone, refused after any change.

Law 1  a certificate checks;   Law 2  with any one number or string changed it does not;
Law 3  nor when the digest is made to match the change, if the change is to the mathematics.
"""

from __future__ import annotations

import ast
import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from derive import modified_equation
from derive.errors import UsageError
from verify.certificate import checker
from verify.certificate.writing import CertificateRefused, certificate, check_certificate, write_certificate
from verify.exact.claimed import claimed_field
from verify.exact.proof import verify_exactly

SCHEMES = [
    ("momentum", None, 1), ("adam", None, 1), ("momentum", "inertial", 1), ("bdf2", None, 1), ("gd-schedule", None, 1),
    ("normalised-gd", None, 1), ("implicit-midpoint", None, 1),
]  # fmt: skip
Place = tuple[Any, ...]


def make(scheme: str, regime: str | None, order: int) -> dict[str, Any]:
    equation = modified_equation(scheme, order, regime=regime)
    result = verify_exactly(equation.configuration, claimed_field(equation.to_json()["equations"]))
    return certificate(equation.configuration, result)


@pytest.fixture(scope="module")
def momentum() -> dict[str, Any]:
    return make("momentum", None, 1)


@pytest.mark.parametrize("scheme, regime, order", SCHEMES)
def test_a_certificate_checks(scheme: str, regime: str | None, order: int, tmp_path: Path) -> None:
    path = tmp_path / "certificate.json"
    write_certificate(path, make(scheme, regime, order))
    assert check_certificate(path).startswith(f"verified through gamma^{order}")


def leaves(data: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every number, string and null of the file, with its place; keys of objects too (place ends in ('key', name))."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*place, ("key", key)), key
            yield from leaves(value, (*place, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from leaves(value, (*place, i))
    else:
        yield place, data


def changed(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if value is None:
        return 7
    if isinstance(value, int):
        return value + 1
    digits = [i for i, c in enumerate(value) if c.isdigit()]
    if digits:
        i = digits[-1]
        return value[:i] + str((int(value[i]) + 1) % 10 or 1 if value[i] != "9" else 8) + value[i + 1 :]
    return value + "x"


def with_change(data: dict[str, Any], place: Place) -> dict[str, Any]:
    new = copy.deepcopy(data)
    target: Any = new
    for step in place[:-1]:
        target = target[step]
    last = place[-1]
    if isinstance(last, tuple):
        target[changed(last[1])] = target.pop(last[1])
    else:
        target[last] = changed(target[last])
    return new


def refused(data: dict[str, Any]) -> bool:
    try:
        checker.check(data)
    except Exception:
        return True
    return False


def test_any_change_is_refused(momentum: dict[str, Any]) -> None:
    places = [place for place, _ in leaves(momentum)]
    assert len(places) > 100
    survived = [place for place in places if not refused(with_change(momentum, place))]
    assert survived == []


def _is_mathematics(place: Place) -> bool:
    """What the claim consists of: the program, the field, parameters, losses, points, memory, values, ranks."""
    top = place[0]
    if top == "scheme":
        return len(place) > 1 and place[1] == "program"
    if top == "sets":
        return not any(isinstance(step, tuple) for step in place) and "t" not in place
    return top in ("field", "order", "result")


@pytest.mark.parametrize("scheme, regime, order", SCHEMES[:3])
def test_a_changed_certificate_with_a_matching_digest_is_refused(scheme: str, regime: str | None, order: int) -> None:
    """The digest is not what protects: the numbers themselves are computed again."""
    data = make(scheme, regime, order)
    survived = []
    for place, _ in leaves(data):
        if _is_mathematics(place):
            new = with_change(data, place)
            new["digest"] = checker.digest(new)
            if not refused(new) and not _harmless(place, data):
                survived.append(place)
    assert survived == []


def _harmless(place: Place, data: dict[str, Any]) -> bool:
    """Changes that leave a true statement: the point where nothing depends on theta itself; a monomial above all derivatives
    in use; a term of the list replaced by another independent one."""
    if "point" in place or "terms" in place or "slow" in place:
        return True
    if "polynomials" in place:
        return sum(map(int, str(place[-1]).split(","))) > data["order"] + 2
    return False


def test_a_wrong_coefficient_is_refused_with_its_point(momentum: dict[str, Any]) -> None:
    data = copy.deepcopy(momentum)
    data["field"]["theta"][1][0][0] += " + 1/1000"
    data["digest"] = checker.digest(data)
    with pytest.raises(checker.Refused, match="point 1: f_1 of theta is"):
        checker.check(data)


def test_the_checker_stands_alone(tmp_path: Path, momentum: dict[str, Any]) -> None:
    """Fewer than 300 lines, the standard library only, and it runs as a script outside the package."""
    source = Path(checker.__file__).read_text("utf-8")
    assert len(source.splitlines()) < 300
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert imported <= set(sys.stdlib_module_names)
    (tmp_path / "checker.py").write_text(source)
    path = tmp_path / "c.json"
    write_certificate(path, momentum)
    command = [sys.executable, "-I", str(tmp_path / "checker.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:8]) == (0, "verified")
    path.write_text(json.dumps(momentum).replace('"order": 1', '"order": 2'))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    path.write_text("not json")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


def test_writing_leaves_nothing_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, momentum: dict[str, Any]) -> None:
    path = tmp_path / "c.json"
    path.write_text("old")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_certificate(path, momentum)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call, message", [
    (lambda p: check_certificate(p / "none.json"), "cannot read certificate"),
    (lambda p: write_certificate(p / "no" / "c.json", {}), "cannot write"),
])  # fmt: skip
def test_files_that_cannot_be_used(call: Callable[[Path], Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        call(tmp_path)


def test_refusal_is_an_error_of_its_own(tmp_path: Path, momentum: dict[str, Any]) -> None:
    path = tmp_path / "c.json"
    write_certificate(path, {**momentum, "argument": "because"})
    with pytest.raises(CertificateRefused, match="digest"):
        check_certificate(path)
