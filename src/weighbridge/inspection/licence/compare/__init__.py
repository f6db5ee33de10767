"""What differs between two licence texts, and whether it touches a term."""
