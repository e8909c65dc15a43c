"""What holds for every test."""

import os

os.environ.pop("COLUMNS", None)  # set in processes that pytest starts; output would be broken as in a terminal
