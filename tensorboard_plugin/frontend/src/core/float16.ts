/** Half-precision decoding: as fast from a table as by the `Float16Array` that not all have. */

export function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

let table: Float32Array | undefined;

/** Return the value of each of the 65536 bit patterns; built once, on first use. */
function halfTable(): Float32Array {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => decodeHalf(bits));
  return table;
}

/** Decode `length` little-endian halves of `buffer` from `offset`. */
export function decodeHalves(buffer: ArrayBuffer, offset: number, length: number): Float32Array {
  const bits = new Uint16Array(buffer, offset, length);
  const values = halfTable();
  const result = new Float32Array(length);
  for (let i = 0; i < length; i++) result[i] = values[bits[i]];
  return result;
}
