"""Reports: one document, three renderings."""

from doseopt.reports.render.document import Bullets, Code, Document, Figure, Gap, Heading, Paragraph, Table
from doseopt.reports.render.docx import write_docx
from doseopt.reports.render.html import write_html
from doseopt.reports.render.pdf import write_pdf

__all__ = [
    "Bullets",
    "Code",
    "Document",
    "Figure",
    "Gap",
    "Heading",
    "Paragraph",
    "Table",
    "write_docx",
    "write_html",
    "write_pdf",
]
