#!/usr/bin/env bash
# Lay our own packages, installed after /stamp was made, into the image's root: scripts/image/own.sh MODULE
# Importing MODULE there proves that the root holds all it needs, and leaves bytecode of just what is imported: at run
# time the root cannot be written. All that is new lies in /own then, a layer of its own: an update moves little else.
set -euo pipefail
changed() { find . -type f -cnewer /stamp -print0 | tar --null --files-from=- --create; }
mkdir /own
(cd /opt/flawgate && changed) | tar --directory=/image/opt/flawgate --extract
chroot /image /opt/flawgate/bin/python -c "import $1"
(cd /image && changed) | tar --directory=/own --extract
