"""What the panel is worth, stock by stock and year by year: description, no choice."""
