"""Upstreams: the providers that know people, and the checks that each of their answers must pass.

Read `configuration` (what an upstream is), then `relying_party` (one sign-in, leg by leg).  Only `relying_party`,
`directory`, `freshness` and `aiohttp_fetch` wait for anything; the rest are plain functions.
"""
