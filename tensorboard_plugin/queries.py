"""What a request may ask for, bounded before anything is done."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MAX_LIST = 20_000
"""Longest list of numbers in a request."""

MAX_REPLY = 8 * 2**20
"""Most bytes of maps or inputs in one reply, before compression."""

MAX_READ = 512 * 2**20
"""Most bytes that are read for one reply: more than is sent where channels are summed up."""

_DECIMAL = re.compile(r"-?\d{1,10}(\.\d{1,16})?(e[+-]?\d{1,3})?", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,10}", re.ASCII)


class BadRequest(ValueError):
    """The request cannot be answered as it is put."""


class NotFound(BadRequest):
    """The request asks for what is not there."""


def text(query: Mapping[str, str], name: str) -> str:
    """The argument `name`, which must be given."""
    value = query.get(name)
    if not value:
        raise BadRequest(f"`{name}` must be given.")
    return value


def names(query: Mapping[str, str], name: str, known: Sequence[str]) -> list[str]:
    """The comma-separated words in the argument `name`, each of `known`; all if it is not given."""
    if name not in query:
        return list(known)
    words = query[name].split(",")
    for word in words:
        if word not in known:
            raise BadRequest(f"`{name}` must be of {', '.join(known)}. Received: {word[:80]!r}")
    return list(dict.fromkeys(words))


def numbers(query: Mapping[str, str], name: str) -> list[int] | None:
    """The comma-separated integers in the argument `name`, or None if it is not given."""
    value = query.get(name)
    if value is None:
        return None
    parts = value.split(",") if value else []
    if len(parts) > MAX_LIST:
        raise BadRequest(f"`{name}` must have at most {MAX_LIST} numbers. Received: {len(parts)}")
    for part in parts:
        if not _NUMBER.fullmatch(part):
            raise BadRequest(f"`{name}` must be integers with commas. Received: {part[:80]!r}")
    return [int(part) for part in parts]


def chosen(given: Sequence[int] | None, name: str, count: int) -> list[int]:
    """The indices in the argument `name`, each from 0 to `count` - 1; all if none are given."""
    if given is None:
        return list(range(count))
    for index in given:
        if not 0 <= index < count:
            raise BadRequest(f"`{name}` must be from 0 to {count - 1}. Received: {index}")
    return list(given)


def number(query: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    """The integer in the argument `name`, from `least` to `most`, or None if it is not given."""
    given = numbers(query, name)
    if given is None:
        return None
    if len(given) != 1 or not least <= given[0] <= most:
        raise BadRequest(
            f"`{name}` must be one integer from {least} to {most}. Received: {query[name][:80]!r}"
        )
    return given[0]


def decimals(query: Mapping[str, str], names: Sequence[str]) -> dict[str, float]:
    """By name, the numbers in those of the arguments `names` that are given."""
    given = {name: query[name] for name in names if name in query}
    for name, value in given.items():
        if not _DECIMAL.fullmatch(value):
            raise BadRequest(f"`{name}` must be a number. Received: {value[:80]!r}")
    return {name: float(value) for name, value in given.items()}
