"""File checks: one file a check, a function of an artefact to findings."""
