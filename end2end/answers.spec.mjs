// The same thousand questions, asked of everybody who answers who is on call: the API, the browser's WebAssembly, the command line
// without a server, the page, and the calendar feed for the year that it covers. All say the same.
import ICAL from "ical.js";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "@playwright/test";
import { SITE } from "./support/places.mjs";
import { command, eventually, startPortal } from "./support/portal.mjs";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const COUNT = 1000;
/** How many requests are under way at once. */
const AT_ONCE = 8;

const HEAD = `organisation: Test
teams:
  - {name: devops, members: [olivia, dmitri]}
  - {name: backend, members: [bea, ben]}
  - {name: platform, members: [pia]}
  - {name: nobody, members: []}
rotations:
`;
const TEAMS = '"team:devops", "team:backend", "team:platform"';
const rotation = (name, zone, handoff, every, participants, more = "") =>
  `  - {name: ${name}, zone: ${zone}, handoff: "${handoff}", every: ${every}, roles: [primary, secondary, backup], participants: [${participants}]${more}}\n`;
/** `edited` is written anew between two starts: what has begun by then stays. */
const config = (edited) =>
  HEAD +
  rotation("berlin", "Europe/Berlin", "2025-11-17T09:00", "1w", TEAMS) +
  rotation("half-hour", "Australia/Lord_Howe", "2025-11-17T02:10", "1d", TEAMS) +
  rotation("kolkata", "Asia/Kolkata", "2025-11-18T09:30", "2w", `${TEAMS}, olivia`) +
  rotation("chatham", "Pacific/Chatham", "1990-01-07T02:50", "1w", `bea, ben, pia`) +
  rotation("apia", "Pacific/Apia", "2001-01-01T00:00", "1d", TEAMS) +
  rotation("monthly", "America/New_York", "2020-01-31T02:30", "1mo", `"team:devops", "team:backend"`) +
  rotation("empty-team", "America/Santiago", "2024-09-05T00:30", "3d", `"team:devops", "team:nobody", "team:platform"`) +
  rotation("versions", "America/St_Johns", "1992-02-29T08:00", "1w", TEAMS) +
  rotation("versions", "Asia/Kathmandu", "2015-06-01T08:00", "5d", `bea, "team:platform"`, ', effective_from: "2015-06-03T10:00:00Z"') +
  rotation("versions", "Europe/London", "2030-01-01T01:30", "1mo", `"team:platform", "team:devops", ben`, ', effective_from: "2030-10-27T01:15:00Z"') +
  edited;
const BEFORE = rotation("edited", "Europe/Berlin", "2025-11-17T09:00", "1d", TEAMS);
const AFTER = rotation("edited", "America/New_York", "2025-11-17T17:45", "2d", `"team:platform", "team:backend"`);
const ROTATIONS = ["berlin", "half-hour", "kolkata", "chatham", "apia", "monthly", "empty-team", "versions", "edited"];

/** In which times are asked and told. */
const ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Asia/Kolkata"];

/** Where clocks change, and where calendars are hard. */
const HARD = [
  "1990-03-25T01:00:00Z", "1990-12-31T23:00:00Z", "1992-02-29T12:00:00Z", "2000-02-29T00:00:00Z", "2008-12-29T00:00:00Z",
  "2011-12-30T10:00:00Z", "2011-12-30T09:59:59Z", "2015-06-03T10:00:00Z", "2020-12-28T08:00:00Z", "2024-09-08T04:00:00Z",
  "2026-01-01T08:00:00Z", "2026-03-29T01:00:00Z", "2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z", "2026-10-25T01:00:00Z",
  "2026-11-01T06:00:00Z", "2030-10-27T01:15:00Z", "2040-02-29T00:00:00Z", "2040-12-31T23:59:59Z",
];

/** Numbers from 0 to 1, the same in each run. */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const iso = (time) => `${new Date(time).toISOString().slice(0, 19)}Z`;

