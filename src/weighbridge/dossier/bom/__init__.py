"""Parts of the CycloneDX bill of materials, one a file."""
