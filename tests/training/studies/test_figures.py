import pytest
from support.tiny_studies import counted

from flawgate_training.studies.figures import FigureName, of_errors, told


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("errors", 2.0, "2"),
        ("errors", 1.5, "1.5"),
        ("f1", 0.98077, "0.9808"),
        ("average_precision", 0.99996, "0.9999"),
        ("average_precision", 0.99999988, "1.0000"),
        ("average_precision", 1.0, "1.0000"),
    ],
)
def test_a_value_is_never_flattered(name: FigureName, value: float, text: str) -> None:
    """Counts stand plain and shares with four decimals, but only a perfect one as 1."""
    assert told(name, value) == text


def test_errors_are_told_by_kind() -> None:
    """False alarms and misses where both are known, else their number."""
    assert of_errors(counted(1, 2)) == "1 FP + 2 FN"
    assert of_errors({"errors": 3}) == "3"
