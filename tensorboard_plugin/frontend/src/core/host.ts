/** The page around the frame: its hash, its reload button, whether it shows us. */

/** The window whose address the user sees; our own where another origin embeds it. */
function addressWindow(): Window {
  try {
    void window.parent.location.hash;
    return window.parent;
  } catch {
    return window;
  }
}

export function readHash(): string {
  return addressWindow().location.hash;
}

/** Replace the hash without a history entry. The path is spelled out: the frame has a `<base>`. */
export function replaceHash(hash: string): void {
  const { history, location } = addressWindow();
  history.replaceState(history.state, "", location.pathname + location.search + hash);
}

export function currentLink(): string {
  return addressWindow().location.href;
}

export function onHashChange(listener: () => void): () => void {
  const target = addressWindow();
  target.addEventListener("hashchange", listener);
  return () => target.removeEventListener("hashchange", listener);
}

/** TensorBoard keeps the frame alive, of height 0, while another tab is shown. */
export function isHidden(): boolean {
  return document.visibilityState === "hidden" || window.innerHeight === 0;
}

/** Call `listener` whenever TensorBoard reloads its data. */
export function onDataReloaded(listener: () => void): void {
  if (window.parent === window) return;
  const channel = new MessageChannel();
  channel.port1.onmessage = (event: MessageEvent<unknown>) => {
    if (typeof event.data !== "string") return;
    const message = JSON.parse(event.data) as { type: string; id: number; isReply: boolean };
    if (message.isReply) return;
    const reply = { type: message.type, id: message.id, payload: null, error: null, isReply: true };
    channel.port1.postMessage(JSON.stringify(reply));
    if (message.type === "experimental.DataReloaded") listener();
  };
  window.parent.postMessage("experimental.bootstrap", "*", [channel.port2]);
}

/** Let keys work at once, unless the user is typing elsewhere in TensorBoard. */
export function takeFocus(): void {
  try {
    const { activeElement, body } = window.parent.document;
    if (activeElement === body) window.focus();
  } catch {
    // Another origin around us keeps its focus.
  }
}

/** The moment when the page has nothing to do; Safari does not tell it, and waits a little. */
export function whenIdle(): Promise<void> {
  return new Promise((resolve) => {
    if ("requestIdleCallback" in window) requestIdleCallback(() => resolve(), { timeout: 2000 });
    else setTimeout(resolve, 200);
  });
}

/** A setting of this browser; lost where it keeps none. */
export function readSetting(name: string): string | null {
  try {
    return localStorage.getItem(`keras_explain.${name}`);
  } catch {
    return null;
  }
}

export function writeSetting(name: string, value: string): void {
  try {
    localStorage.setItem(`keras_explain.${name}`, value);
  } catch {
    // The setting lasts as long as the page.
  }
}
