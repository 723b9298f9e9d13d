import { agreeLua } from './agree.lua.js';
import { patternsLua } from './patterns.lua.js';

/**
 * The script that reads a page of some topics by their indexes, after a position or before one. The
 * cost grows with the number of topics and of entries returned.
 *
 * - KEYS[1..4] and ARGV[1..9]: see `agree.lua.ts`.
 * - KEYS[5..] the indexes of the topics and patterns.
 * - ARGV[10] the position; ARGV[11] limit; ARGV[12] bytesMax; ARGV[13..] topics and patterns.
 *
 * Returns the values of `answer`, then 1 if there is more, and a flat list: position, id, topic,
 * json and its bytes.
 */
function pageLua(direction: 'after' | 'before'): string {
  const isAfter = direction === 'after';
  return `${agreeLua}${patternsLua}
-- The minimum number of positions in one fetch, because a call costs more than a few positions.
local SLICE_MIN = 8

local log = agree()
local position, limit, bytes_max = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])

-- Returns positions of all topics in the order of the page: at most one more than the limit. Each
-- round fetches a slice of every topic that is not at its end. It takes the positions up to the
-- nearest end of a slice, because every slice is complete up to there.
local function merged(from)
  local open, found = {}, {}
  for i = 5, #KEYS do open[#open + 1] = KEYS[i] end
  while #open > 0 and #found <= limit do
    local slice = math.max(SLICE_MIN, math.ceil(2 * (limit + 1 - #found) / #open))
    local round, still_open, bound = {}, {}, nil
    for _, topic in ipairs(open) do
      local some = ${
        isAfter
          ? "redis.call('ZRANGEBYSCORE', topic, '(' .. text(from), text(log.head), 'LIMIT', 0, slice)"
          : "redis.call('ZREVRANGEBYSCORE', topic, '(' .. text(from), '(' .. text(log.trimmed), 'LIMIT', 0, slice)"
      }
      for i = 1, #some do
        some[i] = tonumber(some[i])
        round[#round + 1] = some[i]
      end
      if #some == slice then
        still_open[#still_open + 1] = topic
        bound = bound and math.${isAfter ? 'min' : 'max'}(bound, some[slice]) or some[slice]
      elseif #some > 0 then
        still_open[#still_open + 1] = topic
      end
    end
    table.sort(round${isAfter ? '' : ', function(a, b) return a > b end'})
    for _, position in ipairs(round) do
      if bound and position ${isAfter ? '>' : '<'} bound then break end
      -- A position occurs twice only after a failed append left an index behind: see append.lua.ts.
      if position ~= found[#found] then found[#found + 1] = position end
    end
    if not bound then break end
    open, from = still_open, bound
  end
  return found
end

-- Entries up to trimmed are removed. Positions after the head are those of an append that failed.
local start = ${isAfter ? 'math.max(position, log.trimmed)' : 'math.min(position, log.head + 1)'}
local asked, asked_patterns, complete_after = {}, {}, log.trimmed
for i = 13, #ARGV do
  asked[ARGV[i]] = true
  if string.sub(ARGV[i], -1) == '*' then asked_patterns[#asked_patterns + 1] = ARGV[i] end
end
if #asked_patterns > 0 then
  local since = {}
  for _, pattern in ipairs(patterns_of(redis.call('HGET', META, 'patterns'))) do since[pattern.name] = pattern.since end
  for i, name in ipairs(asked_patterns) do
    complete_after = math.max(complete_after, since[name] or log.head)
    asked_patterns[i] = { prefix = string.sub(name, 1, -2) }
  end
end
local function is_asked(topic)
  if asked[topic] then return true end
  for _, pattern in ipairs(asked_patterns) do
    if covers(pattern, topic) then return true end
  end
  return false
end
local entries, count, bytes, more = {}, 0, 0, 0
while limit > 0 and more == 0 do
  local positions = merged(start)
  for _, position in ipairs(positions) do
    local entry = entry_at(position)
    -- An index that survived the loss of its log may have positions that other topics use now.
    if entry and is_asked(entry[2][TOPIC]) then
      local json = entry[2][JSON]
      bytes = bytes + #json
      if count >= limit or (count > 0 and bytes > bytes_max) then
        more = 1
        break
      end
      count = count + 1
      local at = #entries
      entries[at + 1], entries[at + 2], entries[at + 3] = position, entry[2][ID], entry[2][TOPIC]
      entries[at + 4], entries[at + 5] = json, #json
    end
  end
  if #positions <= limit then break end
  -- Some positions had no entry of these topics, so the page continues after them.
  start = positions[#positions]
end
log.trimmed = complete_after
return answer(log, more, entries)
`;
}

export const readLua = pageLua('after');
/** The page has the newest entries before the position, newest first. */
export const historyLua = pageLua('before');
