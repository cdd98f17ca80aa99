"""Model repositories in an object store: `flawgate models push` and `pull`.

::

    s3://bucket/prefix/manifest.json       path in the repository → SHA-256 and bytes; written last, in one piece
    s3://bucket/prefix/files/<sha256>      each file once, whatever versions hold it; never changed

So who pulls while another pushes gets the old repository or the new one, whole, and every byte of it is checked.
"""
