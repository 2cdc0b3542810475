// One visit of a page by Chromium with an empty cache, and what it cost: the same quantities, defined in the same way, as
// those of the peers in docs/PERFORMANCE.md.
import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** A visit ends when the network has been quiet for so long; an event stream's chatter does not count. */
const QUIET_MS = 1500;
const LIMIT_MS = 180_000;

export const browser = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

export async function context(browser, url, cookie) {
  const made = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  if (cookie) {
    const [name, value] = [cookie.slice(0, cookie.indexOf('=')), cookie.slice(cookie.indexOf('=') + 1)];
    await made.addCookies([{ name, value, url: new URL(url).origin }]);
  }
  return made;
}

/** Runs in the page before anything of the page's own. */
function observe({ ready, count }) {
  const seen = (window.__bench = { fcp: null, lcp: null, what: null, ready: null, shift: 0, moved: [], blocked: 0, events: [] });
  const follow = (type, take, more) => new PerformanceObserver(list => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more });
  follow('paint', entry => { if (entry.name === 'first-contentful-paint') seen.fcp = entry.startTime; });
  follow('largest-contentful-paint', entry => { seen.lcp = entry.startTime; seen.what = entry.element?.tagName ?? null; });
  follow('layout-shift', entry => {
    if (entry.hadRecentInput) return;
    seen.shift += entry.value;
    // What moved, for whom the figure is not 0.
    seen.moved.push(...entry.sources.map(({ node, previousRect: was, currentRect: is }) => ({
      what: node?.outerHTML?.slice(0, 120) ?? node?.textContent?.slice(0, 80) ?? '', at: Math.round(entry.startTime), was: [was.x, was.y, was.width, was.height], is: [is.x, is.y, is.width, is.height],
    })));
  });
  follow('longtask', entry => { seen.blocked += Math.max(0, entry.duration - 50); });
  follow('event', entry => { if (entry.interactionId) seen.events.push({ name: entry.name, duration: entry.duration }); }, { durationThreshold: 16 });
  const look = () => {
    if (document.querySelectorAll(ready).length >= count) seen.ready = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** Follows what goes over the wire, by the DevTools protocol. */
function follow(cdp) {
  const requests = new Map();
  let last = Date.now();
  const of = id => requests.get(id) ?? requests.set(id, { chunks: 0, head: 0 }).get(id);
  cdp.on('Network.requestWillBeSent', event => { Object.assign(of(event.requestId), { url: event.request.url, type: event.type }); last = Date.now(); });
  cdp.on('Network.responseReceived', ({ requestId, response }) => {
    Object.assign(of(requestId), { head: response.encodedDataLength, stream: response.mimeType === 'text/event-stream', status: response.status });
    last = Date.now();
  });
  cdp.on('Network.dataReceived', event => {
    const request = of(event.requestId);
    request.chunks += event.encodedDataLength || (request.stream ? event.dataLength : 0);
    if (!request.stream) last = Date.now();
  });
  cdp.on('Network.loadingFinished', event => { of(event.requestId).wire = event.encodedDataLength; last = Date.now(); });
  cdp.on('Network.loadingFailed', event => { of(event.requestId).failed = event.errorText; last = Date.now(); });
  return {
    quiet: () => Date.now() - last > QUIET_MS,
    all: () => [...requests.values()].filter(request => request.url?.startsWith('http')).map(request => ({
      path: new URL(request.url).pathname, type: request.type, status: request.status ?? null, bytes: request.wire ?? request.head + request.chunks,
      ...(request.failed && { failed: request.failed }),
    })),
  };
}

async function heap(cdp) {
  await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  return metrics.find(metric => metric.name === 'JSHeapUsedSize').value;
}

/** Bytes of WebAssembly memory, which the heap of JavaScript does not include. */
async function wasmMemory(cdp) {
  const { result: prototype } = await cdp.send('Runtime.evaluate', { expression: 'WebAssembly.Memory.prototype' });
  const { objects } = await cdp.send('Runtime.queryObjects', { prototypeObjectId: prototype.objectId });
  const declaration = 'function () { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0); }';
  const { result } = await cdp.send('Runtime.callFunctionOn', { objectId: objects.objectId, functionDeclaration: declaration, returnByValue: true });
  return result.value;
}

/** The longest event of a click's interaction, in the browser's steps of 8 ms; 16 stands for "16 or less". */
async function clicked(page, { click, then }, slow) {
  const before = await page.evaluate(() => window.__bench.events.length);
  await page.locator(click).first().click();
  await page.locator(then).first().waitFor({ timeout: LIMIT_MS });
  await page.waitForTimeout(600 * Math.max(1, slow / 2));
  const events = (await page.evaluate(() => window.__bench.events)).slice(before);
  return Math.max(16, ...events.filter(event => /pointer|mouse|click/.test(event.name)).map(event => event.duration));
}

/**
 * `ready`, `count`: the page is there when so many elements match. `slow`: the CPU so many times slower.
 * `clicks`: {name: {click, then}}, done one after another when the page is quiet and hydrated (`alive` matches).
 */
export async function visit(browser, url, { cookie, ready, count = 1, slow = 1, alive, clicks = {} }) {
  const made = await context(browser, url, cookie);
  try {
    const page = await made.newPage(), cdp = await made.newCDPSession(page), errors = [];
    page.on('pageerror', error => errors.push(String(error)));
    page.on('console', message => { if (message.type() === 'error') errors.push(message.text()); });
    for (const domain of ['Network', 'Performance', 'HeapProfiler']) await cdp.send(`${domain}.enable`);
    const wire = follow(cdp);
    await page.addInitScript(observe, { ready, count });
    if (slow > 1) await cdp.send('Emulation.setCPUThrottlingRate', { rate: slow });
    await page.goto(url, { waitUntil: 'commit' });
    await page.waitForFunction(() => window.__bench.ready !== null, null, { timeout: LIMIT_MS, polling: 100 });
    if (alive) await page.locator(alive).first().waitFor({ timeout: LIMIT_MS });
    while (!wire.quiet()) await page.waitForTimeout(50);
    const { fcp, lcp, what, ready: there, shift, moved, blocked } = await page.evaluate(() => window.__bench);
    const requests = wire.all();
    const seen = {
      bytes: requests.reduce((sum, request) => sum + request.bytes, 0), requests: requests.length, fcp, lcp, what, ready: there, shift, moved, blocked,
      elements: await page.evaluate(() => document.querySelectorAll('*').length), heap: await heap(cdp), wasm: await wasmMemory(cdp), list: requests, errors,
    };
    seen.clicks = {};
    for (const [name, one] of Object.entries(clicks)) {
      seen.clicks[name] = await clicked(page, one, slow);
      await page.keyboard.press('Escape');
      await page.waitForTimeout(200);
    }
    return seen;
  } finally { await made.close(); }
}
