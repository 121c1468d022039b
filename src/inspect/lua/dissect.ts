/**
 * The function that Wireshark calls: it finds the frames in the available bytes, and requests more if the
 * last one is incomplete.
 */
export const DISSECT = `
local stream = Field.new("tcp.stream")
-- Directions of connections in which nothing can be found any more, and since when.
local broken = {}

function P.init() broken = {} end

local function direction(pinfo)
  local found = stream()
  return found and found.value .. ">" .. pinfo.src_port
end

local function dissect(root, buf, pinfo, tree)
  local at, size, texts = 0, buf:len(), {}
  local key = is_stream and direction(pinfo)
  local since = key and broken[key]
  -- One packet may bring several pieces, and is shown again and again.
  local piece = key and size .. ":" .. buf:raw(0, math.min(size, 64))
  if since and (pinfo.number > since.packet or pinfo.number == since.packet and piece ~= since.piece) then
    tree:add(P, buf()):add_proto_expert_info(after, "Not understood: after a malformed frame")
    return
  end
  while at < size do
    start, frame, hard, names, levels, info = at, nil, not is_stream, {}, {}, nil
    local ok, stop = pcall(root, buf, at, size, nil)
    local fault
    if ok and not is_stream and stop ~= size then
      ok, fault = false, bytes_text(size - stop) .. " left over"
    elseif not ok then
      if type(stop) ~= "table" then error(stop, 0) end
      if stop.more and pinfo.can_desegment > 0 then
        pinfo.desegment_offset = at
        pinfo.desegment_len = stop.more < 0 and DESEGMENT_ONE_MORE_SEGMENT or stop.more
        if #texts > 0 then pinfo.cols.info = table.concat(texts, ", ") end
        return
      end
      fault = stop.text or "the frame is cut off"
    end
    if ok and stop - at > most then
      ok, frame = false, nil
      fault = (is_stream and "frame" or "message") .. " of " .. (stop - at) .. " bytes exceeds maxFrame " .. most
    end
    if ok and stop == at then error("an empty frame", 0) end
    local last = ok and stop or frame or size
    local sub = tree:add(P, buf(at, last - at))
    local known = frame
    frame, hard, names, levels, info = nil, not is_stream, {}, {}, nil
    local again, why = pcall(root, buf, at, last, sub)
    if not again and type(why) ~= "table" then error(why, 0) end
    -- What is packed is only looked at when it is shown.
    if not again and not fault then fault, known = why.text, last end
    texts[#texts + 1] = info
    if fault then
      sub:add_proto_expert_info(malformed, fault)
      texts[#texts + 1] = "malformed"
      if not known then
        if key then broken[key] = { packet = pinfo.number, piece = piece } end
        break
      end
    end
    at = last
  end
  if #texts > 0 then pinfo.cols.info = table.concat(texts, ", ") end
end
`;
