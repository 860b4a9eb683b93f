/** What goes on in the background: theme, address, news, playing. */

import { isHidden, onDataReloaded, onHashChange, readHash, replaceHash } from "../core/host";
import { poll } from "../core/live";
import { tick } from "../core/player";
import { watchTheme } from "../core/theme";
import { readState, writeState } from "../core/url";
import { decodeView, encodeView } from "../core/view-state";
import { app } from "./app.svelte";
import { SIDE_LANES } from "./staging.svelte";

const DEBOUNCE = 300;

export function keepTheme(): void {
  $effect(() =>
    watchTheme((theme) => {
      app.theme = theme;
      document.documentElement.dataset.theme = theme;
    }),
  );
}

/** The address as the view was last read from it or written to it. */
let settled = "";

function readAddress(): void {
  settled = readHash();
  const view = decodeView(readState(settled));
  app.selection = view;
  app.playState = view.step === null ? "following" : "paused";
}

export function saveAddress(): void {
  const now = readHash();
  if (now !== settled) {
    // Another one was gone to, and its event is on the way: the view must not write over it.
    settled = now;
    setTimeout(saveAddress, DEBOUNCE);
    return;
  }
  settled = writeState(now, encodeView(app.selection));
  if (settled !== now) replaceHash(settled);
}

/** The address follows the view, and the view an address that is typed or gone back to. */
export function keepAddress(): void {
  readAddress();
  $effect(() =>
    onHashChange(() => {
      const { run, runb } = app.selection;
      readAddress();
      if (app.selection.run !== run || app.selection.runb !== runb) void app.refresh();
    }),
  );
  $effect(() => {
    encodeView(app.selection); // every field is watched
    if (app.playState === "playing") return;
    const timer = setTimeout(saveAddress, DEBOUNCE);
    return () => clearTimeout(timer);
  });
}

/** Ask for news, ever more seldom, and whenever TensorBoard reloads. */
export function keepFresh(): () => void {
  void app.refresh();
  const polling = poll(() => app.refresh(), isHidden);
  onDataReloaded(() => void polling.now());
  const clock = setInterval(() => {
    if (!isHidden()) app.now = Date.now();
  }, 5000);
  return () => {
    polling.stop();
    clearInterval(clock);
  };
}

const LANES = ["grid", "pair", "layer", ...Object.values(SIDE_LANES)];

export function keepPlaying(): void {
  $effect(() => {
    if (app.playState !== "playing") return;
    const timer = setInterval(() => {
      // A slow server slows the film down instead of tearing it.
      if (isHidden() || LANES.some((lane) => app.maps.isBusy(lane))) return;
      app.apply(tick(app.head, app.loop));
    }, 1000 / app.speed);
    return () => clearInterval(timer);
  });
}
