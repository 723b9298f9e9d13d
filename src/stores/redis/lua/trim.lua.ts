import { agreeLua } from './agree.lua.js';
import { retentionLua } from './retention.lua.js';

/**
 * Removes what has become too old while nobody appended.
 *
 * KEYS and ARGV[1..9]: see `agree.lua.ts`
 * ARGV[10..12] retention: count, ms, bytes
 * ARGV[13] entries to remove at most
 *
 * Answers what `answer` gives, then how many were removed.
 */
export const trimLua = `${agreeLua}${retentionLua}
local log = agree()
local keep = { count = tonumber(ARGV[10]), ms = tonumber(ARGV[11]), bytes = tonumber(ARGV[12]) }
return answer(log, trim(log, now_ms(), keep, tonumber(ARGV[13])))
`;
