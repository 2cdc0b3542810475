// The test of these journeys: with a portal of its own, and a guard that lets no error of the browser pass unseen.
import { test as base, expect } from "@playwright/test";
import { Api, hasPast } from "./api.mjs";
import { startPortal } from "./portal.mjs";

export { expect };

export const test = base.extend({
  /** A fresh portal on simulated clusters, for this test alone. */
  portal: async ({}, use, info) => {
    const portal = await startPortal({ name: info.titlePath.slice(-2).join(" ") });
    await hasPast(portal.url);
    await use(portal);
    await portal.stop();
    expect(complaints(portal), "errors in the portal's log").toEqual([]);
  },

  baseURL: async ({ portal }, use) => use(portal.url),

  /** The API as one of the demo's people. */
  as: async ({ portal }, use) => use((person) => new Api(portal.url, person)),

  guard: [
    async ({ context }, use) => {
      const guard = await watch(context);
      await use(guard);
      guard.check();
    },
    { auto: true },
  ],
});

/** Lines of the portal's log that must not be there. */
export const complaints = (portal) => portal.stderr.split("\n").filter((line) => /panicked|\bERROR\b/.test(line));

/**
 * Console errors and warnings, exceptions, violations of the Content-Security-Policy, failed requests and answers of 500
 * and above fail the test, unless it expected them; what it expected must have happened.
 */
export async function watch(context) {
  const seen = [];
  const expected = [];
  const note = (text) => seen.push(text);
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) note(`console ${message.type()}: ${message.text()} (${message.location().url})`);
  });
  context.on("weberror", (error) => note(`exception: ${error.error().stack ?? error.error()}`));
  context.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    // The browser's own doing: whoever leaves a page ends its event stream.
    if (why !== "net::ERR_ABORTED") note(`request failed: ${request.method()} ${request.url()} ${why}`);
  });
  context.on("response", (response) => {
    if (response.status() >= 500) note(`answer ${response.status()}: ${response.url()}`);
  });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} blocked ${event.blockedURI}`));
  });
  return {
    seen,
    /** Something that belongs to this test. */
    expect: (pattern) => expected.push(pattern),
    check: () => {
      expect(seen.filter((text) => !expected.some((pattern) => pattern.test(text))), "what the browser complained about").toEqual([]);
      expect(expected.filter((pattern) => !seen.some((text) => pattern.test(text))).map(String), "expected, and did not happen").toEqual([]);
    },
  };
}

/** A session without the page for it, as one of the demo's people. */
export async function enter(context, url, person) {
  const answer = await context.request.post(`${url}/sign-in`, { form: { person, return_to: "/" }, headers: { origin: url }, maxRedirects: 0 });
  expect(answer.status(), `signing in as ${person}`).toBe(303);
}

/** On the page, as people do it. */
export async function signIn(page, title) {
  await page.getByRole("button", { name: new RegExp(`^${title} `) }).click();
  await expect(page.getByTestId("who")).toHaveText(title);
}

export async function signOut(page) {
  await page.locator("details.menu-user > summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in$/);
}

/** The page has come to life: its stream is open. */
export const isLive = (page) => expect(page.getByTestId("live")).toHaveAttribute("data-live", "live");

/** How often the page is loaded from now on. */
export function loads(page) {
  const urls = [];
  page.on("framenavigated", (frame) => {
    if (frame === page.mainFrame()) urls.push(frame.url());
  });
  return urls;
}
