/** Asking the routes. All addresses are relative: TensorBoard may live under any path. */

import { Turns } from "./turns";
import { type Bundle, decodeBundle } from "./wire";

export type Query = Record<string, string | number | number[] | undefined>;

/** A reply that is not the one asked for; `message` is the server's own sentence. */
export class ReplyError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export function address(route: string, query: Query): string {
  const terms = Object.entries(query)
    .filter((entry): entry is [string, string | number | number[]] => entry[1] !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return terms.length ? `${route}?${terms.join("&")}` : route;
}

/** What comes after all that a person waits to see: the colour scale's figures first, old steps last. */
const FILLS_IN = ["columns", "targets", "views", "alerts", "more"];

export class Api {
  /** What a person waits to see. */
  readonly #awaited = new Set<Promise<Response>>();
  readonly #turns = new Turns(async () => {
    while (this.#awaited.size > 0) await Promise.allSettled(this.#awaited);
  });

  constructor(private readonly fetcher: typeof fetch = (input, init) => fetch(input, init)) {}

  async json<Reply>(route: string, query: Query, signal?: AbortSignal): Promise<Reply> {
    const response = await this.#ask(route, query, signal);
    return (await response.json()) as Reply;
  }

  async bundle(route: string, query: Query, signal?: AbortSignal): Promise<Bundle> {
    return decodeBundle(await this.bytes(route, query, signal));
  }

  async bytes(route: string, query: Query, signal?: AbortSignal): Promise<ArrayBuffer> {
    const response = await this.#ask(route, query, signal);
    return response.arrayBuffer();
  }

  /** Do what fetches a view ahead when nothing of more use is fetched. */
  ahead(fetch: () => Promise<void>): Promise<void> {
    return this.#turns.take(FILLS_IN.indexOf("views"), fetch);
  }

  async #ask(route: string, query: Query, signal?: AbortSignal): Promise<Response> {
    const rank = FILLS_IN.indexOf(query.more ? "more" : route);
    if (rank >= 0) return this.#turns.take(rank, () => this.#fetch(route, query, signal));
    const asked = this.#fetch(route, query, signal);
    this.#awaited.add(asked);
    try {
      return await asked;
    } finally {
      this.#awaited.delete(asked);
    }
  }

  async #fetch(route: string, query: Query, signal?: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      response = await this.fetcher(address(route, query), { signal });
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new ReplyError("TensorBoard does not answer.", 0);
    }
    if (response.ok) return response;
    const text = (await response.text().catch(() => "")).trim();
    throw new ReplyError(sentence(text, response.status), response.status);
  }
}

function sentence(text: string, status: number): string {
  const readable = text !== "" && !text.startsWith("<") && text.length < 600;
  return readable ? text : `The server answered ${status}.`;
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Requests of which only the newest matters: a new one aborts the one before. */
export class Lane {
  #controller: AbortController | undefined;

  next(): AbortSignal {
    this.#controller?.abort();
    this.#controller = new AbortController();
    return this.#controller.signal;
  }

  stop(): void {
    this.#controller?.abort();
    this.#controller = undefined;
  }
}
