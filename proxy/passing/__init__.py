"""Passing on: what lives behind a closed portal goes through unchanged, and nothing else goes with it.

The sentences of HTTP are read and written here without sockets (`fields`, `heads`, `framing`, `exchange`, `onward`,
`forwarded`, `cookies`, `locations`, `frames`), the decisions are plain values with time as an argument (`policy`,
`balancing`, `breaker`, `addresses`), and only `connections`, `pools`, `health`, `relay` and `websocket` act.
`passer.Passer` is the one door.
"""
