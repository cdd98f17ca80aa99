"""A kept frame as a file that training reads."""

import hashlib
import re

from flawgate_gateway.frames import Frame
from flawgate_imaging.decoding import Limits, decode_raw
from flawgate_imaging.encoding import encode_png
from flawgate_imaging.header import sniff

_ENDINGS = {"png": ".png", "jpeg": ".jpg", "bmp": ".bmp", "tiff": ".tif"}


def as_file(frame: Frame) -> tuple[bytes, str]:
    """The bytes of a picture file, and its ending. An encoded frame is as it came; raw pixels become a PNG.

    Raises:
        InvalidFrame: the frame is no picture.
    """
    if frame.layout is None:
        return frame.data, _ENDINGS[sniff(frame.data).format]
    layout = frame.layout
    limits = Limits(max_bytes=len(frame.data), max_pixels=layout.width * layout.height)
    pixels = decode_raw(frame.data, width=layout.width, height=layout.height, channels=layout.channels, limits=limits)
    return encode_png(pixels), ".png"


def part_folder(part: str) -> str:
    """The name of a folder for the frames of one part: training keeps what lies in one folder together.

    Letters, digits and dashes of the part's name, and a digest, since other names may be alike then.
    """
    readable = re.sub(r"[^A-Za-z0-9-]+", "_", part)[:40].strip("_")
    return f"{readable}-{hashlib.sha256(part.encode()).hexdigest()[:8]}".lstrip("-")
