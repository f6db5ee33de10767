"""Inventory: which models are in folders, caches, containers, code, bills of materials and running endpoints."""
