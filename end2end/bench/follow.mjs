// From a change in a cluster to the changed place in an open page, over a raw watch of the same cluster: what the portal
// itself adds. Both ends read the machine's clock in whole milliseconds.
import { context } from './visit.mjs';
import { pause } from './processes.mjs';

const PATIENCE_MS = 20_000;

/** Runs in the page: when, in a frame, the element's text first has `text`; null if it never does. */
function seen({ selector, text, gone, limit }) {
  return new Promise(done => {
    const from = performance.now();
    const look = () => {
      const element = document.querySelector(selector);
      if (gone ? !element || element.textContent.includes(text) : element?.textContent.includes(text)) return done(Date.now());
      if (performance.now() - from > limit) return done(null);
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

/**
 * An open page and a watch beside it. `steps` gives for each number {selector, text, gone?, change(), matches(event)}:
 * where the page shows it, how it is done, and which event of the raw watch tells of it.
 */
export async function follow(browser, portal, { at, cluster, collection, watched = '', times, rest = 700, step }) {
  const made = await context(browser, portal.url, portal.cookie);
  let waiting = null;
  const stop = await cluster.watch(collection, (event, when) => {
    if (waiting && waiting.heard === null && waiting.matches(event)) waiting.heard = when;
  }, watched);
  try {
    const page = await made.newPage();
    await page.goto(portal.url + at, { timeout: 180_000 });
    await page.locator('[data-live=live]').waitFor({ timeout: 180_000 });
    await page.waitForTimeout(1000);
    const samples = [];
    for (let number = 0; number < times; number++) {
      const { selector, text, gone = false, change, matches } = await step(number, page);
      const shown = page.evaluate(seen, { selector, text, gone, limit: PATIENCE_MS });
      await pause(100);
      waiting = { heard: null, matches };
      const began = Date.now();
      await change();
      const answered = Date.now(), cell = await shown;
      samples.push({ over_watch: cell && waiting.heard && cell - waiting.heard, over_answer: cell && cell - answered, over_request: cell && cell - began });
      await pause(rest);
    }
    return samples;
  } finally {
    stop();
    await made.close();
  }
}
