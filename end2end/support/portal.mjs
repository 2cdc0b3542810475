// A portal of one's own: started on a free port, waited for, ended by its pid. What it writes to stderr is kept in results/.
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RESULTS, ROOT, SITE, binary } from "./places.mjs";

const START_MS = 30_000;
const STOP_MS = 15_000;

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

const environment = () => ({ ...process.env, LEPTOS_SITE_ROOT: SITE, RUST_LOG: process.env.RUST_LOG ?? "info", DEVMATRIX_DATABASE_URL: undefined });

/** Starts a portal and answers when it is ready. `port` 0: a free one. Of the demo, `clusters` says where each of its clusters is. */
export async function startPortal({ name, args = ["--demo"], port = 0, executable = binary() }) {
  const log = join(RESULTS, `portal-${name.replace(/[^a-z0-9]+/gi, "-").toLowerCase()}.log`);
  writeFileSync(log, "");
  const kubeconfig = `${log}.kubeconfig`;
  if (args.includes("--demo")) args = [...args, "--demo-kubeconfig", kubeconfig];
  const child = spawn(executable, ["serve", ...args, "--listen", `127.0.0.1:${port}`], { cwd: ROOT, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const portal = { url: "", pid: child.pid, log, stderr: "", stop: () => end(child), kill: () => end(child, "SIGKILL") };
  child.stderr.setEncoding("utf8").on("data", (text) => {
    portal.stderr += text;
    appendFileSync(log, text);
  });
  const ended = new Promise((_, reject) => {
    child.once("error", (error) => reject(new Error(`${executable} does not start: ${error.message}`)));
    child.once("exit", (code, signal) => {
      running.delete(child);
      reject(new Error(`the portal ended with ${code ?? signal}:\n${portal.stderr.slice(-2000)}`));
    });
  });
  ended.catch(() => {});
  try {
    portal.url = await before(START_MS, Promise.race([address(child), ended]), () => `the portal says no address:\n${portal.stderr.slice(-2000)}`);
    await Promise.race([ready(portal.url), ended]);
    if (args.includes("--demo")) portal.clusters = addresses(kubeconfig);
  } catch (error) {
    await end(child, "SIGKILL");
    throw error;
  }
  return portal;
}

/** The address in its first line: `DevMatrix Portal is at http://127.0.0.1:40123 (…`. */
function address(child) {
  return new Promise((done) => {
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      said += text;
      const found = said.match(/ is at (http:\/\/127\.0\.0\.1:\d+)/);
      if (found) done(found[1]);
    });
  });
}

/** `prod-eks` → `http://127.0.0.1:40125`, of each cluster. */
function addresses(kubeconfig) {
  const { clusters } = JSON.parse(readFileSync(kubeconfig, "utf8"));
  return Object.fromEntries(clusters.map(({ name, cluster }) => [name, cluster.server]));
}

async function ready(url) {
  await eventually(`${url}/readyz answers 200`, START_MS, async () => (await fetch(`${url}/readyz`)).status === 200);
}

async function end(child, signal = "SIGTERM") {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((done) => child.once("exit", done));
  child.kill(signal);
  await before(STOP_MS, gone, () => `the portal ${child.pid} does not end on ${signal}`).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
}

/** `promise`, or an error when it takes longer. */
export async function before(ms, promise, why) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`after ${ms / 1000} s: ${why()}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks until the answer is true, or the deadline has passed. */
export async function eventually(what, ms, ask) {
  const until = Date.now() + ms;
  let last = "";
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
      last = "";
    } catch (error) {
      last = `: ${error.message}`;
    }
    if (Date.now() > until) throw new Error(`not within ${ms / 1000} s: ${what}${last}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Runs a command of the portal's binary to its end. */
export function command(args, { executable = binary(), input } = {}) {
  const done = spawnSync(executable, args, { cwd: ROOT, env: environment(), input, encoding: "utf8", timeout: 60_000, maxBuffer: 64 * 1024 * 1024 });
  if (done.error) throw done.error;
  return { exit: done.status, stdout: done.stdout, stderr: done.stderr };
}
