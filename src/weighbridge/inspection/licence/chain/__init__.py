"""The licences in force for an artefact: its files, its tag, its base models and data sets."""
