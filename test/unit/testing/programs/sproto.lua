-- Answers conformance(): messages of one of these sproto types, behind a length of 2 bytes. Lua 5.4, with nothing but its
-- own library: the format is read and written by hand.
local types = {
  -- Of the example in sproto's README.
  Human = {
    { tag = 0, name = "title", kind = "string" },
    { tag = 1, name = "years", kind = "integer" },
    { tag = 2, name = "wed", kind = "boolean" },
    { tag = 3, name = "kids", kind = "Human", list = true },
  },
  Sparse = {
    { tag = 0, name = "a", kind = "integer" },
    { tag = 3, name = "b", kind = "string" },
    { tag = 4, name = "c", kind = "boolean" },
    { tag = 10, name = "d", kind = "double" },
    { tag = 100, name = "e", kind = "integer", list = true },
    { tag = 1000, name = "f", kind = "Sparse" },
    { tag = 20000, name = "g", kind = "integer" },
    { tag = 32766, name = "h", kind = "string" },
  },
  Node = {
    { tag = 0, name = "v", kind = "integer" },
    { tag = 1, name = "next", kind = "Node" },
    { tag = 2, name = "kids", kind = "Node", list = true },
    { tag = 3, name = "label", kind = "string" },
  },
  -- Of a test.
  Item = {
    { tag = 0, name = "id", kind = "integer" },
    { tag = 1, name = "label", kind = "string" },
  },
  Move = {
    { tag = 0, name = "x", kind = "integer" },
    { tag = 1, name = "who", kind = "string" },
    { tag = 2, name = "alive", kind = "boolean" },
    { tag = 3, name = "path", kind = "integer", list = true },
    { tag = 6, name = "tags", kind = "string", list = true },
    { tag = 7, name = "flags", kind = "boolean", list = true },
    { tag = 8, name = "item", kind = "Item" },
    { tag = 9, name = "items", kind = "Item", list = true },
    { tag = 10, name = "blob", kind = "binary" },
    { tag = 11, name = "weight", kind = "double" },
  },
}
for _, fields in pairs(types) do
  for _, field in ipairs(fields) do fields["tag " .. field.tag] = field end
end

-- The type, and a fault to plant, for the tests of conformance itself.
local root, fault = arg[1], arg[2]

-- JSON -------------------------------------------------------------------------------------------------------

local function skip(text, at) return text:find("[^ \t\r\n]", at) or #text + 1 end

local escapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function read_string(text, at)
  local parts = {}
  while true do
    local stop = text:find('["\\]', at)
    parts[#parts + 1] = text:sub(at, stop - 1)
    if text:sub(stop, stop) == '"' then return table.concat(parts), stop + 1 end
    local letter = text:sub(stop + 1, stop + 1)
    at = stop + 2
    if letter == "u" then
      local code = tonumber(text:sub(at, at + 3), 16)
      at = at + 4
      if code >= 0xd800 and code < 0xdc00 then
        code = 0x10000 + (code - 0xd800) * 0x400 + tonumber(text:sub(at + 2, at + 5), 16) - 0xdc00
        at = at + 6
      end
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = escapes[letter] or letter
    end
  end
end

local read

local function read_object(text, at)
  local object = {}
  at = skip(text, at)
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    local name
    name, at = read_string(text, skip(text, at) + 1)
    at = skip(text, at) + 1
    object[name], at = read(text, at)
    at = skip(text, at)
    if text:sub(at, at) == "}" then return object, at + 1 end
    at = at + 1
  end
end

local function read_array(text, at)
  local array = { n = 0 }
  at = skip(text, at)
  if text:sub(at, at) == "]" then return array, at + 1 end
  while true do
    array.n = array.n + 1
    array[array.n], at = read(text, at)
    at = skip(text, at)
    if text:sub(at, at) == "]" then return array, at + 1 end
    at = at + 1
  end
end

local literals = { { "true", true }, { "false", false }, { "null", nil } }

function read(text, at)
  at = skip(text, at)
  local first = text:sub(at, at)
  if first == "{" then return read_object(text, at + 1) end
  if first == "[" then return read_array(text, at + 1) end
  if first == '"' then return read_string(text, at + 1) end
  for _, literal in ipairs(literals) do
    if text:sub(at, at + #literal[1] - 1) == literal[1] then return literal[2], at + #literal[1] end
  end
  local digits = text:match("^[-+.%deE]+", at)
  return tonumber(digits), at + #digits
end

local function quoted(text)
  local escaped = text:gsub('[%c"\\\127]', function(char) return string.format("\\u%04x", char:byte()) end)
  return '"' .. escaped .. '"'
end

-- Values as conformance() has them in JSON -------------------------------------------------------------------

local function hex(bytes)
  return (bytes:gsub(".", function(char) return string.format("%02x", char:byte()) end))
end
local function unhex(digits)
  return (digits:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local SAFE = 2 ^ 53

local show = {}
function show.integer(value)
  if value > -SAFE and value < SAFE then return tostring(value) end
  return '{"$int":"' .. value .. '"}'
end
function show.double(value)
  if value ~= value then return '{"$num":"nan"}' end
  if value == math.huge then return '{"$num":"inf"}' end
  if value == -math.huge then return '{"$num":"-inf"}' end
  if value == 0 and 1 / value < 0 then return '{"$num":"-0"}' end
  return string.format("%.17g", value)
end
show.boolean = tostring
show.string = quoted
function show.binary(value) return '{"$hex":"' .. hex(value) .. '"}' end

local function show_struct(kind, value)
  local members = {}
  for _, field in ipairs(types[kind]) do
    local member = value[field.name]
    if member ~= nil then
      local one = show[field.kind] or function(struct) return show_struct(field.kind, struct) end
      local text
      if field.list then
        local all = {}
        for i, item in ipairs(member) do all[i] = one(item) end
        text = "[" .. table.concat(all, ",") .. "]"
      else
        text = one(member)
      end
      members[#members + 1] = quoted(field.name) .. ":" .. text
    end
  end
  return "{" .. table.concat(members, ",") .. "}"
end

local numbers = { nan = 0 / 0, inf = math.huge, ["-inf"] = -math.huge, ["-0"] = -0.0 }

local take = {}
function take.integer(value)
  if type(value) == "table" then return math.tointeger(value["$int"]) or error("beyond 64 bits") end
  return math.tointeger(value) or error("no integer")
end
function take.double(value)
  return type(value) == "table" and numbers[value["$num"]] or value + 0.0
end
function take.boolean(value) return value end
function take.string(value) return value end
function take.binary(value) return unhex(value["$hex"]) end

-- sproto -----------------------------------------------------------------------------------------------------

local MAX_DEPTH = 64

local write_struct

local function integer_bytes(value)
  if value >= -2 ^ 31 and value < 2 ^ 31 then return string.pack("<i4", value) end
  return string.pack("<i8", value)
end

--- The data of one value that is not inline.
local function data_of(kind, value)
  if kind == "integer" then return integer_bytes(value) end
  if kind == "double" then return string.pack("<d", value) end
  if kind == "string" or kind == "binary" then return value end
  return write_struct(kind, value)
end

local function list_of(kind, values)
  local parts = {}
  if kind == "integer" or kind == "double" then
    local width = kind == "double" and 8 or 4
    for _, value in ipairs(values) do
      if kind == "integer" and (value < -2 ^ 31 or value >= 2 ^ 31) then width = 8 end
    end
    if values.n > 0 then parts[1] = string.char(width) end
    local format = kind == "double" and "<d" or "<i" .. width
    for _, value in ipairs(values) do parts[#parts + 1] = string.pack(format, value) end
  else
    for _, value in ipairs(values) do
      parts[#parts + 1] = kind == "boolean" and (value and "\1" or "\0")
        or string.pack("<s4", data_of(kind, value))
    end
  end
  return table.concat(parts)
end

function write_struct(kind, value)
  local records, data = {}, {}
  local last = -1
  for _, field in ipairs(types[kind]) do
    local member = value[field.name]
    if member ~= nil then
      local gap = field.tag - last - 1
      if gap > 0 then records[#records + 1] = (gap - 1) * 2 + 1 end
      last = field.tag
      local one = take[field.kind] or function(struct) return struct end
      local record = 0
      if field.list then
        local values = { n = member.n }
        for i = 1, member.n do values[i] = one(member[i]) end
        data[#data + 1] = string.pack("<s4", list_of(field.kind, values))
      else
        local taken = one(member)
        local most = fault == "inline" and 0x8000 or 0x7fff
        if field.kind == "boolean" then
          record = taken and 4 or 2
        elseif field.kind == "integer" and taken >= 0 and taken < most then
          record = (taken + 1) * 2 & 0xffff
        else
          data[#data + 1] = string.pack("<s4", data_of(field.kind, taken))
        end
      end
      records[#records + 1] = record
    end
  end
  for i, record in ipairs(records) do records[i] = string.pack("<I2", record) end
  return string.pack("<I2", #records) .. table.concat(records) .. table.concat(data)
end

local function malformed() error({ code = "malformed" }) end

--- The bytes behind a length of 4, and where they end.
local function part(bytes, at)
  if #bytes - at + 1 < 4 then malformed() end
  local length = string.unpack("<I4", bytes, at)
  if length > #bytes - at - 3 then malformed() end
  return bytes:sub(at + 4, at + 3 + length), at + 4 + length
end

local read_struct

local function value_of(kind, bytes, depth)
  if kind == "integer" then
    if #bytes ~= 4 and #bytes ~= 8 then malformed() end
    return (string.unpack("<i" .. #bytes, bytes))
  elseif kind == "double" then
    if #bytes ~= 8 then malformed() end
    return (string.unpack("<d", bytes))
  elseif kind == "string" then
    if fault ~= "lenient" and not utf8.len(bytes) then malformed() end
    return bytes
  elseif kind == "binary" then
    return bytes
  end
  local struct, stop = read_struct(kind, bytes, depth)
  -- A nested message fills its place.
  if stop ~= #bytes + 1 then malformed() end
  return struct
end

local function values_of(kind, bytes, depth)
  local values = {}
  if kind == "boolean" then
    for i = 1, #bytes do values[i] = bytes:byte(i) ~= 0 end
  elseif kind == "integer" then
    -- A width without elements is an empty list, whatever it says.
    if #bytes <= 1 then return values end
    local width = bytes:byte(1)
    if (width ~= 4 and width ~= 8) or (#bytes - 1) % width ~= 0 then malformed() end
    for at = 2, #bytes, width do values[#values + 1] = string.unpack("<i" .. width, bytes, at) end
  else
    local at = 1
    while at <= #bytes do
      local item
      item, at = part(bytes, at)
      values[#values + 1] = value_of(kind, item, depth)
    end
  end
  return values
end

function read_struct(kind, bytes, depth)
  if depth > MAX_DEPTH then error({ code = "too-long" }) end
  if #bytes < 2 then malformed() end
  local count = string.unpack("<I2", bytes)
  if 2 * count > #bytes - 2 then malformed() end
  local struct, tag, at = {}, -1, 3 + 2 * count
  for i = 0, count - 1 do
    local record = string.unpack("<I2", bytes, 3 + 2 * i)
    tag = tag + 1
    if record % 2 == 1 then
      tag = tag + record // 2
    else
      local field = types[kind]["tag " .. tag]
      local data
      if record == 0 then data, at = part(bytes, at) end
      if field == nil then
        -- Of a newer version.
      elseif data == nil then
        if field.list then malformed() end
        local inline = record // 2 - 1
        if field.kind == "integer" then struct[field.name] = inline
        elseif field.kind == "boolean" then struct[field.name] = inline ~= 0
        else malformed() end
      elseif field.list then
        struct[field.name] = values_of(field.kind, data, depth + 1)
      elseif field.kind == "boolean" then
        malformed()
      else
        struct[field.name] = value_of(field.kind, data, depth + 1)
      end
    end
  end
  return struct, at
end

-- Questions and answers --------------------------------------------------------------------------------------

local function decode(bytes)
  local values = {}
  local function answer(code)
    local text = '{"values":[' .. table.concat(values, ",") .. "]"
    return code and text .. ',"error":' .. quoted(code) .. "}" or text .. "}"
  end
  local at = 1
  while at <= #bytes do
    if #bytes - at < 1 then return answer("truncated") end
    local length = string.unpack(fault == "order" and "<I2" or ">I2", bytes, at)
    if #bytes - at - 1 < length then return answer("truncated") end
    -- A message fills its frame.
    local ok, struct = pcall(value_of, root, bytes:sub(at + 2, at + 1 + length), 1)
    if not ok then
      if type(struct) ~= "table" then error(struct) end
      return answer(struct.code)
    end
    values[#values + 1] = show_struct(root, struct)
    at = at + 2 + length
  end
  return answer()
end

local function encode(value)
  local message = write_struct(root, value)
  if #message > 0xffff then return '{"error":"unencodable"}' end
  return '{"hex":"' .. hex(string.pack(">s2", message)) .. '"}'
end

for line in io.lines() do
  local question = read(line, 1)
  local answer = question.decode and decode(unhex(question.decode)) or encode(question.encode)
  io.write(answer, "\n")
  io.flush()
end
