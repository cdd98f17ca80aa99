"""Every metric of Flawgate: named once, beside its help text, built for a given registry.

Prefix `flawgate_`, base units, bounded labels: recipe names come from the model repository, never from a request.
"""
