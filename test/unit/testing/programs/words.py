# Answers conformance(): texts behind a length of 2 bytes.
import json
import sys

# A fault to plant, for the tests of conformance itself.
fault = sys.argv[1] if len(sys.argv) > 1 else ""


def decode(data):
    values = []
    while data:
        if len(data) < 2:
            return {"values": values, "error": "truncated"}
        length = int.from_bytes(data[:2], "little" if fault == "order" else "big")
        if len(data) < 2 + length:
            return {"values": values, "error": "truncated"}
        body = data[2 : 2 + length]
        try:
            values.append(body.decode("utf-8", "replace" if fault == "lenient" else "strict"))
        except UnicodeDecodeError:
            return {"values": values, "error": "malformed"}
        data = data[2 + length :]
    return {"values": values}


def encode(value):
    body = value.encode("utf-8")
    if len(body) > 65535:
        return {"error": "unencodable"}
    size = len(value) if fault == "characters" else len(body)
    return {"hex": (size.to_bytes(2, "big") + body).hex()}


for line in sys.stdin:
    question = json.loads(line)
    if fault == "crash":
        raise SystemExit("out of words")
    if fault == "silence":
        continue
    if "decode" in question:
        answer = decode(bytes.fromhex(question["decode"]))
    else:
        answer = encode(question["encode"])
    print(json.dumps(answer), flush=True)
