"""From a camera's table to its source."""

from pathlib import Path

from flawgate_camera.config import sources as tables
from flawgate_camera.sources.base import Source
from flawgate_camera.sources.file import FileSource
from flawgate_camera.sources.folder import FolderSource
from flawgate_camera.sources.generated import GeneratedSource
from flawgate_camera.sources.genicam import GenicamSource
from flawgate_camera.sources.seen import SeenFiles
from flawgate_camera.sources.usb import UsbSource
from flawgate_camera.sources.video import VideoSource


def create_source(table: tables.Source, folder: Path) -> Source:
    """A source that is not open yet.

    Args:
        table: `source` of the camera.
        folder: the camera's own, under the agent's data.
    """
    match table:
        case tables.VideoSource():
            return VideoSource(table)
        case tables.UsbSource():
            return UsbSource(table)
        case tables.FileSource():
            return FileSource(table)
        case tables.FolderSource():
            return FolderSource(table, SeenFiles(folder / "taken_over.txt"))
        case tables.GenicamSource():
            return GenicamSource(table)
        case tables.GeneratedSource():
            return GeneratedSource(table)
