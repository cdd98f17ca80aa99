"""Why a service does not start, in one sentence for the person who starts it."""

from pydantic import ValidationError
from pydantic_settings import BaseSettings


class StartupError(Exception):
    """The service cannot start; the message is one sentence for the person who started it."""


def settings_sentence(settings_class: type[BaseSettings], error: ValidationError) -> str:
    """What is wrong with which environment variables, in a sentence."""
    prefix = settings_class.model_config.get("env_prefix", "")
    faults = (f"{prefix}{'_'.join(map(str, fault['loc']))}".upper() + f": {fault['msg']}" for fault in error.errors())
    return f"Wrong settings: {'; '.join(faults)}."
