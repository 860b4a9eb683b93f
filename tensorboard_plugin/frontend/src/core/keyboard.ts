/** The keys, once: the handler and the help sheet read the same table. */

export const COMMANDS = [
  { id: "previous", keys: ["ArrowLeft"], shown: "←", does: "previous step (Shift: 10 steps)" },
  { id: "next", keys: ["ArrowRight"], shown: "→", does: "next step (Shift: 10 steps)" },
  { id: "first", keys: ["Home"], shown: "Home", does: "first step" },
  { id: "last", keys: ["End"], shown: "End", does: "last step" },
  { id: "play", keys: [" "], shown: "Space", does: "play or pause" },
  { id: "follow", keys: ["f"], shown: "F", does: "follow the latest step" },
  { id: "setA", keys: ["["], shown: "[", does: "set A to this step" },
  { id: "setB", keys: ["]"], shown: "]", does: "set B to this step" },
  { id: "swap", keys: ["x"], shown: "X", does: "swap A and B" },
  { id: "nextProbe", keys: ["j"], shown: "J", does: "next example" },
  { id: "previousProbe", keys: ["k"], shown: "K", does: "previous example" },
  { id: "pin", keys: ["p"], shown: "P", does: "pin this example: it stays first" },
  { id: "find", keys: ["q"], shown: "Q", does: "find examples by number or class" },
  { id: "goTo", keys: ["g"], shown: "G", does: "go to a step by its number" },
  { id: "back", keys: ["Escape"], shown: "Esc", does: "back to the grid, close this sheet" },
  { id: "method", keys: ["m"], shown: "M", does: "next method (Shift: previous)" },
  {
    id: "search",
    keys: ["/"],
    shown: "/",
    does: "choose a method (in Layers and Gradients: search): type, ↑ ↓, Enter",
  },
  {
    id: "rows",
    keys: [],
    shown: "↑ ↓",
    does: "in a list: next layer, channel or weight (← → close and open a block)",
  },
  { id: "layer", keys: ["l"], shown: "L", does: "next layer (Shift: previous)" },
  { id: "colours", keys: ["c"], shown: "C", does: "next colour map" },
  { id: "scale", keys: ["s"], shown: "S", does: "next scale mode" },
  { id: "clipLess", keys: ["-"], shown: "-", does: "clip fewer values" },
  { id: "clipMore", keys: ["="], shown: "=", does: "clip more values" },
  { id: "overlay", keys: ["o"], shown: "O", does: "overlay, map, contour or input" },
  { id: "mode", keys: ["d"], shown: "D", does: "A and B: 2-up, swipe, onion, Δ, |Δ|, blink" },
  { id: "peek", keys: ["b"], shown: "B", does: "hold: look at A" },
  { id: "zoomIn", keys: ["+"], shown: "+", does: "zoom in, in all panes" },
  { id: "zoomOut", keys: ["_"], shown: "_", does: "zoom out (Shift and −)" },
  { id: "zoomReset", keys: ["0"], shown: "0", does: "show the whole map" },
  { id: "view1", keys: ["1"], shown: "1", does: "Evolve" },
  { id: "view2", keys: ["2"], shown: "2", does: "Compare" },
  { id: "view3", keys: ["3"], shown: "3", does: "Layers" },
  { id: "view4", keys: ["4"], shown: "4", does: "Gradients" },
  { id: "health", keys: ["5", "h"], shown: "5 H", does: "Health" },
  { id: "export", keys: ["e"], shown: "E", does: "take pictures, films, numbers or a report away" },
  { id: "copy", keys: ["y"], shown: "Y", does: "copy a link to this view" },
  { id: "help", keys: ["?"], shown: "?", does: "this sheet" },
] as const;

export type CommandId = (typeof COMMANDS)[number]["id"];

interface Pressed {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** Return the command of a key; Ctrl, Cmd and Alt belong to the browser. */
export function commandOf(event: Pressed): CommandId | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return COMMANDS.find((command) => (command.keys as readonly string[]).includes(key))?.id;
}

/** Keys that a focused control needs itself stay with it. */
export function isTaken(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLTextAreaElement || target.isContentEditable) return true;
  if (target instanceof HTMLSelectElement) return key !== "Escape";
  if (target instanceof HTMLInputElement) {
    if (target.type === "range") return /^(Arrow|Home|End|Page)/.test(key);
    return target.type === "checkbox" || target.type === "radio"
      ? key === " " || key.startsWith("Arrow")
      : true;
  }
  return target instanceof HTMLButtonElement && (key === " " || key === "Enter");
}
