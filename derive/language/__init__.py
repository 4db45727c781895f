"""The language of schemes, losses and formulas.

syntax     trees of an expression, and back to text
tokens     text -> words
precedence words -> trees: operators
written    words -> trees: operands, plain ones and those that people write
parse      text -> tree, refusing all else with its place
calls      the functions that may be called, one entry each
interpret  tree -> value, for any meaning of its numbers, names and operations
repeats    statements that are carried out more than once, and the assignments that they come to
sources    files -> their text, and the data of TOML and JSON
size       how large a tree can become when it is multiplied out, bounded before anything is
letters    names of Greek letters
components those of a vector field
"""

from derive.language.calls import LOSS_CALLS, SCHEME_CALLS, derivative_calls, plain_arities
from derive.language.components import components
from derive.language.interpret import Arithmetic, Entrywise, Meaning, Written, constant, interpret
from derive.language.letters import plain_key, plain_name
from derive.language.parse import parse_expression, parse_update
from derive.language.repeats import (
    assignments,
    carried,
    count_names,
    counted,
    rebuilt,
    statement_lines,
    statement_text,
    symbolic,
    symbolic_depth,
    unrolled,
)
from derive.language.size import check_size, check_sizes
from derive.language.syntax import (
    ONE,
    Assignment,
    Call,
    Expression,
    Name,
    Number,
    Operation,
    Repeat,
    Statement,
    derivative_symbol,
    fresh_name,
    names_of,
    plain_primes,
    substitute,
    unparse,
    walk,
)

__all__ = [
    "LOSS_CALLS",
    "ONE",
    "SCHEME_CALLS",
    "Arithmetic",
    "Assignment",
    "Call",
    "Entrywise",
    "Expression",
    "Meaning",
    "Name",
    "Number",
    "Operation",
    "Repeat",
    "Statement",
    "Written",
    "assignments",
    "carried",
    "check_size",
    "check_sizes",
    "components",
    "constant",
    "count_names",
    "counted",
    "derivative_calls",
    "derivative_symbol",
    "fresh_name",
    "interpret",
    "names_of",
    "parse_expression",
    "parse_update",
    "plain_arities",
    "plain_key",
    "plain_name",
    "plain_primes",
    "rebuilt",
    "statement_lines",
    "statement_text",
    "substitute",
    "symbolic",
    "symbolic_depth",
    "unparse",
    "unrolled",
    "walk",
]
