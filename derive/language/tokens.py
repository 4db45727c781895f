"""The words of a text: numbers, names, primes, raised whole numbers and signs, each with its place.

    number   0.9, 1e-8, 1_000, .5           exact in decimals
    name     beta, β₁, η_x, g_prev, θ⁻       in the letters of the language: beta1, eta_x, theta_prev
    prime    ' ′ ''  "                       `text` is one ' for each
    raised   ², ⁻¹, ⁽⁴⁾                     `text` is 2, -1, (4)
    sign     + - * / ** @ ^ = += ( ) [ ] , | √ ∇ ⟨ ⟩ ...    by what it means: − is -, · × ⊙ are *, ^ is **
    end      a line's end, or ';'

Inside of brackets lines do not end, nor before a line that begins with an operator.  Comments run from # to the line's end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from derive.errors import ParseError
from derive.language.letters import SUBSCRIPTS, plain_name

MAX_LENGTH, MAX_DIGITS = 20_000, 400

_DIGITS = r"[0-9](?:_?[0-9])*"
_NUMBER = re.compile(rf"(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?")
_SIGN = re.compile(r"\*\*=?|[-+*/]=|//|[=!<>]=|:=|[-+*/^=()\[\],;|<>√∇⟨⟩‖⊙·×⋅∗−≤≥@.%&~:{}!?$`]")
_RAISED = re.compile(r"⁽[⁰¹²³⁴⁵⁶⁷⁸⁹]+⁾|⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁽⁾", "0123456789-()")
_PRIMES = {"'": 1, "′": 1, "’": 1, '"': 2, "″": 2, "‴": 3}
_MEANINGS = {"−": "-", "·": "*", "×": "*", "⋅": "*", "∗": "*", "⊙": "*", "^": "**", "≤": "<=", "≥": ">="}
_CLOSES = {")": "(", "]": "["}
#: signs by which a line goes on with the line before
_GOES_ON = frozenset(("+", "-", "*", "/", "**", "@"))


@dataclass(frozen=True)
class Token:
    """`blank` and `line_before`: whether a blank, or the end of a line, stands between it and the word before."""

    kind: str
    text: str
    line: int
    column: int
    blank: bool = False
    line_before: bool = False
    source: str = ""


def tokens(text: str, where: str) -> list[Token]:
    """The words of the text, an 'end' after each line and a 'stop' after all.  Raises ParseError.

    >>> [t.text for t in tokens("v = β₁ v − γ^2", "example")][:-2]
    ['v', '=', 'beta1', 'v', '-', 'gamma', '**', '2']
    """
    return list(_lines_joined(_Scanner(text, where)))


def _lines_joined(scanner: _Scanner) -> Iterator[Token]:
    """Without the ends of lines inside of brackets and before an operator; every bracket closed by its own."""
    opened: list[Token] = []
    ends: list[Token] = []
    for token in scanner.words():
        if token.kind == "end" and token.source != ";":
            ends.append(token)
            continue
        if opened or (token.kind == "sign" and token.text in _GOES_ON):
            if ends:
                token = replace(token, blank=True, line_before=True)
        else:
            yield from ends
        ends = []
        if token.kind == "sign":
            _match(token, opened, scanner)
        if token.kind == "stop" and opened:
            raise scanner.fail(f"'{opened[-1].text}' is never closed", opened[-1])
        yield token


def _match(token: Token, opened: list[Token], scanner: _Scanner) -> None:
    if token.text in _CLOSES.values():
        opened.append(token)
    elif token.text in _CLOSES:
        if not opened or opened[-1].text != _CLOSES[token.text]:
            what = f", '{opened[-1].text}' is open" if opened else ", nothing is open"
            raise scanner.fail(f"'{token.text}' closes nothing{what}", token)
        opened.pop()


class _Scanner:
    """One pass over the text."""

    def __init__(self, text: str, where: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ParseError(f"longer than {MAX_LENGTH} characters", where, 1, 1)
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.where = where
        self.position, self.line, self.line_start, self.blank = 0, 1, 0, False

    def fail(self, message: str, place: Token | None = None) -> ParseError:
        line, column = (place.line, place.column) if place else (self.line, self.position - self.line_start + 1)
        return ParseError(message, self.where, line, column)

    def words(self) -> Iterator[Token]:
        while self.position < len(self.text):
            c = self.text[self.position]
            if c == "\n":
                yield self.word("end", 1)
                self.line, self.line_start = self.line + 1, self.position
            elif c.isspace():
                self.position, self.blank = self.position + 1, True
            elif c == "\\" and self.text[self.position + 1 : self.position + 2] == "\n":
                self.position, self.line, self.blank = self.position + 2, self.line + 1, True
                self.line_start = self.position
            elif c == "#":
                end = self.text.find("\n", self.position)
                self.position = end if end >= 0 else len(self.text)
            else:
                yield self.one(c)
        yield self.word("end", 0)
        yield self.word("stop", 0)

    def word(self, kind: str, length: int, text: str | None = None) -> Token:
        source = self.text[self.position : self.position + length]
        place = self.line, self.position - self.line_start + 1
        blank, self.blank, self.position = self.blank, False, self.position + length
        return Token(kind, source if text is None else text, *place, blank, source=source)

    def one(self, c: str) -> Token:
        """The word that begins with this character."""
        if c.isidentifier():
            return self.name()
        if c in _PRIMES:
            return self.primes()
        if (found := _NUMBER.match(self.text, self.position)) is not None:
            return self.number(found.group())
        if (found := _RAISED.match(self.text, self.position)) is not None:
            return self.word("raised", len(self.bounded(found.group())), found.group().translate(_LOWERED))
        if (found := _SIGN.match(self.text, self.position)) is not None:
            sign = found.group()
            return self.word("end" if sign == ";" else "sign", len(sign), _MEANINGS.get(sign, sign))
        raise self.fail(_stranger(c))

    def name(self) -> Token:
        """An identifier, with digits below it and a raised sign: θ⁻ is theta one step ago, θ⁺ after this step."""
        end = self.position + 1
        while end < len(self.text) and self.text[end] != "·" and ("a" + self.text[end].translate(SUBSCRIPTS)).isidentifier():
            end += 1
        if self.text[end : end + 1] in ("⁺", "⁻") and not _RAISED.match(self.text, end):
            end += 1
        return self.word("name", end - self.position, plain_name(self.text[self.position : end]))

    def primes(self) -> Token:
        end = self.position
        while end < len(self.text) and self.text[end] in _PRIMES:
            end += 1
        count = sum(_PRIMES[c] for c in self.text[self.position : end])
        return self.word("prime", end - self.position, "'" * count)

    def bounded(self, digits: str) -> str:
        """The digits of a number, if they are not too many."""
        exponent = digits.lower().partition("e")[2]
        if len(digits) > MAX_DIGITS or (exponent and abs(int(exponent)) > MAX_DIGITS):
            raise self.fail(f"a number of more than {MAX_DIGITS} digits; write a parameter instead")
        return digits

    def number(self, source: str) -> Token:
        digits = self.bounded(source.replace("_", ""))
        following = self.text[self.position + len(source) :]
        tail = re.match(r"[A-Za-z0-9_]*", following)
        if tail is not None and tail.group():
            raise self.fail(_not_decimal(source, (source + tail.group())[:20]))
        return self.word("number", len(source), digits)




def _not_decimal(source: str, run: str) -> str:
    rest = run[len(source) :]
    product = f"; for a product write {source}*{rest}" if rest.isidentifier() and rest[0] != "_" and source != "0" else ""
    return f"'{run}' is not a decimal number; only numbers may stand here, such as 3, 1/2 or 0.9{product}"


def _stranger(c: str) -> str:
    if c == "\0":
        return "contains a NUL character"
    if c in "←⟵":
        return f"'{c}': write ="
    shown = f"'{c}'" if c.isprintable() else "an invisible character"
    return f"{shown}{'' if c.isascii() else f' (U+{ord(c):04X})'} is not part of the language"
