"""Nouns only: what everything else speaks about. Nothing here touches network, disk, clock or screen."""
