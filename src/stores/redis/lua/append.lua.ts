import { agreeLua, safetyLua } from './agree.lua.js';
import { retentionLua } from './retention.lua.js';

/**
 * Appends drafts next to each other, except those whose id is known, trims, and wakes the nodes.
 *
 * KEYS and ARGV[1..9]: see `agree.lua.ts`
 * ARGV[10] token of this append, unique to it
 * ARGV[11] `1`: write even if all drafts are known, so that a WAIT behind it waits for their first append too
 * ARGV[12..14] retention: count, ms, bytes
 * ARGV[15..16] idempotency: ms and count of ids that a generation takes
 * ARGV[17..] id, topic and json of each draft
 *
 * Answers what `answer` gives, then a list with a position for each draft: below 0 if the id was known.
 *
 * A script that fails is not rolled back. Out of memory and read-only are refused at its first write; an index that is
 * not here, because its slot moves to another node of a Cluster, when it is reached. So indexes are written first: a
 * position that stands in an index only is passed over by readers, and given to the next append.
 */
export const appendLua = `${agreeLua}${safetyLua}${retentionLua}
-- Trimmed for each entry appended: more than one, so that a backlog shrinks.
local TRIM_RATIO = 2

local log = agree()
local m = redis.call('HMGET', META, 'time', 'generation', 'since', 'bytes', 'oldest', 'records', 'recordbytes')
local now = math.max(now_ms(), tonumber(m[1] or 0))
local generation, since = tonumber(m[2] or 0), tonumber(m[3] or 0)
local ids, older = KEYS[3 + generation], KEYS[4 - generation]
local bytes, oldest = tonumber(m[4] or 0), tonumber(m[5] or 0)
local records, record_bytes = tonumber(m[6] or 0), tonumber(m[7] or 0)

-- An id is remembered for one generation's age at least, for two at most; forgetting costs one UNLINK.
local function turn_generation()
  if now - since < tonumber(ARGV[15]) and redis.call('HLEN', ids) < tonumber(ARGV[16]) then return end
  redis.call('HSET', META, 'generation', 1 - generation, 'since', text(now))
  redis.call('UNLINK', older)
  ids, older = older, ids
end

local positions, fresh, added, head = {}, {}, {}, nil
for i = 17, #ARGV, 3 do
  local id = ARGV[i]
  local first = fresh[id] or redis.call('HGET', ids, id) or redis.call('HGET', older, id)
  if first then
    positions[#positions + 1] = -first
  else
    if not head then
      turn_generation()
      head = log.head
    end
    head = head + 1
    local position = text(head)
    redis.call('ZADD', base .. 't:' .. ARGV[i + 1], position, position)
    positions[#positions + 1] = head
    fresh[id] = head
    added[#added + 1] = i
  end
end
for _, i in ipairs(added) do
  local id, json = ARGV[i], ARGV[i + 2]
  local position = text(fresh[id])
  redis.call('XADD', LOG, position .. '-0', 'i', id, 't', ARGV[i + 1], 'j', json, 'm', text(now), 'n', ARGV[10])
  redis.call('HSET', ids, id, position)
  bytes = bytes + #json
  if is_record(ARGV[i + 1]) then records, record_bytes = records + 1, record_bytes + #json end
end
if head then
  log.head, log.token = head, ARGV[10]
  if oldest == 0 then oldest = now end
  redis.call('HSET', META, 'head', text(log.head), 'token', log.token, 'time', text(now),
    'bytes', text(bytes), 'oldest', text(oldest), 'records', text(records), 'recordbytes', text(record_bytes), safety(log))
  local keep = { count = tonumber(ARGV[12]), ms = tonumber(ARGV[13]), bytes = tonumber(ARGV[14]) }
  trim(log, now, keep, #added * TRIM_RATIO + SLICE)
  redis.call('PUBLISH', base .. 'wake', '')
elseif ARGV[11] == '1' then
  redis.call('HSET', META, 'touched', text(now))
end
return answer(log, positions)
`;
