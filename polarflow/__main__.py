"""`python -m polarflow` is the command `polarflow`."""

from .cli import main

if __name__ == "__main__":
    main()
