"""LaTeX -> PDF in a folder of its own: no shell escape, no file outside it, a time limit, the PDF moved into place when done."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from derive.errors import UsageError
from derive.files import write_whole

TIMEOUT = 180  # seconds
INSTALL = "apt-get install texlive-latex-recommended texlive-pictures lmodern"
_FLAGS = ("-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "-file-line-error")
_OVERFULL = re.compile(r"Overfull \\hbox \(([\d.]+)pt too wide\)")


def has_tex() -> bool:
    """Whether pdflatex is on the path."""
    return shutil.which("pdflatex") is not None


def write_pdf(latex: str, target: str | Path) -> None:
    """Compile and put the PDF at `target` in one move.

    Raises UsageError where TeX is missing, fails or takes too long, or where the folder cannot be written to.
    """
    data, _ = compile_latex(latex)
    write_whole(target, data)


def compile_latex(latex: str) -> tuple[bytes, list[float]]:
    """(the PDF, by how many points each overfull line is too wide)."""
    if not has_tex():
        raise UsageError(f"a PDF needs LaTeX ('{INSTALL}' on Debian and Ubuntu); -o out.tex works without it")
    with tempfile.TemporaryDirectory(prefix="derive-paper-") as folder:
        (Path(folder) / "paper.tex").write_text(latex, encoding="utf-8")
        log = ""
        for _ in range(3):
            log = _run(folder)
            if "Rerun" not in log:
                break
        return (Path(folder) / "paper.pdf").read_bytes(), [float(x) for x in _OVERFULL.findall(log)]


def _run(folder: str) -> str:
    """One run of pdflatex; its log."""
    environment = os.environ | {
        "openin_any": "p", "openout_any": "p", "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000",
    }  # fmt: skip
    process = subprocess.Popen(
        ["pdflatex", *_FLAGS, "paper.tex"], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        status = process.wait(TIMEOUT)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise UsageError(f"pdflatex did not finish in {TIMEOUT} s; write -o out.tex and compile it yourself") from None
        raise
    path = Path(folder) / "paper.log"
    log = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    if status or not (Path(folder) / "paper.pdf").exists():
        raise UsageError(f"pdflatex failed: {_first_error(log)} (write -o out.tex to see the text)")
    return log


def _first_error(log: str) -> str:
    missing = re.search(r"File `([^']+)' not found", log)
    if missing:
        return f"{missing[1]} is not installed; {INSTALL}"
    found = re.search(r"^(?:\./)?paper\.tex:\d+: .*|^! .*", log, re.M)
    return found[0].strip() if found else "no log"
