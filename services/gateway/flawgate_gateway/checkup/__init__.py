"""What the gateway tells `flawgate doctor` of itself: settings, database, disks, certificates, sinks."""
