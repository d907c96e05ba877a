"""Steps about sign-outs that clients must hear of: waiting, leased, delivered, given up."""

from typing import Final

from sso.stores.scripts import DELIVERED_SECONDS, DELIVERY_SECONDS, scripted

# then id, client, next_at, created_at, value of each
ENQUEUE: Final = scripted(
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
DUE: Final = scripted(
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
SETTLED: Final = scripted(
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

BACKLOG: Final = scripted(
    "backlog",
    f"""
redis.call('ZREMRANGEBYSCORE', P .. 'f', '-inf', redis.call('TIME')[1] - {DELIVERY_SECONDS})
return {{redis.call('ZCARD', P .. 'q'), redis.call('ZCARD', P .. 'f')}}
""",
    must_last=False,
)

# client or ""
DELIVERIES: Final = scripted(
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
