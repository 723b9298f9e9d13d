import { OUT_OF_ORDER_CODE } from '../errors.js';
import { agreeLua, safetyLua } from './agree.lua.js';
import { generationsLua } from './generations.lua.js';
import { patternsLua } from './patterns.lua.js';
import { retentionLua } from './retention.lua.js';

/**
 * Appends drafts at adjacent positions, except those whose id is known, trims, and wakes the nodes.
 *
 * - KEYS[1..4] and ARGV[1..9]: see `agree.lua.ts`.
 * - KEYS[5..] the indexes of the drafts' topics, and of all declared patterns that match them.
 * - ARGV[10] token of this append, unique to it.
 * - ARGV[11] `1`: write even if all drafts are known, so that a following WAIT covers their first
 *   append too.
 * - ARGV[12..14] retention: count, ms, bytes.
 * - ARGV[15..16] idempotency: ms and count of ids that a generation takes.
 * - ARGV[17] id of the node.
 * - ARGV[18] token of the node's previous append if that is still in flight, or empty.
 * - ARGV[19..] id, topic and json of each draft.
 *
 * Returns the values of `answer`, then a list with a position for each draft: negative if the id
 * was known.
 *
 * An append may overtake the previous one of its node. That happens if the engine has forgotten the
 * script, and another node loads it between the two appends. It also happens if a Cluster redirects
 * the first. The state has the last token of each node, so the script rejects such an append, and
 * the node sends it again.
 *
 * A script that fails is not rolled back. The engine rejects the first write if it is out of memory
 * or read-only. If this append begins an epoch, that is its first write, and the engine accepts it
 * even without free memory. While a slot moves to another node of a Cluster, the engine also
 * rejects a write that would create a key: an index, or a new generation of ids. So the script
 * writes these first. Readers skip a position that only an index has, and the next append uses that
 * position.
 */
export const appendLua = `${agreeLua}${safetyLua}${generationsLua}${patternsLua}${retentionLua}
-- An append removes at most this many entries per new entry. More than one, so that a backlog
-- shrinks.
local TRIM_RATIO = 2
local FIRST = 19
-- Values in one command: a few commands cost less than one for each draft. Lua's stack holds 8,000.
local CHUNK = 1000

local function in_chunks(command, key, values)
  for at = 1, #values, CHUNK do
    redis.call(command, key, unpack(values, at, math.min(at + CHUNK - 1, #values)))
  end
end

local log = agree()
local NODE, PREVIOUS = 'node:' .. ARGV[17], ARGV[18]
local m = redis.call('HMGET', META, 'time', 'generation', 'bytes', 'oldest', 'records', 'recordbytes', NODE, 'patterns')
if PREVIOUS ~= '' and m[7] ~= PREVIOUS then
  error({ err = '${OUT_OF_ORDER_CODE} The previous append of this node has not arrived.' })
end
local now = math.max(now_ms(), tonumber(m[1] or 0))
local generation = tonumber(m[2] or 0)
local ids, older = KEYS[3 + generation], KEYS[4 - generation]
local bytes, oldest = tonumber(m[3] or 0), tonumber(m[4] or 0)
local records, record_bytes = tonumber(m[5] or 0), tonumber(m[6] or 0)

local patterns = patterns_of(m[8])
local positions, fresh, added, head = {}, {}, {}, nil
local topics, remembered = {}, {}
for from = FIRST, #ARGV, 3 * CHUNK do
  local asked = {}
  for i = from, math.min(from + 3 * CHUNK - 1, #ARGV), 3 do asked[#asked + 1] = ARGV[i] end
  local newer, old = redis.call('HMGET', ids, unpack(asked)), redis.call('HMGET', older, unpack(asked))
  for at, id in ipairs(asked) do
    local first = fresh[id] or newer[at] or old[at]
    if first then
      positions[#positions + 1] = -first
    else
      head = (head or log.head) + 1
      local i, position = from + 3 * (at - 1), text(head)
      local index = topics[ARGV[i + 1]] or {}
      topics[ARGV[i + 1]] = index
      index[#index + 1], index[#index + 2] = position, position
      for _, pattern in ipairs(patterns) do
        if covers(pattern, ARGV[i + 1]) then
          index = topics[pattern.name] or {}
          topics[pattern.name] = index
          index[#index + 1], index[#index + 2] = position, position
        end
      end
      remembered[#remembered + 1], remembered[#remembered + 2] = id, position
      positions[#positions + 1] = head
      fresh[id] = head
      added[#added + 1] = i
    end
  end
end
check_listed(patterns, topics)
for topic, index in pairs(topics) do in_chunks('ZADD', base .. 't:' .. topic, index) end
if head then in_chunks('HSET', turn_generation(now, tonumber(ARGV[15]), tonumber(ARGV[16])), remembered) end
for _, i in ipairs(added) do
  local id, json = ARGV[i], ARGV[i + 2]
  redis.call('XADD', LOG, text(fresh[id]) .. '-0', 'i', id, 't', ARGV[i + 1], 'j', json, 'm', text(now), 'n', ARGV[10])
  bytes = bytes + #json
  if is_record(ARGV[i + 1]) then records, record_bytes = records + 1, record_bytes + #json end
end
if head then
  log.head, log.token = head, ARGV[10]
  if oldest == 0 then oldest = now end
  redis.call('HSET', META, 'head', text(log.head), 'token', log.token, 'time', text(now),
    'bytes', text(bytes), 'oldest', text(oldest), 'records', text(records), 'recordbytes', text(record_bytes), NODE, ARGV[10], safety(log))
  local keep = { count = tonumber(ARGV[12]), ms = tonumber(ARGV[13]), bytes = tonumber(ARGV[14]) }
  trim(log, now, keep, #added * TRIM_RATIO + SLICE, patterns)
  redis.call('PUBLISH', base .. 'wake', '')
elseif ARGV[11] == '1' then
  redis.call('HSET', META, 'touched', text(now), NODE, ARGV[10])
else
  -- Known drafts need no write: an engine that is out of memory still answers.
  redis.pcall('HSET', META, NODE, ARGV[10])
end
return answer(log, positions)
`;
