"""The agent beside a camera: source → trigger → spool → gateway."""
