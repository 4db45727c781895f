"""Operators by precedence climbing: an operand is read, then operators as long as they bind more than what stands to the left.

    sums 1,  products, products of matrices and factors side by side 2,  signs 3,  powers 4 (from the right),
    raised numbers and .T 5
"""

from __future__ import annotations

import keyword
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import NoReturn

from derive.errors import ParseError
from derive.language.matrices import PRODUCT as MATRIX_PRODUCT
from derive.language.matrices import TRANSPOSE
from derive.language.syntax import Call, Expression, Number, Operation
from derive.language.tokens import Token, tokens

MAX_DEPTH = 200
#: values of functions at a point, which stand alone where the point is theta
AT_POINTS = frozenset(("grad", "field"))
SUM, PRODUCT, SIGN, POWER, RAISED = 1, 2, 3, 4, 5
_INFIX = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, MATRIX_PRODUCT: PRODUCT, "**": POWER}
_OPENING = ("(", "√", "∇", "⟨", "‖", "|", "<")
_COMPARISON = "comparisons stand only as the first argument of where(a < b, x, y) (a scalar product is written <a, b>)"
_ADVICE = {
    ".": "attribute access is not part of the language; write names, numbers, + - * / ** @ .T and the listed functions",
    "[": "indexing is not part of the language; products of vectors are componentwise",
    "<": _COMPARISON,
    ">": _COMPARISON,
    "//": "'//' is not an operator here; write '/'",
} | dict.fromkeys(("==", "!=", "<=", ">="), _COMPARISON)


