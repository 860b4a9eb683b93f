/** When to ask for news: soon after there was some, ever later while there is none. */

export const FIRST_WAIT = 5_000;
export const LAST_WAIT = 60_000;

export function nextWait(wait: number, changed: boolean): number {
  return changed ? FIRST_WAIT : Math.min(LAST_WAIT, wait * 1.5);
}

/**
 * Call `ask` again and again; it says whether there was news. Nothing is asked
 * while `isHidden`. `now` asks at once, `stop` ends it.
 */
export function poll(ask: () => Promise<boolean>, isHidden: () => boolean) {
  let wait = FIRST_WAIT;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let asking = false;

  async function run(): Promise<void> {
    clearTimeout(timer);
    if (asking || stopped) return;
    asking = true;
    try {
      if (!isHidden()) wait = nextWait(wait, await ask());
    } finally {
      asking = false;
    }
    if (!stopped) timer = setTimeout(run, wait);
  }

  timer = setTimeout(run, wait);
  return {
    now: () => {
      wait = FIRST_WAIT;
      return run();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
