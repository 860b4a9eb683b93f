/** The last map of each place stays until the next one is here. */

import type { MapRow } from "../core/types";

export class Held {
  #last = new Map<string, MapRow>();

  /** The map of a place, or the last one that it had. */
  of(place: string, map: MapRow | undefined): MapRow | undefined {
    if (map) this.#last.set(place, map);
    return map ?? this.#last.get(place);
  }
}
