"""Who the visitor is: the sign-in broker.

Empty on purpose until the broker is built.  The name is taken so that the layers are fixed from the start:
`sso` and `redirect_rules` never import each other, and only `proxy` imports both.
"""
