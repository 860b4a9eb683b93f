"""On JAX the weights' values are those of each call, whatever becomes of their memory after it."""

from types import SimpleNamespace

import numpy as np
import pytest

pytestmark = pytest.mark.live
jax = pytest.importorskip("jax")
backend = pytest.importorskip("keras_explain.backends.jax")
jax_weights = pytest.importorskip("keras_explain.backends.jax_weights")

NUMBERS = np.arange(8, dtype=np.float32).reshape(4, 2)


@pytest.fixture(scope="module")
def mesh():
    """Two devices, which JAX must be told of before anything is computed."""
    jax.config.update("jax_num_cpu_devices", 2)
    return jax.make_mesh((2,), ("two",))


@pytest.fixture
def made(mesh):
    """A variable as Keras has it; its rows on the two devices, or all of it on both, or on one."""

    def make(over=None, numbers=NUMBERS):
        value = jax.numpy.array(numbers)
        if over is not None:
            value = jax.device_put(value, jax.NamedSharding(mesh, jax.P(*over)))
        return SimpleNamespace(value=value, path="dense/kernel")

    return make


def test_a_compiled_function_has_the_values_of_each_call_and_is_traced_once(made):
    traced = []

    def both(first, second, by):
        traced.append(1)
        return first[0] * by, second[0] + by

    one, other = made(), made()
    function = backend.compiled(both, [one], [other])
    for turn in range(1, 4):
        one.value, other.value = one.value + 1, other.value - 1
        times, plus = function(2.0)
        np.testing.assert_array_equal(times, 2 * (NUMBERS + turn))
        np.testing.assert_array_equal(plus, NUMBERS - turn + 2)
    assert len(traced) == 1


def test_what_was_returned_outlives_the_weights_memory(made):
    weight = made()
    doubled, itself = backend.compiled(lambda values: (2 * values[0], values[0]), [weight])()
    learn = jax.jit(lambda value: value + 1, donate_argnums=0)
    learned = learn(weight.value)
    assert weight.value.is_deleted()  # as each step of Keras's training does
    np.testing.assert_array_equal(learned, NUMBERS + 1)
    np.testing.assert_array_equal(doubled, 2 * NUMBERS)
    np.testing.assert_array_equal(itself, NUMBERS)


def test_the_weights_are_still_the_training_s(made):
    weight = made()
    backend.compiled(lambda values: values[0] + 1, [weight])()
    assert not weight.value.is_deleted()
    np.testing.assert_array_equal(weight.value, NUMBERS)


def test_of_what_all_devices_hold_one_is_enough(made):
    spread, single = made(over=()), made()
    first, second = jax_weights.values_of([spread, single])
    assert len(spread.value.sharding.device_set) == 2
    assert len(first.sharding.device_set) == 1
    assert second is single.value
    np.testing.assert_array_equal(first, NUMBERS)


def test_what_is_spread_over_this_process_stays_where_it_is(made):
    rows, whole = made(over=("two",)), made(over=())
    values = jax_weights.values_of([rows, whole])
    assert [len(value.sharding.device_set) for value in values] == [2, 2]
    total = backend.compiled(lambda values: values[0] + values[1], [rows, whole])()
    np.testing.assert_array_equal(total, 2 * NUMBERS)


@pytest.mark.parametrize("over", [("two",), (None, "two"), ()])
def test_parts_are_put_together_where_they_belong(made, over):
    weight = made(over)
    whole = jax_weights._gathered(weight, weight.value)
    assert len(whole.sharding.device_set) == 1
    np.testing.assert_array_equal(whole, NUMBERS)


def test_a_part_that_only_another_process_has_is_told(made):
    weight = made(over=("two",))
    half = SimpleNamespace(
        shape=(4, 2),
        dtype=np.float32,
        sharding=weight.value.sharding,
        addressable_shards=weight.value.addressable_shards[:1],
    )
    with pytest.raises(ValueError, match=r"each be whole in every process.*'dense/kernel' as"):
        jax_weights._gathered(weight, half)
