import re
from pathlib import Path

from support.api_keys import KeyMaker
from support.gateway_cluster import running_gateway
from support.pictures import spot_png

from flawgate_gateway.access.caller import Scope

PAGE = Path(__file__).parents[2] / "docs/streams.md"
LEVELS = (255, 0, 255, 0, 255, 0)


def test_the_example_settles_every_frame(tmp_path: Path) -> None:
    """The page's Python, word for word, with more frames than credits, against a gateway that asks for keys."""
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    keys = KeyMaker(f"sqlite:///{tmp_path / 'records.db'}")
    said: list[str] = []
    with running_gateway(access="keys", database_url=keys.url) as cluster:
        _, key = keys.make(Scope.INSPECT)
        told: dict[str, object] = {
            "TARGET": cluster.grpc_target,
            "PICTURES": [spot_png(level) for level in LEVELS],
            "RECIPE": "spot",
            "KEY": key.reveal(),
            "print": lambda *values: said.append(" ".join(map(str, values))),
        }
        exec(compile(example, str(PAGE), "exec"), told)  # noqa: S102  # our own page
    verdicts = {255: "EVALUATION_NOT_OK", 0: "EVALUATION_OK"}
    assert said == [f"{number} {verdicts[level]}" for number, level in enumerate(LEVELS, 1)]
