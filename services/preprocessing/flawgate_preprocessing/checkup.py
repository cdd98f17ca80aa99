"""What `flawgate doctor` is told of the preprocessing service."""

from collections.abc import Sequence

from flawgate_contracts.checkup.findings import Check, Place
from flawgate_contracts.checkup.tls import tls_check
from flawgate_contracts.checkup.variables import settings_check
from flawgate_preprocessing.settings import PreprocessingSettings


def checks(place: Place) -> Sequence[Check]:
    """What can be looked at of it on this machine."""
    service = ("preprocessing", PreprocessingSettings, place)
    return (settings_check(*service), tls_check(*service))
