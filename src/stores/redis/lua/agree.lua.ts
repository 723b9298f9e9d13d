import { PAST_EPOCHS_MAX } from '../../../core/store.js';
import { BEHIND_CODE } from '../errors.js';

/**
 * The first part of every script. It checks whether the log is still the log that the node knows.
 * If it may be another log, the script begins a new epoch in the same atomic step. So all nodes
 * agree on one epoch.
 *
 * Reasons for a new epoch:
 * - The engine's replication id changed: it restarted, or a replica was promoted, or the log moved
 *   to another engine. Entries after the last kept entry may be lost, even if no running node has
 *   seen them. The new epoch continues the old one up to the head. `lost` says whether a loss is
 *   possible. If it is not, an engine without enough replicas answers reads in the old epoch.
 * - The head is below a position that the node has seen, or another append is at that position.
 * - The engine is at an earlier epoch than the node, or at another epoch with the same number, or
 *   has no log. Such an engine may also be a primary that was replaced. So the node waits first:
 *   see `LogState`.
 *
 * - KEYS[1] `meta`: hash, the state of the log. The names of all other keys have the same prefix.
 * - KEYS[2] `log`: stream of the entries; the id is `<position>-0`.
 * - KEYS[3], KEYS[4] `ids:0`, `ids:1`: hashes from id to position, the two generations of the
 *   idempotency window.
 *
 * The index of a topic is a sorted set of positions, `t:<topic>`. Retention also reaches indexes
 * that are not listed. Readers ignore positions up to `trimmed`, so an index that retention does
 * not reach causes no error.
 *
 * - ARGV[1..4] the node's knowledge: number of epochs so far, epoch id, a position, the token of
 *   the append at that position.
 * - ARGV[5..6] id and secret of a new epoch, in case one is needed. Each call has different ones.
 * - ARGV[7] `1`: the node no longer waits for an engine that is behind or empty.
 * - ARGV[8] `1`: the engine has an append on its disk before it replies.
 * - ARGV[9] replicas that an append waits for.
 *
 * Field order of an entry in the stream: id, topic, json, time (ms), token of its append.
 *
 * `before`: the past epochs, newest first, one per line: id, secret, last shared position, 1 if
 * entries were lost.
 */
