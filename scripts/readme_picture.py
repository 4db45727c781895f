"""Draw the README's picture, docs/_static/gd_flow.png, by the page's own docs/pictures/gd_flow.py."""

import runpy
import sys
from pathlib import Path

from matplotlib import pyplot

DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    sys.path.insert(0, str(DOCS / "pictures"))
    style = {"legend.frameon": False, "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 1.8,
             "axes.edgecolor": "#5a5c63", "font.size": 11.5, "figure.constrained_layout.use": True,
             "figure.figsize": (7, 4)}  # fmt: skip
    with pyplot.rc_context(style):
        figure = runpy.run_path(str(DOCS / "pictures" / "gd_flow.py"))["draw"]()
        figure.savefig(DOCS / "_static" / "gd_flow.png", dpi=120, metadata={"Software": None})


if __name__ == "__main__":
    main()
