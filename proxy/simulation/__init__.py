"""A demonstration, for development alone: providers that sign in anybody as anybody, and a provincial system.

It is a program of its own, `python -m proxy.simulation`, which `dvc-edge serve` starts where `[sso] simulator` names a
port.  Everything in it says DEMONSTRATION, and it refuses to start beside a production issuer.
"""
