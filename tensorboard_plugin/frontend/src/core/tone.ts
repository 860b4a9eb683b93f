/** How far the maps moved, as a tone: for those who hear the page, or look elsewhere. */

const LOWEST = 220; // Hz
const OCTAVES = 2;
const LENGTH = 0.12; // seconds
const LOUDNESS = 0.1;

/** Hz of a drift: two octaves from none to the largest of the run; undefined where it is not known. */
export function pitchOf(drift: number, largest: number): number | undefined {
  if (!Number.isFinite(drift)) return undefined;
  const share = largest > 0 ? Math.min(1, Math.max(0, drift / largest)) : 0;
  return LOWEST * 2 ** (OCTAVES * share);
}

/** Play a short tone, swelling and dying away so that it does not click. */
export function playTone(context: AudioContext, pitch: number): void {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  const now = context.currentTime;
  oscillator.frequency.value = pitch;
  gain.gain.setValueAtTime(0, now);
  gain.gain.linearRampToValueAtTime(LOUDNESS, now + 0.01);
  gain.gain.linearRampToValueAtTime(0, now + LENGTH);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(now);
  oscillator.stop(now + LENGTH);
}
