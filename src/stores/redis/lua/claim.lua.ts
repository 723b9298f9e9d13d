import { agreeLua, safetyLua } from './agree.lua.js';

/**
 * Claims a key, unless it is claimed, and removes claims that have expired.
 *
 * A claim is a member of a sorted set without a time to live. The engine may evict keys that have
 * one, and a used ticket would be valid again. The score is the claim's number. `shared/claims.ts`
 * explains how claims expire by number.
 *
 * - KEYS[1..4] and ARGV[1..9]: see `agree.lua.ts`.
 * - KEYS[5..] `claims:<group>`, one sorted set per group.
 * - ARGV[10] key; ARGV[11] group, from 0.
 * - ARGV[12] the epoch of ARGV[13..15]; ARGV[13] the highest number that the node has received.
 * - ARGV[14..15] group and number up to which claims have expired; the group is -1 if none have.
 * - ARGV[16] claims to remove at most; ARGV[17] claims that the store may hold.
 *
 * Returns the values of `answer`, then the claim's number and the number of removed claims. The
 * claim's number is 0 if the key was claimed before, and -1 if there are too many claims.
 */
export const claimLua = `${agreeLua}${safetyLua}
local FIRST = 5
local log = agree()

local count = tonumber(redis.call('HGET', META, 'claims'))
if not count then
  -- This is the first claim, or only the state was lost. Numbers continue above the numbers of the
  -- kept claims.
  count = 0
  for i = FIRST, #KEYS do
    local last = redis.call('ZREVRANGE', KEYS[i], 0, 0, 'WITHSCORES')
    if last[2] then count = math.max(count, tonumber(last[2])) end
  end
end
local same = log.epoch == ARGV[12]
if same and count < tonumber(ARGV[13]) then
  -- The engine has lost acknowledged claims. Tickets are sealed with the epoch, so a new epoch
  -- makes all of them invalid.
  renew(log, continued(log, true))
  same = false
end

local removed = 0
local expired = tonumber(ARGV[14])
if same and expired >= 0 then
  local claims = KEYS[FIRST + expired]
  removed = math.min(redis.call('ZCOUNT', claims, '-inf', ARGV[15]), tonumber(ARGV[16]))
  if removed > 0 then redis.call('ZREMRANGEBYRANK', claims, 0, removed - 1) end
end

local held = 0
for i = FIRST, #KEYS do
  if redis.call('ZSCORE', KEYS[i], ARGV[10]) then return answer(log, 0, removed) end
  held = held + redis.call('ZCARD', KEYS[i])
end
if held >= tonumber(ARGV[17]) then return answer(log, -1, removed) end
count = count + 1
redis.call('HSET', META, 'claims', text(count), safety(log))
redis.call('ZADD', KEYS[FIRST + tonumber(ARGV[11])], text(count), ARGV[10])
return answer(log, count, removed)
`;
