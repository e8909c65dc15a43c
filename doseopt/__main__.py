"""`python -m doseopt`: the command line."""

from doseopt.cli import main

if __name__ == "__main__":
    main()
