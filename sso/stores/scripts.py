"""The steps that must be all or nothing, as the store itself runs them (Lua, EVALSHA).

Every key begins with one prefix that carries a hash tag, so that all keys of sign-in lie on one node of a cluster;
scripts make the names of keys that they find, which a cluster without that tag would refuse.

    par:REFERENCE   a pushed request                    try:STATE    an attempt
    s:SESSION       a session: v value, s seen, e absolute end, h handle, u person, x upstream's sid,
                    p:CLIENT participation, c:CLIENT consent
    h:HANDLE        its session                         u:PERSON     sessions of a person, by their absolute end
    x:UPSTREAM-SID  sessions that an upstream names     y:PERSON     sign-in history
    k:CODE          g grant, c client, u used           g:GRANT      v value, c client, k code, h session's handle,
    a:ACCESS        grant, newline, token               r:REFRESH    g grant, n generation
                                                                     n generation in force, t since
    w:HANDLE        grants of a session                 ended:HANDLE it was ended: nothing more is issued for it
    b:COOKIE        session's handle, newline, binding of a portal host's cookie
    d:DELIVERY      v value, s state, c client          q, l, f      deliveries that wait, all, and those given up

A grant is in force while g:GRANT is there: revoking is one deletion, whatever was issued from it.
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


_COMMON: Final = f"""
local P = ARGV[1]
local function raise_ttl(key, seconds)
  seconds = math.floor(seconds)
  if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
end
local function tell(person, line)
  if person == '' or line == '' then return end
  local key = P .. 'y:' .. person
  redis.call('LPUSH', key, line)
  redis.call('LTRIM', key, 0, {HISTORY_LENGTH - 1})
  redis.call('EXPIRE', key, {HISTORY_SECONDS})
end
-- A hash as one text: twenty short strings cost the client ten times as much to read.
local function whole(key)
  local all = redis.call('HGETALL', key)
  return #all > 0 and cjson.encode(all)
end
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
local function unlist(digest, person, sid)
  if person then redis.call('ZREM', P .. 'u:' .. person, digest) end
  if sid and sid ~= '' then redis.call('SREM', P .. 'x:' .. sid, digest) end
end
local function end_grants(handle)
  local key = P .. 'w:' .. handle
  for _, grant in ipairs(redis.call('SMEMBERS', key)) do redis.call('DEL', P .. 'g:' .. grant) end
  redis.call('DEL', key)
  redis.call('SET', P .. 'ended:' .. handle, '1', 'EX', {ENDED_SECONDS})
end
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
"""


def _script(name: str, text: str, *, must_last: bool = True) -> Script:
    whole = _COMMON + text
    return Script(name, whole, hashlib.sha1(whole.encode(), usedforsecurity=False).hexdigest(), must_last)


# digest, handle, replaced digest or "", person, upstream sid or "", seen, absolute end, idle, history line, then fields
OPEN: Final = _script(
    "open",
    """
local digest, handle, old, person, sid = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local seen, last, idle = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if old ~= '' then
  local o = redis.call('HMGET', P .. 's:' .. old, 'h', 'u', 'x')
  if o[1] then
    unlist(old, o[2], o[3])
    if o[1] ~= handle then
      end_grants(o[1])
      redis.call('DEL', P .. 'h:' .. o[1])
    end
    redis.call('DEL', P .. 's:' .. old)
  end
end
local life = last - seen
if life <= 0 then return 0 end
local key = P .. 's:' .. digest
redis.call('DEL', key, P .. 'ended:' .. handle)
redis.call('HSET', key, 'h', handle, 'u', person, 'x', sid, unpack(ARGV, 11))
redis.call('EXPIRE', key, math.min(idle, life))
redis.call('SET', P .. 'h:' .. handle, digest, 'EX', life)
redis.call('ZREMRANGEBYSCORE', P .. 'u:' .. person, '-inf', seen)
redis.call('ZADD', P .. 'u:' .. person, last, digest)
raise_ttl(P .. 'u:' .. person, life)
if sid ~= '' then
  redis.call('SADD', P .. 'x:' .. sid, digest)
  raise_ttl(P .. 'x:' .. sid, life)
