"""OAuth 2 for apps: asking somebody for his consent, and the tokens that come of it."""
