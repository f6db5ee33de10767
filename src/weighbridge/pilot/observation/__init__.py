"""What an exchange shows without its texts: refused, in form, in the prompt's language, how long, how late."""
