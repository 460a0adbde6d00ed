"""Ranges for int8 are those that tensors have, whatever was written over them afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray
from quiet import QUIET_TENSORFLOW

from quantize.conversion import convert
from quantize.conversion.ranges import with_true_ranges

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]

Inputs = list[NDArray[np.float32]]


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return list(np.random.default_rng(1).normal(size=(20, 8, 8, 4)).astype(np.float32))


def gated_net() -> Any:
    """What a block adds to a louder picture goes through a gate: both are written over by what comes next."""
    import tf_keras
    from tf_keras import layers

    tf_keras.utils.set_random_seed(1)
    given = layers.Input((8, 8, 4))
    loud = layers.ReLU()(layers.Conv2D(4, 1, kernel_initializer=tf_keras.initializers.Constant(20.0))(given))
    deep = layers.Conv2D(4, 3, padding="same")(layers.ReLU()(layers.Conv2D(4, 3, padding="same")(loud)))
    gate = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(layers.GlobalAveragePooling2D(keepdims=True)(deep))
    product = layers.Multiply(name="product")([deep, layers.Rescaling(2.0)(gate)])
    both = layers.ReLU()(layers.Add()([loud, product]))
    return tf_keras.Model(given, layers.Dense(3)(layers.GlobalAveragePooling2D()(both)))


def plain_net() -> Any:
    import tf_keras
    from tf_keras import layers

    return tf_keras.Sequential([layers.Input((8, 8, 4)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])


def range_of(content: bytes, name: str) -> tuple[float, float]:
    (graph,) = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)).subgraphs
    ranged = [tensor for tensor in graph.tensors if tensor.quantization and tensor.quantization.min is not None]
    (told,) = [tensor.quantization for tensor in ranged if tensor.name.decode().split(";")[0].endswith(name)]
    return float(told.min[0]), float(told.max[0])


@pytest.mark.parametrize(("layer", "tensor"), [("product", "product/mul"), ("gate", "gate/Sigmoid")])
def test_what_is_written_over_keeps_its_own_range(inputs: Inputs, layer: str, tensor: str) -> None:
    import tf_keras

    net = gated_net()
    shown = tf_keras.Model(net.input, net.get_layer(layer).output).predict(np.stack(inputs), verbose=0)
    found = range_of(convert.int8_of(net, inputs), tensor)
    assert found == pytest.approx((float(shown.min()), float(shown.max())), rel=0.01)


def test_a_file_whose_ranges_are_right_is_left_as_it_is(inputs: Inputs) -> None:
    right = convert.int8_of(plain_net(), inputs)
    assert with_true_ranges(right, inputs) is right


def test_ranges_of_other_inputs_are_taken_from_those(inputs: Inputs) -> None:
    calibrated = convert.int8_of(gated_net(), inputs)
    louder = with_true_ranges(calibrated, [3 * values for values in inputs])
    (_, usual), (_, loud) = range_of(calibrated, "product/mul"), range_of(louder, "product/mul")
    assert loud > 1.5 * usual


def test_a_few_values_far_off_may_be_left_out_but_not_of_what_enters_a_curve(inputs: Inputs) -> None:
    import tf_keras

    net = gated_net()
    whole, cut = (convert.int8_of(net, inputs, beyond=share) for share in (0.0, 0.01))
    shown = tf_keras.Model(net.input, net.get_layer("product").output).predict(np.stack(inputs), verbose=0)
    ordered = np.sort(shown.ravel())
    count = int(0.01 * len(ordered))
    assert range_of(cut, "product/mul") == pytest.approx((ordered[count], ordered[-1 - count]), rel=0.01)
    assert range_of(whole, "product/mul")[1] > 1.1 * range_of(cut, "product/mul")[1]
    assert range_of(cut, "gate/Sigmoid") == pytest.approx(range_of(whole, "gate/Sigmoid"), rel=1e-3)


def test_a_layer_that_is_nearly_always_silent_keeps_its_range(inputs: Inputs) -> None:
    import tf_keras
    from tf_keras import layers

    far = layers.Conv2D(4, 1, activation="relu", bias_initializer=tf_keras.initializers.Constant(-3.0), name="far")
    tf_keras.utils.set_random_seed(1)
    net = tf_keras.Sequential([layers.Input((8, 8, 4)), far, layers.GlobalAveragePooling2D(), layers.Dense(3)])
    shown = tf_keras.Model(net.input, far.output).predict(np.stack(inputs), verbose=0)
    share_heard = float((shown > 0).mean())
    assert 0 < share_heard < 0.01
    whole, cut = (range_of(convert.int8_of(net, inputs, beyond=share), "far/Relu") for share in (0.0, 0.01))
    assert cut[1] == pytest.approx(whole[1], rel=1e-3)
