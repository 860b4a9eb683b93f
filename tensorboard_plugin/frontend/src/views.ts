/** The views and sheets that the first paint does not need, each in a file of its own. */

import Later from "./components/Later.svelte";
import { whenIdle } from "./core/host";
import { LaterView, type View } from "./state/later.svelte";

const ahead: (() => Promise<void>)[] = [];

/** A view that stands for the one that `load` brings. */
function later<Props extends object>(load: () => Promise<{ default: View<Props> }>): View<Props> {
  const later = new LaterView(load);
  ahead.push(() => later.fetchAhead());
  return (internals, props) => Later<Props>(internals, { later, props });
}

export const Board = later(() => import("./views/Board.svelte"));
export const Compare = later(() => import("./views/Compare.svelte"));
export const Concepts = later(() => import("./views/Concepts.svelte"));
export const Detail = later(() => import("./views/Detail.svelte"));
export const Export = later(() => import("./views/Export.svelte"));
export const FailureList = later(() => import("./components/FailureList.svelte"));
export const Figures = later(() => import("./views/Figures.svelte"));
export const Gradients = later(() => import("./views/Gradients.svelte"));
export const Health = later(() => import("./views/Health.svelte"));
export const HelpSheet = later(() => import("./components/HelpSheet.svelte"));
export const Layers = later(() => import("./views/Layers.svelte"));
export const LinkSheet = later(() => import("./components/LinkSheet.svelte"));
export const PairDetail = later(() => import("./views/PairDetail.svelte"));
export const Points = later(() => import("./views/Points.svelte"));
export const Sound = later(() => import("./views/Sound.svelte"));
export const Summaries = later(() => import("./views/Summaries.svelte"));
export const Welcome = later(() => import("./components/Welcome.svelte"));

/** Fetch them one after the other, each when its turn comes, so that a click need not wait. */
export async function fetchViews(
  turn: (fetch: () => Promise<void>) => Promise<void>,
): Promise<void> {
  for (let fetch = ahead.shift(); fetch; fetch = ahead.shift()) {
    await whenIdle();
    await turn(fetch);
  }
}
