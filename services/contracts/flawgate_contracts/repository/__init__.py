"""The model repository as folders and files: its layout, digests, and how it is changed without ever being broken."""
