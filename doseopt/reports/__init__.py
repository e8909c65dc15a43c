"""Reports: one document, and its renderings."""
