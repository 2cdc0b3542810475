// Ends that a change of the demo comes to after an hour, after a day, or by somebody else's doing: brought about at once.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { deleteDeployment, editDeployment, makeDeployment } from "./kubernetes.mjs";
import { eventually } from "./portal.mjs";

const NAMESPACE = "devmatrix";
const START_MS = 30_000;
// Less than its deadline, which is ten minutes.
const SLOW_S = 500;

/** From now on a rollout of this Deployment does not end, until it is slow no more. */
export const slow = (portal, cluster, name) => editDeployment(portal, cluster, NAMESPACE, name, { minReadySeconds: SLOW_S });
export const slowNoMore = (portal, cluster, name) => editDeployment(portal, cluster, NAMESPACE, name, { minReadySeconds: null });

/** A slow rollout has gone on for two hours: the change is stuck. `data`: the folder with the portal's data. */
export async function stick(data, api, change) {
  // Old pods stay until new ones are available: that is what it waits for.
  await rollsOut(api, change, "old pod");
  await sql(data, `UPDATE change_writes SET applied_at = applied_at - 7200000 WHERE change_id = '${change.id}'`);
  return api.until(change, "stuck");
}

/** What waits for votes has waited for too long: the change has expired. */
export async function expire(data, api, change) {
  await sql(data, `UPDATE changes SET plan = json_set(plan, '$.valid_until', '${change.plan.made_at}') WHERE id = '${change.id}'`);
  return api.until(change, "expired");
}

/** Somebody deletes the Deployment while it rolls out slowly: the change has errored. Answers how to make the Deployment anew. */
export async function lose(portal, cluster, name, api, change) {
  await rollsOut(api, change);
  const was = await deleteDeployment(portal, cluster, NAMESPACE, name);
  await api.until(change, "errored");
  return () => makeDeployment(portal, cluster, { ...was, spec: { ...was.spec, minReadySeconds: undefined } });
}

/** And waits for this, in the portal's words. */
function rollsOut(api, change, waitsFor = "") {
  return eventually(`${change.label} rolls out`, START_MS, async () => {
    const { state, steps } = await api.change(change.label);
    return state === "observing" && steps.some(({ name, detail }) => name === "rollout" && detail.includes(waitsFor));
  });
}

/** Past the portal, in its database: by Node.js where it brings SQLite along (from 22.13 on), else by SQLite's own command line. */
async function sql(data, statement) {
  const file = join(data, "devmatrix.db");
  // The portal writes too, and empties the log by itself.
  const all = `PRAGMA busy_timeout = 10000; PRAGMA wal_autocheckpoint = 0; ${statement};`;
  const { DatabaseSync } = await import("node:sqlite").catch(() => ({}));
  if (DatabaseSync) {
    const database = new DatabaseSync(file);
    database.exec(all);
    return database.close();
  }
  const done = spawnSync("sqlite3", ["-bail", file, all], { encoding: "utf8" });
  if (done.error) throw new Error(`sqlite3 does not start (Node.js 22.13 needs none; Debian has it as sqlite3): ${done.error.message}`);
  if (done.status !== 0) throw new Error(`sqlite3: ${done.stderr}`);
}
