"""What commands print for people, a module a subject."""
