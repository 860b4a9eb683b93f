export const AXES = ["epoch", "step", "time"] as const;
export type AxisKind = (typeof AXES)[number];
