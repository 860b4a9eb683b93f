"""The plugin's routes without TensorBoard's server: a stub lists the runs, Werkzeug asks."""

from types import SimpleNamespace

import pytest
from werkzeug.test import Client

from keras_explain.tensorboard_plugin.loader import KerasExplainLoader
from tests.fixtures.make_run import make_run

ROUTE = "/data/plugin/keras_explain"


class Provider:
    """Lists runs as TensorBoard's data provider does."""

    def __init__(self, *runs):
        self.runs = runs

    def list_tensors(self, context, *, experiment_id, plugin_name, run_tag_filter=None):
        if plugin_name != "keras_explain":
            return {}
        return {run: {"keras_explain": None} for run in self.runs}

    def list_blob_sequences(self, context, *, experiment_id, plugin_name, run_tag_filter=None):
        return {}


def application(provider, logdir=None, spec=None, flags=None):
    """The routes of the plugin that the loader makes, chosen among as TensorBoard does."""
    flags = flags or SimpleNamespace(
        logdir=logdir and str(logdir), logdir_spec=spec, samples_per_plugin={}
    )
    context = SimpleNamespace(data_provider=provider, flags=flags, logdir=flags.logdir)
    loader = KerasExplainLoader()
    loader.fix_flags(flags)
    apps = loader.load(context).get_plugin_apps()

    def dispatch(environ, start_response):
        path = environ["PATH_INFO"].removeprefix(ROUTE)
        exact = apps.get(path)
        return (exact or apps["/static/*"])(environ, start_response)

    return dispatch


def client_of(provider, logdir=None, spec=None, flags=None):
    return Client(application(provider, logdir, spec, flags))


def ask(client, route, method="GET", headers=None, **query):
    query = {name: value for name, value in query.items() if value is not None}
    return client.open(f"{ROUTE}/{route}", method=method, headers=headers, query_string=query)


@pytest.fixture(scope="session")
def logdir(tmp_path_factory):
    place = tmp_path_factory.mktemp("logs")
    make_run(place / "a", steps=5)
    make_run(place / "group" / "b", steps=2)
    return place


RUNS = ("a/explain", "group/b/explain")


@pytest.fixture(scope="session")
def client(logdir):
    return client_of(Provider(*RUNS), logdir)
