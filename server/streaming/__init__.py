"""What happens now, sent to the clients that are connected: as server-sent events or over a WebSocket."""
