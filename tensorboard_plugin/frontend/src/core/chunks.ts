/** Requests of bounded size. */

export interface Chunk {
  steps: number[];
  rows: number[];
}

/** Split steps x rows into requests of at most `most` maps each. */
export function chunksOf(steps: number[], rows: number[], most: number): Chunk[] {
  const chunks: Chunk[] = [];
  for (const some of slices(steps, most))
    for (const few of slices(rows, Math.floor(most / some.length)))
      chunks.push({ steps: some, rows: few });
  return chunks;
}

function slices(values: number[], most: number): number[][] {
  const size = Math.max(1, most);
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) =>
    values.slice(i * size, (i + 1) * size),
  );
}
