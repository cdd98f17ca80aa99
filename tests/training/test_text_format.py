import pytest
from google.protobuf import text_format as protobuf_text
from tritonclient.grpc import model_config_pb2

from flawgate_training.export.text_format import Symbol, text_format


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        'say "no"',
        "back\\slash",
        "two\nlines",
        "ends\n",
        "\n",
        "tab\tbell\x07",
        "Müller 1408×512 µm 検査",
        "\\n",
    ],
)
def test_strings_come_back(text: str) -> None:
    """Protobuf's own parser reads back exactly the string that was written."""
    written = text_format({"parameters": [{"key": "recipe", "value": {"string_value": text}}]})
    read = protobuf_text.Parse(written, model_config_pb2.ModelConfig())
    assert read.parameters["recipe"].string_value == text


def test_values_of_every_kind() -> None:
    """Numbers, booleans, enum values, nested, repeated and empty messages are read back as written."""
    written = text_format(
        {
            "name": "m",
            "max_batch_size": 4,
            "dynamic_batching": {},
            "input": [{"name": "x", "data_type": Symbol("TYPE_UINT8"), "dims": [1, 8]}, {"name": "y"}],
            "model_warmup": [{"inputs": [{"key": "x", "value": {"zero_data": True}}]}],
        }
    )
    read = protobuf_text.Parse(written, model_config_pb2.ModelConfig())
    assert (read.name, read.max_batch_size, read.HasField("dynamic_batching")) == ("m", 4, True)
    assert [tensor.name for tensor in read.input] == ["x", "y"]
    assert (read.input[0].data_type, list(read.input[0].dims)) == (model_config_pb2.TYPE_UINT8, [1, 8])
    assert read.model_warmup[0].inputs["x"].zero_data


def test_refuses_what_it_cannot_write() -> None:
    """A value that is no string, integer, boolean, symbol or message is an error, not a guess."""
    with pytest.raises(TypeError, match="None has no place"):
        text_format({"name": None})
