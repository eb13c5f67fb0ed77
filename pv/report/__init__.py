"""How findings and statuses are shown: as text, JSON, Markdown or annotations. Nothing here decides anything."""
