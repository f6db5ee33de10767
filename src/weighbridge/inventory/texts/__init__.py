"""Names of models in texts: code, configuration, documents."""
