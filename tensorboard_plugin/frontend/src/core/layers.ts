/** All layers in the order of the model, in blocks that fold, as rows of a list. */

export interface LayerRow {
  /** "title": a method's name. "block": layers of a common path, folded or not. */
  kind: "title" | "block" | "layer";
  id: string;
  text: string;
  depth: number;
  /** The layers below it, as indices of the list given; a layer itself alone. */
  layers: number[];
  isOpen: boolean;
}

/** So many layers are shown without folding any block. */
export const FEW_LAYERS = 40;
/** A block of fewer layers would hide more than it spares. */
const LEAST = 2;

/** Parts of a layer's name: by "/", else by "_"; a number alone at the end counts its kind. */
export function pathOf(name: string): string[] {
  if (name.includes("/")) return name.split("/").filter(Boolean);
  const parts = name.split("_").filter(Boolean);
  return parts.length > 1 && /^\d+$/.test(parts[parts.length - 1])
    ? [...parts.slice(0, -2), parts.slice(-2).join("_")]
    : parts;
}

/** The block ids that a layer lies in, the outermost first. */
export function blocksAround(rows: LayerRow[], layer: number): string[] {
  return rows
    .filter(({ kind, layers }) => kind === "block" && layers.includes(layer))
    .map(({ id }) => id);
}

interface Node {
  name: string;
  layers: number[];
  children: Node[];
}

/** Neighbours whose paths begin alike belong together; the order of the model stays. */
function nodesOf(paths: string[][], layers: number[], depth: number): Node[] {
  const nodes: Node[] = [];
  for (let i = 0; i < layers.length; ) {
    const own = paths[layers[i]];
    let end = i + 1;
    while (
      own.length > depth + 1 &&
      end < layers.length &&
      paths[layers[end]].length > depth + 1 &&
      paths[layers[end]][depth] === own[depth]
    )
      end++;
    const inside = layers.slice(i, end);
    if (inside.length < LEAST)
      nodes.push({ name: own.slice(depth).join("/"), layers: inside, children: [] });
    else
      nodes.push(
        merged({ name: own[depth], layers: inside, children: nodesOf(paths, inside, depth + 1) }),
      );
    i = end;
  }
  return nodes;
}

/** A block that holds one block alone is told in one name. */
function merged(node: Node): Node {
  const [only] = node.children;
  if (node.children.length !== 1 || only.children.length === 0) return node;
  return { ...only, name: `${node.name}/${only.name}` };
}

/** All rows, those inside folded blocks too; `at` are the layers' indices, counted from 0 without it. */
export function layerTree(names: string[], title = "", at?: number[]): LayerRow[] {
  const rows: LayerRow[] = [];
  const all = names.map((_, i) => i);
  const own = (layers: number[]) => (at ? layers.map((i) => at[i]) : layers);
  if (title)
    rows.push({ kind: "title", id: title, text: title, depth: 0, layers: own(all), isOpen: true });
  const add = (nodes: Node[], depth: number) => {
    for (const { name, layers, children } of nodes) {
      const kind = children.length ? "block" : "layer";
      const id = kind === "block" ? `${title}|${name}|${layers[0]}` : `${title}|${layers[0]}`;
      rows.push({ kind, id, text: name, depth, layers: own(layers), isOpen: true });
      add(children, depth + 1);
    }
  };
  add(nodesOf(names.map(pathOf), all, 0), 0);
  return rows;
}

/** The rows in sight where only the blocks in `open` are open. */
export function openRows(rows: LayerRow[], open: ReadonlySet<string>): LayerRow[] {
  const shown: LayerRow[] = [];
  let hidden = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    if (row.kind !== "title" && row.depth > hidden) continue;
    hidden = Number.POSITIVE_INFINITY;
    const isOpen = row.kind !== "block" || open.has(row.id);
    if (!isOpen) hidden = row.depth;
    shown.push({ ...row, isOpen });
  }
  return shown;
}

/** Names with every word of the search, in their order. */
export function found(names: string[], search: string): number[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return names.flatMap((name, i) =>
    words.every((word) => name.toLowerCase().includes(word)) ? [i] : [],
  );
}

/** The rows of all layers whose name has every word of the search, without blocks. */
export function foundRows(names: string[], search: string): LayerRow[] {
  return found(names, search).map((i) => ({
    kind: "layer",
    id: `found|${i}`,
    text: names[i],
    depth: 0,
    layers: [i],
    isOpen: true,
  }));
}

/** By layer, the rows of weights that are its own: their path is the layer's name and one part more. */
export function weightsOf(layers: string[], weights: string[]): number[][] {
  const byOwner = new Map<string, number[]>();
  weights.forEach((path, i) => {
    const owner = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    byOwner.set(owner, [...(byOwner.get(owner) ?? []), i]);
  });
  const owners = [...byOwner.keys()];
  // A path may begin with the model's name, which the layer's name lacks.
  return layers.map((layer) => {
    const owner = byOwner.has(layer) ? layer : owners.find((each) => each.endsWith(`/${layer}`));
    return owner === undefined ? [] : (byOwner.get(owner) ?? []);
  });
}
