"""The parts of `weighbridge.testing.hub_server`."""
