"""Laws of time in a trial, as arrays: what happens in the DLT window, when patients arrive, how long a trial takes."""
