"""`{picture} momentum_flow`: runs `draw()` of docs/pictures/momentum_flow.py, for light and for dark pages.

`draw` takes nothing and returns a matplotlib Figure.  The body of the directive is the caption, `:alt:` what a reader hears who
does not see it.  Only files of that folder are run, by their names.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives

from shadowdocs.execution import remember, source_hash
from shadowdocs.running import Running

NAME = re.compile(r"[a-z][a-z0-9_]*")
#: ink and paper of furo's two themes
THEMES = {"light": ("#222222", "#5a5c63"), "dark": ("#e8e8e8", "#9ca0a5")}


def styled(theme: str) -> dict[str, Any]:
    """Settings of matplotlib for one theme: ink for text and axes, nothing behind them, glyphs as paths."""
    ink, faint = THEMES[theme]
    return {
        "text.color": ink, "axes.edgecolor": faint, "axes.labelcolor": ink, "xtick.color": faint, "ytick.color": faint,
        "xtick.labelcolor": ink, "ytick.labelcolor": ink, "axes.facecolor": "none", "figure.facecolor": "none",
        "savefig.facecolor": "none", "legend.frameon": False, "grid.color": faint, "grid.alpha": 0.35, "grid.linewidth": 0.5,
        "svg.fonttype": "path", "svg.hashsalt": "shadowflow", "font.size": 11.5, "axes.spines.top": False,
        "axes.spines.right": False, "axes.titlesize": 11.5, "legend.fontsize": 10.5, "lines.linewidth": 1.8,
        "mathtext.fontset": "dejavusans", "figure.constrained_layout.use": True, "figure.figsize": (6.2, 4.1),
    }  # fmt: skip


def draw(path: Path, theme: str) -> bytes:
    """The picture of one file as SVG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context(styled(theme)):
        figure = _module(path).draw()
        data = io.BytesIO()
        figure.savefig(data, format="svg", metadata={"Date": None})
        pyplot.close(figure)
    return data.getvalue()


@cache
def _module(path: Path) -> Any:
    """The file as a module, loaded once: what it computes is the same on light and on dark paper."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # pictures share _flows.py
    specification = importlib.util.spec_from_file_location(f"pictures_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Picture(Running):
    option_spec = {"alt": directives.unchanged_required, "class": directives.class_option}
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0].strip()
        path = Path(self.env.srcdir) / "pictures" / f"{name}.py"
        if not NAME.fullmatch(name) or not path.exists():
            self.warn(f"no picture docs/pictures/{name}.py")
            return []
        if not self.options.get("alt"):
            self.warn(f"picture {name} needs words for those who do not see it (:alt:)")
        for source in (path, *path.parent.glob("_*.py")):
            self.env.note_dependency(str(source))
        figure = nodes.figure("", classes=["picture"])
        for theme in THEMES:
            figure += self.image(self.made(path, theme), self.options.get("alt", ""), (f"only-{theme}",))
        if self.content:
            caption = nodes.caption()
            caption += [n for p in self.parse_content_to_nodes() for n in p.children]
            figure += caption
        return [figure]

    def made(self, path: Path, theme: str) -> Path:
        """The drawn file, from an earlier build where nothing it depends on has changed."""
        digest = hashlib.sha256(source_hash().encode() + repr(sorted(styled(theme).items())).encode())
        for source in sorted((path, *path.parent.glob("_*.py"))):
            digest.update(source.read_bytes())
        kept = self.store.parent / "drawings" / f"{path.stem}-{theme}-{digest.hexdigest()[:16]}.svg"
        target = self.store.parent / "drawn" / f"{path.stem}-{theme}.svg"
        if not kept.exists():
            try:
                remember(kept, draw(path, theme))
            except Exception as error:  # whatever a drawing raises is the page's fault, and its author's to see
                self.warn(f"{path.name} does not draw: {type(error).__name__}: {error}")
                return kept
        remember(target, kept.read_bytes())
        return target


def setup(app: Any) -> None:
    app.add_directive("picture", Picture)


__all__ = ["Picture", "draw", "setup", "styled"]
