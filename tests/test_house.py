"""The rooms of the house: what is light stays light, what is apart stays apart, all is packed."""

import ast
import configparser
import gzip
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.fixtures.checkout import ROOT, check_out

ROOMS = ("keras_explain", "callbacks", "tensorboard_plugin")
HEAVY = {"keras", "tensorflow", "matplotlib", "torch", "jax"}
STATIC = ROOT / "tensorboard_plugin" / "static"
FRONT_END = ROOT / "tensorboard_plugin" / "frontend"


def loaded_by(statement):
    code = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    return set(json.loads(subprocess.check_output([sys.executable, "-c", code], cwd="/")))


@pytest.mark.parametrize(
    "statement",
    [
        "import keras_explain",
        "from keras_explain import Run",
        "import keras_explain.store",
        "import keras_explain.tensorboard_plugin.loader",
        "import keras_explain.cli",
    ],
)
def test_what_only_reads_imports_nothing_heavy(statement):
    assert not loaded_by(statement) & HEAVY


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""
        elif isinstance(node, ast.Import):
            for name in node.names:
                yield 0, name.name


def sources(room):
    return [p for p in (ROOT / room).rglob("*.py") if "frontend" not in p.parts]


def test_arrows_run_one_way():
    for path in sources("keras_explain"):
        if "demo" not in path.parts:  # the demo is a user of all rooms
            outer = ("keras_explain.callbacks", "keras_explain.tensorboard_plugin")
            assert not any(m.startswith(outer) for _, m in imports_of(path)), path
    for room, other in (("callbacks", "tensorboard_plugin"), ("tensorboard_plugin", "callbacks")):
        for path in sources(room):
            assert not any(f"keras_explain.{other}" in m for _, m in imports_of(path)), path


def test_inside_a_room_imports_are_relative():
    own = {room: room if room == "keras_explain" else f"keras_explain.{room}" for room in ROOMS}
    for room in ("callbacks", "tensorboard_plugin"):
        for path in sources(room):
            assert not any(lv == 0 and m.startswith(own[room]) for lv, m in imports_of(path)), path
    for part in ("methods", "store", "summaries"):
        for path in sources(f"keras_explain/{part}"):
            found = [m for lv, m in imports_of(path) if lv == 0 and m.startswith("keras_explain")]
            assert not found, path


def test_no_package_is_forgotten():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    found = set()
    for room in ROOMS:
        for init in (ROOT / room).rglob("__init__.py"):
            name = ".".join(init.parent.relative_to(ROOT).parts)
            found.add(name if room == "keras_explain" else f"keras_explain.{name}")
    assert listed == found


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_bundle_is_the_one_that_was_built():
    manifest = json.loads((STATIC / "build-manifest.json").read_text())
    outputs = {p.name: sha256(p) for p in STATIC.iterdir() if p.name != "build-manifest.json"}
    assert manifest["outputs"] == outputs
    whole = hashlib.sha256()
    for name in manifest["files"]:
        whole.update(f"{name}\0{sha256(FRONT_END / name)}\n".encode())
    assert manifest["sources"] == whole.hexdigest(), "npm run build in tensorboard_plugin/frontend"
    here = {p.relative_to(FRONT_END).as_posix() for p in (FRONT_END / "src").rglob("*.*")}
    assert here == {name for name in manifest["files"] if name.startswith("src/")}


def imported_by(name):
    """Names of the bundle's files that one of them imports: at once, and later."""
    code = (STATIC / name).read_text()
    first = re.findall(r"""(?:from|import)\s*["'`]\./([^"'`]+)["'`]""", code)
    later = re.findall(r"""import\(\s*["'`]\./([^"'`]+)["'`]""", code)
    return set(first), set(later)


def test_the_parts_of_the_bundle_hang_together():
    reached, waiting = set(), {"index.js"}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= set.union(*imported_by(name)) - reached
    assert reached == {path.name for path in STATIC.glob("*.js")}
    assert len(reached) > 5, "nothing is fetched later"


def test_the_first_load_of_the_tab_is_small():
    first, waiting = {"style.css"}, {"index.js"}
    while waiting:
        name = waiting.pop()
        first.add(name)
        waiting |= imported_by(name)[0] - first
    assert sum(len(gzip.compress((STATIC / name).read_bytes())) for name in first) < 110_000


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel and an sdist of the committed files, built without Node."""
    place = tmp_path_factory.mktemp("dist")
    copy = check_out(place / "source")
    build = "from setuptools import build_meta as b; b.build_wheel('..'); b.build_sdist('..')"
    subprocess.run(
        [sys.executable, "-c", build], cwd=copy, check=True, capture_output=True, env={"PATH": ""}
    )
    return place


def test_the_wheel_has_all_rooms_and_the_bundle(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        for path in STATIC.iterdir():
            packed = opened.read(f"keras_explain/tensorboard_plugin/static/{path.name}")
            assert packed == path.read_bytes()
    shipped = ("demo/garments.npz", "tensorboard_plugin/example_run.zip", "py.typed")
    for name in ("callbacks/explain.py", "store/reader.py", *shipped):
        assert f"keras_explain/{name}" in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"keras_explain"}
    assert not any("frontend" in name or name.startswith("tests") for name in names)


def test_the_sdist_builds_without_node_too(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert "tensorboard_plugin/static/index.js" in names
    assert "callbacks/explain.py" in names
    assert not any("node_modules" in name for name in names)
