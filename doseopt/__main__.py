"""The start of `doseopt` and of `python -m doseopt`, which may be interrupted while the command line is loaded."""

from doseopt.core.interrupt import interruptible


def main() -> None:
    """Load the command line, and run it."""
    with interruptible():
        from doseopt.cli import main as run

        run()


if __name__ == "__main__":
    main()
