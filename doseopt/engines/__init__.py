"""Engines: (design, scenarios) -> outcomes. They know no rule and no measure."""
