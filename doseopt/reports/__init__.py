"""Reports: one document, and its renderings."""

from doseopt.reports.render.document import Document
from doseopt.reports.render.docx import write_docx
from doseopt.reports.render.html import write_html
from doseopt.reports.render.pdf import write_pdf
from doseopt.reports.render.terminal import terminal_text

__all__ = ["Document", "terminal_text", "write_docx", "write_html", "write_pdf"]
