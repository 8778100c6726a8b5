import assert from "node:assert/strict";
import test from "node:test";

import { decodeWire, sameBytes } from "../../../sparselab/display/mask_view/wire.js";

function message(header, body = new Uint8Array()) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + body.length);
  bytes.set(new TextEncoder().encode("SLW1"));
  new DataView(bytes.buffer).setUint32(4, text.length, true);
  bytes.set(text, 8);
  bytes.set(body, 8 + text.length);
  return bytes;
}

const HEADER = { title: "a", list: [{ $array: { dtype: "int32", shape: [2, 2], offset: 0 } }] };
const NUMBERS = Int32Array.from([1, -2, 3, 2 ** 30]);

test("an array comes back wherever in memory the message starts", () => {
  const bytes = message(HEADER, new Uint8Array(NUMBERS.buffer));
  for (let shift = 0; shift < 8; shift++) {
    const moved = new Uint8Array(shift + bytes.length);
    moved.set(bytes, shift);
    const { title, list } = decodeWire(moved.subarray(shift));
    assert.equal(title, "a");
    assert.deepEqual([...list[0]], [...NUMBERS]);
  }
});

test("other bytes and unknown types are refused", () => {
  assert.throws(() => decodeWire(new Uint8Array(4)), /SLW1/);
  assert.throws(() => decodeWire(new Uint8Array(64)), /SLW1/);
  assert.throws(() => decodeWire(message({ $array: { dtype: "object", shape: [], offset: 0 } })), /known array type/);
});

test("bytes are the same when each one is", () => {
  const bytes = message(HEADER);
  const other = bytes.slice();
  assert.ok(sameBytes(bytes, other));
  other[other.length - 1] ^= 1;
  assert.ok(!sameBytes(bytes, other) && !sameBytes(undefined, bytes) && !sameBytes(bytes, bytes.subarray(1)));
});
