"""The examples run on real data, and find what is there to be found."""

import csv
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import keras_explain

EXAMPLES = Path(__file__).parents[2] / "examples"
SEEDED = Path(__file__).parents[1] / "seeds.py"


@pytest.fixture
def example(tmp_path):
    """Run an example by its name; gives its run and the findings it ends in."""

    def run(name):
        said = subprocess.run(
            [sys.executable, SEEDED, EXAMPLES / f"{name}.py"],
            check=True,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        ).stdout
        found = keras_explain.Run(tmp_path / "logs" / name)
        assert not found.failures
        assert found.steps[0] == -1
        return found, [line for line in said.splitlines() if line.startswith("epoch ")]

    return run


def test_an_image_s_network_learns(example):
    run, _ = example("fashion")
    assert run.steps == tuple(range(-1, 5))
    assert run.logs["val_accuracy"][-1] > 3 / 10  # thrice as often right as by chance
    assert run.logs["loss"][-1] < run.logs["loss"][1]


def test_the_evening_gives_the_season_away(example):
    run, findings = example("series")
    with (EXAMPLES / "data" / "power_demand.csv").open() as file:
        _, *rows = csv.reader(file)
    days = {season: np.array([row[1:] for row in rows if row[0] == season], float)
            for season in ("summer", "winter")}  # fmt: skip
    apart = np.abs(days["summer"].mean(axis=0) - days["winter"].mean(axis=0))
    assert f" {np.argmax(apart)}h" in findings[-1]  # of three
    assert run.probes.facts["input"].names == ("demand",)


def test_the_clinic_is_what_the_table_s_network_goes_by(example):
    run, findings = example("table")
    assert re.search(r"most at [^;]*clinic", findings[-1])  # of three
    assert int(re.search(r"(\d+)%$", findings[-1])[1]) > 100 / 31  # of so many columns
    assert run.probes.facts["input"].categories == {"clinic": {"0": "A", "1": "B"}}


def test_the_words_of_a_section_are_what_the_transformer_goes_by(example):
    run, findings = example("text")
    last = [line for line in findings if line.startswith("epoch 7")]
    words = {line.split()[2]: re.findall(r"\S+(?=,|$)", line.partition("its ")[2]) for line in last}
    with (EXAMPLES / "data" / "synopses.csv").open() as file:
        _, *rows = csv.reader(file)
    assert set(words) == {section for section, _ in rows}
    for section, its in words.items():  # they stand in no other section as often
        often = Counter(of for of, text in rows for word in its if word in text.lower().split())
        assert often.most_common(1)[0][0] == section
    maps = run.load("attention_maps/attention", 7)
    np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=2e-3)


def test_what_is_chance_comes_to_matter_least(example):
    run, findings = example("several_inputs")
    assert "unbuttoned" in run.probes.facts["line"].joined.values()
    before, after = (
        {what: int(share) for what, share in re.findall(r"the (\w+) with (\d+)%", line)}
        for line in findings
    )
    assert after["price"] < before["price"]
    assert after["price"] == min(after.values()) < min(after["line"], after["shelf"])


def test_only_a_thawed_base_moves_and_its_last_layer_most(example):
    run, (frozen, thawed) = example("transfer_learning")
    inner = [f"activations/features/base/conv{number}" for number in (1, 2, 3)]
    assert [key for key in run.keys if key.startswith("activations/")] == inner
    assert "grad_cam/features/base/conv3" in run.keys
    for key in inner:
        np.testing.assert_array_equal(run.load(key, -1), run.load(key, 5))
    assert re.findall(r"conv\d by (\S+?)[,;]", frozen) == ["0.0000"] * 3
    moved = [float(by) for by in re.findall(r"conv\d by (\S+?)[,;]", thawed)]
    assert min(moved) > 0
    assert max(moved) == moved[-1]
    before, after = (int(re.search(r"(\d+)% right", line)[1]) for line in (frozen, thawed))
    assert after >= before > 50  # half would be chance


def test_the_slices_that_hold_the_digit_are_where_the_network_comes_to_look(example):
    run, findings = example("volume")
    before, after = (int(re.search(r"(\d+)%", line)[1]) for line in findings)
    assert after > before
    assert after > 2 * 25  # two of eight slices are a quarter
    assert run.specs["grad_cam/conv2"].axes == ("depth", "height", "width")