end
tell(person, ARGV[10])
return 1
""",
)

# digest, now, idle
SESSION: Final = _script(
    "session",
    """
return live(P .. 's:' .. ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
""",
    must_last=False,  # but for the idle time, which a failover may shorten
)

# cookie, now, idle
BOUND: Final = _script(
    "bound",
    """
local value = redis.call('GET', P .. 'b:' .. ARGV[2])
local cut = value and string.find(value, '\\n', 1, true)
local digest = cut and redis.call('GET', P .. 'h:' .. string.sub(value, 1, cut - 1))
local all = digest and live(P .. 's:' .. digest, tonumber(ARGV[3]), tonumber(ARGV[4]))
if not all then return false end
return {string.sub(value, cut + 1), all}
""",
    must_last=False,
)

# handle
BY_HANDLE: Final = _script(
    "session_by_handle",
    """
local digest = redis.call('GET', P .. 'h:' .. ARGV[2])
if not digest then return false end
return whole(P .. 's:' .. digest)
""",
    must_last=False,
)

# digest, client, participation, consent or "", history line
JOIN: Final = _script(
    "join",
    """
local key = P .. 's:' .. ARGV[2]
local person = redis.call('HGET', key, 'u')
if not person then return false end
if redis.call('HSETNX', key, 'p:' .. ARGV[3], ARGV[4]) == 1 then tell(person, ARGV[6]) end
if ARGV[5] ~= '' then redis.call('HSET', key, 'c:' .. ARGV[3], ARGV[5]) end
return redis.call('HGET', key, 'p:' .. ARGV[3])
""",
)

# digest
END: Final = _script(
    "end",
    """
local key = P .. 's:' .. ARGV[2]
local all = whole(key)
if not all then return false end
local m = redis.call('HMGET', key, 'h', 'u', 'x')
unlist(ARGV[2], m[2], m[3])
if m[1] then
  end_grants(m[1])
  redis.call('DEL', P .. 'h:' .. m[1])
  local at = redis.call('TIME')[1]
  if m[2] then tell(m[2], '{"at":' .. at .. ',"event":"sign-out","session":' .. cjson.encode(m[1]) .. '}') end
end
redis.call('DEL', key)
return all
""",
)

# person
BY_PERSON: Final = _script(
    "sessions_of",
    """
local found = {}
for _, digest in ipairs(redis.call('ZRANGE', P .. 'u:' .. ARGV[2], 0, -1)) do
  found[#found + 1] = whole(P .. 's:' .. digest) or nil
end
return found
""",
    must_last=False,
)

# upstream sid
BY_UPSTREAM_SID: Final = _script(
    "sessions_by_upstream_sid",
    """
local found = {}
for _, digest in ipairs(redis.call('SMEMBERS', P .. 'x:' .. ARGV[2])) do
  found[#found + 1] = whole(P .. 's:' .. digest) or nil
end
return found
""",
    must_last=False,
)

# person
HISTORY: Final = _script("history", "return redis.call('LRANGE', P .. 'y:' .. ARGV[2], 0, -1)", must_last=False)

# code, grant id, grant, client, handle, seconds
ISSUE: Final = _script(
    "issue",
    f"""
local code, id, handle, seconds = P .. 'k:' .. ARGV[2], ARGV[3], ARGV[6], tonumber(ARGV[7])
if redis.call('EXISTS', P .. 'ended:' .. handle) == 1 then return 0 end
redis.call('HSET', code, 'g', id, 'c', ARGV[5], 'u', '0')
redis.call('EXPIRE', code, seconds)
redis.call('HSET', P .. 'g:' .. id, 'v', ARGV[4], 'c', ARGV[5], 'k', ARGV[2], 'h', handle, 'n', 0, 't', 0)
redis.call('EXPIRE', P .. 'g:' .. id, seconds + {MARGIN_SECONDS})
redis.call('SADD', P .. 'w:' .. handle, id)
raise_ttl(P .. 'w:' .. handle, seconds + {MARGIN_SECONDS})
return 1
""",
)

# code, client, access or "", token, token seconds, refresh or "", refresh seconds
REDEEM: Final = _script(
    "redeem",
    f"""
local code = P .. 'k:' .. ARGV[2]
local m = redis.call('HMGET', code, 'g', 'c', 'u')
if not m[1] then return {{'unknown'}} end
local grant = P .. 'g:' .. m[1]
if m[3] == '1' then
  redis.call('DEL', grant)
  return {{'replayed', m[1], m[2]}}
end
redis.call('HSET', code, 'u', '1')
if m[2] ~= ARGV[3] then
  redis.call('DEL', grant)
  return {{'unknown'}}
end
local value = redis.call('HGET', grant, 'v')
if not value then return {{'unknown'}} end
raise_ttl(code, {MARGIN_SECONDS})
keep(m[1], ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8]))
return {{'redeemed', value}}
""",
)

# grant id, access, token, token seconds, refresh or "", refresh seconds, grant
KEEP_TOKENS: Final = _script(
    "keep_tokens",
    """
if redis.call('EXISTS', P .. 'g:' .. ARGV[2]) == 0 then return 0 end
redis.call('HSET', P .. 'g:' .. ARGV[2], 'v', ARGV[8])
keep(ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7]))
return 1
""",
)

# refresh, client, successor, access or "", token, token seconds, now, refresh seconds, grace
ROTATE: Final = _script(
    "rotate",
    """
