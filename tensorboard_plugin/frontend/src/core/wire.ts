/** The bundle: the one binary format of all replies. */

import { decodeHalves } from "./float16";

export type Numbers = Float32Array | Uint8Array | Int32Array;

export interface BundleArray {
  name: string;
  shape: number[];
  values: Numbers;
}

export interface Bundle {
  arrays: Map<string, BundleArray>;
  header: Record<string, unknown>;
}

interface ArrayHeader {
  name: string;
  dtype: string;
  shape: number[];
  offset: number;
}

const MAGIC = "KXB1";
const SIZES: Record<string, number> = { f16: 2, f32: 4, i32: 4, u8: 1 };

/** Split a reply into its arrays; halves become float32. Throws where the bytes contradict the header. */
export function decodeBundle(buffer: ArrayBuffer): Bundle {
  const bytes = new Uint8Array(buffer);
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  if (magic !== MAGIC) throw new Error("The reply is not a bundle of numbers.");
  const length = new DataView(buffer).getUint32(4, true);
  const payload = 8 + length;
  if (payload > buffer.byteLength) throw new Error("The reply was cut off in its header.");
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, payload))) as {
    arrays: ArrayHeader[];
  } & Record<string, unknown>;
  const arrays = new Map<string, BundleArray>();
  for (const array of header.arrays) {
    const { name, shape } = array;
    arrays.set(name, { name, shape, values: view(buffer, payload, array) });
  }
  return { arrays, header };
}

function view(buffer: ArrayBuffer, payload: number, { dtype, shape, offset, name }: ArrayHeader) {
  const count = shape.reduce((product, size) => product * size, 1);
  const start = payload + offset;
  if (!(dtype in SIZES)) throw new Error(`Unknown type ${dtype} of "${name}".`);
  if (start + count * SIZES[dtype] > buffer.byteLength)
    throw new Error(`The reply was cut off in "${name}".`);
  if (dtype === "f16") return decodeHalves(buffer, start, count);
  if (dtype === "f32") return new Float32Array(buffer, start, count);
  if (dtype === "i32") return new Int32Array(buffer, start, count);
  return new Uint8Array(buffer, start, count);
}

/** Return the named array, or say that the reply lacks it. */
export function arrayOf(bundle: Bundle, name: string): BundleArray {
  const array = bundle.arrays.get(name);
  if (!array) throw new Error(`The reply holds no "${name}".`);
  return array;
}
