"""Messages to a webhook that the operator named: https or this machine, signed, never redirected."""
