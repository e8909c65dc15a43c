"""Reports: one document, three renderings."""

from doseopt.report.amendment import amendment_report
from doseopt.report.document import Bullets, Code, Document, Figure, Gap, Heading, Paragraph, Table
from doseopt.report.pdf import write_pdf
from doseopt.report.web import write_html
from doseopt.report.word import write_docx

__all__ = [
    "Bullets",
    "Code",
    "Document",
    "Figure",
    "Gap",
    "Heading",
    "Paragraph",
    "Table",
    "amendment_report",
    "write_docx",
    "write_html",
    "write_pdf",
]
