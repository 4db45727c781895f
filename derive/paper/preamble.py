"""The preamble of every article: packages, and the macros in which its formulas are written.

The macros expand to what `--format latex` of the other commands writes out, so fragments and articles look the same; change
a macro to change the notation throughout an article.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from derive.algebra.terms import Factor
from derive.scheme import Scheme
from derive.writing.escape import escape
from derive.writing.notation import LATEX, Notation

PREAMBLE = r"""% Preamble for modified equations: packages and notation.
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
\newcommand{\gradL}{\nabla L}                                        % gradient of the loss
\newcommand{\derL}[1]{\nabla^{#1} L}                                 % \derL{3}: third derivative of the loss, a tensor
\newcommand{\args}[1]{\mathopen{}\left[#1\right]\mathclose{}}        % arguments of a derivative: \derL{2}\args{\gradL}
\newcommand{\had}{\odot}                                             % product at an index (componentwise)
\newcommand{\inner}[2]{\left\langle #1,\, #2\right\rangle}           % inner product
\newcommand{\norm}[1]{\left\| #1\right\|}                            % Euclidean norm
\newcommand{\abs}[1]{\left| #1\right|}                               % absolute value, componentwise on vectors
\newcommand{\pd}[1]{\partial_{#1}}                                   % \pd{i}\pd{j} L: partial derivatives
\newcommand{\step}{\gamma}                                           % the step size
%
% --- rooted trees, root at the bottom: \rootedtree{(0,0)--(0,1)}{(0,0),(0,1)}, edges and nodes ---------
\newcommand{\rootedtree}[2]{\ensuremath{\vcenter{\hbox{\begin{tikzpicture}[x=7pt,y=8pt]
  \draw #1; \foreach \node in {#2} \fill \node circle (1.7pt);\end{tikzpicture}}}}}
"""


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


def article_notation(scheme: Scheme, abbreviation: Callable[[Factor], str]) -> Notation:
    """The notation of one article: its time functions and maps, and its names for sums under powers."""
    style = replace(PAPER, functions=frozenset(scheme.functions), maps=frozenset(scheme.maps), abbreviation=abbreviation)
    return replace(style, nested=replace(style, fraction=_slash))
