"""`source` of a camera: where its pictures come from."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from flawgate_camera.config.base import Table
from flawgate_camera.config.urls import SecretUrl


def _video_url(url: SecretUrl) -> SecretUrl:
    if url.scheme not in ("rtsp", "rtsps", "http", "https"):
        raise ValueError("write a URL that begins with rtsp://, rtsps://, http:// or https://")
    return url


Seconds = Annotated[float, Field(gt=0, le=600)]
Side = Annotated[int, Field(ge=1, le=16_384)]


class VideoSource(Table):
    """A network camera: RTSP (over TCP, which loses no packets), or HTTP with motion JPEG."""

    kind: Literal["video"]
    url: Annotated[SecretUrl, AfterValidator(_video_url)] = Field(description="Of the stream, credentials or not.")
    credentials_file: Path | None = Field(default=None, description="First line `user:password`; read at each connect.")
    open_timeout_s: Seconds = Field(default=10, description="To connect and find the first picture, in seconds.")
    read_timeout_s: Seconds = Field(default=5, description="Without a picture the stream counts as lost, in seconds.")
    behind_s: Seconds = Field(
        default=5, description="RTSP: pictures read so long after they were taken are passed over, in seconds."
    )


class UsbSource(Table):
    """A camera that the operating system lists: USB, or the one of a Raspberry Pi by V4L2."""

    kind: Literal["usb"]
    device: int | str = Field(default=0, description="Number, or a path such as /dev/v4l/by-id/...")
    width: Side | None = Field(default=None, description="Asked of the camera, in pixels; its own where absent.")
    height: Side | None = Field(default=None, description="Asked of the camera, in pixels; its own where absent.")
    frames_per_s: float | None = Field(default=None, gt=0, le=1000, description="Asked of the camera; else its own.")
    pixel_format: str | None = Field(default=None, pattern="^[A-Z0-9]{4}$", description="FourCC, e.g. MJPG or YUYV.")
    read_timeout_s: Seconds = Field(default=5, description="Without a picture the camera counts as lost, in seconds.")


class FileSource(Table):
    """A video file."""

    kind: Literal["file"]
    path: Path
    pace: Literal["own", "fastest"] = Field(default="own", description="At the file's own rate, or as fast as it goes.")
    repeat: bool = Field(default=False, description="Begin again at its end.")


class FolderSource(Table):
    """A folder into which something else puts picture files.

    Who writes into it writes under another name (`.part`, or hidden by a dot) and renames when the file is whole.
    """

    kind: Literal["folder"]
    path: Path
    after: Literal["keep", "delete", "move"] = Field(default="keep", description="What becomes of a file taken over.")
    moved_to: Path | None = Field(default=None, description="For `move`: a folder on the same disk.")
    poll_s: float = Field(default=0.5, ge=0.01, le=600, description="Between two looks into it, in seconds.")
    settle_s: float = Field(default=0.5, ge=0, le=600, description="A file unchanged for so long is whole, in seconds.")

    @model_validator(mode="after")
    def _moves_somewhere(self) -> Self:
        if (self.after == "move") != (self.moved_to is not None):
            raise ValueError('moved_to and after = "move" go together: give both or neither')
        if self.moved_to == self.path:
            raise ValueError("moved_to must be another folder than path")
        return self


class GenicamSource(Table):
    """An industrial camera (GigE Vision, USB3 Vision) by its maker's GenTL producer."""

    kind: Literal["genicam"]
    producer: Path = Field(description="The GenTL producer, a file that ends in .cti.")
    device: str | None = Field(default=None, min_length=1, description="Its serial number, id or name; else the first.")
    features: dict[str, bool | int | float | str] = Field(
        default_factory=dict, description="Set before it starts, in this order, e.g. { ExposureTime = 5000.0 }."
    )
    waits_for_trigger: bool = Field(default=False, description="Its own input triggers it: silence is no failure.")
    open_timeout_s: Seconds = Field(default=20, description="To find and open it, in seconds.")
    read_timeout_s: Seconds = Field(default=5, description="Without a picture the camera counts as lost, in seconds.")


class GeneratedSource(Table):
    """Made-up textures, with and without flaws: for demonstrations and the line simulator."""

    kind: Literal["generated"]
    frames_per_s: float = Field(default=2.0, gt=0, le=1000)
    defect_share: float = Field(default=0.1, ge=0, le=1, description="Share of pictures with a flaw.")
    seed: int = Field(default=0, ge=0, description="The same seed gives the same pictures in the same order.")
    size: tuple[Side, Side] = Field(default=(512, 512), description="Height and width, in pixels, 128 or more.")
    frames: int | None = Field(default=None, ge=1, description="Ends after so many; never where absent.")

    @model_validator(mode="after")
    def _large_enough(self) -> Self:
        if min(self.size) < 128:
            raise ValueError("size must be at least [128, 128], so that a flaw fits")
        return self


Source = Annotated[
    VideoSource | UsbSource | FileSource | FolderSource | GenicamSource | GeneratedSource, Field(discriminator="kind")
]
