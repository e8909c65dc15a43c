"""Labels, numbers and words that texts and figures share."""
