"""The preamble of every article: packages, and the macros in which its formulas are written.

The macros expand to what `--format latex` of the other commands writes out, so fragments and articles look the same; change
a macro to change the notation throughout an article.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from derive.algebra.terms import Factor
from derive.scheme import Scheme
from derive.writing.escape import escape
from derive.writing.notation import LATEX, Notation

_PACKAGES = r"""% Preamble for modified equations: packages and notation.
% Load it in place of your own, or copy the macros you need.  Every formula compiles with amsmath and these macros.
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{lmodern}
\usepackage{textcomp}
\usepackage[a4paper,textwidth=160mm,textheight=240mm]{geometry}
\usepackage{amsmath}
\usepackage{amssymb}
\usepackage{graphicx}
\usepackage{booktabs}
\usepackage{longtable}
\usepackage{tikz}
\allowdisplaybreaks
\setlength{\emergencystretch}{3em}
%
% --- notation -------------------------------------------------------------------------------------
"""
_TREES = r"""%
% --- rooted trees, root at the bottom: \rootedtree{(0,0)--(0,1)}{(0,0),(0,1)}, edges and nodes ---------
\newcommand{\rootedtree}[2]{\ensuremath{\vcenter{\hbox{\begin{tikzpicture}[x=7pt,y=8pt]
  \draw #1; \foreach \node in {#2} \fill \node circle (1.7pt);\end{tikzpicture}}}}}
"""


def _macros(step: str, loss: str) -> list[tuple[str, str]]:
    """Definitions, and what they are for."""
    return [
        (rf"\newcommand{{\gradL}}{{\nabla {loss}}}", r"gradient of the loss"),
        (rf"\newcommand{{\derL}}[1]{{\nabla^{{#1}} {loss}}}", r"\derL{3}: third derivative of the loss, a tensor"),
        (r"\newcommand{\args}[1]{\mathopen{}\left[#1\right]\mathclose{}}", r"arguments of a derivative: \derL{2}\args{\gradL}"),
        (r"\newcommand{\had}{\odot}", r"product at an index (componentwise)"),
        (r"\newcommand{\inner}[2]{\left\langle #1,\, #2\right\rangle}", r"inner product"),
        (r"\newcommand{\norm}[1]{\left\| #1\right\|}", r"Euclidean norm"),
        (r"\newcommand{\abs}[1]{\left| #1\right|}", r"absolute value, componentwise on vectors"),
        (r"\newcommand{\pd}[1]{\partial_{#1}}", rf"\pd{{i}}\pd{{j}} {loss}: partial derivatives"),
        (rf"\newcommand{{\step}}{{{step}}}", r"the step size"),
    ]


def _preamble(step: str, loss: str) -> str:
    """The preamble with these letters for the step size and the loss."""
    return _PACKAGES + "".join(f"{definition:69}% {what}\n" for definition, what in _macros(step, loss)) + _TREES


PREAMBLE = _preamble(r"\gamma", "L")

_OURS = frozenset("nDFPRVWXf")  # letters of the article itself; a scheme's variables of that name are set upright


def _letter(name: str) -> str:
    """Names that are no letters of mathematics are set upright, whatever characters they have."""
    if name == "gamma":
        return r"\step"
    if name in _OURS:
        return rf"\mathrm{{{name}}}"
    return LATEX.letter(name) if name.isascii() else rf"\text{{{escape(name)}}}"


def _derivative(label: str, _: str, k: int) -> str:
    if label == "f":
        return LATEX.derivative(label, label, k)
    return r"\gradL" if k == 0 else rf"\derL{{{k + 1}}}"


def _power(base: str, exponent: str) -> str:
    """base^exponent; a base that carries an exponent or a prime already gets parentheses."""
    simple = not base.endswith("'") and ("^" not in base or base.startswith((r"\left", r"\norm", r"\abs", "(")))
    return f"{base}^{{{exponent}}}" if simple else rf"\left({base}\right)^{{{exponent}}}"


PAPER: Notation = replace(
    LATEX,
    letter=_letter,
    derivative=_derivative,
    power=_power,
    times=r" \had ",
    open=r"\args{",
    close="}",
    inner=lambda a, b: rf"\inner{{{a}}}{{{b}}}",
    norm=lambda a: rf"\norm{{{a}}}",
    absolute=lambda a: rf"\abs{{{a}}}",
)


def _slash(above: str, below: str) -> str:
    """A quotient in one line, for the arguments of a derivative."""
    above, below = (rf"({x})" if any(y in x for y in (r"\had", "+", "-")) else x for x in (above, below))
    return f"{above}/{below}"


def preamble(letters: Mapping[str, str]) -> str:
    """The preamble in a reader's own letters for the step size and the loss."""
    return _preamble(*(_own(letters.get(name, name)) for name in ("gamma", "L")))


def _own(name: str) -> str:
    r"""A letter that a reader gives: gamma is one too, while the step size is \step."""
    return r"\gamma" if name == "gamma" else _letter(name)


def article_notation(
    scheme: Scheme, abbreviation: Callable[[Factor], str], letters: Mapping[str, str] | None = None
) -> Notation:
    """The notation of one article: its time functions and maps, its names for sums under powers, a reader's own letters."""
    own = {n: _own(letter) for n, letter in (letters or {}).items() if n != "gamma"}
    functions, maps = frozenset(scheme.functions), frozenset(scheme.maps)
    style = replace(PAPER, functions=functions, maps=maps, abbreviation=abbreviation, letters=own)
    return replace(style, nested=replace(style, fraction=_slash))
