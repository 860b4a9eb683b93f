import { describe, expect, it } from "vitest";
import { gifOf } from "../src/export/gif";
import { commonScale, fileName, plateLayout, type Tile } from "../src/export/plate";
import { escaped, reportPage } from "../src/export/report";

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
