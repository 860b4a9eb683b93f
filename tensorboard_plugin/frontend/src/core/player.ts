/** Paused, playing or following: the only thing that moves the step by itself. */

export type PlayState = "paused" | "playing" | "following";

export interface Playhead {
  state: PlayState;
  index: number;
  count: number;
}

/** A hand on the slider ends playing and following. */
export function seek(head: Playhead, index: number): Playhead {
  const last = Math.max(0, head.count - 1);
  return { ...head, state: "paused", index: Math.min(last, Math.max(0, Math.round(index))) };
}

/** Play from here, or from the start where there is no more; pause where it plays. */
export function toggle(head: Playhead): Playhead {
  if (head.state === "playing") return { ...head, state: "paused" };
  if (head.count < 2) return head;
  const atEnd = head.index >= head.count - 1;
  return { ...head, state: "playing", index: atEnd ? 0 : head.index };
}

export function tick(head: Playhead): Playhead {
  if (head.state !== "playing") return head;
  const index = Math.min(head.index + 1, head.count - 1);
  return { ...head, index, state: index >= head.count - 1 ? "paused" : "playing" };
}

export function follow(head: Playhead): Playhead {
  if (head.state === "following") return { ...head, state: "paused" };
  return { ...head, state: "following", index: Math.max(0, head.count - 1) };
}

/** New steps arrived: only who follows is moved. */
export function grow(head: Playhead, count: number): Playhead {
  const index = head.state === "following" ? count - 1 : Math.min(head.index, count - 1);
  return { ...head, count, index: Math.max(0, index) };
}
