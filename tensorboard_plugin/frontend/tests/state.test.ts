import { describe, expect, it } from "vitest";
import { COMMANDS, commandOf } from "../src/core/keyboard";
import { FIRST_WAIT, LAST_WAIT, nextWait } from "../src/core/live";
import { LruCache } from "../src/core/lru";
import { follow, grow, type Playhead, seek, tick, toggle } from "../src/core/player";
import { readState, writeState } from "../src/core/url";
import { DEFAULTS, decodeView, encodeView } from "../src/core/view-state";

describe("the address", () => {
  const awkward = { run: "a&b=c/ü #1", m: "grad_cam/conv5", e: "-1" };

  it("gives back what was written", () => {
    expect(readState(writeState("#keras_explain", awkward))).toEqual(awkward);
  });

  it("has one equals sign a term, as TensorBoard demands", () => {
    const terms = writeState("#keras_explain", awkward).slice(1).split("&").slice(1);
    for (const term of terms) expect(term.split("=")).toHaveLength(2);
  });

  it("keeps the terms of others and drops our old ones", () => {
    const hash = "#scalars&tagFilter=loss&p.keras_explain.e=3&p.other.e=4";
    expect(writeState(hash, { e: "5" })).toBe(
      "#scalars&tagFilter=loss&p.other.e=4&p.keras_explain.e=5",
    );
  });

  it("survives nonsense", () => {
    expect(readState("#keras_explain&p.keras_explain.e&p.keras_explain.m=%E0%A4%A")).toEqual({});
    expect(readState("")).toEqual({});
  });

  it("holds only what differs from the default", () => {
    expect(encodeView(DEFAULTS)).toEqual({});
    const view = { ...DEFAULTS, step: -1, view: "detail", probe: 3, wrongOnly: true } as const;
    expect(decodeView(encodeView(view))).toEqual(view);
  });

  it("ignores values that are not allowed", () => {
    expect(decodeView({ v: "nothing", e: "1e9", x: "-4", s: "__proto__", c: "jet" })).toEqual(
      DEFAULTS,
    );
  });
});

describe("the player", () => {
  const at = (index: number, state: Playhead["state"] = "paused", count = 5): Playhead => ({
    state,
    index,
    count,
  });

  it("plays to the end and pauses there", () => {
    let head = toggle(at(3));
    expect(head.state).toBe("playing");
    head = tick(head);
    expect(head).toEqual(at(4, "paused"));
    expect(tick(head)).toEqual(head);
  });

  it("starts again from the start", () => {
    expect(toggle(at(4))).toEqual(at(0, "playing"));
  });

  it("moves by itself on new data only where it follows", () => {
    expect(grow(at(2), 9).index).toBe(2);
    expect(grow(at(4), 9).index).toBe(4);
    expect(grow(at(4, "following"), 9).index).toBe(8);
  });

  it("stops following at a hand on the slider", () => {
    expect(seek(at(4, "following"), 1)).toEqual(at(1, "paused"));
    expect(seek(at(4, "playing"), 99)).toEqual(at(4, "paused"));
    expect(follow(at(1))).toEqual(at(4, "following"));
    expect(follow(at(4, "following")).state).toBe("paused");
  });

  it("has nothing to play in one step", () => {
    expect(toggle(at(0, "paused", 1)).state).toBe("paused");
  });
});

describe("keys", () => {
  const press = (key: string, change = {}) =>
    commandOf({ key, ctrlKey: false, metaKey: false, altKey: false, ...change });

  it("are the table's, in either case", () => {
    expect(press("ArrowLeft")).toBe("previous");
    expect(press("M")).toBe("method");
    expect(press("?")).toBe("help");
    expect(press("w")).toBeUndefined();
  });

  it("with Ctrl, Cmd or Alt belong to the browser", () => {
    for (const modifier of ["ctrlKey", "metaKey", "altKey"])
      expect(press("f", { [modifier]: true })).toBeUndefined();
  });

  it("mean one thing each", () => {
    const keys = COMMANDS.flatMap((command) => [...command.keys]);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

it("news are asked for ever more seldom while there is none", () => {
  expect(nextWait(40_000, true)).toBe(FIRST_WAIT);
  expect(nextWait(FIRST_WAIT, false)).toBe(7500);
  expect(nextWait(50_000, false)).toBe(LAST_WAIT);
});

describe("the cache", () => {
  it("forgets what was used longest ago", () => {
    const cache = new LruCache<string>(30);
    cache.set("a", "A", 10);
    cache.set("b", "B", 10);
    cache.set("c", "C", 10);
    expect(cache.get("a")).toBe("A");
    cache.set("d", "D", 10);
    expect([cache.has("a"), cache.has("b"), cache.has("d")]).toEqual([true, false, true]);
  });

  it("keeps one entry that is larger than itself", () => {
    const cache = new LruCache<string>(5);
    cache.set("a", "A", 10);
    expect(cache.get("a")).toBe("A");
    cache.set("b", "B", 1);
    expect(cache.has("a")).toBe(false);
  });
});
