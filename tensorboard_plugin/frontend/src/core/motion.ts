/** Whether a person has asked for less motion. */

const LESS = "(prefers-reduced-motion: reduce)";

export function watchMotion(listener: (less: boolean) => void): () => void {
  const query = window.matchMedia(LESS);
  const tell = () => listener(query.matches);
  tell();
  query.addEventListener("change", tell);
  return () => query.removeEventListener("change", tell);
}
