import { redisScript } from '../../clients/redis.ts';

/*
 * Each script is one step that cannot be seen half done. `UNPACK` limits: Lua hands at most some 8,000 values to a command,
 * so callers send at most 1,000 tags at a time.
 * Nothing is rolled back: what may be refused (a list's name under which somebody keeps another type of key, a command we may not use) is asked for
 * before anything is removed, or else what was removed is put back. LLEN and ZCARD fail on another type of key in the server's own words, and need no memory.
 */

/** Holds what was removed from lists. Gives the refusal, or nil. */
const RECORD = `
local function record(unacked, index, fields, scores)
  local reply = redis.pcall('HSET', unacked, unpack(fields))
  if type(reply) == 'number' then reply = redis.pcall('ZADD', index, unpack(scores)) end
  if type(reply) == 'number' then return nil end
  for i = 1, #fields, 2 do redis.pcall('HDEL', unacked, fields[i]) end
  return reply
end`;

/**
 * Takes, holds, and acknowledges what was done with before; acks last, so that the two tables do not become empty and grow anew at each call.
 * KEYS lease, unacked, unacked_index, lists… · ARGV now, how many, longest in bytes, tag prefix, first number, number of lists, which lists to arm ("01…"; "2": not, and its name is not among the keys), a record's end for each list, those names, acked tags…
 * Gives "list:count …" and the envelopes; of one that is too long the beginning, after "!". False: this owner was declared lost.
 * A list that is none ends the taking; it is told by a call that has nothing else to tell.
 * Reading arms client tracking, and a pop that finds nothing is no reading: hence EXISTS.
 */
export const take = redisScript(`${RECORD}
if redis.call('GET', KEYS[1]) == 'lost' then return false end
local now, wanted, longest, prefix, number, lists = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local got, from, fields, scores, empty, pops, refused = {''}, {}, {}, {}, {}, {}, nil
local named, _, hidden = 8 + lists, string.gsub(ARGV[7], '2', '')
local acked = named + hidden
for l = 1, lists do
  if #got > wanted then break end
  local list, arm = KEYS[l + 3], string.sub(ARGV[7], l, l)
  if arm == '2' then list, named = ARGV[named], named + 1 end
  local popped = redis.pcall('RPOP', list, wanted - #got + 1)
  if popped and popped.err then
    refused = popped
    break
  elseif popped then
    pops[#pops + 1] = {list, popped}
    from[#from + 1] = l - 1 .. ':' .. #popped
    for i = 1, #popped do
      local n, text = #got, popped[i]
      local tag = prefix .. string.format('%.0f', number + n - 1)
      fields[2 * n - 1] = tag
      fields[2 * n] = '[' .. text .. ARGV[l + 7]
      scores[2 * n - 1] = now
      scores[2 * n] = tag
      if #text > longest then text = '!' .. string.sub(text, 1, 512) end
      got[n + 1] = text
    end
  elseif arm == '1' then
    empty[#empty + 1] = list
  end
end
if #got > 1 then
  local failed = record(KEYS[2], KEYS[3], fields, scores)
  if failed then
    for p = #pops, 1, -1 do
      local list, popped = pops[p][1], pops[p][2]
      for i = #popped, 1, -1 do redis.call('RPUSH', list, popped[i]) end
    end
    return failed
  end
elseif #empty > 0 then
  redis.call('EXISTS', unpack(empty))
end
if #ARGV >= acked then
  redis.call('HDEL', KEYS[2], unpack(ARGV, acked))
  redis.call('ZREM', KEYS[3], unpack(ARGV, acked))
elseif refused and #got == 1 then
  return refused
end
got[1] = table.concat(from, ' ')
return got`);

/** Forgets what was done with. KEYS unacked, unacked_index · ARGV tags… */
export const acknowledge = redisScript(`
redis.call('HDEL', KEYS[1], unpack(ARGV))
redis.call('ZREM', KEYS[2], unpack(ARGV))
return 1`);

