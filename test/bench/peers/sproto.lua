-- Times cloudwu/sproto's own binding: CPU nanoseconds for one operation. Needs its sproto.so, sproto.lua and
-- sprotoparser.lua on LUA_PATH and LUA_CPATH.
--
-- The first line of input is a Lua table: schema (text), seconds (length of a round), and messages, a table from names to
-- type, value, encoded and packed. Once all results are checked, the answer is the version of Lua. Every further line
-- names a message and an operation; the answer is the time of one round.
local sproto = require "sproto"

local input = load("return " .. io.read("l"))()
local schema = sproto.parse(input.schema)

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local kept

-- One function for each operation: it repeats the operation as often as it is told to.
local function loops(name, message)
  local kind, value = message.type, message.value
  local encoded, packed = message.encoded, message.packed
  local pack, unpack = sproto.pack, sproto.unpack
  assert(schema:encode(kind, value) == encoded, name .. ": encode")
  assert(same(schema:decode(kind, encoded), value), name .. ": decode")
  assert(pack(encoded) == packed, name .. ": pack")
  assert(unpack(packed):sub(1, #encoded) == encoded, name .. ": unpack")
  assert(schema:pencode(kind, value) == packed, name .. ": pencode")
  assert(same(schema:pdecode(kind, packed), value), name .. ": pdecode")
  return {
    encode = function(count) for _ = 1, count do kept = schema:encode(kind, value) end end,
    decode = function(count) for _ = 1, count do kept = schema:decode(kind, encoded) end end,
    pack = function(count) for _ = 1, count do kept = pack(encoded) end end,
    unpack = function(count) for _ = 1, count do kept = unpack(packed) end end,
    pencode = function(count) for _ = 1, count do kept = schema:pencode(kind, value) end end,
    pdecode = function(count) for _ = 1, count do kept = schema:pdecode(kind, packed) end end,
  }
end

local function seconds(loop, count)
  local before = os.clock()
  loop(count)
  return os.clock() - before
end

local messages, counts = {}, {}
for name, message in pairs(input.messages) do messages[name] = loops(name, message) end

local function answer(text)
  io.write(text, "\n")
  io.flush()
end

answer(_VERSION)
for line in io.lines() do
  local name, operation = line:match("^(%S+) (%S+)$")
  local loop = messages[name][operation]
  if counts[loop] == nil then
    local count = 1
    while seconds(loop, count) <= input.seconds do count = count * 2 end
    counts[loop] = count
  end
  answer(("%.3f"):format(seconds(loop, counts[loop]) * 1e9 / counts[loop]))
end
