// Ready means ready: what the portal says first is already true.
import { expect, test } from "@playwright/test";
import { Api } from "./support/api.mjs";
import { startPortal } from "./support/portal.mjs";
import { complaints } from "./support/test.mjs";

test("the first matrix after /readyz knows the past", async () => {
  const portal = await startPortal({ name: "start" });
  try {
    const viv = new Api(portal.url, "viv");
    const [cell, records] = await Promise.all([viv.cell("api", "prod"), viv.good("GET", "/components/api/deployments?environment=prod")]);
    expect(cell).toMatchObject({ state: "healthy", tag: "1.42.3", behind: { from: "staging", releases: 2 } });
    expect(records.items.length).toBe(5);
  } finally {
    await portal.stop();
  }
  expect(complaints(portal), "errors in the portal's log").toEqual([]);
});
