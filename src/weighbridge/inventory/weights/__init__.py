"""Which models the files of a folder are, and what those files say of themselves."""
