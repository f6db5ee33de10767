"""What runs inside a sandbox: plain standard library, from CPython 3.11 up, never imported by the host."""
