"""Listings of a hub, as files of any size: read into one table of ours by a database that reads nothing else."""
