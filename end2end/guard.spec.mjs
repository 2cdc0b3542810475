// The guard that stands behind every journey sees what it is there for.
import { enter, expect, isLive, test } from "./support/test.mjs";

test("console errors, exceptions, refused styles and broken answers do not pass unseen", async ({ page, context, guard, portal }) => {
  await enter(context, portal.url, "viv");
  await page.route("**/broken", (route) => route.fulfill({ status: 503, body: "" }));
  await page.route("**/lost", (route) => route.abort("connectionfailed"));
  await page.goto("/");
  await isLive(page);
  expect(guard.seen, "a good page has nothing to complain of").toEqual([]);
  for (const wanted of [/console warning: hydration/, /exception: Error: thrown/, /CSP: style-src-elem blocked inline/, /answer 503/, /request failed: GET .*lost/, /console error: /]) guard.expect(wanted);
  await page.evaluate(async () => {
    console.warn("hydration mismatch");
    setTimeout(() => {
      throw new Error("thrown");
    });
    document.head.append(Object.assign(document.createElement("style"), { textContent: "p { color: red }" }));
    await fetch("/broken");
    await fetch("/lost").catch(() => {});
  });
  await expect.poll(() => guard.seen.filter((text) => /exception|CSP:|answer 503|lost/.test(text)).length).toBeGreaterThanOrEqual(4);
});
