"""What clients read, as Mastodon documents it: one typed structure per entity, every field always there."""
