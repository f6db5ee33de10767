"""What publishers have on a hub, and how it changes, by the hub's own interface: nothing counts as a download."""
