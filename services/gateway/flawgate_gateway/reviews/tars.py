"""A tar archive (POSIX.1-2001), one file after the other: none of it lies on a disk, and only one file in memory."""

import tarfile

END = bytes(2 * tarfile.BLOCKSIZE)
"""Of an archive; one without was cut off."""


def entry(name: str, data: bytes, modified_s: int) -> bytes:
    """One file, as it stands in an archive.

    Args:
        name: path within the archive, with `/`.
        data: its content.
        modified_s: when it was last changed, in seconds since 1970.
    """
    header = tarfile.TarInfo(name)
    header.size, header.mtime, header.mode = len(data), modified_s, 0o644
    return header.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % tarfile.BLOCKSIZE)
