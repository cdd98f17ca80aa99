"""`python -m k8s.components.monitoring.generating [FOLDER]`, from the clone's root; FOLDER: elsewhere than here."""

import sys
from pathlib import Path

from k8s.components.monitoring.generating import write

if __name__ == "__main__":
    write(*map(Path, sys.argv[1:]))
