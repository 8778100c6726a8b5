// Reading the wire format.

const MAGIC = 0x534c5731; // "SLW1"
const ARRAY_TYPES = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
};

export function decodeWire(bytes) {
  const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8 || head.getUint32(0) !== MAGIC) throw new Error("Expected data that starts with SLW1.");
  const body = 8 + head.getUint32(4, true);
  const text = new TextDecoder().decode(bytes.subarray(8, body));
  return JSON.parse(text, (_, value) => (value?.$array ? typedArray(bytes, body, value.$array) : value));
}

function typedArray(bytes, body, { dtype, shape, offset }) {
  const Type = ARRAY_TYPES[dtype];
  if (!Type) throw new Error(`Expected a known array type; got ${dtype}.`);
  const length = shape.reduce((product, size) => product * size, 1);
  const start = body + offset;
  const address = bytes.byteOffset + start;
  if (address % Type.BYTES_PER_ELEMENT === 0) return new Type(bytes.buffer, address, length);
  // The socket's buffer may start anywhere: typed arrays wider than a byte then need a copy.
  return new Type(bytes.slice(start, start + length * Type.BYTES_PER_ELEMENT).buffer);
}

export function sameBytes(a, b) {
  if (a === b) return true;
  if (!a || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
