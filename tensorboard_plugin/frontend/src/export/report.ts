/** A view as one HTML file that needs nothing else: no script, no network. */

/** Nothing in the file may run or be fetched. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

export interface Report {
  title: string;
  /** What is needed to find the view again: run, step, link. */
  facts: [name: string, value: string][];
  theme: string;
  styles: string;
  /** The view as HTML, already free of anything that runs. */
  body: string;
}

export function escaped(text: string): string {
  const names: Record<string, string> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot" };
  return text.replace(/[&<>"]/g, (character) => `&${names[character]};`);
}

export function reportPage({ title, facts, theme, styles, body }: Report): string {
  const rows = facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`);
  return `<!doctype html>
<html lang="en" data-theme="${escaped(theme)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escaped(title)}</title>
<style>${styles.replaceAll("<", "\\3c ")}
html, body { height: auto; overflow: visible; }
body { padding: 16px; }
.report-facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 8px 0 16px; }
.report-facts dt { opacity: 0.7; }
.report-facts dd { margin: 0; overflow-wrap: anywhere; }
main { overflow: visible; }
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<dl class="report-facts">${rows.join("")}</dl>
<main>${body}</main>
</body>
</html>
`;
}

const DROPPED = "script, style, link, dialog, iframe, object, embed, [hidden]";

/** What is in sight of an element, as HTML: canvases as pictures, controls as they stand. */
export function stillOf(element: Element): string {
  const still = element.cloneNode(true) as Element;
  const canvases = [...element.querySelectorAll("canvas")];
  [...still.querySelectorAll("canvas")].forEach((copy, i) => {
    copy.replaceWith(pictureOf(canvases[i]));
  });
  const given = [...element.querySelectorAll("input, select")];
  [...still.querySelectorAll("input, select")].forEach((copy, i) => {
    freeze(copy, given[i]);
  });
  for (const each of still.querySelectorAll(DROPPED)) each.remove();
  for (const each of still.querySelectorAll("button")) each.setAttribute("tabindex", "-1");
  return still.innerHTML;
}

function pictureOf(canvas: HTMLCanvasElement): HTMLImageElement {
  const image = document.createElement("img");
  image.src = canvas.toDataURL("image/png");
  image.alt = canvas.getAttribute("aria-label") ?? "";
  image.className = canvas.className;
  image.style.cssText = `${canvas.style.cssText};image-rendering:${getComputedStyle(canvas).imageRendering}`;
  const { width, height } = canvas.getBoundingClientRect();
  image.width = Math.round(width);
  image.height = Math.round(height);
  return image;
}

/** A property that was set by hand is in no attribute yet. */
function freeze(copy: Element, given: Element): void {
  if (given instanceof HTMLInputElement) {
    copy.setAttribute("value", given.value);
    copy.toggleAttribute("checked", given.checked);
  }
  if (given instanceof HTMLSelectElement)
    [...copy.querySelectorAll("option")].forEach((option, i) => {
      option.toggleAttribute("selected", i === given.selectedIndex);
    });
  copy.toggleAttribute("disabled", true);
}

/** All rules of the page's own style sheets; those of canvases are for their pictures too. */
export function stylesOf(page: Document): string {
  return [...page.styleSheets]
    .flatMap((sheet) => [...sheet.cssRules].map(({ cssText }) => cssText))
    .join("\n")
    .replace(/(?<![\w.#-])canvas(?![\w-])/g, ":is(canvas, img)");
}