local now, grace = tonumber(ARGV[8]), tonumber(ARGV[10])
local r = redis.call('HMGET', P .. 'r:' .. ARGV[2], 'g', 'n')
if not r[1] then return {'unknown'} end
local grant = P .. 'g:' .. r[1]
local m = redis.call('HMGET', grant, 'v', 'c', 'n', 't')
if not m[1] then return {'unknown'} end
if m[2] ~= ARGV[3] then
  redis.call('DEL', grant)
  return {'unknown'}
end
local mine, generation, repeated = tonumber(r[2]), tonumber(m[3]), '0'
if mine == generation then
  redis.call('HSET', grant, 'n', generation + 1, 't', now)
elseif mine == generation - 1 and now - tonumber(m[4]) <= grace then
  repeated = '1'
else
  redis.call('DEL', grant)
  return {'replayed', r[1], m[2]}
end
keep(r[1], ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[4], tonumber(ARGV[9]))
return {'rotated', m[1], repeated}
""",
)

# access
ACCESS: Final = _script(
    "access_token",
    """
local value = redis.call('GET', P .. 'a:' .. ARGV[2])
if not value then return false end
local cut = string.find(value, '\\n', 1, true)
if not cut or redis.call('EXISTS', P .. 'g:' .. string.sub(value, 1, cut - 1)) == 0 then return false end
return string.sub(value, cut + 1)
""",
    must_last=False,
)

# refresh, now, grace
REFRESH_GRANT: Final = _script(
    "refresh_grant",
    """
local r = redis.call('HMGET', P .. 'r:' .. ARGV[2], 'g', 'n')
if not r[1] then return false end
local m = redis.call('HMGET', P .. 'g:' .. r[1], 'v', 'n', 't')
if not m[1] then return false end
local mine, generation, grace = tonumber(r[2]), tonumber(m[2]), tonumber(ARGV[4])
if mine == generation then return m[1] end
if grace > 0 and mine == generation - 1 and tonumber(ARGV[3]) - tonumber(m[3]) <= grace then return m[1] end
return false
""",
    must_last=False,
)

# token, client
REVOKE_TOKEN: Final = _script(
    "revoke_token",
    """
