"""Build the source archive and the wheel, and try them where nothing else is: python scripts/check_package.py

The wheel is built from the source archive and must hold every tracked file of both packages; the archive must hold the tests,
docs and examples too. The wheel is then installed into a new environment with the oldest dependencies that pyproject.toml
allows. There one command of every kind runs, and the tests that touch every dependency.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMANDS = """
derive modified-eq --scheme momentum --order 2
derive modified-eq --scheme gd --order 1 --loss "x**4/4 + x*y**2"
derive modified-eq --scheme rmsprop --order 1 --set rho=9/10 --set eps=1/100 --loss "x**2/2 + x*y**2" --at x=1/2,y=1/3
derive explain momentum
derive trees --tableau rk4 --order 5
derive paper --scheme momentum --order 1 -o paper.tex
derive stability --scheme momentum --plot region.png
verify scheme momentum --order 2 --plot slopes.png -o certificate.json
verify certificate certificate.json
verify formula --scheme gd --order 1 --says "loss: L + gamma/4*dot(grad, grad)"
verify report --scheme momentum --order 1 -o page.html
verify claims literature --brief
"""
TESTS = ("coefficients", "evaluation", "python_api", "reals", "trees_laws", "verify_formula")
ARCHIVED = ("derive/", "verify/", "tests/", "docs/", "examples/", "scripts/", "README", "CHANGELOG", "LICENSE", "CITATION")


def run(*command: str | Path, folder: Path = ROOT) -> None:
    done = subprocess.run([str(c) for c in command], cwd=folder, capture_output=True, text=True, env=clean_environment())
    if done.returncode:
        raise SystemExit(f"check_package: {' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")


def clean_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [f for f in listing.split("\n") if f.startswith(ARCHIVED)]


def check_contents(archive: Path, wheel: Path) -> None:
    with tarfile.open(archive) as packed:
        in_archive = {name.partition("/")[2] for name in packed.getnames()}
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    missing = {f for f in tracked() if f not in in_archive}
    missing |= {f for f in tracked() if f.startswith(("derive/", "verify/")) and f not in in_wheel}
    if missing:
        raise SystemExit(f"check_package: not packed: {', '.join(sorted(missing))}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(sys.executable, "-m", "venv", folder / "venv")
        pip = (folder / "venv/bin/pip", "install", "--quiet")
        run(*pip, "build")
        run(folder / "venv/bin/python", "-m", "build", "--outdir", folder, ROOT)
        (archive,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
        check_contents(archive, wheel)
        pins = subprocess.run([sys.executable, ROOT / "scripts/lowest.py"], capture_output=True, text=True, check=True).stdout
        (folder / "lowest.txt").write_text(pins)
        run(*pip, "--constraint", folder / "lowest.txt", wheel, "pytest>=8", "hypothesis>=6.100")
        run("bash", "-ec", f'export PATH="{folder}/venv/bin:$PATH"\n{COMMANDS}', folder=folder)
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        tests = [f"tests/test_{t}.py" for t in TESTS]
        unpacked = folder / archive.name.removesuffix(".tar.gz")
        run(folder / "venv/bin/pytest", "-x", "-p", "no:cacheprovider", *tests, folder=unpacked)
    print(f"package: {archive.name} and {wheel.name} hold all, and work with the oldest dependencies")


if __name__ == "__main__":
    main()
