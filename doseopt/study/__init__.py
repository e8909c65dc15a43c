"""A study: doses, what is right, scenarios and designs, and the file that says so."""
