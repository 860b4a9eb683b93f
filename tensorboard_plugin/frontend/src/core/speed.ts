/** Steps per second of the player. */
export const SPEEDS = [1, 2, 4, 8, 16] as const;
