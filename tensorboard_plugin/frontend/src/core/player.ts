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

/** What is played again and again: the indices of its first and last step. */
export interface Loop {
  from: number;
  to: number;
}

/** The loop between two flags, whichever comes first; without them that of all steps. */
export function loopOf(steps: number[], a: number | null, b: number | null): Loop {
  const last = steps.length - 1;
  const at = (step: number | null, otherwise: number) => {
    const index = step === null ? -1 : steps.indexOf(step);
    return index < 0 ? otherwise : index;
  };
  const [one, other] = [at(a, 0), at(b, last)];
  return { from: Math.min(one, other), to: Math.max(one, other) };
}

/** Play from here, or from the start where there is no more; pause where it plays. */
export function toggle(head: Playhead, loop?: Loop): Playhead {
  if (head.state === "playing") return { ...head, state: "paused" };
  if (head.count < 2) return head;
  const { from, to } = loop ?? { from: 0, to: head.count - 1 };
  const outside = head.index >= to || head.index < from;
  return { ...head, state: "playing", index: outside ? from : head.index };
}

export function tick(head: Playhead, loop?: Loop): Playhead {
  if (head.state !== "playing") return head;
  if (loop) {
    const outside = head.index >= loop.to || head.index < loop.from;
    return { ...head, index: outside ? loop.from : head.index + 1 };
  }
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
