"""``python -m streamlab`` is the command line."""

from streamlab.cli import main

if __name__ == "__main__":
    main()
