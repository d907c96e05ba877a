"""Who has signed in, told to systems that do not speak OpenID Connect: a signed header, a login ticket, forward-auth.

Each tells the very claims that an ID token would (`sso.claims.told`); only the wrapping differs.
"""
