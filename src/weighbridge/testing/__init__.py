"""Fakes and conformance kits for plug-in authors."""
