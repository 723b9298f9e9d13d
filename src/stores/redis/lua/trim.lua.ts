import { agreeLua } from './agree.lua.js';
import { generationsLua } from './generations.lua.js';
import { patternsLua } from './patterns.lua.js';
import { retentionLua } from './retention.lua.js';

/**
 * Removes the entries, and forgets the ids, that have become too old since the last append.
 *
 * - KEYS and ARGV[1..9]: see `agree.lua.ts`.
 * - ARGV[10..12] retention: count, ms, bytes.
 * - ARGV[13] entries to remove at most.
 * - ARGV[14..15] idempotency: ms and count of ids that a generation takes.
 *
 * Returns the values of `answer`, then the number of removed entries.
 */
export const trimLua = `${agreeLua}${generationsLua}${patternsLua}${retentionLua}
local log = agree()
local keep = { count = tonumber(ARGV[10]), ms = tonumber(ARGV[11]), bytes = tonumber(ARGV[12]) }
local now = now_ms()
-- Replicas receive this time; has_all uses it.
if tonumber(ARGV[9]) > 0 then
  begin_writes()
  redis.call('HSET', META, 'beat', text(now))
end
turn_generation(now, tonumber(ARGV[14]), tonumber(ARGV[15]))
local patterns = patterns_of(redis.call('HGET', META, 'patterns'))
return answer(log, trim(log, now, keep, tonumber(ARGV[13]), patterns))
`;
