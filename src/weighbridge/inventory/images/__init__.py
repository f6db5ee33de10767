"""Images of containers: their layers, laid over each other and searched like folders."""