export const agreeLua = `
local base = string.sub(KEYS[1], 1, -5)
local META, LOG = KEYS[1], KEYS[2]
local ID, TOPIC, JSON, TIME, TOKEN = 2, 4, 6, 8, 10
local NEVER_REPLICA = string.rep('0', 40)
-- The clocks of two engines differ by less than this.
local SKEW_MS = 5000
-- A failover takes less than this. If the last entry of a replica is older than this, the replica
-- was detached before the failover.
local STALE_MS = 120000

local function text(number)
  return string.format('%.0f', number)
end

local function position_of(entry)
  return tonumber(string.match(entry[1], '^%d+'))
end

local function entry_at(position)
  local id = text(position) .. '-0'
  return redis.call('XRANGE', LOG, id, id)[1]
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- True if the log still holds the append that the node knows.
local function remembers(log, epoch, position, token)
  if log.epoch ~= epoch or position == 0 then return true end
  if log.head < position then return false end
  if log.head == position then return log.token == token end
  if position <= log.trimmed then return true end
  local entry = entry_at(position)
  if not entry then return position <= tonumber(redis.call('HGET', META, 'removed') or 0) end
  return entry[2][TOKEN] == token
end

-- True if this engine certainly has every append that the previous engine acknowledged.
local function has_all(info)
  local m = redis.call('HMGET', META, 'time', 'synced', 'waited', 'replicas', 'beat')
  local now = now_ms()
  local uptime_s = tonumber(string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)'))
  local started_first = now - uptime_s * 1000 + SKEW_MS <= tonumber(m[1] or 0)
  local restarted = not started_first and string.match(info, 'master_replid2:(%w+)') == NEVER_REPLICA
  local waited = m[3] == '1'
  -- The engine restarted from its own disk. If it has replicas, it may have been a replica before.
  if restarted then return m[2] == '1' and (waited or tonumber(m[4] or 0) == 0) end
  -- The engine was a replica when the last entry arrived. Since then, no append was acknowledged
  -- without it.
  local is_fresh = now - math.max(tonumber(m[1] or 0), tonumber(m[5] or 0)) < STALE_MS
  return started_first and waited and is_fresh
end

-- An engine without free memory rejects the first write of a script, but it accepts every HDEL and
-- all writes after it. So a script that must run on a full engine calls this before it writes.
local function begin_writes()
  redis.call('HDEL', META, 'none')
end

-- True if the engine rejects writes because too few replicas are connected to it.
local function lacks_replicas()
  local reply = redis.pcall('HDEL', META, 'none')
  return type(reply) == 'table' and string.find(reply.err, 'NOREPLICAS', 1, true) ~= nil
end

-- The past epochs of a log that continues the present one from its head.
local function continued(log, lost)
  local lines = { log.epoch .. ' ' .. log.secret .. ' ' .. text(log.head) .. (lost and ' 1' or ' 0') }
  local older = redis.call('HGET', META, 'before') or ''
  for id, secret, up_to, was_lost in string.gmatch(older, '(%S+) (%S+) (%d+) (%d)') do
    if #lines == ${PAST_EPOCHS_MAX} then break end
    up_to = math.min(tonumber(up_to), log.head)
    lines[#lines + 1] = id .. ' ' .. secret .. ' ' .. text(up_to) .. ((lost or was_lost == '1') and ' 1' or ' 0')
  end
  return table.concat(lines, '\\n')
end

-- Begins a new epoch. The argument "before" is empty if the epoch continues no other epoch.
local function renew(log, before)
  begin_writes()
  log.era = math.max(log.era, tonumber(ARGV[1])) + 1
  log.epoch, log.secret, log.before, log.replicas = ARGV[5], ARGV[6], before, log.connected
  redis.call('HSET', META, 'era', text(log.era), 'epoch', log.epoch, 'secret', log.secret, 'before', before,
    'head', text(log.head), 'token', log.token, 'trimmed', text(log.trimmed),
    'history', log.history, 'replicas', text(log.replicas))
  redis.call('PUBLISH', base .. 'wake', '')
end

-- The log or its state is lost. Positions continue after the last position of the log. Earlier
-- positions are no longer valid.
local function start_over(log, exists)
  if not log.epoch and exists then
    local info = redis.call('XINFO', 'STREAM', LOG)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then log.head = tonumber(string.match(info[i + 1], '^%d+')) end
    end
  end
  log.trimmed = log.head
  begin_writes()
  redis.call('HSET', META, 'bytes', '0', 'oldest', '0', 'records', '0', 'recordbytes', '0', 'removed', '0')
  redis.call('UNLINK', LOG, KEYS[3], KEYS[4])
  renew(log, '')
end

local function agree()
  local info = redis.call('INFO', 'replication')
  if not string.find(info, 'role:master', 1, true) then error({ err = 'READONLY The engine is a replica.' }) end
  local m = redis.call('HMGET', META, 'era', 'epoch', 'secret', 'head', 'token', 'trimmed', 'history', 'replicas')
  local log = {
    era = tonumber(m[1] or 0), epoch = m[2], secret = m[3],
    head = tonumber(m[4] or 0), token = m[5] or '', trimmed = tonumber(m[6] or 0), replicas = tonumber(m[8] or 0),
    history = string.match(info, 'master_replid:(%w+)'),
    connected = tonumber(string.match(info, 'connected_slaves:(%d+)')),
  }
  local era = tonumber(ARGV[1])
  local exists = redis.call('EXISTS', LOG) == 1
  local whole = log.epoch and (exists or log.head == log.trimmed)
  local behind = log.era < era or (log.era == era and log.epoch ~= ARGV[2])
  if era > 0 and ARGV[7] ~= '1' and (behind or not whole) then
    error({ err = '${BEHIND_CODE} The engine has an older log than this node has seen, or none.' })
  end
  if not whole then
    start_over(log, exists)
  elseif behind or not remembers(log, ARGV[2], tonumber(ARGV[3]), ARGV[4]) then
    renew(log, continued(log, true))
  elseif log.history ~= m[7] then
    local sure = has_all(info)
    -- A new epoch is a write. Until the engine accepts it, reads continue in the old epoch if that
    -- epoch is complete. All other writes are rejected, too.
    if not (sure and lacks_replicas()) then renew(log, continued(log, not sure)) end
  end
  return log
end

-- Builds the answer: the state of the log, then the values of the script. The past epochs are left
-- out if the node already knows the epoch.
local function answer(log, ...)
  local before = ''
  if log.epoch ~= ARGV[2] then before = log.before or redis.call('HGET', META, 'before') or '' end
  local replicas = math.max(log.replicas, log.connected)
  return { log.era, log.epoch, log.secret, log.head, log.token, log.trimmed, replicas, before, ... }
end
`;

/**
 * The scripts that write use this part. It records how safe the last write is, for the next engine
 * of this log.
 */
export const safetyLua = `
local function safety(log)
  local wait = tonumber(ARGV[9])
  log.replicas = math.max(log.replicas, log.connected)
  return 'synced', ARGV[8], 'replicas', text(log.replicas), 'waited', wait > 0 and wait >= log.replicas and '1' or '0'
end
`;
