"""Tables of others as text and cells."""
