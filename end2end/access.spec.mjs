// Who gets in, who may do what, and that everything can be done from the keyboard.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lostPortal } from "./support/lost.mjs";
import { enter, expect, isLive, signIn, signOut, test } from "./support/test.mjs";

test("the demo lets in its people with one click, and lets them out again", async ({ page, context, portal }) => {
  await page.goto("/changes?state=failed");
  await expect(page).toHaveURL(`${portal.url}/sign-in?return_to=%2Fchanges%3Fstate%3Dfailed`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in to DevMatrix Portal");
  await expect(page.getByRole("listitem")).toHaveCount(7);
  await expect(page.getByRole("button", { name: /^Viv\b.*reads$/ })).toBeVisible();
  await signIn(page, "Olivia");
  await expect(page, "back to where one wanted to go").toHaveURL(`${portal.url}/changes?state=failed`);
  const [cookie] = (await context.cookies()).filter(({ name }) => name === "devmatrix");
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
  const me = () => fetch(`${portal.url}/api/v1/me`, { headers: { cookie: `devmatrix=${cookie.value}` } });
  expect((await me()).status).toBe(200);
  await signOut(page);
  await page.goto("/approvals");
  await expect(page).toHaveURL(/\/sign-in\?return_to=%2Fapprovals$/);
  expect((await me()).status, "the old cookie is worth nothing").toBe(401);
});

test("signing in leads to pages of this portal only", async ({ page, portal }) => {
  for (const [wanted, got] of [
    ["/components/api", "/components/api"],
    ["//evil.example/", "/"],
    ["/\\evil.example", "/"],
    ["https://evil.example/", "/"],
    ["/\t/evil.example", "/"],
    ["javascript:alert(1)", "/"],
  ]) {
    await page.goto(`/sign-in?return_to=${encodeURIComponent(wanted)}`);
    await signIn(page, "Bea");
    expect(page.url(), wanted).toBe(`${portal.url}${got}`);
    await signOut(page);
  }
});

const configured = test.extend({
  /** Without the demo, and with clusters that do not answer. */
  portal: async ({}, use) => {
    const dir = mkdtempSync(join(tmpdir(), "devmatrix-access-"));
    const portal = await lostPortal(dir, "access configured");
    await use(portal);
    await portal.stop();
    rmSync(dir, { recursive: true, force: true });
  },
});

configured("without the demo a token opens the door, and a wrong one does not", async ({ page, guard, portal }) => {
  guard.expect(/status of 401/);
  await page.goto("/");
  await page.getByLabel("API token").fill("dmx_0000");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("Not signed in.");
  await expect(page.getByLabel("API token")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByText("Demo cluster")).toHaveCount(0);
  const refused = await page.request.post(`${portal.url}/sign-in`, { form: { person: "olivia" }, headers: { origin: portal.url }, maxRedirects: 0 });
  expect(refused.status(), "made-up people are of the demo only").toBe(404);
  expect((await fetch(`${portal.url}/api/v1/me`, { headers: { authorization: "Bearer demo-olivia" } })).status).toBe(401);

  await page.getByLabel("API token").fill(portal.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(`${portal.url}/`);
  await expect(page.getByTestId("who")).toHaveText("Bea");
  await expect(page.locator("th[data-env=prod]")).toHaveAttribute("data-reachable", "false");
  await expect(page.locator("#cell-api-prod")).toHaveAttribute("data-state", /^(unknown|absent)$/);
  await expect(page.getByRole("link", { name: /^Promote/ })).toHaveCount(0);
});

test("Viv may read: every button says why not, and the server refuses", async ({ page, context, guard, portal, as }) => {
  const change = await as("bea").promote("api", "prod");
  await enter(context, portal.url, "viv");
  const why = "viv may not ask for changes: that needs the role deployer.";
  await page.goto("/");
  await expect(page.getByText(why)).toBeVisible();
  const promote = page.locator("#gap-nginx-prod").getByRole("link", { name: /^Promote/ });
  await expect(promote).toHaveAttribute("aria-disabled", "true");
  await expect(promote).toHaveAttribute("title", why);
  await promote.click({ force: true });
  await expect(page, "it leads nowhere").toHaveURL(`${portal.url}/`);

  await page.goto(`/changes/${change.label}`);
  for (const name of [/^Approve\b/, /^Abort$/, /^Reject$/]) {
    const buttons = page.getByRole("main").getByRole("button", { name, includeHidden: true });
    expect(await buttons.count(), String(name)).toBeGreaterThan(0);
    for (const button of await buttons.all()) await expect(button).toHaveAttribute("aria-disabled", "true");
  }
  await expect(page.getByText("viv may not decide on changes: that needs the role approver.").first()).toBeVisible();
  await page.goto("/components/api");
  for (const link of await page.getByTestId("deployments").getByRole("link", { name: /^Roll back/ }).all()) {
    await expect(link).toHaveAttribute("aria-disabled", "true");
  }

  const viv = as("viv");
  const body = { kind: "promote", component: "nginx", environment: "prod", from: "staging", reason: "" };
  for (const [method, path, sent] of [
    ["POST", "/changes", body],
    ["POST", "/changes/preview", body],
    ["POST", `/changes/${change.label}/approve`, { digest: change.plan.digest, reason: "" }],
    ["POST", `/changes/${change.label}/reject`, { reason: "no" }],
    ["POST", `/changes/${change.label}/abort`, { reason: "no" }],
  ]) {
    const answer = await viv.ask(method, path, sent);
    expect([answer.status, answer.body.code], `${method} ${path}`).toEqual([403, "role_missing"]);
  }
  const forged = await page.request.post(`${portal.url}/changes/${change.label}/approve`, {
    form: { digest: change.plan.digest, reason: "" },
    headers: { origin: portal.url },
    maxRedirects: 0,
  });
  expect(forged.status()).toBe(403);
  expect((await as("bea").change(change.label)).state).toBe("awaiting_approval");
  expect(guard.seen).toEqual([]);
});

test("nobody approves what they asked for themselves, or another plan than the one they saw", async ({ page, context, portal, as }) => {
  const [olivia, dmitri] = [as("olivia"), as("dmitri")];
  const change = await olivia.promote("api", "prod");
  await enter(context, portal.url, "olivia");
  await page.goto(`/changes/${change.label}`);
  const why = "You asked for this change, so another person must decide on it.";
  await expect(page.getByText(why).first()).toBeVisible();
  const approve = page.getByRole("button", { name: /^Approve\b/ });
  await expect(approve).toHaveCount(2);
  for (const button of await approve.all()) await expect(button).toHaveAttribute("title", why);
  const vote = (by, digest) => by.ask("POST", `/changes/${change.label}/approve`, { digest, reason: "" });
  const self = await vote(olivia, change.plan.digest);
  expect([self.status, self.body.code]).toEqual([403, "self_approval"]);
  const other = await vote(dmitri, "0".repeat(64));
  expect([other.status, other.body.code]).toEqual([409, "plan_changed"]);
  expect((await dmitri.change(change.label)).state).toBe("awaiting_approval");
});

test("another site's page changes nothing", async ({ context, portal, as }) => {
  const change = await as("bea").promote("api", "prod");
  await enter(context, portal.url, "dmitri");
  for (const headers of [{ origin: "https://evil.example" }, { origin: portal.url, "sec-fetch-site": "cross-site" }, {}]) {
    const answer = await context.request.post(`${portal.url}/changes/${change.label}/approve`, { form: { digest: change.plan.digest }, headers, maxRedirects: 0 });
    expect(answer.status(), JSON.stringify(headers)).toBe(403);
  }
  expect((await as("bea").change(change.label)).votes).toEqual([]);
});

test("the theme that was chosen stays", async ({ page, context, portal }) => {
  await enter(context, portal.url, "bea");
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto("/environments");
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  const choose = async (theme) => {
    await page.locator("details.menu-user > summary").click();
    await page.getByRole("button", { name: theme, exact: true }).click();
    await expect(page).toHaveURL(`${portal.url}/environments`);
  };
  await choose("Dark");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.reload();
  await expect(page.locator("html"), "after a reload").toHaveAttribute("data-theme", "dark");
  expect(await ground()).toBe(dark);
  await page.locator("details.menu-user > summary").click();
  await expect(page.getByRole("button", { name: "Dark", exact: true })).toHaveAttribute("aria-pressed", "true");
  await page.locator("details.menu-user > summary").click();
  await choose("System");
  expect(await ground()).toBe(light);
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await ground(), "the system's theme follows the system").toBe(dark);
});

test("an address that does not exist leaves everything else in reach", async ({ page, context, guard, portal }) => {
  guard.expect(/status of 404/);
  await enter(context, portal.url, "bea");
  await page.goto("/no/such/page");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Not found");
  await expect(page.getByRole("navigation", { name: "Main", exact: true }).getByRole("link", { name: "Changes" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Sign in" }), "she is signed in").toHaveCount(0);
});

/** Presses Tab until `found` says yes of the focused element; every stop on the way must be visible and marked. */
async function tabTo(page, found, most = 80) {
  const stops = [];
  for (let n = 0; n < most; n += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      const box = element.getBoundingClientRect();
      const style = getComputedStyle(element);
      const covering = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      return {
        name: element.textContent.trim().replace(/\s+/g, " ").slice(0, 60) || element.id,
        id: element.id,
        href: element.getAttribute("href"),
        within: element.closest(".gap")?.id ?? "",
        seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
        marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        bare: !covering || element.contains(covering) || covering.contains(element),
      };
    });
    stops.push(stop);
    expect(stop, `stop ${n + 1}`).toMatchObject({ seen: true, marked: true, bare: true });
    if (found(stop)) return stops;
  }
  throw new Error(`not reached with ${most} tabs: ${stops.map((stop) => stop.name).join(" | ")}`);
}

test("a promotion from the keyboard alone", async ({ page, context, portal, as }) => {
  await enter(context, portal.url, "bea");
  await page.goto("/");
  await isLive(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#main")).toBeFocused();
  const stops = await tabTo(page, (stop) => stop.within === "gap-api-prod");
  expect(stops.some((stop) => stop.href === "/changes"), "the skip link skipped the navigation").toBe(false);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/changes\/new\?kind=promote&component=api&environment=prod&from=staging$/);
  await tabTo(page, (stop) => stop.id === "reason");
  await page.keyboard.type("By keyboard");
  await tabTo(page, (stop) => stop.name === "Ask for approval");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`${portal.url}/changes/CH-1`);
  expect((await as("viv").change("CH-1")).reason).toBe("By keyboard");
});

test("the palette: opens, filters, goes, and gives the focus back", async ({ page, context, portal }) => {
  await enter(context, portal.url, "bea");
  await page.goto("/environments");
  await isLive(page);
  const palette = page.getByRole("dialog", { name: "Command palette" });
  const before = page.getByRole("main").getByRole("link", { name: "Staging", exact: true });
  await before.focus();
  await page.keyboard.press("Control+k");
  await expect(palette).toBeVisible();
  await expect(palette.getByRole("combobox")).toBeFocused();
  const options = palette.getByRole("option");
  await expect(options.first()).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(palette).toBeHidden();
  await expect(before).toBeFocused();

  await page.keyboard.press("Control+k");
  await page.keyboard.type("promote central");
  await expect(options.first()).toContainText("to Production Central");
  for (const option of await options.all()) await expect(option).toContainText(/Promote .* to Production Central/);
  await page.keyboard.press("ArrowDown");
  await expect(options.nth(1)).toHaveAttribute("aria-selected", "true");
  await expect(palette.getByRole("combobox")).toHaveAttribute("aria-activedescendant", await options.nth(1).getAttribute("id"));
  const wanted = await options.nth(1).getAttribute("href");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`${portal.url}${wanted}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Production Central");

  await page.goto("/environments");
  await isLive(page);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("zzz nothing of that name");
  await expect(options).toHaveCount(0);
});

test("without JavaScript the palette's place leads to everything there is", async ({ browser, portal }) => {
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL: portal.url });
  await enter(context, portal.url, "bea");
  const page = await context.newPage();
  await page.goto("/");
  await page.getByRole("link", { name: /^Search or run a command/ }).click();
  await expect(page).toHaveURL(`${portal.url}/components`);
  await expect(page.getByRole("main").getByRole("link", { name: "API server", exact: true }).first()).toBeVisible();
  await context.close();
});
