"""Paper a's table of parameters and sizes beside ours, and the three things that the comparison shows."""

import io
from dataclasses import dataclass

import pytest
import torch

from flawgate_training.architectures.counting import Count, count
from flawgate_training.architectures.registry import ARCHITECTURES
from flawgate_training.architectures.segmentation_models import EFFICIENT_NETS

MEBI = 1024**2
DECODERS = ("deeplabv3plus", "manet", "unet")


@dataclass(frozen=True)
class Printed:
    """A row of the paper's table, and what the model sheet counts for it.

    Attributes:
        decoder: name of the architecture.
        encoder: its option.
        parameters: as the paper prints them, in 1e6.
        size: as the paper prints it, said to be in MB.
        total: parameters of the library's network with 7 classes, those that it never uses included.
        used: those that take part in the forward pass.
        gmac: multiplications for one frame, in 1e9, where the sheet gives them.
    """

    decoder: str
    encoder: str
    parameters: float
    size: float
    total: int
    used: int
    gmac: float | None = None


TABLE = (
    Printed("deeplabv3plus", "efficientnet-b0", 4.5, 19.0, 4_909_011, 4_496_851, 16.1),
    Printed("manet", "efficientnet-b0", 8.7, 28.7, 9_093_227, 8_681_067),
    Printed("unet", "efficientnet-b0", 5.8, 33.4, 6_252_339, 5_840_179),
    Printed("deeplabv3plus", "efficientnet-b1", 7.0, 35.0, 7_414_647, 7_002_487),
    Printed("manet", "efficientnet-b1", 11.2, 44.7, 11_598_863, 11_186_703, 35.7),
    Printed("unet", "efficientnet-b1", 8.3, 51.7, 8_757_975, 8_345_815, 36.9),
    Printed("deeplabv3plus", "efficientnet-b2", 8.1, 24.1, 8_644_281, 8_145_849),
    Printed("manet", "efficientnet-b2", 12.9, 33.8, 13_435_795, 12_937_363),
    Printed("unet", "efficientnet-b2", 9.5, 38.8, 10_047_161, 9_548_729),
    Printed("deeplabv3plus", "resnet50", 26.7, 107.1, 26_679_127, 26_679_127),
    Printed("deeplabv3plus", "resnet101", 46.7, 183.4, 45_671_255, 45_671_255),
    Printed("deeplabv3plus", "mobilenet_v2", 4.4, 17.8, 4_380_055, 4_380_055, 16.9),
)


def saved_bytes(row: Printed) -> int:
    """Length of the file that torch writes of the library's own network, whatever its weights are."""
    architecture = ARCHITECTURES[row.decoder]
    with torch.device("meta"):
        network = architecture.build(
            architecture.as_in_paper(), architecture.options.model_validate({"encoder": row.encoder})
        )
    buffer = io.BytesIO()
    torch.save(network.get_submodule("body").to_empty(device="cpu").state_dict(), buffer)
    return buffer.tell()


@pytest.fixture(scope="module")
def counts() -> list[Count]:
    """Ours, row by row."""
    return [
        count(
            architecture, architecture.options.model_validate({"encoder": row.encoder}), architecture.as_in_paper()
        ).count
        for row in TABLE
        for architecture in [ARCHITECTURES[row.decoder]]
    ]


@pytest.fixture(scope="module")
def sizes() -> list[int]:
    """Bytes of our files, row by row."""
    return [saved_bytes(row) for row in TABLE]


def rounded(parameters: int) -> float:
    """In 1e6, to the one digit that the paper prints."""
    return round(parameters / 1e6, 1)


def test_the_table_beside_ours(counts: list[Count], sizes: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    """Prints the paper's table with ours (`pytest -s`), and every count is that of the model sheet."""
    with capsys.disabled():
        print(f"\n{'':31}{'paper M':>8}{'used M':>8}{'all M':>8}{'paper size':>12}{'MB':>8}{'MiB':>8}")  # noqa: T201
        for row, ours, size in zip(TABLE, counts, sizes, strict=True):
            print(  # noqa: T201
                f"{row.decoder:15}{row.encoder:16}{row.parameters:8.1f}{ours.parameters_used / 1e6:8.3f}"
                f"{ours.parameters / 1e6:8.3f}{row.size:12.1f}{size / 1e6:8.1f}{size / MEBI:8.1f}"
            )
    assert [(ours.parameters, ours.parameters_used) for ours in counts] == [(row.total, row.used) for row in TABLE]


def test_multiplications(counts: list[Count]) -> None:
    """Where the model sheet gives multiplications at 1056×704, ours agree to its last digit."""
    given = [(ours.gmac, row.gmac) for row, ours in zip(TABLE, counts, strict=True) if row.gmac is not None]
    assert [round(gmac, 1) for gmac, _ in given] == [gmac for _, gmac in given]


def test_the_paper_counts_what_is_used(counts: list[Count]) -> None:
    """Parameters in the forward pass round to the paper's in 11 of 12 rows; all parameters in two alone."""
    used = [
        row.encoder for row, ours in zip(TABLE, counts, strict=True) if rounded(ours.parameters_used) == row.parameters
    ]
    all_of_them = [
        row.encoder for row, ours in zip(TABLE, counts, strict=True) if rounded(ours.parameters) == row.parameters
    ]
    assert len(used) == 11
    assert all_of_them == ["resnet50", "mobilenet_v2"]


def test_resnet101_is_a_misprint(counts: list[Count], sizes: list[int]) -> None:
    """46.7 M must read 45.7 M: that is what we count, and the size that the paper prints has no room for more."""
    (place,) = [i for i, row in enumerate(TABLE) if row.encoder == "resnet101"]
    assert (TABLE[place].parameters, rounded(counts[place].parameters_used)) == (46.7, 45.7)
    assert sizes[place] / 1e6 == pytest.approx(TABLE[place].size, abs=0.1)
    assert TABLE[place].parameters * 4 > TABLE[place].size + 3


def test_sizes_of_efficient_nets_are_transposed(sizes: list[int]) -> None:
    """The 3×3 block of EfficientNets is printed decoder by decoder and in MiB; so read, it fits, and as printed not."""
    printed = {(row.decoder, row.encoder): row.size for row in TABLE}
    ours = {(row.decoder, row.encoder): size / MEBI for row, size in zip(TABLE, sizes, strict=True)}
    cells = [(i, j) for i in range(3) for j in range(3)]
    transposed = [printed[DECODERS[j], EFFICIENT_NETS[i]] - ours[DECODERS[i], EFFICIENT_NETS[j]] for i, j in cells]
    as_printed = [printed[DECODERS[i], EFFICIENT_NETS[j]] - ours[DECODERS[i], EFFICIENT_NETS[j]] for i, j in cells]
    assert max(map(abs, transposed)) < 0.1
    assert sum(abs(difference) < 0.1 for difference in as_printed) == 3


def test_sizes_of_the_others_are_as_printed(sizes: list[int]) -> None:
    """ResNets and MobileNetV2 are printed in their place and in MB."""
    differences = [
        size / 1e6 - row.size for row, size in zip(TABLE, sizes, strict=True) if row.encoder not in EFFICIENT_NETS
    ]
    assert len(differences) == 3
    assert max(map(abs, differences)) < 0.1
