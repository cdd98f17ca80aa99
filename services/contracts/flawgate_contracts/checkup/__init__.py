"""What a package tells `flawgate doctor`: checks of an installation, by an entry point of `flawgate.doctor_checks`."""
