"""Who the visitor is: people sign in once, by an upstream that knows them, for every system that asks.

A pure core and a rim.  Begin with `flow`, where one function says what comes next; `vocabulary` and `model` hold the
words and values, `store` what is promised of the memory.  Only `stores` and `upstreams` wait for anybody; nothing reads
a clock or makes a secret by itself.  `sso` and `redirect_rules` never import each other, and only `proxy` imports both.
"""
