"""TLS by PEM files: checked at the start, read again when they change, for servers and for calls to other services."""
