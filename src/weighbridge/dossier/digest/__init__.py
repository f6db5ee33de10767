"""The digest to be read: as a page, Markdown, JSON, feeds, a message and a calendar."""
