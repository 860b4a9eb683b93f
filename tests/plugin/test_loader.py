"""What TensorBoard meets first: nothing here may fail, or all of TensorBoard does."""

import subprocess
import sys
from argparse import ArgumentParser
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace

from keras_explain.tensorboard_plugin.loader import KerasExplainLoader

from .conftest import Provider


def plugin(logdir="logs"):
    flags = SimpleNamespace(logdir=logdir, logdir_spec="")
    context = SimpleNamespace(data_provider=Provider(), flags=flags, logdir=logdir)
    return KerasExplainLoader().load(context)


def test_the_entry_point_names_the_loader():
    (entry,) = entry_points(group="tensorboard_plugins", name="keras_explain")
    assert entry.load() is KerasExplainLoader


def test_one_announcement_a_run_is_kept_unless_the_user_says_otherwise():
    loader = KerasExplainLoader()
    for given, kept in (({}, 1), ({"keras_explain": 5}, 5)):
        flags = SimpleNamespace(samples_per_plugin=given)
        loader.fix_flags(flags)
        assert flags.samples_per_plugin == {"keras_explain": kept}
    loader.fix_flags(SimpleNamespace())


def test_the_loader_adds_no_flags():
    parser = ArgumentParser()
    KerasExplainLoader().define_flags(parser)
    assert vars(parser.parse_args([])) == {}


def test_without_a_data_provider_there_is_no_tab():
    context = SimpleNamespace(data_provider=None, flags=SimpleNamespace(), logdir="")
    assert KerasExplainLoader().load(context) is None


def test_the_tab_is_where_tensorboard_looks_for_it():
    made = plugin()
    metadata = made.frontend_metadata()
    assert made.plugin_name == "keras_explain"
    assert (metadata.es_module_path, metadata.tab_name) == ("/static/index.js", "Explain")
    assert made.is_active() is False
    assert set(made.get_plugin_apps()) == {
        "/static/*", "/runs", "/manifest", "/columns", "/targets", "/maps", "/channels",
        "/layers", "/pair", "/export", "/alerts", "/inputs", "/values", "/answers",
        "/picture", "/histograms",
    }  # fmt: skip


def test_a_missing_log_directory_is_no_error():
    assert plugin(logdir="/nowhere/at/all").get_plugin_apps()
    assert plugin(logdir="").get_plugin_apps()


def test_the_loader_alone_imports_next_to_nothing():
    code = (
        "import sys; import tensorboard.plugins.base_plugin; before = set(sys.modules);"
        "import keras_explain.tensorboard_plugin.loader;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['keras_explain']\n"


CHILD = """
import sys
from tests.plugin.conftest import Provider, ask, client_of
client = client_of(Provider("a/explain"), sys.argv[1])
query = {"run": "a/explain", "key": "saliency", "input": "image", "steps": "0,2"}
for route in ("runs", "manifest", "columns", "targets", "maps", "inputs", "values"):
    assert ask(client, route, **query).status_code == 200, route
ask(client, "static/index.js")
heavy = {"keras", "tensorflow", "matplotlib", "jax", "torch", "pandas", "sklearn"}
print(sorted(heavy & set(sys.modules)))
"""


def test_every_route_is_answered_without_keras_tensorflow_or_matplotlib(logdir):
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(logdir)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout == "[]\n"
