"""What is known of makers, families, releases and prices: tables with dates and sources, which a user can replace."""
