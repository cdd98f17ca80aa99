"""From a picture to the bytes of a frame."""

from flawgate_camera.config.cameras import Encoding, Region
from flawgate_camera.frames import Layout, Picture
from flawgate_camera.sources.base import Cause, SourceFailed
from flawgate_imaging.encoding import encode_jpeg, encode_png

PNG = Encoding()


def cut(picture: Picture, region: Region | None) -> Picture:
    """The region of interest of a picture; the picture itself where there is none.

    Raises:
        SourceFailed: the region does not lie within the picture.
    """
    if region is None:
        return picture
    height, width = picture.pixels.shape[:2]
    if region.x + region.width > width or region.y + region.height > height:
        raise SourceFailed(
            Cause.REGION_OUTSIDE,
            f"The region of {region.width} × {region.height} pixels at ({region.x}, {region.y}) does not lie within "
            f"its pictures of {width} × {height}; correct the region.",
        )
    pixels = picture.pixels[region.y : region.y + region.height, region.x : region.x + region.width]
    return Picture(pixels, picture.acquired_at, picture.acquired, picture.trigger)


def pack(picture: Picture, encoding: Encoding | None) -> tuple[bytes, Layout | None]:
    """The bytes of a frame, and how they lie where they are raw.

    Args:
        picture: as it is sent.
        encoding: as the configuration says; None for the source's own file, or else PNG.

    Raises:
        InternalError: OpenCV cannot encode it.
        cv2.error: as above, of some sizes.
    """
    if encoding is None and picture.file is not None:
        return picture.file, None
    chosen = encoding or PNG
    match chosen.format:
        case "png":
            return encode_png(picture.pixels), None
        case "jpeg":
            return encode_jpeg(picture.pixels, chosen.quality), None
        case "raw":
            height, width = picture.pixels.shape[:2]
            channels = 1 if picture.pixels.ndim == 2 else picture.pixels.shape[2]
            return picture.pixels.tobytes(), Layout(width, height, channels)
