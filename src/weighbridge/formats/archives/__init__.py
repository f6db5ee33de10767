"""Read archives in bounded steps, as a loader would and as a stricter reader would; nothing is extracted to disk."""
