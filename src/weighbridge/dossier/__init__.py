"""The dossier: one page that a lawyer, an engineer and an auditor can each read."""
