"""Reading: claims out of prose, tables and lists."""
