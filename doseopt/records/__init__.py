"""The patients of a running trial, read from files and outcome strings."""
