"""What sign-in remembers, kept: Valkey or Redis by address, an embedded Valkey, and the files of keys.

Only here and in `sso.upstreams` does sign-in touch anything outside its own process.
"""
