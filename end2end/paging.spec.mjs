// Somebody is paged: in the demo, where nothing leaves and that is said; and for real, to a webhook and a mail server of this test's own.
import { createHmac, timingSafeEqual } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createServer as createSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Api } from "./support/api.mjs";
import { command, startPortal } from "./support/portal.mjs";
import { enter, expect, isLive, loads, test } from "./support/test.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe has against the page. */
async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => window.axe.run("html", { resultTypes: ["violations"], preload: false }));
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}

const SECRET = "between the portal and the pager";

const width = (page) => page.evaluate(() => document.scrollingElement.scrollWidth);

/** Whoever is primary on call now: it is another person each week. */
const primaryOf = async (api) => (await api.good("GET", "/on-call?rotation=platform")).roles[0].people[0];

const title = (name) => name[0].toUpperCase() + name.slice(1);

for (const script of [true, false]) {
  test.describe(script ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled: script });

    test("from the home page in one click, and it is said that nothing was sent", async ({ page, context, portal, as }) => {
      const primary = title(await primaryOf(as("viv")));
      await enter(context, portal.url, "bea");
      await page.goto("/");
      const panel = page.getByRole("region", { name: "On call" });
      await expect(panel.getByRole("link", { name: `Write ${primary}` })).toHaveAttribute("href", /^mailto:/);
      await panel.getByRole("link", { name: `Page ${primary}` }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Page somebody");
      await expect(page.getByTestId("demo")).toContainText("Demo: nothing will be sent");
      await expect(page.getByLabel("Whom")).toHaveValue(primary.toLowerCase());
      if (script) expect(await violations(page)).toEqual([]);
      await page.getByLabel("Reason").fill("The site is down");
      await page.getByRole("button", { name: "Page now" }).click();

      await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Page to ${primary}`);
      // Without scripts a page is as it was when it was asked for.
      await expect(async () => {
        if (!script) await page.reload();
        await expect(page.getByTestId("recorded")).toContainText("Demo: nothing was sent.", { timeout: 1_000 });
        await expect(page.getByTestId("deliveries").locator("tr[data-state=recorded]")).toHaveCount(2, { timeout: 1_000 });
      }).toPass({ timeout: 15_000 });
      await expect(page.getByTestId("deliveries")).not.toContainText("Sent");
      if (script) expect(await violations(page)).toEqual([]);
      await page.setViewportSize({ width: 320, height: 640 });
      expect(await width(page)).toBeLessThanOrEqual(320);

      await page.getByRole("button", { name: "Acknowledge" }).click();
      await expect(page.getByTestId("answer")).toContainText("Bea is on it");
      await expect(page.getByRole("button", { name: "Acknowledge" })).toHaveCount(0);
      expect((await as("viv").good("GET", "/pages/PG-1")).acknowledged.by).toBe("bea");
    });

    test("a role from an incident, and what is wrong is said beside what was written", async ({ page, context, portal, as, guard }) => {
      guard.expect(/400 \(Bad Request\)/);
      await as("ben").good("POST", "/incidents", { title: "Requests fail", severity: "P1" });
      await enter(context, portal.url, "bea");
      await page.goto("/incidents/INC-1");
      await page.getByRole("region", { name: "On call" }).getByRole("link", { name: /^Page / }).first().click();
      await expect(page.getByLabel("Incident")).toHaveValue("INC-1");
      await page.getByLabel("Whom").selectOption("on-call:platform/secondary");
      await page.getByLabel("Reason").fill(" ");
      await page.getByRole("button", { name: "Page now" }).click();
      await expect(page.getByLabel("Reason")).toHaveAttribute("aria-invalid", "true");
      await expect(page.getByLabel("Whom")).toHaveValue("on-call:platform/secondary");
      await page.getByLabel("Reason").fill("One in ten fails");
      await page.getByRole("button", { name: "Page now" }).click();
      // What becomes of the deliveries is told above the link, and moves it: not under the finger.
      if (script) await expect(page.getByText("This page has woken nobody.")).toBeVisible();
      await page.getByRole("link", { name: "INC-1" }).click();
      await expect(page.getByTestId("story")).toContainText("Paged by Bea");
      await expect(page.getByTestId("story")).toContainText("One in ten fails");
    });
  });
}

test("an acknowledgement is seen by whoever looks, and a viewer may only look", async ({ page, context, portal, as }) => {
  const { label } = await as("bea").good("POST", "/pages", { to: "olivia", reason: "The site is down" });
  await enter(context, portal.url, "viv");
  await page.goto(`/pages/${label}`);
  await isLive(page);
  await expect(page.getByRole("button", { name: "Acknowledge" })).toHaveAttribute("aria-disabled", "true");
  const loaded = loads(page);
  await as("olivia").good("POST", `/pages/${label}/acknowledge`);
  await expect(page.getByTestId("answer")).toContainText("Olivia is on it");
  expect(loaded).toEqual([]);
});

/** A webhook that answers with the next of `statuses` (0: not at all), then 200, and keeps what came. */
async function webhook(statuses) {
  const came = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    came.push({ headers: request.headers, body: Buffer.concat(chunks) });
    const status = statuses.shift() ?? 200;
    if (status) response.writeHead(status).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { came, url: `http://127.0.0.1:${server.address().port}/hook`, stop };
}

/** A mail server that takes everything, and keeps it. */
async function mailServer() {
  const mails = [];
  const server = createSocket((socket) => {
    let [buffer, inData] = ["", false];
    const say = (line) => socket.write(`${line}\r\n`);
    say("220 mail.example");
    socket.on("error", () => {});
    socket.setEncoding("utf8").on("data", (text) => {
      buffer += text;
      for (let end; (end = buffer.indexOf(inData ? "\r\n.\r\n" : "\r\n")) >= 0; ) {
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + (inData ? 5 : 2));
        if (inData) {
          mails.push(line);
          inData = false;
          say("250 queued");
        } else if (/^DATA/i.test(line)) {
          inData = true;
          say("354 go on");
        } else if (/^QUIT/i.test(line)) {
          say("221 bye");
          socket.end();
        } else say("250 OK");
      }
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { mails, port: server.address().port, stop: () => server.close() };
}

/** What a portal that pages for real needs, with a token of Bea's; `hook` answers with `statuses`. */
async function receivers(statuses) {
  const dir = mkdtempSync(join(tmpdir(), "devmatrix-paging-"));
  const [hook, mail] = await Promise.all([webhook(statuses), mailServer()]);
  writeFileSync(join(dir, "secret"), SECRET);
  const [config, data] = ["devmatrix.yaml", "data"].map((file) => join(dir, file));
  writeFileSync(
    config,
    `organisation: Example
teams: [{name: backend, members: [bea, ben]}]
people: [{name: ben, email: ben@devmatrix.example}]
channels:
  - {name: mail, smtp: {host: 127.0.0.1, port: ${mail.port}, security: none, from: portal@devmatrix.example}}
  - {name: pager, webhook: {url: "${hook.url}", secret_file: "${join(dir, "secret")}"}}
`,
  );
  const made = command(["token", "create", "--user", "bea", "--scopes", "read,incident", "--config", config, "--data-dir", data]);
  expect(made.exit, made.stderr).toBe(0);
  const stop = () => {
    hook.stop();
    mail.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  return { hook, mail, token: made.stdout.trim(), args: ["--config", config, "--data-dir", data], stop };
}

async function enterWith(context, url, token) {
  const answer = await context.request.post(`${url}/sign-in`, { form: { token }, headers: { origin: url }, maxRedirects: 0 });
  expect(answer.status()).toBe(303);
}

const delivery = (page, channel) => page.getByTestId("deliveries").getByRole("row").filter({ hasText: channel });

async function pageBen(page, url) {
  await page.goto(`${url}/pages/new?to=ben`);
  await page.getByLabel("Reason").fill("The site is down");
  await page.getByRole("button", { name: "Page now" }).click();
}

test("for real: tried again while the receiver is down, sent, signed, and shown live", async ({ page, context }) => {
  const { hook, mail, token, args, stop } = await receivers([503]);
  const portal = await startPortal({ name: "paging for real", args });
  try {
    await enterWith(context, portal.url, token);
    await pageBen(page, portal.url);
    await expect(delivery(page, "pager")).toHaveAttribute("data-state", "failed");
    await expect(delivery(page, "pager")).toContainText("503");
    await expect(delivery(page, "mail")).toHaveAttribute("data-state", "sent");
    await expect(delivery(page, "pager")).toHaveAttribute("data-state", "sent", { timeout: 20_000 });
    await expect(page.getByText("Not acknowledged", { exact: true })).toBeVisible();

    expect(hook.came).toHaveLength(2);
    expect(hook.came[1].body.equals(hook.came[0].body), "the same message").toBe(true);
    expect(new Set(hook.came.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    for (const { headers, body } of hook.came) {
      const sum = createHmac("sha256", SECRET).update(`${headers["devmatrix-timestamp"]}.`).update(body).digest("hex");
      expect(timingSafeEqual(Buffer.from(headers["devmatrix-signature"]), Buffer.from(`v1=${sum}`))).toBe(true);
    }
    expect(JSON.parse(hook.came[0].body)).toMatchObject({ version: 1, type: "page", page: { reason: "The site is down", by: "bea" }, person: { name: "ben" } });
    expect(mail.mails).toHaveLength(1);
    expect(mail.mails[0]).toContain("Subject: Bea pages you: The site is down");
  } finally {
    await portal.stop();
    stop();
  }
});

test("a portal that is killed sends what was on its way once more, and nothing else", async () => {
  const { hook, mail, token, args, stop } = await receivers([0]);
  const killed = await startPortal({ name: "paging killed", args });
  let successor;
  try {
    const at = (portal) => Object.assign(new Api(portal.url, "bea"), { token });
    const { label } = await at(killed).good("POST", "/pages", { to: "ben", reason: "The site is down" });
    const states = async (portal) => Object.fromEntries((await at(portal).good("GET", `/pages/${label}`)).deliveries.map(({ channel, state }) => [channel, state]));
    await expect.poll(() => states(killed)).toEqual({ mail: "sent", pager: "waiting" });
    await expect.poll(() => hook.came.length, "it is on its way").toBe(1);
    await killed.kill();

    successor = await startPortal({ name: "paging taken up", args });
    await expect.poll(() => states(successor)).toEqual({ mail: "sent", pager: "sent" });
    expect(new Set(hook.came.map(({ headers }) => headers["idempotency-key"])).size, "the same delivery").toBe(1);
    expect([hook.came.length, mail.mails.length]).toEqual([2, 1]);
  } finally {
    await (successor ?? killed).stop();
    stop();
  }
});