/** Records as held what a blocking take had moved. KEYS unacked, unacked_index, taken · ARGV now, tag, envelope, the record's end */
export const hold = redisScript(`${RECORD}
if redis.call('LREM', KEYS[3], -1, ARGV[3]) == 0 then return 0 end
local failed = record(KEYS[1], KEYS[2], {ARGV[2], '[' .. ARGV[3] .. ARGV[4]}, {ARGV[1], ARGV[2]})
if failed then redis.call('RPUSH', KEYS[3], ARGV[3]) end
return failed or 1`);

/** Puts back what a blocking take had moved, next to be taken. KEYS taken, list · ARGV envelope as taken, envelope as put back */
export const putBack = redisScript(`
redis.call('LLEN', KEYS[2])
if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
return redis.call('RPUSH', KEYS[2], ARGV[2])`);

/** From held to a list again; only whoever removes the record pushes. KEYS unacked, unacked_index, list · ARGV LPUSH or RPUSH, then tag, envelope, tag, envelope… */
export const giveBack = redisScript(`
redis.call('LLEN', KEYS[3])
local moved = 0
for i = 2, #ARGV, 2 do
  if redis.call('HDEL', KEYS[1], ARGV[i]) == 1 then
    redis.call(ARGV[1], KEYS[3], ARGV[i + 1])
    moved = moved + 1
  end
  redis.call('ZREM', KEYS[2], ARGV[i])
end
return moved`);

/** From held to the dead letters, the newest of which are kept. KEYS unacked, unacked_index, dead · ARGV how many to keep, length of the record's end, tags… */
export const bury = redisScript(`
redis.call('LLEN', KEYS[3])
for i = 3, #ARGV do
  local record = redis.call('HGET', KEYS[1], ARGV[i])
  if record then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('LPUSH', KEYS[3], string.sub(record, 2, -1 - tonumber(ARGV[2])))
  end
  redis.call('ZREM', KEYS[2], ARGV[i])
end
return redis.call('LTRIM', KEYS[3], 0, tonumber(ARGV[1]) - 1)`);

/** From held to parked: the same records under tags that are nobody's, which kombu's sweep finds when they are due. KEYS unacked, unacked_index, eta · ARGV tag, new tag, score for kombu, due; tag, … */
export const park = redisScript(`
redis.call('ZCARD', KEYS[3])
for i = 1, #ARGV, 4 do
  local record = redis.call('HGET', KEYS[1], ARGV[i])
  redis.call('ZREM', KEYS[2], ARGV[i])
  redis.call('HDEL', KEYS[1], ARGV[i])
  if record then
    redis.call('HSET', KEYS[1], ARGV[i + 1], record)
    redis.call('ZADD', KEYS[2], ARGV[i + 2], ARGV[i + 1])
    redis.call('ZADD', KEYS[3], ARGV[i + 3], ARGV[i + 1])
  end
end
return 1`);

/**
 * Renews a lease, and keeps its owner on the list of workers. KEYS lease, workers · ARGV owner, lease in ms, now, "1" if it was registered before
 * Gives the number of workers, or -1: declared lost, or the list no longer knows us (another server's data).
 */
export const renew = redisScript(`
if redis.call('GET', KEYS[1]) == 'lost' then return -1 end
if ARGV[4] == '1' and not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return -1 end
redis.call('SET', KEYS[1], 'held', 'PX', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
return redis.call('ZCARD', KEYS[2])`);

/** Ends a lease; only the names of taken lists that are empty go, and the owner's with the last of them. KEYS lease, workers, taken lists… · ARGV owner ("": others take under it), their names… */
export const release = redisScript(`
local left = 0
for i = 3, #KEYS do
  if redis.call('LLEN', KEYS[i]) > 0 then left = left + 1 else redis.call('ZREM', KEYS[2], ARGV[i - 1]) end
end
if left > 0 or ARGV[1] == '' then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[1])
return 1`);

