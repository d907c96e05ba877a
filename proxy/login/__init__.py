"""Sign-in over HTTP: the issuer's own host.  Only what has a socket; every rule stands in `sso`.

Nothing outside imports this package unless an issuer is configured.
"""
