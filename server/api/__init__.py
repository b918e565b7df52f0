"""The client API: what apps on people's phones speak, as Mastodon documents it, and a little of our own beside it."""