class Climbing(ABC):
    """The words of one text, the place in them, and what stands between operators; `calls` are the functions known here.

    `names` are known to be no functions: those given, and those that stand in the text without a bracket behind them; but
    grad and field, which stand alone at theta, only where they are assigned.
    """

    def __init__(self, text: str, where: str, calls: Mapping[str, int | None], names: Collection[str] = ()) -> None:
        self.where, self.calls = where, calls
        self.words = tokens(text, where)
        self.position, self.depth = 0, 0
        self.open: list[str] = []  # brackets and bars around the present place
        pairs = list(zip(self.words, self.words[1:], strict=False))
        self.assigned = {a.text for a, b in pairs if a.kind == "name" and b.text == "="}
        alone = {a.text for a, b in pairs if a.kind == "name" and b.text != "("}
        self.names = {*names, *self.assigned, *(alone - AT_POINTS)}

    # ------------------------------------------------------------------ words

    @property
    def token(self) -> Token:
        return self.words[self.position]

    def following(self, k: int = 1) -> Token:
        return self.words[min(self.position + k, len(self.words) - 1)]

    def advance(self, count: int = 1) -> Token:
        token = self.token
        self.position = min(self.position + count, len(self.words) - 1)
        return token

    def skip_ends(self) -> None:
        while self.token.kind == "end":
            self.advance()

    def at(self, sign: str, close: bool = False) -> bool:
        """Whether this sign comes next; `close`: with no blank before it."""
        return self.token.kind == "sign" and self.token.text == sign and not (close and self.token.blank)

    def fail(self, message: str, place: Token | Expression) -> ParseError:
        return ParseError(message, self.where, place.line, place.column)

    def refuse(self) -> NoReturn:
        """What comes next cannot stand there."""
        token = self.token
        shown = "the end of the line" if token.kind == "end" else "the end" if token.kind == "stop" else f"'{token.source}'"
        raise self.fail(_ADVICE.get(token.text, f"{shown} cannot stand here"), token)

    def refuse_word(self, token: Token) -> NoReturn:
        """A word with a meaning in Python is no name."""
        if token.source == "lambda":
            raise self.fail("'lambda' is a reserved word, write 'lam'; functions cannot be defined here", token)
        if token.source in ("True", "False", "None"):
            raise self.fail("only numbers may stand here, such as 3, 1/2 or 0.9", token)
        raise self.fail(f"'{token.source}' is not part of the language", token)

    def expect(self, sign: str, opening: Token) -> None:
        """Read the sign that closes, or goes on with, what `opening` began."""
        if self.at(sign):
            self.advance()
        elif opening.text == "<":
            raise self.fail(_COMPARISON, opening)
        elif self.token.kind in ("end", "stop"):
            raise self.fail(f"'{opening.source}' is never closed", opening)
        elif self.token.text in _ADVICE:
            self.refuse()
        else:
            raise self.fail(f"'{self.token.source}' cannot stand here, '{sign}' is missing", self.token)

    def inside(self, opening: Token, closing: str) -> Expression:
        """The expression between an opening sign, which has been read, and its closing one."""
        self.open.append(opening.text)
        value = self.expression()
        self.open.pop()
        self.expect(closing, opening)
        return value

    # ------------------------------------------------------------------ operators

    @abstractmethod
    def operand(self) -> Callable[[], Expression]:
        """What reads the operand that comes next."""

    def expression(self, above: int = 0) -> Expression:
        """The operand that comes next, and what binds to it more than `above`."""
        start = self.token
        self.descend(start)
        left = self.operand()()
        while (level := self.binding()) > above:
            left = self.operation(left, level, start)
        self.depth -= 1
        return left

    def binding(self) -> int:
        """How tightly what comes next binds to the operand before it; 0 where it does not."""
        token = self.token
        if token.kind == "raised" or self.at_transpose():
            return RAISED
        if token.kind == "sign" and token.text in _INFIX:
            return _INFIX[token.text]
        return PRODUCT if self.is_factor() else 0

    def operation(self, left: Expression, level: int, start: Token) -> Expression:
        place = start.line, start.column
        if self.at_transpose():
            self.advance(2)
            return Call(TRANSPOSE, (left,), *place)
        if level == RAISED:
            return Operation("**", (left, _raised(self.advance())), *place)
        op = self.advance().text if self.token.kind == "sign" and self.token.text in _INFIX else "*"
        right = self.expression(POWER - 1 if op == "**" else level)
        return Call(op, (left, right), *place) if op == MATRIX_PRODUCT else Operation(op, (left, right), *place)

    def at_transpose(self) -> bool:
        """Whether .T comes next."""
        return self.at(".") and self.following().source == "T"

    def is_factor(self) -> bool:
        """Whether a factor comes next, side by side with the operand before it.  Raises ParseError where it cannot be one."""
        token, before = self.token, self.words[self.position - 1]
        if token.kind == "number":
            hint = "write * between them" if before.kind == "number" else "a number stands before what it multiplies, as in 2 x"
            raise self.fail(f"'{before.source} {token.source}': {hint}", token)
        if token.kind != "name" and (token.kind != "sign" or token.text not in _OPENING or self.is_closing()):
            return False
        if keyword.iskeyword(token.source):
            self.refuse_word(token)
        if token.line_before:
            raise self.fail("an operator is missing between two lines", token)
        if token.text == "(" and before.text == "]" and not token.blank:
            raise self.fail("a derivative is taken at theta; for a product put a blank before '('", token)
        return True

    def is_closing(self) -> bool:
        """Whether a bar closes what is open; '<' opens only between a blank and none, as a bar does within bars."""
        opens = self.token.blank and not self.following().blank
        return not opens and (self.token.text == "<" or (self.token.text in ("|", "‖") and self.open[-1:] == [self.token.text]))

    # ------------------------------------------------------------------ depth

    def descend(self, place: Token) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.too_deep(place)

    def too_deep(self, place: Token | Expression) -> ParseError:
        return self.fail(f"nested deeper than {MAX_DEPTH}; name the inner part on a line of its own", place)

    def require_shallow(self, expression: Expression) -> None:
        """No path from the root is longer than MAX_DEPTH, so that whoever reads the tree may recurse."""
        level: list[Expression] = [expression]
        for _ in range(MAX_DEPTH + 1):
            level = [a for e in level if isinstance(e, Operation | Call) for a in e.args]
            if not level:
                return
        raise self.too_deep(level[0])


def _raised(token: Token) -> Expression:
    """The whole number of e², e⁻¹."""
    value = Fraction(token.text.strip("()"))
    size = Number(abs(value), token.line, token.column)
    return size if value >= 0 else Operation("neg", (size,), token.line, token.column)
