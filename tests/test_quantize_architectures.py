import numpy as np
import pytest

from quantize.training import architectures

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module", params=["tf_keras", "keras"])
def keras(request: pytest.FixtureRequest) -> object:
    return pytest.importorskip(request.param)


def test_the_face_net_is_the_published_one(keras: object) -> None:
    net = architectures.baseline_face(keras)
    assert net.count_params() == 246_503
    assert (net.input_shape, net.output_shape) == ((None, 48, 48, 1), (None, 7))
    assert kinds(net) == ["Conv2D", "MaxPooling2D"] * 4 + ["Flatten", "Dense", "Dense", "Dropout", "Dense"]


def test_the_speech_net_is_the_published_one(keras: object) -> None:
    net = architectures.baseline_speech(keras)
    assert net.count_params() == 1_558_919
    assert (net.input_shape, net.output_shape) == ((None, 128, 40, 1), (None, 7))
    assert kinds(net) == ["Conv2D", "MaxPooling2D"] * 2 + ["Reshape", "Bidirectional", "Dense", "Dense", "Dense"]


def test_the_net_along_time_has_the_size_that_it_says_and_a_way_for_prosody(keras: object) -> None:
    net = architectures.affectd_speech(keras)
    assert net.count_params() == 227_871
    assert (net.input_shape, net.output_shape) == ((None, 129, 40, 1), (None, 7))
    assert not net.get_layer(architectures.PROSODY).get_weights()[0].any()


def test_the_residual_face_net_has_the_size_that_it_says_and_two_answers(keras: object) -> None:
    net = architectures.affectd_face(keras)
    assert net.count_params() == 1_946_622
    assert (net.input_shape, net.output_shape) == ((None, 48, 48, 1), (None, 2, 7))
    assert kinds(net).count("Conv2D") == 1 + 4 * 3 + 5 * 2 + 9 * 2


def test_each_deeper_face_net_begins_with_the_answers_of_the_one_that_it_grows_from(keras: object) -> None:
    shallow, deeper = architectures.shallow_affectd_face(keras), architectures.deeper_affectd_face(keras)
    assert (shallow.count_params(), deeper.count_params()) == (743_326, 1_132_190)
    faces = np.random.default_rng(1).random((2, 48, 48, 1), dtype=np.float32)
    for net, kept in ((deeper, shallow), (architectures.affectd_face(keras), deeper)):
        assert not np.allclose(net(faces), kept(faces), atol=1e-3)
        architectures.grown(net, kept)
        np.testing.assert_allclose(net(faces), kept(faces), atol=1e-6)


def test_the_residual_face_net_has_the_same_weights_for_pictures_of_any_side(keras: object) -> None:
    fixed = architectures.affectd_face(keras)
    free = architectures.of_any_size(keras, fixed)
    faces = np.random.default_rng(1).random((2, 48, 48, 1), dtype=np.float32)
    np.testing.assert_allclose(free(faces), fixed(faces), atol=1e-6)
    assert free(faces[:, :40, :40]).shape == (2, 2, 7)


def kinds(net: object) -> list[str]:
    return [type(layer).__name__ for layer in net.layers]  # type: ignore[attr-defined]
