"""The routes of a run that is so long that most of it is read only when it is looked at."""

from keras_explain.tensorboard_plugin import replies, runs

from .conftest import RUNS, Provider, ask, client_of

LOOKED_AT = {
    "maps": {"key": "saliency", "steps": "0,2"},
    "channels": {"key": "activations/conv1", "steps": "2", "since": "0"},
    "layers": {"of": "activations", "step": "0"},
    "columns": {"key": "saliency"},
    "targets": {"steps": "-1,0"},
    "pair": {"key": "saliency", "steps": "0", "stepsb": "2"},
    "export": {"key": "saliency", "format": "csv"},
}
"""By route, what is asked of steps that have not been read."""


def test_a_long_run_is_told_at_once_and_its_figures_as_they_are_read(logdir, monkeypatch):
    monkeypatch.setattr(runs, "READ_FIRST", 2)
    monkeypatch.setattr(replies, "AT_ONCE", 2)
    monkeypatch.setattr(replies, "SECONDS", 0)  # one step a request
    whole = ask(client_of(Provider(*RUNS), logdir), "manifest", run=RUNS[0], more=1)
    monkeypatch.undo()
    everything = ask(client_of(Provider(*RUNS), logdir), "manifest", run=RUNS[0]).get_json()
    told = whole.get_json()
    assert (told["unread"], everything["unread"]) == (2, 0)
    for name in ("steps", "attempts", "changed", "records", "probes", "totals"):
        assert told[name] == everything[name]
    for name in ("epochs", "wall_times"):
        assert told[name] == [None, None, *everything[name][2:]]
    assert told["logs"]["loss"] == [None, None, *everything["logs"]["loss"][2:]]


def test_a_step_that_is_looked_at_is_read_first(logdir, monkeypatch):
    monkeypatch.setattr(runs, "READ_FIRST", 1)
    monkeypatch.setattr(replies, "AT_ONCE", 1)
    for route, asked in LOOKED_AT.items():
        client = client_of(Provider(*RUNS), logdir)
        before = ask(client, "manifest", run=RUNS[0]).get_json()["unread"]
        lazy = ask(client, route, run=RUNS[0], **asked).data
        assert before == 4
        assert ask(client, "manifest", run=RUNS[0]).get_json()["unread"] < before
        with monkeypatch.context() as whole:
            whole.setattr(runs, "READ_FIRST", None)
            assert lazy == ask(client_of(Provider(*RUNS), logdir), route, run=RUNS[0], **asked).data
