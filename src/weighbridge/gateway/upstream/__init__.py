"""Upstreams: connections to the servers that models run on."""
