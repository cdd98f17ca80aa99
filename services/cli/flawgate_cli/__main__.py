"""`python -m flawgate_cli` is the command `flawgate`."""

from flawgate_cli.app import main

if __name__ == "__main__":
    main()
