import re
from pathlib import Path

from support.api_keys import KeyMaker
from support.gateway_cluster import running_gateway
from support.pictures import spot_png

from flawgate_gateway.access.caller import Scope

PAGE = Path(__file__).parents[2] / "docs/grpc.md"


def test_the_example_runs_as_it_is_written(tmp_path: Path) -> None:
    """The page's Python, word for word, against a gateway that asks for keys."""
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    picture = tmp_path / "part.png"
    picture.write_bytes(spot_png(255))
    keys = KeyMaker(f"sqlite:///{tmp_path / 'records.db'}")
    with running_gateway(access="keys", database_url=keys.url) as cluster:
        _, text = keys.make(Scope.INSPECT, Scope.READ)
        told: dict[str, object] = {
            "TARGET": cluster.grpc_target,
            "PICTURE": picture,
            "RECIPE": "spot",
            "KEY": text.reveal(),
        }
        said: list[str] = []
        told["print"] = lambda *values: said.append(" ".join(map(str, values)))
        exec(compile(example, str(PAGE), "exec"), told)  # noqa: S102  # our own page
    first, second = said
    assert first == "EVALUATION_NOT_OK 1.0"
    assert re.fullmatch(r"\['[0-9a-f-]{36}'\]", second)
