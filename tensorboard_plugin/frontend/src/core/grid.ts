/** Which cells of a grid of fixed cells are in sight. */

export interface GridBox {
  width: number;
  height: number;
  scroll: number;
  /** Least width of a cell; cells grow to fill the row. */
  cell: number;
  heightOf: (cellWidth: number) => number;
  gap: number;
}

export interface Window {
  columns: number;
  rowHeight: number;
  first: number;
  last: number;
  before: number;
  after: number;
}

/** Return the cells in sight and half a screen more, and the heights of what is left out. */
export function visibleCells(count: number, box: GridBox): Window {
  const columns = Math.max(1, Math.floor((box.width + box.gap) / (box.cell + box.gap)));
  const rows = Math.ceil(count / columns);
  const cellWidth = (box.width - (columns - 1) * box.gap) / columns;
  const rowHeight = Math.round(box.heightOf(cellWidth));
  const pitch = rowHeight + box.gap;
  const spare = box.height / 2;
  const top = Math.max(0, Math.floor((box.scroll - spare) / pitch));
  const bottom = Math.min(rows, Math.ceil((box.scroll + box.height + spare) / pitch));
  return {
    columns,
    rowHeight,
    first: top * columns,
    last: Math.min(count, bottom * columns),
    before: top * pitch,
    after: Math.max(0, rows - bottom) * pitch,
  };
}
