import { RESERVED_TOPIC_PREFIX } from '../../../core/revocation.js';

/**
 * The declared patterns of the log. The field `patterns` of the state has a line for each: its name
 * and the position after which it is indexed. The one that was declared longest ago is first. The
 * index of a pattern is a sorted set, like the index of a topic: `t:<pattern>`. No topic can have
 * the name of a pattern.
 */
export const patternsLua = `
-- Whether a topic is one of the library's own records.
local function is_record(topic)
  return string.sub(topic, 1, 1) == '${RESERVED_TOPIC_PREFIX}'
end

local function patterns_of(lines)
  local patterns = {}
  for name, since in string.gmatch(lines or '', '(%S+) (%d+)') do
    patterns[#patterns + 1] = { name = name, prefix = string.sub(name, 1, -2), since = tonumber(since) }
  end
  return patterns
end

local function covers(pattern, topic)
  return string.sub(topic, 1, #pattern.prefix) == pattern.prefix and not is_record(topic)
end
`;