local function of_client(grant) return redis.call('HGET', P .. 'g:' .. grant, 'c') == ARGV[3] end
local value = redis.call('GET', P .. 'a:' .. ARGV[2])
local cut = value and string.find(value, '\\n', 1, true)
if cut and of_client(string.sub(value, 1, cut - 1)) then redis.call('DEL', P .. 'a:' .. ARGV[2]) end
local grant = redis.call('HGET', P .. 'r:' .. ARGV[2], 'g')
if grant and of_client(grant) then redis.call('DEL', P .. 'g:' .. grant, P .. 'r:' .. ARGV[2]) end
return 1
""",
)

# grant
REVOKE_GRANT: Final = _script("revoke_grant", "return redis.call('DEL', P .. 'g:' .. ARGV[2])")

# key, seconds
COUNT: Final = _script(
    "count",
    """
local seen = redis.call('INCR', P .. ARGV[2])
if seen == 1 then redis.call('EXPIRE', P .. ARGV[2], ARGV[3]) end
return seen
""",
)

# then id, client, next_at, created_at, value of each
ENQUEUE: Final = _script(
    "enqueue",
    f"""
for i = 2, #ARGV, 5 do
  local key = P .. 'd:' .. ARGV[i]
  redis.call('HSET', key, 'v', ARGV[i + 4], 's', 'waiting', 'c', ARGV[i + 1])
  redis.call('EXPIRE', key, {DELIVERY_SECONDS})
  redis.call('ZADD', P .. 'q', ARGV[i + 2], ARGV[i])
  redis.call('ZADD', P .. 'l', ARGV[i + 3], ARGV[i])
end
redis.call('EXPIRE', P .. 'q', {DELIVERY_SECONDS})
redis.call('EXPIRE', P .. 'l', {DELIVERY_SECONDS})
return 1
""",
)

# now, limit, lease seconds
DUE: Final = _script(
    "due",
    """
local now, lease = tonumber(ARGV[2]), tonumber(ARGV[4])
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'q', '-inf', now, 'LIMIT', 0, ARGV[3])) do
  local value = redis.call('HGET', P .. 'd:' .. id, 'v')
  if value then
    redis.call('ZADD', P .. 'q', now + lease, id)
    found[#found + 1] = value
  else
    redis.call('ZREM', P .. 'q', id)
  end
end
return found
""",
)

# id, state, next_at, value
SETTLED: Final = _script(
    "settled",
    f"""
local key = P .. 'd:' .. ARGV[2]
local state = redis.call('HGET', key, 's')
if not state or state == 'delivered' then return 0 end
redis.call('HSET', key, 's', ARGV[3], 'v', ARGV[5])
if ARGV[3] == 'waiting' then
  redis.call('ZADD', P .. 'q', ARGV[4], ARGV[2])
  redis.call('EXPIRE', P .. 'q', {DELIVERY_SECONDS})
else
  redis.call('ZREM', P .. 'q', ARGV[2])
end
if ARGV[3] == 'delivered' then redis.call('EXPIRE', key, {DELIVERED_SECONDS}) end
if ARGV[3] == 'given-up' then
  redis.call('ZADD', P .. 'f', redis.call('TIME')[1], ARGV[2])
  redis.call('EXPIRE', P .. 'f', {DELIVERY_SECONDS})
end
return 1
""",
)

BACKLOG: Final = _script(
    "backlog",
    f"""
redis.call('ZREMRANGEBYSCORE', P .. 'f', '-inf', redis.call('TIME')[1] - {DELIVERY_SECONDS})
return {{redis.call('ZCARD', P .. 'q'), redis.call('ZCARD', P .. 'f')}}
""",
    must_last=False,
)

# client or ""
DELIVERIES: Final = _script(
    "deliveries",
    """
local found = {}
for _, id in ipairs(redis.call('ZREVRANGE', P .. 'l', 0, -1)) do
  local m = redis.call('HMGET', P .. 'd:' .. id, 'v', 'c')
  if not m[1] then
    redis.call('ZREM', P .. 'l', id)
  elseif ARGV[2] == '' or ARGV[2] == m[2] then
    found[#found + 1] = m[1]
  end
end
return found
""",
)
