"""The pages of `weighbridge ui`."""
