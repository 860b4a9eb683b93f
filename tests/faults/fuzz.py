"""Give the reader files of a stranger, as many as you like: `python -m tests.faults.fuzz`.

Every case takes the place of one step's file, or of the probes' file, of a run whose other steps
are well. It may be refused by one of the store's errors, or read; nothing else may happen, within
64 MB more memory than before and ten seconds. Prints what was found as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import struct
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_explain.store import Reader, StoreError, Writer
from tests.store.conftest import probe_set, step_info, step_records

MEMORY = 64 * 2**20
SECONDS = 10.0
JUNK = (
    None, True, -1, 0, 2**31, 2**40, 2**63, 2**70, -(2**70), 1e308, float("nan"), "", "x", "BF16",
    "F8_E4M3", "\ud800", "\u202e", "NaN", "a" * 2000, [], [2**40, 2**40], [0, 2**62], [-1], {},
    {"a": 1}, [[[[]]]], [1] * 17, {"axes": []}, ["maps"],
)  # fmt: skip


class Hang(BaseException):
    """A case that takes too long."""


def parts(content: bytes) -> tuple[dict, bytes]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def joined(header: object, data: bytes, metadata: object = None) -> bytes:
    """A file whose metadata match their checksum, whatever they say."""
    if metadata is not None:
        text = json.dumps(metadata)
        marks = {"keras_explain": text, "keras_explain_crc32": str(zlib.crc32(text.encode()))}
        header = {**header, "__metadata__": marks}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def with_junk(chance: random.Random, value: object) -> object:
    """A copy with something else at one place inside."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.1:
        return chance.choice(JUNK)
    copy = value.copy()
    at = chance.choice(list(copy)) if isinstance(copy, dict) else chance.randrange(len(copy))
    if isinstance(copy, dict) and chance.random() < 0.1:
        copy[chance.choice(("maps", "x", "\ud800", "#crc32", "a" * 300))] = copy.pop(at)
    else:
        copy[at] = with_junk(chance, copy[at])
    return copy


