"""What every door refuses, in the same words: bad pictures and bad fields. And odd pictures that every door takes."""

from support import odd_pictures
from support.pictures import png_declaring, spot_png

REFUSED: dict[str, tuple[bytes, int, str, str]] = {
    "no byte": (b"", 400, "EMPTY_FRAME", "no byte"),
    "text": (b"this is no picture", 400, "INVALID_FRAME", "not a picture; send PNG, JPEG, BMP or TIFF"),
    "zeros": (bytes(10_000), 400, "INVALID_FRAME", "not a picture"),
    "only a signature": (spot_png(9)[:8], 400, "INVALID_FRAME", "truncated"),
    "PNG cut in its header": (spot_png(9)[:20], 400, "INVALID_FRAME", "truncated"),
    "PNG cut in its pixels": (spot_png(9)[:-20], 400, "INVALID_FRAME", "truncated"),
    "PNG without its end": (spot_png(9)[:-12], 400, "INVALID_FRAME", "truncated"),
    "PNG with a wrong checksum": (
        spot_png(9)[:-16] + b"\0\0\0\0" + spot_png(9)[-12:],
        400,
        "INVALID_FRAME",
        "checksum",
    ),
    "JPEG cut": (odd_pictures.saved(odd_pictures.GREY, "JPEG")[:-40], 400, "INVALID_FRAME", "truncated"),
    "60,000 × 60,000": (png_declaring(60_000, 60_000), 413, "FRAME_TOO_LARGE", "60000 × 60000 pixels, the limit is"),
    "one row of 2³¹−1": (png_declaring(2**31 - 1, 1), 413, "FRAME_TOO_LARGE", "per side"),
    "CMYK": (odd_pictures.cmyk(), 415, "UNSUPPORTED_FRAME", "CMYK"),
    "half transparent": (odd_pictures.rgba(128), 415, "UNSUPPORTED_FRAME", "without an alpha channel"),
    "animated PNG": (odd_pictures.animated_png(), 415, "UNSUPPORTED_FRAME", "one still picture"),
    "TIFF of two pages": (odd_pictures.two_page_tiff(), 415, "UNSUPPORTED_FRAME", "send one page"),
    "GIF": (odd_pictures.saved(odd_pictures.GREY, "GIF"), 415, "UNSUPPORTED_FRAME", "send PNG, JPEG, BMP or TIFF"),
    "WebP": (odd_pictures.saved(odd_pictures.GREY, "WEBP"), 415, "UNSUPPORTED_FRAME", "WebP pictures are not accepted"),
    "PDF": (b"%PDF-1.7\n" + bytes(100), 415, "UNSUPPORTED_FRAME", "PDF pictures are not accepted"),
}
"""Kind → its bytes; the HTTP status, the code, and what the sentence says."""

TAKEN: dict[str, tuple[bytes, float]] = {
    "16 bit, high byte counts": (odd_pictures.grey_16_bit(0xC8FF), 200 / 255),
    "palette": (odd_pictures.palette(), 200 / 255),
    "opaque alpha": (odd_pictures.rgba(255), 200 / 255),
    "BMP": (odd_pictures.saved(odd_pictures.GREY, "BMP"), 200 / 255),
    "TIFF": (odd_pictures.saved(odd_pictures.GREY, "TIFF"), 200 / 255),
    "RGB": (odd_pictures.saved(odd_pictures.GREY.convert("RGB"), "PNG"), 200 / 255),
    "bytes after the end": (spot_png(200) + b"trailing", 200 / 255),
}
"""Kind → its bytes, and its score by the recipe `spot`."""

FIELDS: dict[str, tuple[dict[str, str] | list[tuple[str, str]], int, str, str]] = {
    "no recipe": ({}, 422, "INVALID_PARAMETER", "`recipe` is missing; send it as a form field or in the query"),
    "unknown recipe": ({"recipe": "nowhere"}, 404, "UNKNOWN_RECIPE", "known are: spot"),
    "recipe with a path": ({"recipe": "../spot"}, 422, "INVALID_PARAMETER", "`recipe`"),
    "recipe in capitals": ({"recipe": "Spot"}, 422, "INVALID_PARAMETER", "`recipe`"),
    "empty recipe": ({"recipe": ""}, 422, "INVALID_PARAMETER", "`recipe`"),
    "long recipe": ({"recipe": "s" * 64}, 422, "INVALID_PARAMETER", "`recipe`"),
    "unknown field": ({"recipe": "spot", "prat": "7"}, 422, "INVALID_PARAMETER", "There is no field `prat`"),
    "said twice": (
        [("recipe", "spot"), ("part", "1"), ("part", "2")],
        422,
        "INVALID_PARAMETER",
        "`part` is said twice",
    ),
    "part of 200": ({"recipe": "spot", "part": "x" * 200}, 422, "INVALID_PARAMETER", "128 characters"),
    "part with a line feed": ({"recipe": "spot", "part": "1\nlevel=error"}, 422, "INVALID_PARAMETER", "`part`"),
    "part with NUL": ({"recipe": "spot", "part": "a\0b"}, 422, "INVALID_PARAMETER", "`part`"),
    "part with a C1 control": ({"recipe": "spot", "part": "a\x9bb"}, 422, "INVALID_PARAMETER", "`part`"),
    "empty part": ({"recipe": "spot", "part": ""}, 422, "INVALID_PARAMETER", "`part`"),
    "deadline of 0": ({"recipe": "spot", "deadline_ms": "0"}, 422, "INVALID_PARAMETER", "`deadline_ms`"),
    "deadline of a day": ({"recipe": "spot", "deadline_ms": "86400000"}, 422, "INVALID_PARAMETER", "`deadline_ms`"),
    "deadline in words": ({"recipe": "spot", "deadline_ms": "soon"}, 422, "INVALID_PARAMETER", "`deadline_ms`"),
}
"""Kind → fields; the HTTP status, the code, and what the sentence says."""
