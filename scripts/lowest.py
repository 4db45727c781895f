"""Print the lower bound of every dependency as a pin, for pip's --constraint: python scripts/lowest.py [EXTRA ...]."""

import re
import sys
import tomllib
from pathlib import Path


def pins(requirements: list[str]) -> list[str]:
    """['click>=8.1', 'mpmath>=1.3,<1.4'] -> ['click==8.1', 'mpmath==1.3']"""
    found = [re.match(r"([\w-]+)>=([\w.]+)", r) for r in requirements]
    for requirement, match in zip(requirements, found, strict=True):
        if match is None:
            raise SystemExit(f"lowest: '{requirement}' has no lower bound")
    return [f"{m[1]}=={m[2]}" for m in found if m]


if __name__ == "__main__":
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    print("\n".join(pins(project["dependencies"] + [r for extra in sys.argv[1:] for r in extras[extra]])))