def flipped(chance: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def moved(chance: random.Random, content: bytes) -> bytes:
    """A piece left out, doubled, or put elsewhere."""
    a, b = sorted(chance.randrange(len(content)) for _ in range(2))
    at = chance.randrange(len(content))
    middle = content[a:b] if chance.random() < 0.7 else chance.randbytes(chance.randrange(64))
    return content[:at] + middle + content[at if chance.random() < 0.5 else b :]


def digits_changed(chance: random.Random, content: bytes) -> bytes:
    """Other digits and commas in the header: other shapes, offsets and lengths."""
    header = int.from_bytes(content[:8], "little")
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(8, 8 + header)
        if chr(changed[at]) in "0123456789,[]":
            changed[at] = ord(chance.choice("0123456789,"))
    return bytes(changed)


def length_bomb(chance: random.Random, content: bytes) -> bytes:
    size = chance.choice((2 ** chance.randrange(64), len(content) + chance.randrange(-9, 9), 0))
    return struct.pack("<Q", size % 2**64) + content[8:]


def hostile_header(chance: random.Random, content: bytes) -> bytes:
    header, data = parts(content)
    return joined(with_junk(chance, header), data)


def hostile_metadata(chance: random.Random, content: bytes) -> bytes:
    header, data = parts(content)
    metadata = json.loads(header["__metadata__"]["keras_explain"])
    for _ in range(chance.randint(1, 3)):
        metadata = with_junk(chance, metadata)
    return joined(header, data, metadata)


def noise(chance: random.Random, content: bytes) -> bytes:
    tail = chance.randbytes(chance.randrange(400))
    return struct.pack("<Q", len(tail)) + tail if chance.random() < 0.5 else tail


def deep(chance: random.Random, content: bytes) -> bytes:
    depth = chance.choice((10, 100, 1_000, 30_000))
    text = chance.choice((b"[", b'{"a":', b'{"__metadata__":')) * depth
    return struct.pack("<Q", len(text)) + text


def bomb(chance: random.Random, content: bytes) -> bytes:
    """Megabytes of the values that take most memory for their length."""
    size = chance.choice((300_000, 900_000, 4_100_000))
    kind = chance.randrange(6)
    if kind == 0:
        text = b"{" + b",".join(b'"%d":[]' % i for i in range(size // 11)) + b"}"
    elif kind == 1:
        text = b'{"a":[' + b"[]," * (size // 3) + b"[]]}"
    elif kind == 2:
        text = json.dumps({"a": "\U0001f600" + "a" * size}, ensure_ascii=False).encode()
    else:
        header, data = parts(content)
        metadata = json.loads(header["__metadata__"]["keras_explain"])
        junk = ([[]] * (size // 4), {str(i): [] for i in range(size // 12)}, [1.5] * (size // 5))
        where = metadata["records"]["maps"] if "records" in metadata else metadata
        where[chance.choice(("options", "labels", "rows", "title"))] = junk[kind - 3]
        return joined(header, data, metadata)
    return struct.pack("<Q", len(text)) + text


COMMON = (
    flipped, cut, moved, digits_changed, length_bomb, hostile_header, hostile_metadata, noise,
)  # fmt: skip
RARE = (deep, bomb)


def sparse(path: Path, content: bytes) -> None:
    """A file that says it holds terabytes, and has the size to back it."""
    header, _ = parts(content)
    metadata = json.loads(header["__metadata__"]["keras_explain"])
    size = 2**40
    shapes = {
        "maps": [3, size // 6, 1, 1],
        "maps#scale": [3],
        "maps#crc32": [3],
        "maps#stats": [3, 11],
    }
    dtypes, at, entries = {"maps": "F16", "maps#crc32": "U32"}, 0, {}
    for name, shape in shapes.items():
        length = (2 if name == "maps" else 4) * shape[0] * (shape[1] if len(shape) > 1 else 1)
        offsets = [at, at + length]
        entries[name] = {"dtype": dtypes.get(name, "F32"), "shape": shape, "data_offsets": offsets}
        at += length
    metadata["records"] = {"maps": metadata["records"]["maps"]}
    metadata["shapes"], metadata["stats_crc32"] = [shapes["maps"]], metadata["stats_crc32"][:1]
    with path.open("wb") as file:
        file.write(joined(entries, b"", metadata))
        file.truncate(file.tell() + at)


@contextmanager
def little_memory() -> Iterator[None]:
    """What runs inside gets 64 MB from the system, and then an error."""
    with open("/proc/self/statm", "rb") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Fuzzer:
    """A run of three steps, one of whose files is a stranger's in every case."""

    def __init__(self, place: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.folder = place / "victim"
        writer = Writer(self.folder, probe_set(), 0)
        steps = [writer.write(step_info(n, logs={"loss": 0.5}), step_records(n)) for n in range(3)]
        writer.close()
        (probes,) = self.folder.glob("probes-*")
        self.files = {steps[1]: steps[1].read_bytes(), probes: probes.read_bytes()}
        self.victims = steps[1], probes
        shutil.copytree(self.folder, place / "neighbour")
        self.neighbour = place / "neighbour"
        self.reader = Reader(self.folder)
        self.counts: Counter[str] = Counter()
        self.slowest = 0.0

    def put(self, path: Path, content: bytes) -> None:
        beside = path.with_name("beside")
        beside.write_bytes(content)
        os.replace(beside, path)

    def case(self, number: int) -> None:
        path = self.victims[self.chance.random() < 0.25]
        if number % 2_000 == 999:
            path, name = self.victims[0], "sparse"
            sparse(path, self.files[path])
        else:
            change = self.chance.choice(RARE if number % 1_000 == 499 else COMMON)
            name = change.__name__
            self.put(path, change(self.chance, self.files[path]))
        self.counts[name] += 1
        begin = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            with little_memory():
                self.read(path)
        except (Exception, Hang) as error:
            self.counts["failed"] += 1
            if self.counts["failed"] <= 5:
                print(number, name, type(error).__name__, str(error)[:200], flush=True)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self.slowest = max(self.slowest, time.process_time() - begin)
        self.put(path, self.files[path]) if path == self.victims[1] else None

    def read(self, path: Path) -> None:
        """Read all there is; whatever is not one of the store's errors comes out."""
        self.reader._listed = (0, 0.0)
        index = self.reader.index()
        numbers = [step.info.step for step in index.steps]
        if 0 not in numbers or 2 not in numbers:
            raise AssertionError(f"a step beside it is gone: {numbers}")
        step = index.by_number.get(1)
        shown = [step] if step and step.path == self.victims[0] and path == step.path else []
        for step in shown:
            json.dumps(step.info.to_json(), allow_nan=False)
            for key in step.layout:
                self.reader.load_usable(step, key)
                self.reader.stats(index, key, shown)
        is_refused = not shown
        if path == self.victims[1] and index.steps:
            try:
                self.reader.probes(index.steps[-1]).load()
                is_refused = False
            except StoreError:
                is_refused = True
        self.counts["refused" if is_refused else "read"] += 1
        self.reader._layouts.clear()

    def neighbour_is_well(self) -> bool:
        reader = Reader(self.neighbour)
        return len(reader.index().steps) == 3 and reader.index().problems == ()


def hang(*_: object) -> None:
    raise Hang


def fuzz(cases: int, seed: int) -> dict[str, object]:
    signal.signal(signal.SIGVTALRM, hang)
    quick = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=quick) as place:
        fuzzer = Fuzzer(Path(place), seed)
        for number in range(cases):
            fuzzer.case(number)
        return {
            "cases": cases,
            "failed": fuzzer.counts.pop("failed", 0),
            "neighbour": fuzzer.neighbour_is_well(),
            "slowest": round(fuzzer.slowest, 3),
            **fuzzer.counts,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(fuzz(options.cases, options.seed)))


if __name__ == "__main__":
    main()
