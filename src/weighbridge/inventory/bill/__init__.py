"""Bills of materials: models that CycloneDX and SPDX documents name, with the bases that they state."""
