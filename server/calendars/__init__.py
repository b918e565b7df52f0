"""Calendar files: what we write for other programs, and what we read of other calendars."""
