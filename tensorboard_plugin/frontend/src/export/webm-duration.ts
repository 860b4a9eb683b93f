/**
 * How long a recorded WebM is. Some browsers write its head before they know, and players then show
 * no length and cannot seek; others count to the last frame's beginning. The number is put right.
 *
 * EBML, RFC 8794, and the elements of Matroska, RFC 9559: each one an id, a size and its content.
 */

const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const DURATION = 0x4489;

interface Element {
  id: number;
  /** Where its size is written, where its content begins, and where it ends. */
  size: number;
  content: number;
  end: number;
  /** Not known while it was written: then it ends where the file does. */
  open: boolean;
}

/** Return the file with its duration, in the unit of 1 ms that all browsers write. */
export function withDuration(file: ArrayBuffer, milliseconds: number): ArrayBuffer {
  const view = new DataView(file);
  const segment = find(view, 0, file.byteLength, SEGMENT);
  const info = segment && find(view, segment.content, segment.end, INFO);
  const written = info && find(view, info.content, info.end, DURATION);
  if (written) {
    if (written.end - written.content === 8) view.setFloat64(written.content, milliseconds);
    else view.setFloat32(written.content, milliseconds);
    return file;
  }
  // In a segment of a known size nothing can be put in without writing all of it anew.
  if (!segment?.open || !info) return file;
  const length = info.end - info.content;
  const added = new DataView(new ArrayBuffer(8 + length + 11));
  added.setUint32(0, 0x01000000); // a size of eight bytes: room for any
  added.setUint32(4, length + 11);
  const bytes = new Uint8Array(added.buffer);
  bytes.set(new Uint8Array(file, info.content, length), 8);
  added.setUint16(8 + length, DURATION);
  added.setUint8(10 + length, 0x88);
  added.setFloat64(11 + length, milliseconds);
  const result = new Uint8Array(file.byteLength + bytes.length - (info.end - info.size));
  result.set(new Uint8Array(file, 0, info.size));
  result.set(bytes, info.size);
  result.set(new Uint8Array(file, info.end), info.size + bytes.length);
  return result.buffer;
}

function find(view: DataView, from: number, to: number, id: number): Element | undefined {
  for (const element of elements(view, from, to)) if (element.id === id) return element;
  return undefined;
}

/** The elements in a row. */
function* elements(view: DataView, from: number, to: number): Generator<Element> {
  for (let at = from; at < to; ) {
    const idLength = lengthOf(view, at);
    const size = at + idLength;
    if (idLength > 4 || size >= to || lengthOf(view, size) > 8) return;
    const content = size + lengthOf(view, size);
    if (content > to) return;
    // The highest bit says how long the size is written, the others are the size.
    const first = view.getUint8(size) & (0xff >> (content - size));
    const length = unsigned(view, size + 1, content, first);
    const open = length >= 2 ** (7 * (content - size)) - 1;
    const element = { id: unsigned(view, at, size), size, content, open, end: content + length };
    if (open || element.end > to) element.end = to;
    yield element;
    at = element.end;
  }
}

/** Bytes of the number that begins here: one more than the zeros before its first bit. */
function lengthOf(view: DataView, at: number): number {
  return Math.clz32(view.getUint8(at)) - 23;
}

function unsigned(view: DataView, from: number, to: number, first = 0): number {
  let value = first;
  for (let at = from; at < to; at++) value = value * 256 + view.getUint8(at);
  return value;
}
