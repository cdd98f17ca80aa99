from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.random import default_rng

from flawgate_camera.simulate.stock import Stock, Truth, folder_stock, generated_stock
from flawgate_contracts.errors import InvalidParameter


def write(path: Path, grey: int = 100) -> None:
    """A picture of one grey level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((8, 8), grey, np.uint8))


def drawn(stock: Stock, count: int = 400, seed: int = 0) -> list[Truth]:
    """What so many draws are."""
    chance, last, truths = default_rng(seed), None, []
    for _ in range(count):
        last = stock.draw(chance, last)
        truths.append(last.truth)
    return truths


def read(folder: Path) -> Stock:
    """The stock of a folder, half of whose draws are defective where that is known."""
    return folder_stock(folder, pictures=10, defect_share=0.5, seed=0)


def test_the_share_of_defective_parts_is_as_asked_for() -> None:
    """Of 400 draws about a fifth, and the same ones with the same seed."""
    stock = generated_stock(1, pictures=6, defect_share=0.2, side=128)
    truths = drawn(stock)
    assert 50 < truths.count(Truth.DEFECTIVE) < 110
    assert truths == drawn(generated_stock(1, pictures=6, defect_share=0.2, side=128))


@pytest.mark.parametrize(("share", "truth"), [(0.0, Truth.GOOD), (1.0, Truth.DEFECTIVE)])
def test_a_line_may_be_wholly_good_or_bad(share: float, truth: Truth) -> None:
    """Then no picture of the other kind is made."""
    assert set(drawn(generated_stock(1, pictures=2, defect_share=share, side=128), 50)) == {truth}


def test_no_picture_comes_twice_in_a_row() -> None:
    """Else a gateway would take the camera for frozen."""
    stock = generated_stock(1, pictures=4, defect_share=0.5, side=128)
    chance, last = default_rng(0), None
    for _ in range(100):
        picture = stock.draw(chance, last)
        assert picture is not last
        last = picture


def test_folders_say_what_a_part_is(tmp_path: Path) -> None:
    """What lies in a folder of good parts is good, all else defective."""
    write(tmp_path / "train/Good/1.png")
    write(tmp_path / "train/scratch/2.png")
    assert set(drawn(read(tmp_path))) == {Truth.GOOD, Truth.DEFECTIVE}


def test_labels_say_what_a_part_is(tmp_path: Path) -> None:
    """A label without a mark is of a good part; labels are no pictures themselves."""
    for name, mark in (("a", 0), ("b", 255)):
        write(tmp_path / f"{name}.png")
        write(tmp_path / f"{name}_label.bmp", mark)
    stock = read(tmp_path)
    assert stock.size == 2
    assert set(drawn(stock)) == {Truth.GOOD, Truth.DEFECTIVE}


def test_where_nothing_says_it_nobody_knows(tmp_path: Path) -> None:
    """No class is guessed from a folder's name."""
    write(tmp_path / "monday/1.png")
    assert drawn(read(tmp_path), 5) == [Truth.UNKNOWN] * 5


def test_of_many_files_some_are_drawn_always_the_same(tmp_path: Path) -> None:
    """Memory is bounded by the number of pictures asked for."""
    for number in range(10):
        write(tmp_path / f"{number}.png", number)
    first, again = (folder_stock(tmp_path, pictures=3, defect_share=0, seed=7) for _ in range(2))
    assert first.size == 3
    assert [first.draw(default_rng(s), None).file for s in range(9)] == [
        again.draw(default_rng(s), None).file for s in range(9)
    ]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    """The sentence names it."""
    with pytest.raises(InvalidParameter, match=str(tmp_path)):
        read(tmp_path)
