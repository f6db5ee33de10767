"""Verified copies of one revision, in a folder or in object storage, each with a manifest that can be checked again."""
