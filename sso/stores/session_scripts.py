"""Steps about sessions: who is signed in where, what clients know of it, and what is told of it later."""

from typing import Final

from sso.stores.scripts import scripted

# digest, handle, replaced digest or "", person, upstream sid or "", seen, absolute end, idle, history line,
# code or "", grant id, grant, client, seconds of the code, then fields
OPEN: Final = scripted(
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
redis.call('HSET', key, 'h', handle, 'u', person, 'x', sid, unpack(ARGV, 16))
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
if ARGV[11] ~= '' then return issue(ARGV[11], ARGV[12], ARGV[13], ARGV[14], handle, tonumber(ARGV[15])) end
return 1
""",
)

# digest, now, idle
SESSION: Final = scripted(
    "session",
    """
return live(P .. 's:' .. ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
""",
    must_last=False,  # but for the idle time, which a failover may shorten
)

# cookie, now, idle
BOUND: Final = scripted(
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
BY_HANDLE: Final = scripted(
    "session_by_handle",
    """
local digest = redis.call('GET', P .. 'h:' .. ARGV[2])
if not digest then return false end
return whole(P .. 's:' .. digest)
""",
    must_last=False,
)

# digest, client, participation, history line
JOIN: Final = scripted(
    "join",
    """
local key = P .. 's:' .. ARGV[2]
local person = redis.call('HGET', key, 'u')
if not person then return false end
if redis.call('HSETNX', key, 'p:' .. ARGV[3], ARGV[4]) == 1 then tell(person, ARGV[5]) end
return redis.call('HGET', key, 'p:' .. ARGV[3])
""",
)

# digest
END: Final = scripted(
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
BY_PERSON: Final = scripted(
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
BY_UPSTREAM_SID: Final = scripted(
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
HISTORY: Final = scripted("history", "return redis.call('LRANGE', P .. 'y:' .. ARGV[2], 0, -1)", must_last=False)
