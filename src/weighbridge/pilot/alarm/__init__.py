"""Alarms: what the monitors found, as audit record, evidence, a stale decision, and a message to a webhook."""
