"""CloudWatch's metric math, read into a tree (CloudWatch User Guide, "Using metric math").

expression = comparison (("AND" | "&&" | "OR" | "||") comparison)*
comparison = sum ((">" | ">=" | "<" | "<=" | "==" | "!=") sum)?
sum        = product (("+" | "-") product)*
product    = power (("*" | "/") power)*
power      = unary ("^" power)?
unary      = "-" unary | number | "text" | id | NAME(expression, ...) | [a, b, ...] | (...)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from local_aws.errors import AwsError

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<sign>>=|<=|==|!=|&&|\|\||[-+*/^()<>,\[\]]))"
)

COMPARISONS = (">=", "<=", "==", "!=", ">", "<")
_LOGIC = {"AND": "AND", "&&": "AND", "OR": "OR", "||": "OR"}


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Text:
    value: str


@dataclass(frozen=True)
class Name:
    """The Id of another query of the request, or a keyword of a function (REPEAT, LINEAR)."""

    value: str


@dataclass(frozen=True)
class Array:
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Operation:
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Function:
    name: str
    arguments: tuple[Node, ...]


Node = Number | Text | Name | Array | Operation | Function


def invalid(expression: str, why: str) -> AwsError:
    return AwsError("InvalidParameterValueException", f"Error in expression '{expression}': {why}")


def names(node: Node) -> set[str]:
    """The Ids that an expression may refer to."""
    match node:
        case Name(value):
            return {value}
        case Array(items) | Function(_, items):
            return set().union(*map(names, items))
        case Operation(_, left, right):
            return names(left) | names(right)
        case _:
            return set()


def parse(expression: str) -> Node:
    """Raises `InvalidParameterValueException` that says where reading stopped."""
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        position = 0
        while position < len(expression.rstrip()):
            found = _TOKEN.match(expression, position)
            if found is None:
                raise invalid(expression, f"unexpected {expression[position:].strip()[:20]!r}")
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind]))
            position = found.end()

    def whole(self) -> Node:
        tree = self._logic()
        if self._at < len(self._tokens):
            raise self._unexpected()
        return tree

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        """The next token when it is one of these, else ''."""
        token = self._peek()
        if token and token in wanted:
            self._at += 1
            return token
        return ""

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._unexpected(f", {sign!r} was expected")

    def _unexpected(self, more: str = "") -> AwsError:
        token = self._peek()
        what = f"unexpected {token!r}" if token else "it ends too early"
        return invalid(self._expression, what + more)

    def _logic(self) -> Node:
        left = self._comparison()
        while sign := self._take(*_LOGIC):
            left = Operation(_LOGIC[sign], left, self._comparison())
        return left

    def _comparison(self) -> Node:
        left = self._sum()
        if sign := self._take(*COMPARISONS):
            return Operation(sign, left, self._sum())
        return left

    def _sum(self) -> Node:
        left = self._product()
        while sign := self._take("+", "-"):
            left = Operation(sign, left, self._product())
        return left

    def _product(self) -> Node:
        left = self._power()
        while sign := self._take("*", "/"):
            left = Operation(sign, left, self._power())
        return left

    def _power(self) -> Node:
        left = self._unary()
        return Operation("^", left, self._power()) if self._take("^") else left

    def _unary(self) -> Node:
        if self._take("-"):
            return Operation("-", Number(0.0), self._unary())
        if self._take("("):
            inner = self._logic()
            self._expect(")")
            return inner
        if self._take("["):
            return Array(self._list("]"))
        if self._at >= len(self._tokens) or self._tokens[self._at][0] == "sign":
            raise self._unexpected()
        kind, token = self._tokens[self._at]
        self._at += 1
        if kind == "number":
            return Number(float(token))
        if kind == "text":
            return Text(token[1:-1])
        if self._take("("):
            return Function(token.upper(), self._list(")"))
        return Name(token)

    def _list(self, end: str) -> tuple[Node, ...]:
        items: list[Node] = []
        if self._take(end):
            return ()
        while True:
            items.append(self._logic())
            if self._take(end):
                return tuple(items)
            self._expect(",")
