/** What TensorBoard's plugin frame calls. */

import { mount } from "svelte";
import App from "./App.svelte";
import { takeFocus } from "./core/host";
import "./style.css";
import "./shapes.css";
import "./export.css";
import "./stage.css";
import "./picture.css";
import "./layers.css";
import "./gradients.css";
import "./compare.css";
import "./film.css";
import "./evolve.css";
import "./across.css";
import "./time.css";
import "./health.css";
import "./summaries.css";

function loadStyle(): Promise<void> {
  return new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = "static/style.css";
    // Without its style the tab is ugly, but it works.
    link.onload = () => resolve();
    link.onerror = () => resolve();
    document.head.append(link);
  });
}

export async function render(): Promise<void> {
  document.documentElement.lang = "en";
  document.title = "Explain";
  await loadStyle();
  mount(App, { target: document.body });
  takeFocus();
}
