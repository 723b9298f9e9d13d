import { agreeLua } from './agree.lua.js';
import { retentionLua } from './retention.lua.js';

/**
 * Removes what has become too old while nobody appended.
 *
 * KEYS and ARGV[1..6]: see `agree.lua.ts`
 * ARGV[7..9] retention: count, ms, bytes
 * ARGV[10] entries to remove at most
 *
 * Answers what `answer` gives, then how many were removed.
 */
export const trimLua = `${agreeLua}${retentionLua}
local log = agree()
local keep = { count = tonumber(ARGV[7]), ms = tonumber(ARGV[8]), bytes = tonumber(ARGV[9]) }
return answer(log, trim(log, now_ms(), keep, tonumber(ARGV[10])))
`;
