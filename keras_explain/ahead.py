"""Make the next thing while the last one is in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def made_ahead(make: Callable[[Item], Made], items: Sequence[Item]) -> Iterator[Made]:
    """What `make` makes of each item, in order; the next is made on a thread of its own meanwhile.

    At most two things are there at a time. What `make` raises is raised where its thing is due.
    """
    if len(items) < 2:
        yield from map(make, items)
        return
    with ThreadPoolExecutor(1, thread_name_prefix="keras_explain_ahead") as thread:
        due = thread.submit(make, items[0])
        for item in items[1:]:
            made, due = due.result(), thread.submit(make, item)
            yield made
        yield due.result()
