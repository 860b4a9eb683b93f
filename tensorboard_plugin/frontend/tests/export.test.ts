import { describe, expect, it } from "vitest";
import { gifOf } from "../src/export/gif";
import { commonScale, fileName, plateLayout, type Tile } from "../src/export/plate";
import { escaped, reportPage } from "../src/export/report";
import { withDuration } from "../src/export/webm-duration";

const overlap = (a: DOMRectLike, b: DOMRectLike) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
interface DOMRectLike {
  x: number;
  y: number;
  width: number;
  height: number;
}

describe("a plate", () => {
  it.each([1, 2, 7, 16, 64])("lays %i tiles out beside each other and inside", (count) => {
    const layout = plateLayout(count, 0.75, 150, 2);
    expect(layout.tiles).toHaveLength(count);
    layout.tiles.forEach((tile, i) => {
      expect(tile.x + tile.width).toBeLessThanOrEqual(layout.width);
      expect(tile.y + tile.height).toBeLessThan(layout.scale.y);
      expect(layout.tiles.some((other, j) => i !== j && overlap(tile, other))).toBe(false);
    });
    expect(layout.lines).toBeLessThan(layout.height);
  });

  it("has numbers on its scale only if all tiles share them", () => {
    const tile = { domain: { lo: -1, hi: 1 }, colours: "PuOr" } as Tile;
    expect(commonScale([tile, { ...tile, title: "b" }])).toBe(tile);
    expect(commonScale([tile, { ...tile, domain: { lo: -2, hi: 2 } }])).toBeUndefined();
    expect(commonScale([])).toBeUndefined();
  });

  it("names files by nothing that a system could misread", () => {
    expect(fileName(["a/b", "grad_cam/conv5", "step 3"], "png")).toBe(
      "a-b-grad_cam-conv5-step-3.png",
    );
    expect(fileName(['..\\"\n', "x"], "gif")).toBe("x.gif");
    expect(fileName(["…"], "npz")).toBe("explain.npz");
  });
});

describe("a report", () => {
  it("takes text as text", () => {
    const page = reportPage({
      title: '<script>"&',
      facts: [["run", "<img onerror=x>"]],
      theme: "dark",
      styles: "p { color: red } </style><script>",
      body: "<p>kept</p>",
    });
    expect(page).not.toMatch(/<script|<img|<\/style><script/);
    expect(page).toContain("&lt;img onerror=x&gt;");
    expect(page).toContain('data-theme="dark"');
    expect(page).toContain("default-src 'none'");
    expect(page).toContain("<p>kept</p>");
    expect(escaped('a<b>&"')).toBe("a&lt;b&gt;&amp;&quot;");
  });
});

describe("a film", () => {
  const frame = (value: number) =>
    ({
      width: 4,
      height: 3,
      getContext: () => ({
        getImageData: () => ({
          width: 4,
          height: 3,
          data: new Uint8ClampedArray(48).map((_, i) => (i % 4 === 3 ? 255 : value)),
        }),
      }),
    }) as unknown as HTMLCanvasElement;

  it("is a GIF of all frames that says how far it is", async () => {
    const shares: number[] = [];
    const bytes = await gifOf(3, (i) => frame(i * 100), {
      delay: 250,
      signal: new AbortController().signal,
      onprogress: (share) => shares.push(share),
    });
    expect(new TextDecoder().decode(bytes.slice(0, 6))).toBe("GIF89a");
    expect([...bytes.slice(6, 10)]).toEqual([4, 0, 3, 0]);
    expect(bytes.at(-1)).toBe(0x3b);
    expect(shares).toEqual([1 / 3, 2 / 3, 1]);
  });

  it("stops when it is told to", async () => {
    const stop = new AbortController();
    const film = gifOf(5, () => frame(0), {
      delay: 10,
      signal: stop.signal,
      onprogress: () => stop.abort(),
    });
    await expect(film).rejects.toThrow(/abort/i);
  });
});

describe("a recorded WebM", () => {
  const bytes = (...parts: (number | number[])[]) => Uint8Array.from(parts.flat());
  const HEAD = [0x1a, 0x45, 0xdf, 0xa3, 0x80];
  const OPEN = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  const INFO_ID = [0x15, 0x49, 0xa9, 0x66];
  const SCALE = [0x2a, 0xd7, 0xb1, 0x83, 0x0f, 0x42, 0x40];
  const TAIL = [0x1f, 0x43, 0xb6, 0x75, ...OPEN, 0xe7, 0x81, 0, 0xa3, 0x85, 0x81, 0, 9, 0x80, 7];

  it("is told how long it lasts, and is otherwise as it was", () => {
    // Info's size is written in eight bytes, as a recorder may.
    const long = [0x01, 0, 0, 0, 0, 0, 0, SCALE.length];
    for (const size of [[0x80 + SCALE.length], long]) {
      const before = bytes(HEAD, [0x18, 0x53, 0x80, 0x67], OPEN, INFO_ID, size, SCALE, TAIL);
      const after = new Uint8Array(withDuration(before.buffer, 1600));
      const lasts = new DataView(new ArrayBuffer(8));
      lasts.setFloat64(0, 1600);
      const duration = [0x44, 0x89, 0x88, ...new Uint8Array(lasts.buffer)];
      const grown = [0x01, 0, 0, 0, 0, 0, 0, SCALE.length + duration.length];
      expect([...after]).toEqual([
        ...[...HEAD, 0x18, 0x53, 0x80, 0x67, ...OPEN, ...INFO_ID, ...grown, ...SCALE],
        ...[...duration, ...TAIL],
      ]);
      // Told another length, it is only that.
      lasts.setFloat64(0, 250);
      const shorter = after.map((byte) => byte);
      shorter.set(new Uint8Array(lasts.buffer), after.length - TAIL.length - 8);
      expect(withDuration(after.buffer, 250)).toBe(after.buffer);
      expect(after).toEqual(shorter);
    }
  });

  it.each([[[]], [[0]], [HEAD], [[...HEAD, 0x18, 0x53, 0x80, 0x67]], [[1, 2, 3, 4, 5, 6]]])(
    "is left alone where it is none: %j",
    (content) => {
      const { buffer } = bytes(content);
      expect(withDuration(buffer, 1)).toBe(buffer);
    },
  );
});