/** Does all of it, some at once, and answers in order. */
async function each(all, act) {
  const done = new Array(all.length);
  let next = 0;
  const work = async () => {
    for (let at = next++; at < all.length; at = next++) done[at] = await act(all[at], at);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return done;
}

/** A portal with a configuration of its own, and tokens for its people. */
class World {
  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), "devmatrix-answers-"));
    this.files = ["--config", join(this.dir, "devmatrix.yaml"), "--data-dir", join(this.dir, "data")];
    this.tokens = {};
  }

  async start(edited, name) {
    await this.portal?.stop();
    writeFileSync(join(this.dir, "devmatrix.yaml"), config(edited));
    this.portal = await startPortal({ name, args: this.files });
  }

  token(person, scopes = "read,incident") {
    const made = () => {
      const { exit, stdout, stderr } = command(["token", "create", "--user", person, "--scopes", scopes, ...this.files]);
      if (exit !== 0) throw new Error(stderr);
      return stdout.trim();
    };
    return (this.tokens[`${person} ${scopes}`] ??= made());
  }

  async as(person, method, path, body) {
    const headers = { authorization: `Bearer ${this.token(person)}`, ...(body && { "content-type": "application/json" }) };
    const answer = await fetch(this.portal.url + path, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  async json(path) {
    return (await this.as("pia", "GET", `/api/v1${path}`)).json();
  }

  async arrange(rotation, role, participant, from, until) {
    const body = { role, participant, starts: iso(from), ends: iso(until), reason: "a wedding" };
    return (await this.as("bea", "POST", `/api/v1/rotations/${rotation}/overrides`, body)).json();
  }

  async handoffs(rotation, from, until) {
    return (await this.json(`/on-call/handoffs?rotation=${rotation}&from=${iso(from)}&until=${iso(until)}`)).items;
  }

  async signedIn() {
    const form = new URLSearchParams({ token: this.token("pia"), return_to: "/" });
    const answer = await fetch(`${this.portal.url}/sign-in`, { method: "POST", body: form, headers: { origin: this.portal.url }, redirect: "manual" });
    return answer.headers.get("set-cookie").split(";")[0];
  }

  async end() {
    await this.portal?.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Shifts that have begun before an edit; then overrides over handoffs, into gaps, taken back; and a swap. The edges of it all. */
async function arranged(world) {
  await world.start(BEFORE, "answers before the edit");
  const begun = async () => (await world.json("/rotations/edited/timeline")).shifts.length > 300;
  await eventually("shifts that have begun are stored", 30_000, begun);
  const kept = await each([0, 3, 40, 200].map((days) => iso(Date.now() - days * DAY)), (at) => world.json(`/on-call?rotation=edited&at=${at}`));
  await world.start(AFTER, "answers");
  for (const before of kept) {
    expect(await world.json(`/on-call?rotation=edited&at=${before.at}`), "an edit leaves what has begun").toEqual(before);
  }
  const now = Math.ceil(Date.now() / HOUR) * HOUR;
  const table = [
    ["berlin", "primary", "bea", now + 2 * DAY, now + 4 * DAY],
    ["berlin", "secondary", "team:platform", now + 3.5 * DAY, now + 20 * DAY],
    ["half-hour", "primary", "olivia", now + DAY, now + DAY + 6 * HOUR],
    ["kolkata", "backup", "ben", now + 5 * DAY, now + 40 * DAY],
    ["monthly", "backup", "pia", now + 10 * DAY, now + 45 * DAY],
    ["versions", "primary", "team:devops", now + HOUR, now + 12 * HOUR],
    ["edited", "backup", "dmitri", now + 30 * DAY, now + 31 * DAY],
  ];
  for (const row of table) await world.arrange(...row);
  const { id } = await world.arrange("apia", "primary", "dmitri", now + DAY, now + 9 * DAY);
  await world.as("bea", "DELETE", `/api/v1/rotations/apia/overrides/${id}`);
  const shifts = await world.handoffs("berlin", now + 60 * DAY, now + 120 * DAY);
  const [give, take] = ["team:devops", "team:backend"].map((team) => {
    const { starts, ends } = shifts.slice(1).find((shift) => shift.roles[0].participant === team);
    return { starts, ends };
  });
  const offer = await world.as("olivia", "POST", "/api/v1/rotations/berlin/swaps", { role: "primary", with: "team:backend", give, take, reason: "" });
  await world.as("ben", "POST", `/api/v1/swaps/${(await offer.json()).id}/accept`, {});
  const windows = [...table.map(([rotation, , , from, until]) => [rotation, from, until]), ...[give, take].map(({ starts, ends }) => ["berlin", Date.parse(starts), Date.parse(ends)])];
  return windows.flatMap(([rotation, from, until]) => [from - 1000, from, until - 1000, until].map((time) => [rotation, time]));
}

/** A thousand pairs of rotation and moment; those far from today are the same in each run. */
async function questions(world, edges) {
  const [number, now] = [numbers(6), Date.now()];
  const all = [...edges];
  for (const rotation of ROTATIONS) {
    for (const hard of HARD) all.push([rotation, Date.parse(hard)], [rotation, Date.parse(hard) - 1000]);
    for (const from of [now - 10 * DAY, Date.parse("1996-10-20T00:00:00Z"), Date.parse("2039-03-20T00:00:00Z")]) {
      const handoffs = (await world.handoffs(rotation, from, from + 70 * DAY)).slice(0, 4);
      all.push(...handoffs.flatMap(({ ends }) => [[rotation, Date.parse(ends)], [rotation, Date.parse(ends) - 1000]]));
    }
    for (let n = 0; n < 25; n++) all.push([rotation, now - 27 * DAY + Math.floor(number() * 390 * DAY)]);
  }
  const [first, last] = [Date.UTC(1990, 0), Date.UTC(2041, 0)];
  while (all.length < COUNT) all.push([ROTATIONS[all.length % ROTATIONS.length], first + Math.floor(number() * (last - first))]);
  expect(all.length).toBe(COUNT);
  return all.map(([rotation, time]) => ({ rotation, time, at: iso(time) }));
}

/** The code that browsers run, on this rotation. */
async function browsers(world, rotation) {
  const oncall = await import(pathToFileURL(join(SITE, "oncall/oncall.js")).href);
  oncall.initSync({ module: readFileSync(join(SITE, "oncall/oncall_bg.wasm")) });
  const lookup = new oncall.Lookup();
  const addZone = async (name) => {
    if (lookup.has_zone(name)) return;
    const rules = await world.as("pia", "GET", `/api/v1/zone?name=${encodeURIComponent(name)}`);
    expect(rules.headers.get("content-type")).toBe("application/tzif");
    lookup.add_zone(name, new Uint8Array(await rules.arrayBuffer()));
  };
  const timeline = await (await world.as("pia", "GET", `/api/v1/rotations/${rotation}/timeline`)).text();
  for (const name of [...oncall.Lookup.zones_of(timeline), ...ZONES]) await addZone(name);
  lookup.read(timeline);
  return (at, zone) => JSON.parse(lookup.answer(at, zone));
}

/** What the page says, taken from its HTML. */
function said(html) {
  const part = html.slice(html.indexOf('id="lookup-answer"'), html.indexOf("<template")).replaceAll(/<!-*>/g, "");
  const all = (pattern) => [...part.matchAll(pattern)].map(([, text]) => (text ?? "").replaceAll("&amp;", "&"));
  const [json] = all(/<a href="(\/api[^"]*)"/g);
  return { at: all(/<caption[^>]*>On call on ([^<]*)</g)[0], shift: all(/<span>Shift of ([^<]*)</g)[0], holders: all(/data-holder(?:="([^"]*)")?/g), roles: all(/scope="row">([^<]*)</g), why: all(/data-label="Why">([^<]*)</g), json };
}

/** The feed's events, as a calendar client sees them. */
function spans(feed) {
  const events = new ICAL.Component(ICAL.parse(feed)).getAllSubcomponents("vevent").map((one) => new ICAL.Event(one));
  const read = (event, name) => event.component.getFirstPropertyValue(name);
  return events.map((event) => ({ uid: event.uid, from: +event.startDate.toJSDate(), until: +event.endDate.toJSDate(), role: read(event, "x-devmatrix-role"), participant: read(event, "x-devmatrix-participant") }));
}

/** Who holds which role at a moment. */
function heldBy(feed) {
  const all = spans(feed);
  return (time) => Object.fromEntries(all.filter(({ from, until }) => from <= time && time < until).map(({ role, participant }) => [role, participant]));
}

let world;
let asked;
let answers;

test.describe.configure({ mode: "default" });

test.beforeAll(async () => {
  test.setTimeout(180_000);
  world = new World();
  asked = await questions(world, await arranged(world));
  answers = await each(asked, ({ rotation, at }) => world.json(`/on-call?rotation=${rotation}&at=${at}`));
});

test.afterAll(() => world?.end());

test("the questions are worth asking", () => {
  const because = (what) => answers.filter(({ roles }) => roles.some((role) => role.because === what)).length;
  expect([because("override") >= 15, because("swap") >= 2, because("gap") >= 100], "every reason is among the answers").toEqual([true, true, true]);
  const years = new Set(asked.map(({ at }) => at.slice(0, 4)));
  expect([...years].sort().at(0)).toBe("1990");
  expect(years.size).toBeGreaterThan(45);
  expect(new Set(asked.map(({ rotation, at }) => `${rotation} ${at}`)).size, "few are asked twice").toBeGreaterThan(COUNT * 0.93);
});

test("the command line, in one process and without a server", () => {
  const input = asked.map(({ at }) => `${at}\n`).join("");
  const { exit, stdout, stderr } = command(["on-call", "--at", "-", "--json", ...world.files], { input });
  expect(exit, stderr).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.length).toBe(COUNT);
  asked.forEach(({ rotation, at }, n) => expect(JSON.parse(lines[n]).items.find((one) => one.rotation === rotation), `${rotation} at ${at}`).toEqual(answers[n]));
});

test("the browser's WebAssembly", async () => {
  const lookups = Object.fromEntries(await each(ROTATIONS, async (rotation) => [rotation, await browsers(world, rotation)]));
  asked.forEach(({ rotation, at }, n) => expect(lookups[rotation](at, "UTC").on_call, `${rotation} at ${at}`).toEqual(answers[n]));
});

test("the page, word by word what the browser says", async () => {
  test.setTimeout(240_000);
  const cookie = await world.signedIn();
  const lookups = Object.fromEntries(await each(ROTATIONS, async (rotation) => [rotation, await browsers(world, rotation)]));
  await each(asked, async ({ rotation, at }, n) => {
    const zone = ZONES[n % ZONES.length];
    const query = new URLSearchParams({ rotation, at, zone });
    const answer = await fetch(`${world.portal.url}/on-call?${query}`, { headers: { cookie } });
    const page = said(await answer.text());
    const words = lookups[rotation](at, zone);
    expect(page, `${rotation} at ${at} in ${zone}`).toEqual({
      at: words.at,
      shift: words.shift,
      holders: answers[n].roles.map(({ participant }) => participant ?? ""),
      roles: words.roles.map(({ role }) => role),
      why: words.roles.map(({ why }) => why),
      json: `/api/v1/on-call?rotation=${rotation}&at=${at.replaceAll(":", "%3A")}`,
    });
  });
});

test("local times that are missing or come twice, on the page and in the browser", async () => {
  const cookie = await world.signedIn();
  const lookup = await browsers(world, "berlin");
  for (const [at, zone] of [["2026-03-29T02:30", "Europe/Berlin"], ["2026-10-25T02:30", "Europe/Berlin"], ["2026-11-01T01:15", "America/St_Johns"], ["1986-01-01T00:10", "Asia/Kathmandu"]]) {
    const page = said(await (await fetch(`${world.portal.url}/on-call?${new URLSearchParams({ rotation: "berlin", at, zone })}`, { headers: { cookie } })).text());
    const words = lookup(at, zone);
    expect([page.at, page.shift, page.why], `${at} ${zone}`).toEqual([words.at, words.shift, words.roles.map(({ why }) => why)]);
  }
  for (const at of ["2300-01-01T00:00", "Christmas"]) {
    const html = await (await fetch(`${world.portal.url}/on-call?${new URLSearchParams({ rotation: "berlin", at, zone: "UTC" })}`, { headers: { cookie } })).text();
    let sentence = "";
    try {
      lookup(at, "UTC");
    } catch (error) {
      sentence = String(error);
    }
    expect(sentence).toMatch(/^at: expected a /);
    expect(html).toContain(`>${sentence}</p>`);
  }
});

test("the calendar feed, by another library, for its year", async () => {
  const token = world.token("pia", "read");
  const now = Date.now();
  let covered = 0;
  for (const rotation of ROTATIONS) {
    const held = heldBy(await (await fetch(`${world.portal.url}/api/v1/rotations/${rotation}/calendar.ics?token=${token}`)).text());
    asked.forEach(({ rotation: of, time, at }, n) => {
      if (of !== rotation || time < now - 27.9 * DAY || time > now + 363.9 * DAY) return;
      covered += 1;
      const filled = answers[n].roles.filter(({ participant }) => participant);
      expect(held(time), `${rotation} at ${at}`).toEqual(Object.fromEntries(filled.map(({ role, participant }) => [role, participant])));
    });
  }
  expect(covered).toBeGreaterThan(250);
});

test("the calendar feed, event by event", async () => {
  const token = world.token("pia", "read");
  for (const rotation of ROTATIONS) {
    const feed = await (await fetch(`${world.portal.url}/api/v1/rotations/${rotation}/calendar.ics?token=${token}`)).text();
    const events = spans(feed);
    expect(new Set(events.map(({ uid }) => uid)).size, "UIDs are unique").toBe(events.length);
    const [first, last] = [Math.min(...events.map(({ from }) => from)), Math.max(...events.map(({ until }) => until))];
    const stretches = (await world.handoffs(rotation, first, last)).map(({ starts, ends, roles }) => ({ from: Date.parse(starts), until: Date.parse(ends), roles }));
    for (const { from, until, role, participant } of events) {
      const covered = stretches.filter((one) => one.from < until && from < one.until);
      expect(covered.map(({ roles }) => roles.find((one) => one.role === role)?.participant), `${rotation} ${role} ${iso(from)}`).toEqual(covered.map(() => participant));
      expect([covered.at(0).from, covered.at(-1).until], "it begins and ends where somebody changes").toEqual([from, until]);
    }
    // Nobody is left out: what is filled is in the feed, to the second.
    const lengths = (all) => all.reduce((sum, { from, until }) => sum + until - from, 0);
    const within = stretches.filter(({ from, until }) => until > Date.now() - 27.9 * DAY && from < Date.now() + 363.9 * DAY);
    const filled = within.flatMap(({ from, until, roles }) => roles.filter(({ participant }) => participant).map(() => ({ from, until })));
    const clipped = events.filter(({ from, until }) => until > within[0].from && from < within.at(-1).until).map(({ from, until }) => ({ from: Math.max(from, within[0].from), until: Math.min(until, within.at(-1).until) }));
    expect(lengths(clipped), rotation).toBe(lengths(filled));
  }
});

test("in Chromium, as the reader chooses, and with the network gone", async ({ page, context }) => {
  const [name, value] = (await world.signedIn()).split("=");
  await context.addCookies([{ name, value, url: world.portal.url }]);
  await page.goto(`${world.portal.url}/on-call?rotation=berlin&zone=UTC`);
  const form = page.getByRole("form", { name: "Look up a moment" });
  const [at, zone, table] = [form.getByLabel("Date and time"), form.getByLabel("Zone"), page.getByTestId("answer")];
  await expect(page.getByTestId("live")).toHaveAttribute("data-live", "live");
  for (const each of ["Asia/Kolkata", "UTC"]) {
    await zone.selectOption(each);
    await expect(table.locator("caption")).toContainText(each);
  }
  await context.setOffline(true);
  const lookup = await browsers(world, "berlin");
  const sample = asked.map((one, n) => ({ ...one, n })).filter(({ rotation, time }) => rotation === "berlin" && time % 60_000 === 0);
  expect(sample.length).toBeGreaterThan(25);
  for (const { time, n } of sample) {
    const kolkata = n % 2 === 0;
    await zone.selectOption(kolkata ? "Asia/Kolkata" : "UTC");
    // India has been five and a half hours ahead all these years.
    const local = new Date(time + (kolkata ? 5.5 * HOUR : 0)).toISOString().slice(0, 16);
    await at.fill(local);
    const words = lookup(local, kolkata ? "Asia/Kolkata" : "UTC");
    await expect(table.locator("caption")).toHaveText(`On call on ${words.at}`);
    const holders = await table.locator("[data-holder]").evaluateAll((all) => all.map((one) => one.dataset.holder));
    expect(holders, words.at).toEqual(answers[n].roles.map(({ participant }) => participant ?? ""));
    expect(await table.locator('[data-label="Why"]').allTextContents()).toEqual(words.roles.map(({ why }) => why));
  }
});

test("in Chromium, what is arranged meanwhile counts, and a reload shows the same", async ({ page, context }) => {
  const [name, value] = (await world.signedIn()).split("=");
  await context.addCookies([{ name, value, url: world.portal.url }]);
  await page.goto(`${world.portal.url}/on-call?rotation=chatham&zone=UTC`);
  await expect(page.getByTestId("live")).toHaveAttribute("data-live", "live");
  const moment = Math.ceil(Date.now() / HOUR) * HOUR + 100 * DAY;
  const at = new Date(moment).toISOString().slice(0, 16);
  await page.getByRole("form", { name: "Look up a moment" }).getByLabel("Date and time").fill(at);
  const backup = page.getByTestId("answer").getByRole("row", { name: /^Backup / });
  await expect(backup).toContainText("Base rotation");
  const { id } = await world.arrange("chatham", "backup", "dmitri", moment - HOUR, moment + HOUR);
  await expect(backup).toContainText("Override by Bea");
  await expect(backup.locator("[data-holder]")).toHaveText(/^Dmitri/);
  const shown = await page.getByTestId("answer").innerText();
  await page.reload();
  expect(await page.getByTestId("answer").innerText(), "as the server writes it").toBe(shown);
  await world.as("bea", "DELETE", `/api/v1/rotations/chatham/overrides/${id}`);
  await expect(backup).toContainText("Base rotation");
  const form = page.getByRole("form", { name: "Look up a moment" });
  await form.getByLabel("Date and time").fill("2300-01-01T00:00");
  await expect(form.locator("..").getByRole("alert")).toHaveText("at: expected a time in the years 1900 to 2199");
  await expect(page.getByTestId("answer")).toHaveCount(0);
});
