/**
 * The view's state in the parent's hash: `#keras_explain&p.keras_explain.<key>=<value>`.
 *
 * TensorBoard splits on `&` and drops terms with a second `=`, hence the
 * encoding. Terms of others are kept as they are.
 */

export type State = Record<string, string>;

const PLUGIN = "keras_explain";
const PREFIX = `p.${PLUGIN}.`;

export function readState(hash: string): State {
  const state: State = {};
  for (const term of hash.replace(/^#/, "").split("&")) {
    if (!term.startsWith(PREFIX)) continue;
    const equals = term.indexOf("=");
    if (equals < 0) continue;
    try {
      state[term.slice(PREFIX.length, equals)] = decodeURIComponent(term.slice(equals + 1));
    } catch {
      // A broken escape: the term says nothing.
    }
  }
  return state;
}

/** Return `hash` with our terms replaced by those of `state`. */
export function writeState(hash: string, state: State): string {
  const [tab, ...others] = hash.replace(/^#/, "").split("&");
  const kept = others.filter((term) => term !== "" && !term.startsWith(PREFIX));
  const ours = Object.entries(state).map(
    ([key, value]) => `${PREFIX}${key}=${encodeURIComponent(value)}`,
  );
  return `#${[tab || PLUGIN, ...kept, ...ours].join("&")}`;
}
