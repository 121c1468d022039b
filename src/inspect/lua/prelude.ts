/**
 * Lua functions shared by all dissectors. A reader is a function `(buf, at, stop, tree)` that returns its end
 * and the value. It runs twice for each frame: first without a tree, to check that the frame is complete,
 * then with a tree.
 */
export const PRELUDE = `
-- Where the frame begins, and where it ends as soon as a length tells.
local start, frame = 0, nil
-- Bytes are missing: inside of a length that is wrong, elsewhere they have not come yet.
local hard = false
-- The path to what is being read, how deep in itself it is, and a word for the column Info.
local names, levels, info = {}, {}, nil
local most = 0

-- Lua writes large numbers with an exponent.
local function number_text(n)
  return math.abs(n) < 9007199254740992 and string.format("%.0f", n) or tostring(n)
end

local function bytes_text(n) return number_text(n) .. (n == 1 and " byte" or " bytes") end

-- Numbers of 64 bits are text.
local function with_hex(v)
  if type(v) == "string" then
    if #v == 1 or v:sub(1, 1) == "-" then return v end
    return v .. " (0x" .. UInt64.new(v):tohex():gsub("^0+", "") .. ")"
  end
  if v ~= math.floor(v) then return tostring(v) end
  return number_text(v) .. (v < 10 and "" or string.format(" (0x%x)", v))
end

local function path_text()
  local function joined(from, to)
    local text = ""
    for i = from, to do
      local name = names[i]
      if type(name) == "number" then text = text .. "[" .. name .. "]"
      elseif i > from or from > 1 then text = text .. (i > from and "." or "") .. name
      else text = text .. name end
    end
    return text
  end
  local text = joined(1, #names)
  if #text <= 120 or #names < 6 then return text end
  return joined(1, 2) .. " ... " .. joined(#names - 2, #names)
end

local function fail(text)
  local path = path_text()
  error({ text = path == "" and text or path .. ": " .. text }, 0)
end

-- n < 0: no one knows how many more.
local function more(n) error({ more = n }, 0) end

local function limit(n)
  if n <= most then return end
  frame = nil
  names = {}
  fail("frame of " .. n .. " bytes exceeds maxFrame " .. most)
end

local function need(at, n, stop, what)
  if stop - at >= n then return end
  if hard then fail(what .. " needs " .. bytes_text(n) .. ", " .. math.max(0, stop - at) .. " left") end
  limit(at + n - start)
  more(n - (stop - at))
end

-- Where n bytes from a place on end, of which some may have been read.
local function window(from, at, n, stop, what)
  local last = from + n
  if last < at then
    -- Of a length before its bytes, what is negative is told alone.
    local left = what == "" and from == at and "" or ", at least " .. (at - from) .. " needed"
    fail(bytes_text(n) .. " announced" .. what .. left)
  end
  if last > stop then
    if hard then fail(bytes_text(n) .. " announced" .. what .. ", " .. (stop - from) .. " left") end
    limit(last - start)
    more(last - stop)
  end
  return last
end

local function used(at, stop)
  if at ~= stop then fail(bytes_text(stop - at) .. " left over") end
end

-- Where the frame ends, now that its length is known.
local function whole(stop)
  limit(stop - start)
  frame = stop
end

local function items(n, least, at, stop)
  if n < 0 then fail(n .. " items announced") end
  if n * least <= stop - at then return end
  if hard then fail(n .. " items announced, " .. bytes_text(stop - at) .. " left") end
  limit(at + n * least - start)
  more(n * least - (stop - at))
end

local function mark(buf, at, stop, bytes)
  for i = 1, math.min(#bytes, stop - at) do
    local byte = buf(at + i - 1, 1):uint()
    if byte ~= bytes:byte(i) then fail("expected byte " .. with_hex(bytes:byte(i)) .. ", found " .. with_hex(byte)) end
  end
end

local function zeros(buf, at, n)
  for i = at, at + n - 1 do
    local byte = buf(i, 1):uint()
    if byte ~= 0 then fail("byte " .. byte .. ", not 0") end
  end
end

local function raw(buf, at, n) return n > 0 and buf:raw(at, n) or "" end

local function check_utf8(text)
  local at, size = 1, #text
  local function bad(byte) fail(string.format("byte 0x%02x does not continue as UTF-8", byte)) end
  while at <= size do
    local first = text:byte(at)
    local n, low, high = 0, 0x80, 0xbf
    if first >= 0x80 then
      if first >= 0xc2 and first <= 0xdf then n = 1
      elseif first >= 0xe0 and first <= 0xef then n = 2
      elseif first >= 0xf0 and first <= 0xf4 then n = 3
      else bad(first) end
      if first == 0xe0 then low = 0xa0 elseif first == 0xed then high = 0x9f
      elseif first == 0xf0 then low = 0x90 elseif first == 0xf4 then high = 0x8f end
    end
    for i = 1, n do
      local byte = text:byte(at + i)
      if not byte or byte < low or byte > high then bad(first) end
      low, high = 0x80, 0xbf
    end
    at = at + 1 + n
  end
end

local function check_ascii(text)
  local at = text:find("[\\128-\\255]")
  if at then fail("byte " .. text:byte(at) .. " is not ASCII") end
end

local function add(tree, field, range, value, note)
  if not tree then return end
  local item
  if value == nil then item = tree:add(field, range) else item = tree:add(field, range, value) end
  if note then item:append_text(" (" .. note .. ")") end
end

local function add_le(tree, field, range, note)
  if not tree then return end
  local item = tree:add_le(field, range)
  if note then item:append_text(" (" .. note .. ")") end
end

-- Text: its bytes, and how many of them are no padding.
local function add_text(tree, field, buf, at, n, size, encoding)
  if not tree then return end
  if n == 0 then
    tree:add(field, buf(at, size), "")
  else
    local item = tree:add_packet_field(field, buf(at, n), encoding)
    item:set_len(size)
  end
end

local function varint(buf, at, stop, most_bytes, minimal)
  local from, value, scale = at, 0, 1
  for i = 1, most_bytes do
    need(from, i, stop, "varint")
    local byte = buf(at, 1):uint()
    at = at + 1
    value = value + (byte % 128) * scale
    scale = scale * 128
    if byte < 128 then
      if minimal and i > 1 and byte == 0 then fail("varint of " .. value .. " is too long") end
      if value >= 9007199254740992 then fail("varint exceeds 2^53 - 1") end
      return at, value
    end
  end
  fail("varint of more than " .. most_bytes .. " bytes")
end

local function uint64(n) return UInt64(n % 4294967296, math.floor(n / 4294967296)) end

-- Numbers of 48 bits, exactly.
local function whole_number(n) return math.floor(n:tonumber()) end

local function deeper(id, depth)
  levels[id] = (levels[id] or 0) + 1
  if levels[id] > depth then fail("nested more than " .. depth .. " levels deep") end
end
`;
