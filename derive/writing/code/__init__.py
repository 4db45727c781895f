"""Formulas as code that people paste: a self-contained function for JAX, torch, plain Python or Julia.

    program.py     terms -> straight lines, each shared part once under a name of its own
    map_lines.py   the lines of a declared map -> a function
    targets.py     how each language writes them, and the function around them
"""

from derive.writing.code.source import Wanted, source

__all__ = ["Wanted", "source"]
