"""`flawgate simulate`: its options. What it needs is imported when it runs, so that `flawgate --help` stays quick."""

# ruff: noqa: PLC0415 - see above

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Policy(StrEnum):
    """What becomes of frames that cannot be sent in time."""

    LOSSLESS = "lossless"
    LATEST = "latest"
    EVERY = "every"


def simulate(  # noqa: PLR0913  # one parameter for each option of the command
    *,
    recipe: Annotated[str, typer.Option(help="Name of the recipe, see GET /v1/recipes.")],
    cameras: Annotated[int, typer.Option(min=1, max=64, help="How many.")] = 4,
    takt: Annotated[float, typer.Option(min=0.01, max=3600, help="Seconds from part to part.")] = 0.5,
    seconds: Annotated[float, typer.Option(min=0.1, max=1e6, help="So long parts come.")] = 30.0,
    delivery: Annotated[Policy, typer.Option(help="What becomes of frames that cannot be sent in time.")] = (
        Policy.LOSSLESS
    ),
    staleness: Annotated[float, typer.Option(min=0.001, max=600, help="Budget of `latest`, in seconds.")] = 2.0,
    jitter: Annotated[
        float, typer.Option(min=0, max=0.49, help="Each part is early or late by this share of the takt at most.")
    ] = 0.1,
    defect_share: Annotated[float, typer.Option(min=0, max=1, help="Share of defective parts.")] = 0.1,
    frames: Annotated[
        Path | None,
        typer.Option(help="Folder of pictures, e.g. good/ and bad/; made-up textures if absent.", file_okay=False),
    ] = None,
    pictures: Annotated[int, typer.Option(min=1, max=2000, help="Different pictures, drawn again and again.")] = 64,
    size: Annotated[int, typer.Option(min=128, max=4096, help="Rows and columns of made-up textures.")] = 512,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same pictures in the same order.")] = 0,
    faults: Annotated[
        str,
        typer.Option(
            help="Of the network: cut@10+5, stall@20+3, delay@30+5:200ms, with commas; begin and length in seconds."
        ),
    ] = "",
    cut_every: Annotated[
        float | None, typer.Option(min=0.05, help="Besides, all connections break so often, in seconds.")
    ] = None,
    settle: Annotated[float, typer.Option(min=0, help="Seconds to wait for missing answers at the end.")] = 60.0,
    deadline: Annotated[
        float | None, typer.Option(min=0.001, help="An answer is on time within so many seconds; the takt if absent.")
    ] = None,
    station: Annotated[str, typer.Option(help="Station, for the records.")] = "simulated",
    gateway: Annotated[str, typer.Option(help="Its gRPC door.")] = "127.0.0.1:8081",
    url: Annotated[
        str | None, typer.Option(help="Its REST door, to compare the counts; the port below the gRPC one if absent.")
    ] = None,
    key_file: Annotated[Path | None, typer.Option(help="File that holds the API key.", exists=True)] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Certificates to trust.", exists=True)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Run a line of cameras that do not exist against a gateway, with faults, and count what comes of each frame.

    Exit status 1 where the sums do not add up: each frame has an inspection on record, or is counted as dropped.
    """
    from flawgate_camera.simulate import task
    from flawgate_contracts.logs import configure_logging

    configure_logging("simulate", "error")
    task.simulate(
        task.Wanted(
            recipe=recipe,
            cameras=cameras,
            takt_s=takt,
            seconds=seconds,
            policy=delivery.value,
            staleness_s=staleness,
            jitter_share=jitter,
            defect_share=defect_share,
            frames=frames,
            pictures=pictures,
            size=size,
            seed=seed,
            faults=faults,
            cut_every_s=cut_every,
            settle_s=settle,
            deadline_s=deadline or takt,
            station=station,
            gateway=gateway,
            url=url,
            key_file=key_file,
            ca_file=ca_file,
        ),
        sys.stdout,
        as_json=as_json,
    )
