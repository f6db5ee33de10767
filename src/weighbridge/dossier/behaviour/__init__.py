"""How behaviour by language reads: the table that CAISI prints, the headline, the gaps, the topics, the answers."""