/** Declares an owner lost, if nobody has renewed the lease meanwhile; the mark outlives any suspended laptop's night. KEYS lease · ARGV the mark's life in ms */
export const declareLost = redisScript(`
local lease = redis.call('GET', KEYS[1])
if lease == 'lost' then return 1 end
if lease then return 0 end
redis.call('SET', KEYS[1], 'lost', 'PX', ARGV[1])
return 1`);

/** Moves our own old entries out of the reach of kombu's sweep, a page at a time. KEYS unacked_index · ARGV older than, now, prefix of our tags, offset, page · Gives how many were looked at, and how many were ours. */
export const refresh = redisScript(`
local old, refreshed = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', ARGV[4], ARGV[5]), 0
for _, tag in ipairs(old) do
  if string.sub(tag, 1, #ARGV[3]) == ARGV[3] then
    redis.call('ZADD', KEYS[1], 'XX', ARGV[2], tag)
    refreshed = refreshed + 1
  end
end
return {#old, refreshed}`);

/** Tags of a store of ours, a page at a time. KEYS unacked_index · ARGV since, now, prefix of its tags, offset, page · Gives how many were looked at, and the tags. */
export const tagsOfStore = redisScript(`
local looked, found = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'BYSCORE', 'LIMIT', ARGV[4], ARGV[5]), {}
for _, tag in ipairs(looked) do
  if string.sub(tag, 1, #ARGV[3]) == ARGV[3] then found[#found + 1] = tag end
end
return {#looked, found}`);

/** Brings back parked messages that are due; not marked redelivered, they never were with anyone. KEYS unacked, unacked_index, eta, list · ARGV tag, envelope, tag, envelope… */
export const unpark = redisScript(`
redis.call('LLEN', KEYS[4])
local moved = 0
for i = 1, #ARGV, 2 do
  redis.call('ZREM', KEYS[3], ARGV[i])
  if redis.call('HDEL', KEYS[1], ARGV[i]) == 1 then
    redis.call('RPUSH', KEYS[4], ARGV[i + 1])
    redis.call('ZREM', KEYS[2], ARGV[i])
    moved = moved + 1
  end
end
return moved`);

/**
 * Looks for parked messages of some tasks, a page at a time. KEYS eta · ARGV cursor, page, what stands before a task's id in a tag, ids… · Gives the next cursor, and the tags found.
 * After the id a tag has two parts that tell one message of a task from another.
 */
export const findParked = redisScript(`
local wanted, found, start = {}, {}, #ARGV[3] + 1
for i = 4, #ARGV do wanted[ARGV[i]] = true end
local page = redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
for i = 1, #page[2], 2 do
  local id = string.match(string.sub(page[2][i], start), '^(.*)/[^/]*/[^/]*$')
  if id and wanted[id] then found[#found + 1] = page[2][i] end
end
return {page[1], found}`);

/** A lock's release by whoever holds it. KEYS lock · ARGV token */
export const unlock = redisScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`);

/** Adds a binding of a queue that expires, and puts off the table's deadline. KEYS table, deadlines · ARGV member, exchange, life in ms */
export const bindExpiring = redisScript(`
redis.call('SADD', KEYS[1], ARGV[1])
local time = redis.call('TIME')
return redis.call('ZADD', KEYS[2], 'GT', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], ARGV[2])`);

/**
 * Deletes tables of bindings whose deadline has passed, unless an ordinary queue is bound there. KEYS deadlines · ARGV how many at most, what stands before an exchange's name
 * in a table, and in the set that protects it · Gives the exchanges whose tables went.
 */
export const sweepBindings = redisScript(`
local time, swept = redis.call('TIME'), {}
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, exchange in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1])) do
  if redis.call('EXISTS', ARGV[3] .. exchange) == 0 and redis.call('DEL', ARGV[2] .. exchange) == 1 then swept[#swept + 1] = exchange end
  redis.call('ZREM', KEYS[1], exchange)
end
return swept`);

/** KEYS a queue's lists */
export const purge = redisScript(`
local count = 0
for _, list in ipairs(KEYS) do count = count + redis.call('LLEN', list) end
redis.call('DEL', unpack(KEYS))
return count`);
