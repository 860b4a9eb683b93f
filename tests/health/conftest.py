"""Each training is trained once a session, when a test first asks for it."""

import pytest

from tests.fixtures.sick_run import make_sick_run
from tests.seeds import seed


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Every training's run, by its name."""
    import keras

    import keras_explain

    from .trainings import TRAININGS

    place = tmp_path_factory.mktemp("trainings")
    runs = {}
    for number, each in enumerate(TRAININGS):
        keras.utils.set_random_seed(seed(0))
        each.run(place / str(number))
        keras.backend.clear_session()
        runs[each.name] = keras_explain.Run(place / str(number))
    return runs


@pytest.fixture(scope="session")
def sick(tmp_path_factory):
    """Folder of the run that has every sickness, written by NumPy."""
    place = tmp_path_factory.mktemp("sick")
    make_sick_run(place)
    return place
