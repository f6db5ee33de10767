"""Trees of folders and files: on disk, or laid over each other in the layers of a container image."""
