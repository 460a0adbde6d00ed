import pytest

from quantize import architectures

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


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


def kinds(net: object) -> list[str]:
    return [type(layer).__name__ for layer in net.layers]  # type: ignore[attr-defined]
