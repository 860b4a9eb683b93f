"""What is known of an input beside its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import DamagedFile
from .plain import JSON


@dataclass(frozen=True)
class InputFacts:
    """Names for the parts of an input, for people.

    Attributes:
        names: Names of the entries of the last axis, or none.
        units: By such a name, what it is measured in.
        categories: By such a name, words by the number that stands for each, as text.
        words: Words by token id, as text.
        starts: Of each probe, a "1" for every token that begins a word and a "0" for every other;
            or none, where tokens are words.
        joined: By the ids of a word's tokens, with blanks between them, how it reads, where that is
            not as its one token does.
    """

    names: Sequence[str] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    starts: Sequence[str] = ()
    joined: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, JSON]:
        """What is known, as plain JSON; nothing where nothing is."""
        known: dict[str, JSON] = {
            "names": list(self.names),
            "units": dict(self.units),
            "categories": {name: dict(words) for name, words in self.categories.items()},
            "words": dict(self.words),
            "starts": list(self.starts),
            "joined": dict(self.joined),
        }
        return {fact: value for fact, value in known.items() if value}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> InputFacts:
        """The facts among the `fields` of an input's description.

        Raises:
            DamagedFile: If they are not what they should be.
        """
        names, units = fields.get("names", []), fields.get("units", {})
        categories, words = fields.get("categories", {}), fields.get("words", {})
        starts, joined = fields.get("starts", []), fields.get("joined", {})
        fits = (
            _is_texts(names)
            and _is_texts(starts)
            and all(set(text) <= {"0", "1"} for text in starts)
            and isinstance(categories, dict)
            and all(_is_words(one) for one in (units, words, joined, *categories.values()))
        )
        if not fits:
            raise DamagedFile("The names of one of its inputs are not what they should be.")
        return cls(tuple(names), units, categories, words, tuple(starts), joined)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _is_words(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(word, str) for word in value.values())
