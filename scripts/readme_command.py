"""Print the N-th command of the README's section "Quick start", as it stands there: scripts/readme_command.py 2."""

import re
import sys
from pathlib import Path


def commands() -> list[str]:
    """The one-line commands of the fenced blocks of the section."""
    text = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    section = text.split("## Quick start", 1)[1].split("\n## ", 1)[0]
    return [block.strip() for block in re.findall(r"```sh\n(.*?)```", section, re.S)]


if __name__ == "__main__":
    print(commands()[int(sys.argv[1]) - 1])
