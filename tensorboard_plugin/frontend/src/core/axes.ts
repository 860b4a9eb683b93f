/** What the axes of a record mean: asked here alone, and told by Python (`scripts/axes.py`). */

import roles from "./axes.json";

type Role = keyof typeof roles;

const has = (role: Role, axis: string) => (roles[role] as string[]).includes(axis);

/** Neighbours along it lie side by side, and can be averaged. */
export const isSpace = (axis: string) => has("space", axis);
/** Every entry of it is a picture of its own. */
export const isPlane = (axis: string) => has("planes", axis);
export const isChannel = (axis: string) => has("channel", axis);
/** Its length is a side of a picture or the like, and no count of things. */
export const isSide = (axis: string) => has("picture", axis) || has("coordinate", axis);

/** The places of the two axes of a picture, or of a kernel; nothing where there are none. */
export function pictureAxes(axes: string[]): [row: number, column: number] | undefined {
  for (const role of ["picture", "kernel"] as const) {
    const [row, column] = roles[role].map((axis) => axes.indexOf(axis));
    if (row >= 0 && column >= 0) return [row, column];
  }
  return undefined;
}

/** Whether there is one number for each layer. */
export const areLayers = (axes: string[]) => axes.join() === roles.layer.join();
export const areChannels = (axes: string[]) => axes.join() === roles.channel.join();
export const areFigures = (axes: string[]) => axes.join() === roles.figure.join();

/** The length of the axis of channels, of attention's queries, of a volume's slices. */
export function lengthOf(role: "channel" | "queries" | "slices", axes: string[], shape: number[]) {
  const axis = { channel: roles.channel[0], queries: roles.tokens[0], slices: roles.space[0] }[
    role
  ];
  return shape[axes.indexOf(axis)];
}
