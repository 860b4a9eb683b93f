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

export function rowsOf<Item>(items: Item[], columns: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / columns) }, (_, row) =>
    items.slice(row * columns, (row + 1) * columns),
  );
}

/** Return the cell that a key leads to, or nothing where the key is not of a grid. */
export function cellAfter(
  key: string,
  from: number,
  count: number,
  columns: number,
  rowsInSight: number,
): number | undefined {
  const page = Math.max(1, rowsInSight) * columns;
  const moves: Record<string, number> = {
    ArrowLeft: from - 1,
    ArrowRight: from + 1,
    // At the edge there is nothing above or below.
    ArrowUp: from >= columns ? from - columns : from,
    ArrowDown: from + columns < count ? from + columns : from,
    PageUp: from - page,
    PageDown: from + page,
    Home: 0,
    End: count - 1,
  };
  return key in moves ? Math.min(count - 1, Math.max(0, moves[key])) : undefined;
}

/** Return where to scroll to so that a cell is in sight, or nothing where it is. */
export function scrollTo(
  index: number,
  { columns, rowHeight }: Window,
  gap: number,
  scroll: number,
  height: number,
): number | undefined {
  if (index < 0) return undefined;
  const top = Math.floor(index / columns) * (rowHeight + gap);
  if (top < scroll) return top;
  const bottom = top + rowHeight + 2 * gap;
  return bottom > scroll + height ? bottom - height : undefined;
}
