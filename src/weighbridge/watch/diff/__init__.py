"""What differs between two looks at one repository: pure functions from snapshots to changes."""
