"""The configuration of a gateway: the form of its file, what it asks for, and how its mistakes are said."""
