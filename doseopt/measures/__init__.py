"""What an ending is worth: operating characteristics, estimation, and what complete information would give."""
