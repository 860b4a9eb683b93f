/** TensorBoard themes only itself: its `dark-mode` class is watched from inside the frame. */

export type Theme = "light" | "dark";

function hostBody(): HTMLElement | undefined {
  try {
    return window.parent !== window ? window.parent.document.body : undefined;
  } catch {
    return undefined; // another origin embeds TensorBoard
  }
}

export function watchTheme(set: (theme: Theme) => void): () => void {
  const body = hostBody();
  const preference = window.matchMedia("(prefers-color-scheme: dark)");
  const read = () => {
    const dark = body ? body.classList.contains("dark-mode") : preference.matches;
    set(dark ? "dark" : "light");
  };
  const observer = new MutationObserver(read);
  if (body) observer.observe(body, { attributes: true, attributeFilter: ["class"] });
  else preference.addEventListener("change", read);
  read();
  return () => {
    observer.disconnect();
    preference.removeEventListener("change", read);
  };
}
