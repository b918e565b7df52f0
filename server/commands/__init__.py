"""The commands, one module per noun. `server/cli.py` loads them when they are called."""
