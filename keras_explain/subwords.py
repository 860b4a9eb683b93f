"""Which tokens make up a word, and how it reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MARKS = ("##", "▁", "Ġ", "</w>")
"""WordPiece's, before what goes on a word; SentencePiece's and byte-level BPE's, before what begins
one; BPE's, behind what ends one."""

Texts = Sequence[str | None]

_ALONE = re.compile(r"<(?!0x)[^<>\s]*>|\[[A-Z]+\d*\]|")
"""How `<s>`, `[CLS]` and an empty filling look: words of their own."""
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
"""SentencePiece's way to write a byte that is in no token."""
_PRINTED = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTED]
_BYTES = {chr(byte): byte for byte in _PRINTED} | {
    chr(256 + place): byte for place, byte in enumerate(_OTHERS)
}
"""By character, the byte that it stands for in byte-level BPE: those that have a picture stand for
themselves, the others for the characters from 256 on (Radford et al. 2019)."""


def mark_of(texts: Iterable[str]) -> str | None:
    """The mark that any of the texts bears; None where they are words already."""
    known = list(texts)
    for mark in MARKS:
        for text in known:
            bears = text.endswith(mark) if mark == "</w>" else text.startswith(mark)
            # A lone "##" or "</w>" may be a word; a lone "▁" begins one.
            if bears and (len(text) > len(mark) or mark in ("▁", "Ġ")):
                return mark
    return None


def starts_by_mark(texts: Texts, mark: str) -> list[bool]:
    """Whether each token of a text begins a word, by its own mark or the one before it."""
    starts = []
    before: str | None = None
    for text in texts:
        if _is_alone(text) or _is_alone(before):
            begins = True
        elif mark == "</w>":
            begins = str(before).endswith(mark)
        else:
            begins = str(text).startswith(mark) == (mark in ("▁", "Ġ"))
        starts.append(begins)
        before = text
    return starts


def starts_by_number(numbers: Sequence[int | None]) -> list[bool]:
    """Whether each token begins a word: it has another number than the one before it, or none."""
    before = [None, *numbers]
    return [
        number is None or number < 0 or number != last
        for number, last in zip(numbers, before, strict=False)
    ]


def words_in(texts: Texts, starts: Sequence[bool]) -> list[slice]:
    """The tokens of each word."""
    places = [place for place, begins in enumerate(starts) if begins or place == 0]
    return [slice(*ends) for ends in zip(places, [*places[1:], len(texts)], strict=True)]


def reading_of(texts: Texts, mark: str | None) -> str:
    """How the tokens of one word read."""
    parts = [text or "" for text in texts]
    whole = "".join(parts)
    if mark == "##":
        read = parts[0] + "".join(part.removeprefix(mark) for part in parts[1:])
    elif mark == "▁":
        read = _with_bytes(whole.replace(mark, " "))
    elif mark == "Ġ" and all(character in _BYTES for character in whole):
        read = bytes(_BYTES[character] for character in whole).decode(errors="replace")
    else:
        read = whole.replace(mark or "</w>", "")
    return read.strip() or whole


def _is_alone(text: str | None) -> bool:
    return text is None or _ALONE.fullmatch(text) is not None


def _with_bytes(text: str) -> str:
    if not _BYTE.search(text):
        return text
    raw = b"".join(
        bytes.fromhex(part) if at % 2 else part.encode()
        for at, part in enumerate(_BYTE.split(text))
    )
    return raw.decode(errors="replace")
