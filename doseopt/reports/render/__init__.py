"""A document as terminal text, HTML, DOCX and PDF."""
