"""Noise in a text: gradients of the sample of this step, and given normal noise.

    sgrad(x), sgrad(x, 1)   the gradient at x of the loss of the step's sample; of one sample in all calls of the step     grad#1
    sgrad(x, 2)             that of a second sample of the same step, independent of the first                             grad#2
    sgrad(f, x, 2)          the same of a declared loss                                                                    f.x#2
    sfield(x)               the sample of a vector field                                                                   field#1
    normal()                a vector of independent standard normal numbers, a new one at every call

What is repeated draws anew every time: the second pass of a repeat knows sample 1 as grad#1:2.  A sample has one number and no
text can contain these names.
"""

from __future__ import annotations

SAMPLED = "sgrad"
#: the calls of samples, and what each is of the mean
SAMPLES = {SAMPLED: "grad", "sfield": "field"}
NORMAL = "normal"
_MARK = "#"
USAGE = f"{SAMPLED}(x), or {SAMPLED}(x, 2) for a second sample of the step"


def sampled(function: str, sample: str = "1") -> str:
    """The name of a gradient of a sample.

    >>> sampled("f.x", "2")
    'f.x#2'
    """
    return f"{function}{_MARK}{sample}"


def sample_of(function: str) -> tuple[str, str]:
    """(the gradient, its sample, or no text where it is no sample's).

    >>> sample_of("f.x#2"), sample_of("grad")
    (('f.x', '2'), ('grad', ''))
    """
    name, _, sample = function.partition(_MARK)
    return name, sample


def sampled_name(function: str) -> str:
    """The call by which a text has a gradient of a sample.

    >>> sampled_name("field"), sampled_name("f.x")
    ('sfield', 'sgrad')
    """
    return next((name for name, mean in SAMPLES.items() if mean == function), SAMPLED)


def is_noise(function: str) -> bool:
    """Whether a call draws at random."""
    return function == NORMAL or _MARK in function


def in_pass(function: str, count: int) -> str:
    """The call in that pass of a repeat.

    >>> in_pass("grad#1", 2), in_pass("grad", 2)
    ('grad#1:2', 'grad')
    """
    return f"{function}:{count}" if _MARK in function else function
