"""The inventory as documents: a table (CSV), a bill of materials (CycloneDX), and a page."""
