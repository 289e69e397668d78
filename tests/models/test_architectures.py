import pytest

from nse_lstm.config import V2
from nse_lstm.models.architectures import build, count_parameters, describe_v2
from nse_lstm.models.runtime import keras


@pytest.fixture(scope="module")
def network():
    return build(describe_v2(V2(lookback=60)))


def test_layers_are_those_of_v2_in_order(network):
    assert [type(layer).__name__ for layer in network.layers] == [
        "LSTM",
        "BatchNormalization",
        "Dropout",
        "LSTM",
        "BatchNormalization",
        "Dropout",
        "Dense",
        "Dropout",
        "Dense",
    ]
    assert network.input_shape == (None, 60, 1)
    assert network.output_shape == (None, 1)


def test_the_number_of_parameters_is_that_of_the_letter(network):
    # An LSTM has 4 gates of units x (inputs + units + 1 bias).
    lstm_1 = 4 * 50 * (1 + 50 + 1)  # 10,400
    lstm_2 = 4 * 50 * (50 + 50 + 1)  # 20,200
    normalisation = 4 * 50  # scale, shift, moving mean and variance
    dense = (50 + 1) * 25 + (25 + 1) * 1  # 1,275 + 26
    expected = lstm_1 + lstm_2 + 2 * normalisation + dense
    assert expected == 32_301
    assert count_parameters(network) == expected


def test_penalties_lie_on_both_lstms_and_the_first_dense_layer(network):
    lstm_1, lstm_2 = network.layers[0], network.layers[3]
    dense, price = network.layers[6], network.layers[8]
    for lstm in (lstm_1, lstm_2):
        assert float(lstm.kernel_regularizer.l2) == pytest.approx(0.01)
        assert float(lstm.recurrent_regularizer.l2) == pytest.approx(0.01)
        assert lstm.bias_regularizer is None
    assert float(dense.kernel_regularizer.l2) == pytest.approx(0.01)
    assert price.kernel_regularizer is None


def test_rates_and_activations_are_those_of_the_letter(network):
    assert [network.layers[place].rate for place in (2, 5, 7)] == [0.3, 0.3, 0.2]
    assert network.layers[6].activation is keras.activations.relu
    assert network.layers[8].activation is keras.activations.linear
    assert network.layers[0].return_sequences and not network.layers[3].return_sequences


def test_names_do_not_depend_on_what_was_built_before(network):
    again = build(describe_v2(V2(lookback=60)))
    assert [layer.name for layer in again.layers] == [
        layer.name for layer in network.layers
    ]
    assert again.name == network.name == "v2"
    assert again.get_config() == network.get_config()


def test_sizes_follow_the_configuration():
    small = build(describe_v2(V2(lookback=10, units=3, dense_units=2)))
    # 4*3*5 + 12 + 4*3*7 + 12 + 4*2 + 3 = 60 + 12 + 84 + 12 + 8 + 3
    assert count_parameters(small) == 179
