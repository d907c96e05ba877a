"""The steps that must be all or nothing, as the store itself runs them (Lua, EVALSHA): what they have in common.

Every key begins with one prefix that carries a hash tag, so that all keys of sign-in lie on one node of a cluster;
scripts make the names of keys that they find, which a cluster without that tag would refuse.

    par:REFERENCE   a pushed request                    try:STATE    an attempt
    s:SESSION       a session: v value, s seen, e absolute end, h handle, u person, x upstream's sid,
                    p:CLIENT participation
    h:HANDLE        its session                         u:PERSON     sessions of a person, by their absolute end
    x:UPSTREAM-SID  sessions that an upstream names     y:PERSON     sign-in history
    k:CODE          g grant, c client, u used           g:GRANT      v value, c client, k code, h session's handle,
    a:ACCESS        grant, newline, terms of the token               j key that it is bound to since its exchange,
    r:REFRESH       g grant, n generation                            n generation in force, t since
    w:HANDLE        grants of a session                 ended:HANDLE it was ended: nothing more is issued for it
    b:COOKIE        session's handle, newline, binding of a portal host's cookie
    ok:PERSON       consents of a person (consent_scripts)
    d:DELIVERY      v value, s state, c client          q, l, f      deliveries that wait, all, and those given up

A grant is in force while g:GRANT is there: revoking is one deletion, whatever was issued from it.  What a token says of
the person is its grant's, and is kept once.
"""

import hashlib
from typing import Final, NamedTuple

HISTORY_LENGTH: Final = 50
HISTORY_SECONDS: Final = 90 * 86_400
DELIVERY_SECONDS: Final = 8 * 86_400
"""How long a delivery that waits, or was given up, is kept."""
DELIVERED_SECONDS: Final = 86_400
"""How long one that arrived can be looked up."""
ENDED_SECONDS: Final = 3_600
"""Longer than any sign-in is under way."""
MARGIN_SECONDS: Final = 60
"""A grant outlives its code by so much: the time between redeeming and what is issued for it."""


class Script(NamedTuple):
    """A step: its name for metrics, its text, and the digest that the store knows it by."""

    name: str
    text: str
    sha: str
    must_last: bool  # on replicas too, before it counts


FUNCTIONS: Final = {
    "raise_ttl": """
local function raise_ttl(key, seconds)
  seconds = math.floor(seconds)
  if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
end
""",
    "tell": f"""
local function tell(person, line)
  if person == '' or line == '' then return end
  local key = P .. 'y:' .. person
  redis.call('LPUSH', key, line)
  redis.call('LTRIM', key, 0, {HISTORY_LENGTH - 1})
  redis.call('EXPIRE', key, {HISTORY_SECONDS})
end
""",
    "whole": """
-- A hash as one text: twenty short strings cost the client ten times as much to read.
local function whole(key)
  local all = redis.call('HGETALL', key)
  return #all > 0 and cjson.encode(all)
end
""",
    "live": """
local function live(key, now, idle)
  local m = redis.call('HMGET', key, 'e', 's')
  local last, seen = tonumber(m[1] or ''), tonumber(m[2] or '')
  if not last or not seen or last <= now or now - seen >= idle then return false end
  -- Written now and then only: looking at a session must not wait for the disk each time.
  if now - seen > idle / 60 then
    redis.call('HSET', key, 's', now)
    redis.call('EXPIRE', key, math.min(idle, last - now))
  end
  return whole(key)
end
""",
    "unlist": """
local function unlist(digest, person, sid)
  if person then redis.call('ZREM', P .. 'u:' .. person, digest) end
  if sid and sid ~= '' then redis.call('SREM', P .. 'x:' .. sid, digest) end
end
""",
    "end_grants": f"""
local function end_grants(handle)
  local key = P .. 'w:' .. handle
  for _, grant in ipairs(redis.call('SMEMBERS', key)) do redis.call('DEL', P .. 'g:' .. grant) end
  redis.call('DEL', key)
  redis.call('SET', P .. 'ended:' .. handle, '1', 'EX', {ENDED_SECONDS})
end
""",
    "issue": f"""
local function issue(code, id, value, client, handle, seconds)
  if redis.call('EXISTS', P .. 'ended:' .. handle) == 1 then return 0 end
  local key = P .. 'k:' .. code
  redis.call('HSET', key, 'g', id, 'c', client, 'u', '0')
  redis.call('EXPIRE', key, seconds)
  key = P .. 'g:' .. id
  redis.call('HSET', key, 'v', value, 'c', client, 'k', code, 'h', handle, 'n', 0, 't', 0)
  redis.call('EXPIRE', key, seconds + {MARGIN_SECONDS})
  key = P .. 'w:' .. handle
  redis.call('SADD', key, id)
  raise_ttl(key, seconds + {MARGIN_SECONDS})
  return 1
end
""",
    "keep": f"""
local function keep(grant, access, token, token_seconds, refresh, refresh_seconds)
  local key = P .. 'g:' .. grant
  local m = redis.call('HMGET', key, 'k', 'h', 'n')
  local life = math.max(access ~= '' and token_seconds or 0, refresh ~= '' and refresh_seconds or 0)
  if access ~= '' then redis.call('SET', P .. 'a:' .. access, grant .. '\\n' .. token, 'EX', token_seconds) end
  if refresh ~= '' then
    redis.call('HSET', P .. 'r:' .. refresh, 'g', grant, 'n', m[3])
    redis.call('EXPIRE', P .. 'r:' .. refresh, refresh_seconds)
  end
  if life > 0 then
    raise_ttl(key, life + {MARGIN_SECONDS})
    raise_ttl(P .. 'k:' .. m[1], life + {MARGIN_SECONDS})
    raise_ttl(P .. 'w:' .. m[2], life + {MARGIN_SECONDS})
  end
end
""",
}
"""What steps have in common, by name, each after those that it calls; a step brings along what it needs."""


def scripted(name: str, text: str, *, must_last: bool = True) -> Script:
    """A step of that name, with the functions that it calls before it."""
    whole = text
    for function in reversed(FUNCTIONS):
        if f"{function}(" in whole:
            whole = FUNCTIONS[function] + whole
    whole = f"local P = ARGV[1]\n{whole}"
    return Script(name, whole, hashlib.sha1(whole.encode(), usedforsecurity=False).hexdigest(), must_last)


# key, seconds
COUNT: Final = scripted(
    "count",
    """
local seen = redis.call('INCR', P .. ARGV[2])
if seen == 1 then redis.call('EXPIRE', P .. ARGV[2], ARGV[3]) end
return seen
""",
)
