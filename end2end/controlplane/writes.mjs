// node writes.mjs DIR [NAMESPACE/NAME] [--user NAME]
// Reads DIR/audit.log and prints one JSON line for each effective write that the user (portal, unless another is named)
// made to a Deployment: answered with 2xx, not a dry run, and the object's generation is another one than before.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

const SETTLED_MS = 250; // the API server answers first and logs right after
const PATIENCE_MS = 3000;

const words = process.argv.slice(2);
const at = words.indexOf("--user");
const user = at < 0 ? "portal" : words.splice(at, 2)[1];
const [dir, only] = words;
if (!dir || !user || words.length > 2 || (only && !/^[^/]+\/[^/]+$/.test(only))) {
  console.error("usage: writes.mjs DIR [NAMESPACE/NAME] [--user NAME]");
  process.exit(2);
}

const file = join(dir, "audit.log");
let size = -1;
for (const start = Date.now(); statSync(file).size !== size && Date.now() - start < PATIENCE_MS; ) {
  size = statSync(file).size;
  await sleep(SETTLED_MS);
}

const isDryRun = (event) =>
  new URL(event.requestURI, "https://localhost").searchParams.getAll("dryRun").includes("All") ||
  Boolean(event.requestObject?.dryRun?.includes?.("All"));

const isWrite = (event) =>
  event.stage === "ResponseComplete" &&
  ["create", "update", "patch", "delete", "deletecollection"].includes(event.verb) &&
  event.objectRef?.apiGroup === "apps" &&
  event.objectRef?.resource === "deployments" &&
  [undefined, "scale"].includes(event.objectRef.subresource) &&
  event.responseStatus?.code >= 200 &&
  event.responseStatus.code < 300 &&
  !isDryRun(event);

// Everybody's writes count for what the generation was before; only the user's are printed.
const events = readFileSync(file, "utf8")
  .split("\n")
  .flatMap((line) => {
    if (!line.includes('"deployments"')) return [];
    try {
      return [JSON.parse(line)];
    } catch {
      return []; // the line that is being written now
    }
  })
  .filter(isWrite);

// Lines may come out of order. What happened to one object is ordered by its resource version.
const version = (event) => BigInt(event.responseObject?.metadata?.resourceVersion ?? 0);
const objects = new Map();
const deletes = [];
for (const event of events) {
  const uid = event.responseObject?.metadata?.uid;
  if (event.verb.startsWith("delete")) deletes.push(event);
  else if (uid) objects.set(uid, [...(objects.get(uid) ?? []), event]);
}

// Deployments, unlike most kinds, get a new generation for a change of annotations too; `changed` tells which it was.
const changes = (before, after) => {
  const keys = new Set([...Object.keys(before.spec), ...Object.keys(after.spec)]);
  const differs = (a, b) => !isDeepStrictEqual(a, b);
  const annotations = ({ metadata }) => ({ ...metadata.annotations, "deployment.kubernetes.io/revision": "" });
  return [
    ...[...keys].filter((key) => differs(before.spec[key], after.spec[key])),
    ...(differs(annotations(before), annotations(after)) ? ["annotations"] : []),
  ];
};

const describe = (event, { metadata = {}, spec }, rest) => ({
  time: event.requestReceivedTimestamp,
  user: event.user.username,
  verb: event.verb,
  subresource: event.objectRef.subresource,
  namespace: event.objectRef.namespace,
  name: metadata.name ?? event.objectRef.name,
  uid: metadata.uid ?? event.objectRef.uid,
  ...rest,
  resourceVersion: metadata.resourceVersion,
  replicas: spec?.replicas,
  images: spec?.template?.spec.containers.map(({ name, image }) => `${name}=${image}`),
  change: metadata.annotations?.["portal/change"],
  fence: metadata.annotations?.["portal/fence"],
  cause: metadata.annotations?.["kubernetes.io/change-cause"],
  code: event.responseStatus.code,
  auditID: event.auditID,
});

const writes = deletes.filter((event) => event.user.username === user).map((event) => describe(event, {}, {}));

for (const [uid, history] of objects) {
  history.sort((a, b) => (version(a) < version(b) ? -1 : version(a) > version(b) ? 1 : 0));
  let known = null;
  for (const event of history) {
    const before = known;
    const { metadata, spec } = event.responseObject;
    if (event.objectRef.subresource === "scale") {
      // A Scale is a part of the object without the generation: another number of replicas is another generation.
      const replicas = spec.replicas ?? 0;
      const generation = (before?.metadata.generation ?? 0) + (replicas === before?.spec.replicas ? 0 : 1);
      const { resourceVersion } = metadata;
      known = {
        metadata: { ...(before?.metadata ?? metadata), resourceVersion, generation },
        spec: { ...before?.spec, replicas },
      };
    } else known = event.responseObject;

    const [was, generation] = [before?.metadata.generation, known.metadata.generation];
    if (was !== undefined && generation > was + 1) {
      console.error(
        `generation of ${metadata.namespace}/${metadata.name} (${uid}) went from ${was} to ${generation}: ` +
          "a write in between was not logged as answered with 2xx",
      );
    }
    if (generation !== was && event.user.username === user) {
      const changed = before ? changes(before, known) : undefined;
      writes.push(describe(event, known, { before: was, generation, changed }));
    }
  }
}

writes
  .filter((write) => !only || `${write.namespace}/${write.name}` === only)
  .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
  .forEach((write) => console.log(JSON.stringify(write)));
