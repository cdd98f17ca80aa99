from pathlib import Path

from flawgate_gateway.rest.problem_page import page

PAGE = Path(__file__).parents[2] / "docs/problems.md"


def test_the_page_of_problems_is_what_the_error_tree_says() -> None:
    """Nobody changes one without the other: `python -m flawgate_gateway.rest.problem_page > docs/problems.md`."""
    assert page() == PAGE.read_text("utf-8")
