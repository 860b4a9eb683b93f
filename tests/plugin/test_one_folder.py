"""Several trainings in one folder, and runs behind links, as the tab lists them."""

import numpy as np
import pytest

import keras_explain
from keras_explain.store import RECORDS
from keras_explain.tensorboard_plugin.runs import MOST_ATTEMPTS
from tests.fixtures.make_run import make_run
from tests.fixtures.unbundle import unbundle

from .conftest import Provider, ask, client_of


def listed(client):
    return {run["run"]: run for run in ask(client, "runs").get_json()["runs"]}


@pytest.fixture(scope="module")
def thrice(tmp_path_factory):
    """Three trainings in the folder of one run, and a run beside it."""
    logdir = tmp_path_factory.mktemp("thrice")
    for seed, steps in enumerate((5, 3, 2)):
        make_run(logdir / "run", steps, seed=seed)
    make_run(logdir / "zebra", 2)
    return logdir


def test_earlier_trainings_are_runs_of_their_own(thrice):
    client = client_of(Provider("run/explain", "zebra/explain"), thrice)
    runs = listed(client)
    assert [(run["name"], run["steps"]) for run in runs.values()] == [
        ("run", 2),
        ("run (attempt 0)", 5),
        ("run (attempt 1)", 3),
        ("zebra", 2),
    ]
    for name, attempt in (("run/explain (attempt 0)", 0), ("run/explain (attempt 1)", 1)):
        own = keras_explain.Run(thrice / "run", attempt=attempt)
        manifest = ask(client, "manifest", run=name).get_json()
        assert manifest["name"] == runs[name]["name"]
        assert tuple(manifest["steps"]) == own.steps
        query = {"run": name, "key": "scores", "steps": "0"}
        arrays, _ = unbundle(ask(client, "maps", **query).data)
        values = arrays["maps"].astype("f4").ravel() * arrays["scale"].ravel()
        np.testing.assert_array_equal(values, own.load("scores", 0).ravel())
    # Asked for first, before anything was listed: a page that is opened anew.
    fresh = client_of(Provider("run/explain", "zebra/explain"), thrice)
    assert ask(fresh, "manifest", run="run/explain (attempt 1)").status_code == 200


def test_a_run_that_is_called_so_stays_itself(thrice, tmp_path):
    make_run(tmp_path / "run" / "explain (attempt 0)", 4)
    for steps in (3, 2):
        make_run(tmp_path / "run", steps)
    named = "run/explain (attempt 0)"
    runs = listed(client_of(Provider("run/explain", f"{named}/explain", named), tmp_path))
    assert runs["run/explain"]["steps"] == 2
    assert named not in runs  # TensorBoard lists it, and it has no records of its own
    assert runs[f"{named}/explain"]["steps"] == 4


def test_no_more_attempts_than_a_list_can_bear(tmp_path):
    folder = make_run(tmp_path / "run", 1)
    (first,) = folder.glob("step-*")
    for attempt in range(1, 200):
        (folder / f"step-{attempt:03d}-0000000001.safetensors").write_bytes(first.read_bytes())
    assert 1 <= len(listed(client_of(Provider("run/explain"), tmp_path))) <= MOST_ATTEMPTS + 1


@pytest.mark.parametrize("attempt", ["-1", "7", "9" * 20, "0)", "0) (attempt 0"])
def test_no_other_attempt_can_be_asked_for(thrice, attempt):
    client = client_of(Provider("run/explain"), thrice)
    reply = ask(client, "manifest", run=f"run/explain (attempt {attempt})")
    assert reply.status_code == 404


def test_python_refuses_an_attempt_that_is_not_there(thrice):
    run = keras_explain.Run(thrice / "run")
    assert run.attempts == (0, 1, 2)
    with pytest.raises(keras_explain.store.UnknownRecord, match="one of 0, 1, 2. Received: 7"):
        keras_explain.Run(thrice / "run", attempt=7)


