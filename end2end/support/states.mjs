// Every page and state that is looked at by axe and by the camera, and the portal that has them all.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Api, hasPast } from "./api.mjs";
import { expire, lose, slow, slowNoMore, stick } from "./ends.mjs";
import { editConfigMap } from "./kubernetes.mjs";
import { eventually, startPortal } from "./portal.mjs";
import { lostPortal } from "./lost.mjs";

export const THEMES = ["light", "dark"];
export const WIDTHS = [1440, 320];

/** A portal with a change in every state, and one that has lost its clusters. */
export async function stage(name) {
  const dir = mkdtempSync(join(tmpdir(), "devmatrix-states-"));
  const data = join(dir, "states");
  const portals = await Promise.all([
    startPortal({ name: `${name} states`, args: ["--demo", "--data-dir", data] }),
    startPortal({ name: `${name} calm` }),
    lostPortal(dir, `${name} lost`),
  ]);
  const [portal, calm, lost] = portals;
  const stop = async () => {
    await Promise.all(portals.map((one) => one.stop()));
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await Promise.all([hasPast(portal.url), hasPast(calm.url)]);
    return { url: portal.url, calm: calm.url, lost, ids: await seed(portal, data), portals, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function seed(portal, data) {
  const { url } = portal;
  const [bea, ben, olivia, dmitri] = ["bea", "ben", "olivia", "dmitri"].map((person) => new Api(url, person));
  // Ended by themselves or by what came over them, each in a place of its own at the same time.
  const [failed, crashed, succeeded, stuck, errored, expired] = await Promise.all([
    bea.rollback("nginx", "prod", "1.29.2-nopull", "To see it fail").then((change) => bea.until(change, "failed")),
    ben.rollback("api", "prod", "1.42.1-crash", "To see it crash").then((change) => ben.until(change, "failed")),
    bea.rollback("redis", "prod-central", "7.4.1", "Memory grows").then((change) => bea.until(change, "succeeded")),
    getStuck(portal, data, ben, dmitri),
    runIntoError(portal, ben, dmitri),
    ben.promote("elasticsearch", "prod-central", "Faster queries").then((change) => expire(data, ben, change)),
  ]);
  const overtaken = await bea.promote("qdrant", "prod-central", "The new index");
  await bea.until(await bea.rollback("qdrant", "prod-central", "1.15.4", "First back"), "succeeded");
  const superseded = await bea.until(overtaken, "superseded");
  // Since 1.42.3 was deployed, which is not what runs there by now.
  await editConfigMap(portal, "prod-eks", "devmatrix", "devmatrix-config", { LOG_LEVEL: "DEBUG", SINCE: "1.42.1" });
  const asked = await ben.promote("nginx", "prod-central", "Asked too early");
  await olivia.reject(asked, "Not before the freeze ends");
  const rejected = await ben.until(asked, "rejected");
  const stopped = await dmitri.promote("nginx", "prod-central", "A mistake");
  await dmitri.good("POST", `/changes/${stopped.label}/abort`, { reason: "Wrong environment" });
  const aborted = await dmitri.until(stopped, "aborted");
  const awaiting = await bea.promote("api", "prod-central", "Customers wait for the new search");
  const more = await bea.promote("nginx", "prod-central", "Fixes the header bug");
  await bea.good("POST", "/trains", { components: ["postgres", "elasticsearch"], environment: "prod", from: "staging", reason: "The November release" });
  await bea.good("POST", "/incidents", { title: "Requests fail", severity: "P1", components: ["api"], summary: "One in ten" });
  await bea.good("POST", "/pages", { to: "on-call:platform/primary", reason: "One in ten requests fails", incident: "INC-1" });
  const paged = await bea.good("POST", "/pages", { to: "ben", reason: "Have a look at redis" });
  await ben.good("POST", `/pages/${paged.label}/acknowledge`);
  const inDays = (days) => `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 19)}Z`;
  await bea.good("POST", "/rotations/platform/overrides", { role: "primary", participant: "bea", starts: inDays(9), ends: inDays(11), reason: "A wedding" });
  const ended = { failed, crashed, succeeded, stuck, errored, expired, superseded, rejected, aborted };
  return Object.fromEntries(Object.entries({ ...ended, awaiting, more }).map(([state, change]) => [state, change.label]));
}

/** A restart that goes on and on; afterwards its pod runs what ran before. */
async function getStuck(portal, data, ben, dmitri) {
  await slow(portal, "prod-gke", "prometheus");
  const change = await ben.restart("prometheus", "prod-central", "It scrapes nothing");
  await dmitri.approve(change);
  const stuck = await stick(data, ben, change);
  await slowNoMore(portal, "prod-gke", "prometheus");
  return stuck;
}

/** A restart whose workload is deleted; afterwards it is there again. */
async function runIntoError(portal, ben, dmitri) {
  await slow(portal, "prod-eks", "prometheus");
  const change = await ben.restart("prometheus", "prod", "It scrapes nothing");
  await dmitri.approve(change);
  const makeAnew = await lose(portal, "prod-eks", "prometheus", ben, change);
  await makeAnew();
  return change;
}

const promote = (component, environment) => `/changes/new?kind=promote&component=${component}&environment=${environment}&from=staging`;

/** A rollback's preview, to the newest revision of a version. */
async function rollbackPage(url, component, environment, version) {
  const { items } = await new Api(url, "bea").good("GET", `/components/${component}/deployments?environment=${environment}`);
  const record = items.find((one) => !one.current && one.image.includes(`:${version}`));
  return `/changes/new?kind=rollback&component=${component}&environment=${environment}&to_revision=${record.revision}`;
}

const openAll = (selector) => async (page) => {
  for (const menu of await page.locator(selector).all()) await menu.evaluate((details) => (details.open = true));
};

/**
 * `who`: nobody when it is left out. `at`: which portal. `says`: a text that shows that it is this state.
 * `scope`: an open menu lies over the page, whose covered links are no targets as long as it is there.
 */
export const STATES = [
  { name: "sign-in", path: "/sign-in", says: "Made-up people" },
  { name: "sign-in-token", at: "lost", path: "/sign-in", says: "API token" },
  { name: "sign-in-refused", at: "lost", path: "/sign-in", says: "Not signed in.", status: 401, act: refuseToken },
  { name: "home", who: "dmitri", path: "/", says: "approvals wait for your vote" },
  { name: "home-requester", who: "bea", path: "/", says: "failed" },
  { name: "home-viewer", who: "viv", path: "/", says: "viv may not ask for changes" },
  { name: "home-stuck", who: "viv", path: "/", says: "asked for by Ben" },
  { name: "home-calm", at: "calm", who: "bea", path: "/", says: "Nothing waits for you." },
  { name: "home-lost", at: "lost", who: "token", path: "/", says: "Unreachable" },
  { name: "menu-pages", who: "bea", path: "/", says: "Home", act: openAll("details.menu-nav"), scope: "header.frame" },
  { name: "menu-clusters", who: "bea", path: "/", says: "all reachable", act: openAll("#clusters"), scope: "header.frame" },
  { name: "menu-account", who: "olivia", path: "/", says: "Sign out", act: openAll("details.menu-user"), scope: "header.frame" },
  { name: "palette", who: "bea", path: "/", says: "Search or run a command", act: openPalette },
  { name: "components", who: "bea", path: "/components", says: "In every environment" },
  { name: "component", who: "bea", path: "/components/redis", says: "On hold" },
  { name: "component-failing", who: "bea", path: "/components/nginx", says: "ImagePullBackOff" },
  { name: "component-viewer", who: "viv", path: "/components/redis", says: "viv may not ask for changes" },
  { name: "component-lost", at: "lost", who: "token", path: "/components/api", says: "The cluster does not answer" },
  { name: "on-call", who: "bea", path: "/on-call?at=2026-12-25T03:00", says: "Next handoff" },
  { name: "on-call-viewer", at: "calm", who: "viv", path: "/on-call", says: "Nothing is arranged" },
  { name: "severity", who: "bea", path: "/severity?level=P3&from=2026-12-23T16:40&team=devops", says: "Requests fail" },
  { name: "severity-calm", at: "calm", who: "viv", path: "/severity", says: "No incident is open." },
  { name: "incidents", who: "bea", path: "/incidents", says: "Requests fail" },
  { name: "incident", who: "bea", path: "/incidents/INC-1", says: "Acknowledge" },
  { name: "page-new", who: "bea", path: "/pages/new?to=olivia&incident=INC-1", says: "Page now" },
  { name: "page-new-viewer", who: "viv", path: "/pages/new?to=olivia", says: "that needs to be in a team" },
  { name: "page", who: "olivia", path: "/pages/PG-1", says: "Demo: nothing was sent." },
  { name: "page-acknowledged", who: "viv", path: "/pages/PG-2", says: "Ben is on it" },
  { name: "logs", who: "viv", path: "/components/api/logs?environment=prod-central", says: "Following" },
  { name: "logs-filtered-to-nothing", who: "viv", path: "/components/api/logs?environment=prod-central&text=no+such+words", says: "No line matches" },
  { name: "logs-previous", who: "viv", path: "/components/api/logs?environment=prod&previous=true", says: "FATAL startup failed" },
  { name: "logs-lost", at: "lost", who: "token", path: "/components/api/logs?environment=prod", says: "cannot be reached" },
  { name: "environments", who: "bea", path: "/environments", says: "By stage" },
  { name: "environment", who: "bea", path: "/environments/prod", says: "declared and observed" },
  { name: "environment-staging", who: "bea", path: "/environments/staging", says: "Paused" },
  { name: "environment-lost", at: "lost", who: "token", path: "/environments/prod", says: "The cluster does not answer." },
  { name: "changes", who: "bea", path: "/changes", says: "Queue and history" },
  { name: "changes-filtered", who: "bea", path: "/changes?state=failed&environment=prod", says: "Clear filters" },
  { name: "changes-nothing", who: "bea", path: "/changes?component=redis&state=failed", says: "No change matches" },
  { name: "changes-none", at: "calm", who: "bea", path: "/changes", says: "No change yet" },
  { name: "change-awaiting", who: "dmitri", change: "awaiting", says: "You may vote." },
  { name: "change-awaiting-requester", who: "bea", change: "awaiting", says: "You may not vote", act: openAll("details.more") },
  { name: "change-awaiting-viewer", who: "viv", change: "awaiting", says: "You may not vote" },
  { name: "change-reject-without-reason", who: "dmitri", change: "awaiting", says: "Not rejected.", status: 400, act: rejectWithoutReason },
  { name: "change-running", at: "calm", who: "bea", says: "under way", act: catchRunning },
  { name: "change-succeeded", who: "bea", change: "succeeded", says: "Succeeded." },
  { name: "change-failed", who: "bea", change: "failed", says: "What the pod says" },
  { name: "change-crashed", who: "ben", change: "crashed", says: "CrashLoopBackOff" },
  { name: "change-stuck", who: "bea", change: "stuck", says: "It needs a person" },
  { name: "change-errored", who: "bea", change: "errored", says: "was deleted while it rolled out" },
  { name: "change-expired", who: "bea", change: "expired", says: "expired before it was decided on" },
  { name: "change-superseded", who: "bea", change: "superseded", says: "Nothing was written." },
  { name: "change-rejected", who: "ben", change: "rejected", says: "Not before the freeze ends" },
  { name: "change-aborted", who: "dmitri", change: "aborted", says: "Wrong environment" },
  { name: "new-promote", who: "bea", path: promote("qdrant", "prod-central"), says: "Ask for approval" },
  { name: "new-rollback", who: "bea", path: ({ url }) => rollbackPage(url, "redis", "prod", "7.4.1"), says: "Nothing has happened yet." },
  { name: "new-rollback-config", who: "bea", path: async ({ url }) => `${await rollbackPage(url, "api", "prod", "1.42.3")}&restore_config=1`, says: "This plan brings it back" },
  { name: "new-refused", who: "bea", path: "/changes/new?kind=scale&component=api&environment=prod&replicas=6", says: "There is no plan for this." },
  { name: "new-refused-paused", who: "bea", path: promote("neo4j", "prod"), says: "There is no plan for this." },
  { name: "new-refused-viewer", who: "viv", path: promote("nginx", "prod"), says: "There is no plan for this." },
  { name: "new-scale", who: "bea", path: "/changes/new?kind=scale&component=redis&environment=prod&replicas=0", says: "Nothing will serve" },
  { name: "new-restart", who: "bea", path: "/changes/new?kind=restart&component=elasticsearch&environment=prod", says: "a few at a time" },
  { name: "new-deploy", who: "bea", path: "/changes/new?kind=deploy&component=api&environment=staging", says: "Which image" },
  { name: "new-deploy-without-digest", who: "bea", path: "/changes/new?kind=deploy&component=api&environment=staging&image=api:1.43.2", says: "names no digest" },
  { name: "train-new", who: "bea", path: "/trains/new?environment=prod-central&component=postgres&component=redis", says: "Take out what is refused" },
  { name: "train-awaiting", who: "dmitri", path: "/trains/TR-1", says: "Approve all plans", act: openAll("details.more") },
  { name: "approvals", who: "dmitri", path: "/approvals", says: "wait for your vote", act: openAll("details.more") },
  { name: "approvals-requester", who: "bea", path: "/approvals", says: "Waiting for others" },
  { name: "approvals-none", at: "calm", who: "dmitri", path: "/approvals", says: "Nothing waits for you." },
  { name: "error-404", who: "bea", path: "/components/nothing", says: "There is no component", status: 404 },
  { name: "error-404-change", who: "bea", path: "/changes/CH-999", says: "There is no change", status: 404 },
  { name: "error-404-anonymous", path: "/no/such/page", says: "There is no such page", status: 404 },
  { name: "error-404-route", who: "bea", path: "/no/such/page", says: "There is no such page", status: 404 },
  { name: "error-400", who: "bea", path: "/changes?state=nonsense", says: "expected a state", status: 400 },
];

/** Opens a state in a page whose context has the theme's cookie. */
export async function open(page, stage, state) {
  const portal = state.at ? stage[state.at] : stage.url;
  const url = portal.url ?? portal;
  const context = page.context();
  await context.clearCookies({ name: "devmatrix" });
  if (state.who) {
    const form = state.who === "token" ? { token: stage.lost.token } : { person: state.who };
    const answer = await context.request.post(`${url}/sign-in`, { form, headers: { origin: url }, maxRedirects: 0 });
    if (answer.status() !== 303) throw new Error(`signing in as ${state.who}: ${answer.status()}`);
  }
  const path = state.change ? `/changes/${stage.ids[state.change]}` : typeof state.path === "function" ? await state.path(stage) : state.path;
  const answer = path && (await page.goto(`${url}${path}`));
  const acted = await state.act?.(page, url, stage);
  const status = acted?.status ?? answer?.status();
  if (status !== (state.status ?? 200)) throw new Error(`${state.name}: ${status} at ${page.url()}`);
  await page.getByText(state.says).first().waitFor({ state: "attached" });
}

async function openPalette(page) {
  await page.locator("[data-live=live]").waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("option").first().waitFor();
}

async function refuseToken(page) {
  await page.getByLabel("API token").fill("wrong");
  const answer = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button", { name: "Sign in" }).click();
  return { status: (await answer).status() };
}

async function rejectWithoutReason(page) {
  const answer = page.waitForResponse((response) => response.request().method() === "POST");
  await page.locator("#decide").getByRole("button", { name: "Reject" }).click();
  return { status: (await answer).status() };
}

/** A rollout on its way, as it was at one moment: without its script the page does not go on. */
async function catchRunning(page, url) {
  const ben = new Api(url, "ben");
  const other = (await ben.cell("api", "prod")).image.includes("1.42.2") ? "1.42.3" : "1.42.2";
  await page.route("**/boot.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
  const change = await ben.rollback("api", "prod", other);
  await eventually("the page shows the rollout", 20_000, async () => {
    await page.goto(`${url}/changes/${change.label}`);
    return (await page.getByTestId("state").textContent()) === "Rolling out";
  });
  await page.unroute("**/boot.js");
  await ben.until(change, "succeeded");
  return { status: 200 };
}
