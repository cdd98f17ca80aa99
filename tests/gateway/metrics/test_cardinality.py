from collections import Counter
from pathlib import Path

from support.metered import metered_app

MANY, BATCH = 10_000, 1_000
ODD_METHODS = ("BREW", "get", "G\x00T", "PROPFIND", "X" * 1000, "{}", '"')


async def test_ten_thousand_made_up_names_are_a_bounded_number_of_series(tmp_path: Path) -> None:
    """Stations, recipes, paths and methods come from callers; series do not follow them."""
    async with metered_app(tmp_path, access_log_sample=1_000_000, batch_max_items=BATCH) as app:
        await app.inspect_all([{}])
        begun = app.series()
        for first in range(0, MANY, BATCH):
            numbers = range(first, first + BATCH)
            assert await app.inspect_all([{"station": f"station {number}"} for number in numbers]) == 200
            assert await app.inspect_all([{"recipe": f"recipe_{number}", "station": f"{number}"} for number in numbers])
        for number in range(MANY):
            assert await app.request(f"M{number}", f"/v1/inspections/{number}/{number}") == 404
        more = Counter(name for name, labels in app.series() - begun if labels)
        assert app.values("flawgate_inspections_total", "recipe") == {"spot"}
        assert app.values("flawgate_http_requests_total", "route") == {"/v1/inspections:batch", "other"}
    # 64 stations and `other`, with the three verdicts of the recipe's models each; a method and a route: `other` both.
    assert more == {
        "flawgate_inspections_total": 65 * 3,
        "flawgate_http_requests_total": 3,
        "flawgate_http_request_duration_seconds_bucket": 17,
        "flawgate_http_request_duration_seconds_count": 1,
        "flawgate_http_request_duration_seconds_sum": 1,
    }


async def test_registered_stations_are_counted_by_name_whoever_comes_first(tmp_path: Path) -> None:
    """Where stations are named in the settings, no stranger takes a place of theirs."""
    async with metered_app(tmp_path, stations="S1, S2") as app:
        for number in range(100):
            await app.inspect(station=f"stranger {number}")
        await app.inspect(station="S2")
        assert app.values("flawgate_inspections_total", "station") == {"", "S2", "other"}


async def test_odd_methods_are_one(tmp_path: Path) -> None:
    """Whatever HTTP lets a caller write."""
    async with metered_app(tmp_path) as app:
        statuses = [await app.request(method, "/v1/inspections") for method in ODD_METHODS]
        assert statuses == [405] * len(ODD_METHODS)
        assert app.values("flawgate_http_requests_total", "method") == {"other"}


async def test_a_route_is_the_template_of_its_path(tmp_path: Path) -> None:
    """Not the path, which names a part; what has no route is `other`."""
    async with metered_app(tmp_path) as app:
        for path in (
            "/v1/inspections/a",
            "/v1/inspections/b/frame",
            "/docs",
            "/openapi.json",
            "/nowhere",
            "/v2/models",
        ):
            await app.request("GET", path)
        assert app.values("flawgate_http_requests_total", "route") == {
            "/v1/inspections/{inspection_id}",
            "/v1/inspections/{inspection_id}/frame",
            "/docs",
            "/openapi.json",
            "other",
        }