LINKS = {
    "run": ("linked", "run"),
    "the callback's sub-run": ("linked/explain", "run/explain"),
    "records": ("linked/explain/plugins/keras_explain", "run/explain/plugins/keras_explain"),
}


def link(at, to):
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(to)


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize("links", [1, 3])
def test_links_within_the_log_directory_are_followed(tmp_path, kind, links):
    make_run(tmp_path / "old" / "run", 3)
    at, to = LINKS[kind]
    target = tmp_path / "old" / to
    for number in range(1, links):
        link(tmp_path / f"hop{number}", target)
        target = tmp_path / f"hop{number}"
    link(tmp_path / at, target)
    # The log directory may itself be behind a link.
    link(tmp_path.with_name(f"{tmp_path.name}-seen"), tmp_path)
    for logdir in (tmp_path, tmp_path.with_name(f"{tmp_path.name}-seen")):
        runs = listed(client_of(Provider("linked/explain", "old/run/explain"), logdir))
        assert {run: of["steps"] for run, of in runs.items()} == {
            "linked/explain": 3,
            "old/run/explain": 3,
        }


@pytest.mark.parametrize("kind", LINKS)
def test_links_out_of_it_are_not_and_that_is_said(tmp_path, kind):
    make_run(tmp_path / "elsewhere" / "run", 3)
    at, to = LINKS[kind]
    link(tmp_path / "logs" / at, tmp_path / "elsewhere" / to)
    make_run(tmp_path / "logs" / "own", 2)
    runs = ("linked/explain", "own/explain")
    client = client_of(Provider(*runs), tmp_path / "logs")
    reply = ask(client, "runs").get_json()
    assert [run["run"] for run in reply["runs"]] == ["own/explain"]
    assert "Not shown: linked. The records of this run are not read" in reply["problem"]
    assert "a link that leads out of the log directory" in reply["problem"]
    assert "--logdir_spec" in reply["problem"]
    assert str(tmp_path) not in reply["problem"]
    assert ask(client, "maps", run=runs[0], key="saliency", steps="0").status_code == 404


def test_the_cures_that_it_names_work(tmp_path):
    make_run(tmp_path / "elsewhere" / "run", 3)
    link(tmp_path / "logs" / "linked", tmp_path / "elsewhere" / "run")
    for options, run in (
        ({"spec": f"name:{tmp_path / 'logs' / 'linked'}"}, "name/explain"),
        ({"spec": f"name:{tmp_path / 'elsewhere' / 'run'}"}, "name/explain"),
        ({"logdir": tmp_path}, "logs/linked/explain"),
        ({"spec": f"one:{tmp_path / 'logs'},two:{tmp_path / 'elsewhere'}"}, "one/linked/explain"),
    ):
        reply = ask(client_of(Provider(run), **options), "runs").get_json()
        assert [(each["run"], each["steps"]) for each in reply["runs"]] == [(run, 3)]
        assert "problem" not in reply


def test_a_step_that_is_a_link_is_named(tmp_path):
    folder = make_run(tmp_path / "run", 3)
    victim = sorted(folder.glob("step-*"))[1]
    victim.rename(tmp_path / victim.name)
    victim.symlink_to(tmp_path / victim.name)
    assert folder == tmp_path / "run" / "explain" / RECORDS
    manifest = ask(client_of(Provider("run/explain"), tmp_path), "manifest", run="run/explain")
    assert len(manifest.get_json()["steps"]) == 2
    (problem,) = manifest.get_json()["problems"]
    assert problem["file"] == victim.name
    assert "it is a symbolic link. Put the file itself there" in problem["error"]


def test_python_finds_a_run_behind_a_link(tmp_path):
    make_run(tmp_path / "elsewhere" / "run", 3)
    link(tmp_path / "logs" / "compared" / "linked", tmp_path / "elsewhere" / "run")
    assert len(keras_explain.Run(tmp_path / "logs").steps) == 3
    link(tmp_path / "logs" / "compared" / "round", tmp_path / "logs")
    assert len(keras_explain.Run(tmp_path / "logs" / "compared" / "linked").steps) == 3
