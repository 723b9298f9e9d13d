import { agreeLua, safetyLua } from './agree.lua.js';
import { patternsLua } from './patterns.lua.js';

/**
 * Removes entries of a topic after a position and up to another one: from the stream and from the
 * indexes of the topic and of patterns. It also removes their ids.
 *
 * - KEYS[1..4] and ARGV[1..9]: see `agree.lua.ts`.
 * - KEYS[5] the index of the topic; KEYS[6..] the indexes of the patterns that match it.
 * - ARGV[10] topic; ARGV[11] after; ARGV[12] up to; ARGV[13] entries at most.
 * - ARGV[14] bytes of JSON after which to stop.
 * - ARGV[15] the epoch that the positions belong to. In another epoch nothing is removed.
 *
 * Returns the values of `answer`, then the number of removed entries, the position up to which the
 * index was read, and 1 if it may have more positions.
 *
 * `removed` of the state is the highest removed position. A position up to there may have no entry,
 * although nothing is lost; see `remembers`.
 *
 * A script that fails is not rolled back. If the engine is read-only, only the first write is
 * rejected. If it is out of memory, no write is: see `begin_writes`. The index is last, so a
 * repeated call finds the same entries.
 */
export const removeLua = `${agreeLua}${safetyLua}${patternsLua}
local log = agree()
if log.epoch ~= ARGV[15] then return answer(log, 0, 0, 1) end
local INDEX, NAME = KEYS[5], ARGV[10]
local patterns = patterns_of(redis.call('HGET', META, 'patterns'))
check_listed(patterns, { [NAME] = true })
local upto, entries_max, bytes_max = math.min(tonumber(ARGV[12]), log.head), tonumber(ARGV[13]), tonumber(ARGV[14])
local positions = redis.call('ZRANGEBYSCORE', INDEX, '(' .. ARGV[11], text(upto), 'LIMIT', 0, entries_max)
local more = #positions == entries_max and 1 or 0
local read, entries, ids, at, removed_bytes = {}, {}, {}, {}, 0
local last = tonumber(ARGV[11])
for _, position in ipairs(positions) do
  if removed_bytes >= bytes_max then
    more = 1
    break
  end
  last = tonumber(position)
  read[#read + 1] = position
  local entry = entry_at(last)
  -- An index that survived the loss of its log may have positions that other topics use now.
  if entry and entry[2][TOPIC] == NAME then
    entries[#entries + 1], ids[#ids + 1], at[#at + 1] = entry[1], entry[2][ID], position
    removed_bytes = removed_bytes + #entry[2][JSON]
  end
end
if #entries > 0 then
  local m = redis.call('HMGET', META, 'bytes', 'records', 'recordbytes', 'oldest', 'removed')
  local records, record_bytes = tonumber(m[2] or 0), tonumber(m[3] or 0)
  if is_record(NAME) then records, record_bytes = records - #entries, record_bytes - removed_bytes end
  local oldest = redis.call('XLEN', LOG) == #entries and '0' or m[4] or '0'
  begin_writes()
  redis.call('HSET', META, 'bytes', text(tonumber(m[1] or 0) - removed_bytes), 'records', text(math.max(records, 0)),
    'recordbytes', text(math.max(record_bytes, 0)), 'oldest', oldest,
    'removed', text(math.max(tonumber(at[#at]), tonumber(m[5] or 0))), safety(log))
  for _, generation in ipairs({ KEYS[3], KEYS[4] }) do
    local known = {}
    for i, position in ipairs(redis.call('HMGET', generation, unpack(ids))) do
      if position == at[i] then known[#known + 1] = ids[i] end
    end
    -- One command for all ids: a command for each would make the append-only file much larger.
    if #known > 0 then redis.call('HDEL', generation, unpack(known)) end
  end
  redis.call('XDEL', LOG, unpack(entries))
end
if #read > 0 then
  for _, pattern in ipairs(patterns) do
    if covers(pattern, NAME) then redis.call('ZREM', base .. 't:' .. pattern.name, unpack(read)) end
  end
  redis.call('ZREM', INDEX, unpack(read))
end
return answer(log, #entries, last, more)
`;
