"""The detector of behaviour: what one answer does, told from its text by rules per language, with no model asked."""
