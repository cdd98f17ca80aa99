"""Sentences that may be shown to anybody."""

import re

_USER_AND_PASSWORD = re.compile(r"(?<=://)[^/?#\s]*@")


def without_secrets(sentence: str) -> str:
    """Without user and password of a URL, whoever wrote it."""
    return _USER_AND_PASSWORD.sub("***@", sentence)
